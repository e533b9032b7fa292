"""Worker: whole pictures by ONNX Runtime in Python, on the ordinary export: `encoder_hidden_states` goes into the U-Net,
and every step computes K and V of every layer anew.

The U-Net runs both branches of the guidance as one batch of two, as diffusers does.
"""
import json
import time
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from diffusers import AutoencoderKL, DDIMScheduler
from transformers import CLIPTokenizer

from serve import serve, timed
from workload import parser


class Graph:
    """One session, and the time spent in it."""

    def __init__(self, path, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.seconds = 0.0

    def __call__(self, **inputs):
        start = time.perf_counter()
        result = self.session.run(None, inputs)[0]
        self.seconds += time.perf_counter() - start
        return result


def main():
    parse = parser(__doc__)
    parse.add_argument("--onnx", type=Path, required=True, help="the export of DIR")
    args = parse.parse_args()
    torch.set_num_threads(args.threads)
    tokenizer = CLIPTokenizer.from_pretrained(args.model / "tokenizer", local_files_only=True)
    scheduler = DDIMScheduler.from_pretrained(args.model / "scheduler", local_files_only=True)
    unet_config = config_of(args.model / "unet")
    # From the class, not the file: what the file leaves out has a default there.
    scaling = AutoencoderKL.from_config(AutoencoderKL.load_config(args.model / "vae")).config.scaling_factor
    text, unet, decoder = (Graph(args.onnx / f"{name}.onnx", args.threads)
                           for name in ("text_encoder", "unet", "vae_decoder"))
    side = unet_config["sample_size"]
    shape = (1, unet_config["in_channels"], side, side)

    def draw():
        for graph in (text, unet, decoder):
            graph.seconds = 0.0
        ids = tokenizer(["", args.prompt], padding="max_length", truncation=True,
                        max_length=tokenizer.model_max_length, return_tensors="np").input_ids.astype(np.int64)
        embedding = text(input_ids=ids)
        scheduler.set_timesteps(args.steps)
        latent = torch.randn(shape, generator=torch.Generator().manual_seed(args.seed)) * scheduler.init_noise_sigma
        for step in scheduler.timesteps:
            both = scheduler.scale_model_input(torch.cat([latent, latent]), step).numpy()
            time_of_both = np.full(2, float(step), np.float32)
            noise = torch.from_numpy(unet(sample=both, timestep=time_of_both, encoder_hidden_states=embedding))
            without, with_prompt = noise.chunk(2)
            latent = scheduler.step(without + args.guidance * (with_prompt - without), step, latent).prev_sample
        image = decoder(latent=(latent / scaling).numpy())[0].transpose(1, 2, 0)
        picture = ((image / 2 + 0.5).clip(0, 1) * 255).round().astype(np.uint8)
        return picture, {"ort_seconds": text.seconds + unet.seconds + decoder.seconds}

    serve(picture=timed(draw))


def config_of(folder):
    """A model's configuration file."""
    return json.loads((folder / "config.json").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
