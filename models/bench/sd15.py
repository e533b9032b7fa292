"""Makes a pipeline folder of Stable Diffusion 1.5's sizes with random weights; called by `bench.py --size sd15`.

    python sd15.py OUT_DIR TOKENIZER_DIR

The U-Net and the text encoder have the sizes of the published model, 860 and 86 million weights, drawn from a fixed seed and
rounded to float16. The VAE is a small one of the same scale: nobody times it. The tokenizer is the one that is given: what
a prompt's words are called does not change how long it takes. It draws noise; it is good for timing and nothing else.
"""
import shutil
import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from transformers import AutoTokenizer, CLIPTextConfig, CLIPTextModel

WIDTH = 768
TOKENS = 77
# What is not named here is diffusers' default, which is Stable Diffusion 1's.
UNET = dict(sample_size=64, cross_attention_dim=WIDTH, attention_head_dim=8)
TEXT = dict(hidden_size=WIDTH, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
            max_position_embeddings=TOKENS, projection_dim=WIDTH)
VAE = dict(latent_channels=4, sample_size=512, block_out_channels=(32,) * 4, down_block_types=("DownEncoderBlock2D",) * 4,
           up_block_types=("UpDecoderBlock2D",) * 4, scaling_factor=0.18215)
SCHEDULER = dict(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, steps_offset=1, set_alpha_to_one=False,
                 clip_sample=False)


def main():
    out, tokenizer_folder = map(Path, sys.argv[1:])
    shutil.copytree(tokenizer_folder, out / "tokenizer", dirs_exist_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder, local_files_only=True)
    tokenizer.model_max_length = TOKENS
    tokenizer.save_pretrained(out / "tokenizer")
    special = dict(bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
                   pad_token_id=tokenizer.pad_token_id)
    # Each from a seed of its own: the sizes of one do not change the weights of the next.
    for part, make in (
        ("unet", lambda: UNet2DConditionModel(**UNET)),
        ("text_encoder", lambda: CLIPTextModel(CLIPTextConfig(vocab_size=len(tokenizer), **special, **TEXT))),
        ("vae", lambda: AutoencoderKL(**VAE)),
    ):
        torch.manual_seed(0)
        make().half().save_pretrained(out / part)
    DDIMScheduler(**SCHEDULER).save_pretrained(out / "scheduler")


if __name__ == "__main__":
    main()
