"""Worker: whole pictures by diffusers in PyTorch, on the CPU in float32, as its documentation shows."""
import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline

from serve import serve, timed
from workload import parser


def main():
    args = parser(__doc__).parse_args()
    torch.set_num_threads(args.threads)
    pipe = StableDiffusionPipeline.from_pretrained(
        args.model, dtype=torch.float32, safety_checker=None, local_files_only=True)
    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)
    pipe.set_progress_bar_config(disable=True)

    def draw():
        image = pipe(args.prompt, num_inference_steps=args.steps, guidance_scale=args.guidance, output_type="np",
                     generator=torch.Generator().manual_seed(args.seed)).images[0]
        return (image * 255).round().astype("uint8"), {}

    serve(picture=timed(draw))


if __name__ == "__main__":
    main()
