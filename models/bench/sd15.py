"""Makes a pipeline folder of Stable Diffusion 1.5's sizes with random weights; called by `bench.py --size sd15`.

    python sd15.py OUT_DIR TOKENIZER_DIR

U-Net, text encoder and VAE have the sizes of the published model (860, 123 and 84 million weights), drawn from a fixed seed and
rounded to float16. The norms' scales and shifts are random too, so that no exporter finds a one or a zero to leave out.
The tokenizer is the one that is given, filled up to 49,408 tokens with words that nobody writes: tables, ids and memory are
as large as the published model's. It draws noise; it is good for timing and weighing and nothing else.
"""
import json
import random
import shutil
import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel, __version__
from transformers import CLIPTextConfig, CLIPTextModel

WIDTH = 768
TOKENS = 77
VOCABULARY = 49408
# The published model's last two tokens.
BOS, EOS = "<|startoftext|>", "<|endoftext|>"
# What is not named here is diffusers' default, which is Stable Diffusion 1's.
UNET = dict(sample_size=64, cross_attention_dim=WIDTH, attention_head_dim=8)
TEXT = dict(hidden_size=WIDTH, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, vocab_size=VOCABULARY,
            max_position_embeddings=TOKENS, projection_dim=WIDTH, bos_token_id=VOCABULARY - 2, eos_token_id=VOCABULARY - 1,
            pad_token_id=VOCABULARY - 1)
VAE = dict(latent_channels=4, sample_size=512, block_out_channels=(128, 256, 512, 512), layers_per_block=2,
           down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, scaling_factor=0.18215)
SCHEDULER = dict(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, steps_offset=1, set_alpha_to_one=False,
                 clip_sample=False)
PIPELINE = dict(scheduler=["diffusers", "DDIMScheduler"], text_encoder=["transformers", "CLIPTextModel"],
                tokenizer=["transformers", "CLIPTokenizer"], unet=["diffusers", "UNet2DConditionModel"],
                vae=["diffusers", "AutoencoderKL"], safety_checker=[None, None], feature_extractor=[None, None],
                image_encoder=[None, None], requires_safety_checker=False)


def filled_up(model):
    """A BPE model's vocabulary and merges with more of them, up to `VOCABULARY` tokens with the special ones."""
    vocabulary = {token: id for token, id in model["vocab"].items() if token not in (BOS, EOS)}
    assert sorted(vocabulary.values()) == list(range(len(vocabulary)))
    merges = [list(merge.split(" ") if isinstance(merge, str) else merge) for merge in model["merges"]]
    # Later merges never take apart what earlier ones join, so the tokenizer's own words stay as they are.
    firsts, seconds = [token for token in vocabulary if not token.endswith("</w>")], list(vocabulary)
    draw = random.Random(0)
    while len(vocabulary) < VOCABULARY - 2:
        first, second = draw.choice(firsts), draw.choice(seconds)
        if first + second not in vocabulary:
            vocabulary[first + second] = len(vocabulary)
            merges.append([first, second])
    return vocabulary | {BOS: VOCABULARY - 2, EOS: VOCABULARY - 1}, merges


def write_tokenizer(source, out):
    """The three files of a CLIP tokenizer."""
    out.mkdir(parents=True)
    tokenizer = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary, merges = filled_up(tokenizer["model"])
    tokenizer["model"] |= dict(vocab=vocabulary, merges=merges)
    ids = {token: vocabulary[token] for token in (BOS, EOS)}
    tokenizer["added_tokens"] = [token | dict(id=ids[token["content"]]) for token in tokenizer["added_tokens"]
                                 if token["content"] in ids]
    tokenizer["post_processor"] |= dict(sep=[EOS, ids[EOS]], cls=[BOS, ids[BOS]])
    settings = json.loads((source / "tokenizer_config.json").read_text(encoding="utf-8")) | dict(model_max_length=TOKENS)
    for name, content in (("tokenizer.json", tokenizer), ("vocab.json", vocabulary), ("tokenizer_config.json", settings)):
        (out / name).write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(merge) for merge in merges)]
    (out / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


@torch.no_grad()
def spread_norms(model):
    """Scales around one and shifts around zero, as training leaves them."""
    for module in model.modules():
        if isinstance(module, (torch.nn.GroupNorm, torch.nn.LayerNorm)):
            module.weight.normal_(1.0, 0.1)
            module.bias.normal_(0.0, 0.1)
    return model


def main():
    out, tokenizer = map(Path, sys.argv[1:])
    shutil.rmtree(out, ignore_errors=True)
    write_tokenizer(tokenizer, out / "tokenizer")
    # Each from a seed of its own: the sizes of one do not change the weights of the next.
    for part, make in (
        ("unet", lambda: UNet2DConditionModel(**UNET)),
        ("text_encoder", lambda: CLIPTextModel(CLIPTextConfig(**TEXT))),
        ("vae", lambda: AutoencoderKL(**VAE)),
    ):
        torch.manual_seed(0)
        spread_norms(make()).half().save_pretrained(out / part)
    DDIMScheduler(**SCHEDULER).save_pretrained(out / "scheduler")
    index = dict(_class_name="StableDiffusionPipeline", _diffusers_version=__version__, **PIPELINE)
    (out / "model_index.json").write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
