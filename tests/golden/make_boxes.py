"""Golden pictures of diffusers' StableDiffusionPipeline with words drawn in boxes, on the CPU in float32.

    python make_boxes.py [--pipeline DIR]  # writes boxes/boxes.json and a contact sheet

What boxes add to the scores of cross-attention goes into PyTorch's `scaled_dot_product_attention` as its `attn_mask`, for the prompt's
branch alone: inside of its box a word has 6 more, outside it is not seen. The last case has no box.
"""

import json

import numpy
import torch
import torch.nn.functional as F
from PIL import Image

from make_pictures import GUIDANCE, PROMPTS, SCHEDULERS, draw
from toybox import HERE, fingerprint, load_pipeline, pipeline_folder

OUT = HERE / "boxes"
INSIDE, OUTSIDE = 3.0, -1e4
# (scheduler, prompt, {words: boxes}); words are one token each, or several.
CASES = [
    ("ddim", "a dog and an apple on grass", {"dog": [[0.5, 0.0, 1.0, 1.0]], "apple": [[0.0, 0.25, 0.5, 0.875]]}),
    ("euler", "a car in the snow", {"a car": [[0.0, 0.5, 0.4, 1.0]]}),
    ("dpm++2m", "a cat and a frog and an owl at night", {"cat": [[0.55, 0.5, 1.0, 1.0]], "owl": [[0.0, 0.0, 0.3, 0.3], [0.7, 0.0, 1.0, 0.3]]}),
    ("ddim", "a dog and an apple on grass", {}),
]


class Boxed:
    """diffusers' attention with a mask that is added in cross-attention; it depends on how many places look."""

    def __init__(self, bias):
        self.bias = bias

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, **_):
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        split = lambda x: x.unflatten(-1, (attn.heads, -1)).transpose(1, 2)
        query, key, value = split(attn.to_q(hidden_states)), split(attn.to_k(context)), split(attn.to_v(context))
        mask = None if encoder_hidden_states is None else self.bias(hidden_states.shape[1], context.shape[1])
        out = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return attn.to_out[1](attn.to_out[0](out.transpose(1, 2).flatten(2)))


def tokens_of(tokenizer, prompt, words):
    """Where in the prompt's tokens the words' own stand."""
    ids = tokenizer(prompt).input_ids
    own = tokenizer(words, add_special_tokens=False).input_ids
    return [i + k for i in range(len(ids)) if ids[i:i + len(own)] == own for k in range(len(own))]


def bias(tokenizer, prompt, boxes):
    found = [(tokens_of(tokenizer, prompt, words), sides) for words, all_sides in boxes.items() for sides in all_sides]
    assert all(tokens for tokens, _ in found)

    def of(places, tokens):
        side = int(places**0.5)
        middle = (numpy.arange(side) + 0.5) / side
        out = torch.zeros(2, 1, side, side, tokens)
        for own, _ in found:
            out[1, ..., own] = OUTSIDE
        for own, (left, top, right, bottom) in found:
            rows = numpy.flatnonzero((middle >= top) & (middle < bottom))
            columns = numpy.flatnonzero((middle >= left) & (middle < right))
            for row in rows:
                for column in columns:
                    out[1, 0, row, column, own] = INSIDE
        return out.flatten(2, 3)

    return of


def main() -> None:
    OUT.mkdir(exist_ok=True)
    pipeline = load_pipeline(pipeline_folder(__doc__))
    base, before = pipeline.scheduler.config, pipeline.unet.attn_processors
    drawn, cases = [], []
    for number, (kind, prompt, boxes) in enumerate(CASES):
        pipeline.unet.set_attn_processor(Boxed(bias(pipeline.tokenizer, prompt, boxes)) if boxes else before)
        case = {**PROMPTS[0], "prompt": prompt, "seed": number}
        drawn.append(draw(pipeline, base, kind, case))
        flat = [{"words": words, "sides": sides} for words, all_sides in boxes.items() for sides in all_sides]
        cases.append({**case, "scheduler": kind, "steps": SCHEDULERS[kind][2], "boxes": flat})
    width, height = drawn[0].size
    sheet = Image.new("RGB", (width * len(drawn), height))
    for x, picture in enumerate(drawn):
        sheet.paste(picture, (x * width, 0))
    sheet.save(OUT / "boxes.png", optimize=True)
    parameters = {"fingerprint": fingerprint(pipeline.unet), "guidance": GUIDANCE, "cases": cases}
    (OUT / "boxes.json").write_text(json.dumps(parameters, indent=1) + "\n")


if __name__ == "__main__":
    with torch.no_grad():
        main()
