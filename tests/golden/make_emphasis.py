"""Golden vectors of prompt weights: AUTOMATIC1111's own grammar and arithmetic, as its fork Forge carries them.

    python make_emphasis.py [--pipeline DIR] [--webui DIR]    # writes emphasis/parsed.json, emphasis/embedded.{json,safetensors}

The web UI's code is under AGPL-3.0, so it is fetched and run, and no line of it is kept here. `--webui` names a checkout.
"""

import argparse
import hashlib
import importlib
import json
import pathlib
import random
import sys
import tempfile
import types
import urllib.request

import torch
from safetensors.torch import save_file

from toybox import HERE, fingerprint, load_pipeline, own_pipeline

COMMIT = "dfdcbab685e57677014f05a3309b48cc87383167"
SOURCE = f"https://raw.githubusercontent.com/lllyasviel/stable-diffusion-webui-forge/{COMMIT}"
FILES = {
    "modules/prompt_parser.py": "912bcf891e3af93faa78138d9dea165510f48664e65a89a32241aa2c2c917848",
    "backend/text_processing/classic_engine.py": "aba9223b0048cd8361e2e6eafa3fb29b89fdd0c4e398853442061447d75aecff",
    "backend/text_processing/emphasis.py": "f80e8e80b117babc363e6aa2df29fd3bc0bdf091022d129c59f026c967819f16",
    "backend/text_processing/parsing.py": "0a83f6a83b62e6476888309fc67611b2e58a76aff55cec07b4e7a4f055aca524",
    "backend/text_processing/textual_inversion.py": "8ad83b747d3dbec8c62453bab9c92800fd69340fe22fea05abae2a724b1d6771",
}

# The examples of the web UI's own documentation first.
WRITTEN = [
    "normal text",
    "an (important) word",
    "(unbalanced",
    r"\(literal\]",
    "(unnecessary)(parens)",
    "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
    "",
    "(word)",
    "[word]",
    "(word:1.3)",
    "(word: 1.3 )",
    "(word:+.5)",
    "(word:-1)",
    "(word:0)",
    "(word:1.2.3)",
    "(word:.)",
    "word:1.3)",
    "[word:1.3)",
    "(word:1.3]",
    ")(",
    "][",
    "(([a)])",
    "[(a:1.5) b] c",
    "a :( b",
    "a :) b",
    "back\\slash",
    "end\\",
    r"\\(a\\)",
    r"\(a:1.3\)",
    r"(a\:1.3)",
    "(a:b:1.5)",
    "dog BREAK cat",
    "dog BREAK",
    "BREAK",
    "BREAK BREAK",
    "BREAKS xBREAK BREAK_ break",
    "a,BREAK,b",
    "(dog) BREAK [cat]",
    "(dog BREAK cat:1.2)",
    "[dog BREAK cat]",
    "(open BREAK cat",
    "(über:1.2) ß\u00a0BREAK\u2003ü",
    "a (<v1>:1.2) dog",
    "a dog AND a cat",
    "ANDROID AND_ BAND",
    "(dog AND cat)",
    "a [dog:cat:0.5]",
    "a [dog:0.5]",
    "a [dog::0.5]",
    "a [dog: 5 ]",
    "a [dog|cat]",
    "[fe|]male",
    "a [dog:cat]",
    "a [[dog]:cat:3]",
    "a [(dog:1.2):3]",
    "a | b (c|d) {e|f}",
    r"a \[dog:0.5\]",
    r"[a\|b]",
    "((a][:b:c [d:3]",
    "a dog:1.3",
    "a dog : 2 ",
    "a clock at 12:30",
    "a clock at 12:30.",
    "a clock at 12:30 at night",
]

# Prompts for chunks and embeddings: on Toybox a chunk has 30 tokens.
EMBEDDED = [
    "a dog and an apple on grass",
    "a (dog) and an [apple:1.4) on grass",
    "(a <v1> dog:1.3) at (night:0.4)",
    "(a dog:-0.5) on the beach",
    r"a dog \(brown\), (((cat:1.2)))",
    "a dog BREAK an (owl:1.3)",
    ", ".join(["a (dog:1.2) and an apple", "a [cat]", "a penguin and a (rocket)", "a guitar"] * 4),
]

# Prompts for chunks alone.
CUT = [
    "",
    "a dog BREAK",
    "BREAK a dog",
    "BREAK BREAK",
    " ".join(["a (dog:1.2) and an apple and a [cat]"] * 20),
    ", ".join(["dog"] * 15) + ", a (red:1.5) mushroom and an octopus in the snow at night on the beach",
    "dog, " + "dog " * 40,
    "dog, " * 40,
    "dog " * 9 + ", " + "dog " * 40,
    "dog " * 10 + ", " + "dog " * 40,
    "dog " * 29 + ", " + "dog " * 40,
    "dog " * 30 + ", " + "dog " * 40,
    "dog " * 30,
    "dog " * 31,
    "dog " * 29 + "<v1> dog on grass",
    "dog " * 30 + "BREAK cat",
]


def webui(folder: pathlib.Path | None) -> None:
    """Makes the web UI's modules importable; what they ask of the rest of it is stood in for."""
    if folder is None:
        folder = pathlib.Path(tempfile.mkdtemp())
        for name in FILES:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            urllib.request.urlretrieve(f"{SOURCE}/{name}", folder / name)
    for name, expected in FILES.items():
        found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if found != expected:
            sys.exit(f"{folder / name} has SHA-256 {found} instead of {expected}")
    sys.path.insert(0, str(folder))
    shared = types.ModuleType("modules.shared")
    shared.opts = types.SimpleNamespace(emphasis="Original")
    memory = types.ModuleType("backend.memory_management")
    memory.text_encoder_device = lambda: torch.device("cpu")
    sys.modules |= {"modules.shared": shared, "backend.memory_management": memory}
    importlib.import_module("backend").memory_management = memory


def random_prompts(count: int) -> list[str]:
    """Strings in which brackets, numbers and words meet in every way."""
    draw = random.Random(7)
    parts = ["(", ")", "[", "]", ":", "\\", "|", " ", "a", "dog", " BREAK ", "BREAK", "AND", ":1.2)", ":0.5]", "1", ".", ",", "ü", "\n"]
    return ["".join(draw.choices(parts, k=draw.randint(1, 14))) for _ in range(count)]


def parsed(prompt: str) -> dict:
    """What the grammar makes of a prompt, and whether the web UI draws that for all steps, as one condition."""
    from modules import prompt_parser

    try:
        parts = prompt_parser.parse_prompt_attention(prompt)
    except ValueError:
        parts = None
    joined = prompt_parser.get_multicond_prompt_list([prompt])[0][0]
    schedule = prompt_parser.get_learned_conditioning_prompt_schedules([prompt], 20)[0]
    plain = len(joined) == 1 and joined[0][1] == 1.0 and schedule == [[20, prompt]]
    return {"text": prompt, "parts": parts, "plain": plain}


class Engine:
    """The web UI's text engine around the pipeline's encoder, in float64: in float32 its own means, which are near 0 and which
    everything is divided by, are off by so much that embeddings differ by 3e-5."""

    def __init__(self, pipeline):
        from backend.text_processing.classic_engine import ClassicTextProcessingEngine

        encoder = pipeline.text_encoder.double()
        # Newer transformers have its parts in it, where the web UI looks below `text_model`.
        transformer = types.SimpleNamespace(text_model=getattr(encoder, "text_model", encoder))
        self.engine = ClassicTextProcessingEngine(
            types.SimpleNamespace(transformer=transformer),
            pipeline.tokenizer,
            chunk_length=pipeline.tokenizer.model_max_length - 2,
            embedding_expected_shape=encoder.config.hidden_size,
        )
        self.engine.encode_with_transformers = lambda tokens: encoder(tokens)[0]

    def chunks(self, prompt: str) -> list[list[int]]:
        return [chunk.tokens for chunk in self.engine.tokenize_line(prompt)[0]]

    def embed(self, prompt: str) -> torch.Tensor:
        return self.engine([prompt])[0]


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pipeline", type=pathlib.Path, help="a diffusers folder; Toybox's own else")
    parser.add_argument("--webui", type=pathlib.Path, help="a checkout of the web UI's fork; fetched else")
    arguments = parser.parse_args()
    webui(arguments.webui)
    target = HERE / "emphasis"
    target.mkdir(exist_ok=True)
    cases = [parsed(prompt) for prompt in WRITTEN + random_prompts(400)]
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    (target / "parsed.json").write_text(f"[\n{lines}\n]\n")
    pipeline = load_pipeline(arguments.pipeline or own_pipeline())
    weights = fingerprint(pipeline.unet)
    engine = Engine(pipeline)
    embedded = [{"text": prompt, "chunks": engine.chunks(prompt)} for prompt in EMBEDDED + CUT]
    lines = ",\n".join(json.dumps(case) for case in embedded)
    (target / "embedded.json").write_text(f'{{"fingerprint": "{weights}", "prompts": [\n{lines}\n]}}\n')
    values = {str(at): engine.embed(prompt).float().contiguous() for at, prompt in enumerate(EMBEDDED)}
    save_file(values, target / "embedded.safetensors")
    print(f"{len(cases)} prompts taken apart, {sum(case['plain'] for case in cases)} of them plain")
    print(f"{len(values)} prompts embedded, up to {max(len(case['chunks']) for case in embedded)} chunks")


if __name__ == "__main__":
    main()
