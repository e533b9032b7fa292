"""One picture by stable-diffusion.cpp through its Python package, flash attention on. See `once.py`.

Stages are timed by what the library logs when it has done one.
"""
import ctypes
import re
import sys

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

    said = []

    # The library has one listener, and the package has set its own.
    @stable_diffusion_cpp.sd_log_callback
    def listen(_level, text, _data):
        line = text.decode("utf-8", errors="replace")
        said.append(line)
        for sign, stage in DONE.items():
            if sign in line:
                stages.seconds[stage] += float(re.search(r"taking ([0-9.]+)s", line).group(1))

    stable_diffusion_cpp.sd_set_log_callback(listen, ctypes.c_void_p(0))
    engine = stages.timed("loading", lambda: StableDiffusion(
        model_path=str(args.model), vae_decode_only=True, n_threads=args.threads, wtype=args.type, rng_type="cpu",
        diffusion_flash_attn=True, flash_attn=True, verbose=False))
    pictures = engine.generate_image(args.prompt, width=args.pixels, height=args.pixels, cfg_scale=args.guidance,
                                     sample_method="ddim_trailing", sample_steps=args.steps, seed=args.seed)
    check(pictures[0], args.pixels, said, stages.seconds)
    stages.tell(args.steps)


def check(picture, pixels, said, seconds):
    """Was it drawn at all, and as it was asked for? Values that are no numbers would give a picture of one colour."""
    wrong = []
    if picture.size != (pixels, pixels):
        wrong.append(f"the picture has {picture.size} pixels")
    if all(low == high for low, high in picture.convert("RGB").getextrema()):
        wrong.append("the picture is of one colour")
    if not any("flash attention" in line for line in said):
        wrong.append("it does not say that it uses flash attention")
    wrong.extend(f"it does not say how long {stage} took" for stage, time in seconds.items() if not time)
    if wrong:
        sys.exit("stable-diffusion.cpp: " + "; ".join(wrong) + "; it said:\n" + "".join(said[-60:]))


if __name__ == "__main__":
    main()
