"""One picture by stable-diffusion.cpp through its Python package, flash attention on. See `once.py`.

Stages are timed by what the library logs when it has done one.
"""
import ctypes
import re

from once import Stages, parser

# Lines of the library's log, and the stage that each ends.
DONE = {"get_learned_condition completed": "text", "sampling completed": "unet", "decode_first_stage completed": "decoding"}


def main():
    parse = parser(__doc__)
    parse.add_argument("--type", choices=["f16", "q8_0", "q4_0"], required=True, help="of the weights, as ggml calls it")
    args = parse.parse_args()
    stages = Stages()
    import stable_diffusion_cpp
    from stable_diffusion_cpp import StableDiffusion

    engine = stages.timed("loading", lambda: StableDiffusion(
        model_path=str(args.model), vae_decode_only=True, n_threads=args.threads, wtype=args.type, rng_type="cpu",
        diffusion_flash_attn=True, flash_attn=True, verbose=False))

    @stable_diffusion_cpp.sd_log_callback
    def listen(_level, text, _data):
        line = text.decode("utf-8", errors="replace")
        for sign, stage in DONE.items():
            if sign in line:
                stages.seconds[stage] += float(re.search(r"taking ([0-9.]+)s", line).group(1))

    stable_diffusion_cpp.sd_set_log_callback(listen, ctypes.c_void_p(0))
    engine.generate_image(args.prompt, width=args.pixels, height=args.pixels, cfg_scale=args.guidance,
                          sample_method="ddim_trailing", sample_steps=args.steps, seed=args.seed)
    stages.tell(args.steps)


if __name__ == "__main__":
    main()
