"""One picture by ONNX Runtime in Python on the unsplit export, as its documentation shows. See `once.py`."""
from pathlib import Path

from once import Stages, parser


def main():
    parse = parser(__doc__)
    parse.add_argument("--onnx", type=Path, required=True, help="the export of DIR")
    args = parse.parse_args()
    stages = Stages()
    # Their own time is not ours to count: everybody loads a runtime.
    import numpy as np
    import onnxruntime
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler
    from transformers import CLIPTokenizer

    torch.set_num_threads(args.threads)

    def load(name):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = args.threads, 1
        return onnxruntime.InferenceSession(str(args.onnx / f"{name}.onnx"), options, providers=["CPUExecutionProvider"])

    tokenizer = CLIPTokenizer.from_pretrained(args.model / "tokenizer", local_files_only=True)
    scheduler = DDIMScheduler.from_pretrained(args.model / "scheduler", local_files_only=True)
    scaling = AutoencoderKL.load_config(args.model / "vae")["scaling_factor"]
    text, unet, decoder = (stages.timed("loading", lambda name=name: load(name))
                           for name in ("text_encoder", "unet", "vae_decoder"))
    ids = tokenizer(["", args.prompt], padding="max_length", truncation=True, max_length=tokenizer.model_max_length,
                    return_tensors="np").input_ids.astype(np.int64)
    embedding = stages.timed("text", lambda: text.run(None, dict(input_ids=ids))[0])
    scheduler.set_timesteps(args.steps)
    side = args.pixels // 8
    latent = torch.randn((1, 4, side, side), generator=torch.Generator().manual_seed(args.seed))
    for step in scheduler.timesteps:
        both = torch.cat([latent, latent]).numpy()
        inputs = dict(sample=both, timestep=np.full(2, float(step), np.float32), encoder_hidden_states=embedding)
        noise = torch.from_numpy(stages.timed("unet", lambda: unet.run(None, inputs)[0]))
        without, with_prompt = noise.chunk(2)
        latent = scheduler.step(without + args.guidance * (with_prompt - without), step, latent).prev_sample
    stages.timed("decoding", lambda: decoder.run(None, dict(latent=(latent / scaling).numpy())))
    stages.tell(args.steps)


if __name__ == "__main__":
    main()
