"""Makes a pipeline folder with Stable Diffusion 1.5's U-Net, of random weights, for `cargo xtask bench gradient --size narrow`.

    python random_sd.py OUT [--width 320]

The weights are random, so what it draws is noise; shapes and times are the real ones. Text encoder and VAE are as small as
they can be: the bench does not run them. `--width` is that of the first level, 320 in Stable Diffusion; the others follow.
"""
import argparse
import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

TEXT_WIDTH, TOKENS = 768, 77
SPECIAL = ["<|startoftext|>", "<|endoftext|>"]


def unet(width):
    """diffusers' defaults are Stable Diffusion 1's; only the widths are said."""
    torch.manual_seed(0)
    return UNet2DConditionModel(sample_size=64, cross_attention_dim=TEXT_WIDTH, attention_head_dim=8,
                                block_out_channels=(width, 2 * width, 4 * width, 4 * width))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--width", type=int, default=320)
    args = parser.parse_args()
    out = args.out
    # Rounded to float16, as published models are, so that the bundle can be stored so.
    unet(args.width).half().save_pretrained(out / "unet")
    AutoencoderKL(block_out_channels=(4,) * 4, down_block_types=("DownEncoderBlock2D",) * 4, norm_num_groups=2,
                  up_block_types=("UpDecoderBlock2D",) * 4, latent_channels=4, sample_size=512).half().save_pretrained(out / "vae")
    CLIPTextModel(CLIPTextConfig(vocab_size=len(SPECIAL), hidden_size=TEXT_WIDTH, intermediate_size=64, num_hidden_layers=1,
                                 projection_dim=TEXT_WIDTH, bos_token_id=0, eos_token_id=1, pad_token_id=1,
                                 max_position_embeddings=TOKENS)).half().save_pretrained(out / "text_encoder")
    DDIMScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, steps_offset=1,
                  set_alpha_to_one=False, clip_sample=False).save_pretrained(out / "scheduler")
    tokenizer = out / "tokenizer"
    tokenizer.mkdir(exist_ok=True)
    added = [dict(id=n, content=word, special=True, single_word=False, lstrip=False, rstrip=False, normalized=False)
             for n, word in enumerate(SPECIAL)]
    model = dict(type="BPE", vocab={word: n for n, word in enumerate(SPECIAL)}, merges=[], end_of_word_suffix="</w>",
                 unk_token=SPECIAL[1])
    (tokenizer / "tokenizer.json").write_text(json.dumps(dict(version="1.0", added_tokens=added, model=model)))
    (tokenizer / "tokenizer_config.json").write_text(json.dumps(dict(
        bos_token=SPECIAL[0], eos_token=dict(content=SPECIAL[1]), pad_token=SPECIAL[1], model_max_length=TOKENS)))


if __name__ == "__main__":
    main()
