"""Words drawn in boxes, in diffusers: what the engine adds to cross-attention's scores, as a processor of attention."""
from functools import cache

import numpy
import torch
import torch.nn.functional as F

OUTSIDE = -1e4


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


def bias(tokenizer, prompts, boxes):
    """Of (places, tokens), what is added to the scores: [2 * prompts, 1, places, tokens], the negative prompts first, which have no boxes.

    `boxes` are {words: [(left, top, right, bottom), …]} of each prompt, in shares of the picture: outside of its boxes a word is not seen."""
    found = [[(tokens_of(tokenizer, prompt, words), sides) for words, all_sides in own.items() for sides in all_sides] for prompt, own in zip(prompts, boxes)]
    assert all(tokens for own in found for tokens, _ in own), "the words of each box stand in its prompt"

    # The same in every step, and in every layer that sees the picture as small.
    @cache
    def of(places, tokens):
        side = int(places**0.5)
        middle = (numpy.arange(side) + 0.5) / side
        out = torch.zeros(2, len(prompts), 1, side, side, tokens)
        for number, own in enumerate(found):
            for at, _ in own:
                out[1, number, ..., at] = OUTSIDE
            for at, (left, top, right, bottom) in own:
                rows = numpy.flatnonzero((middle >= top) & (middle < bottom))
                columns = numpy.flatnonzero((middle >= left) & (middle < right))
                for row in rows:
                    for column in columns:
                        out[1, number, 0, row, column, at] = 0
        return out.flatten(0, 1).flatten(2, 3)

    return of
