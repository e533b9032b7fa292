"""One picture by diffusers in PyTorch, attention by SDPA. See `once.py`."""
from once import Stages, parser


def main():
    parse = parser(__doc__)
    parse.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    args = parse.parse_args()
    stages = Stages()
    import torch
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    torch.set_num_threads(args.threads)
    kind = getattr(torch, args.dtype)
    pipe = stages.timed("loading", lambda: StableDiffusionPipeline.from_pretrained(
        args.model, dtype=kind, safety_checker=None, local_files_only=True))
    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)
    pipe.set_progress_bar_config(disable=True)

    def watch(stage, owner, name):
        inner = getattr(owner, name)
        setattr(owner, name, lambda *given, **named: stages.timed(stage, lambda: inner(*given, **named)))

    watch("text", pipe, "encode_prompt")
    watch("unet", pipe.unet, "forward")
    watch("decoding", pipe.vae, "decode")
    pipe(args.prompt, num_inference_steps=args.steps, guidance_scale=args.guidance, output_type="np", width=args.pixels,
         height=args.pixels, generator=torch.Generator().manual_seed(args.seed))
    stages.tell(args.steps)


if __name__ == "__main__":
    main()
