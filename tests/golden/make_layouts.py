"""Golden tokens of transformers' CLIPTokenizer for the ways in which folders hold a tokenizer: what an import must make of
each. The vocabulary is Toybox's in all of them.

    python make_layouts.py [--pipeline DIR]     # writes tokens/layouts.json; needs only the pipeline's tokenizer

For each layout: its files besides the vocabulary, where the vocabulary is (`whole`: in `tokenizer.json`, with
`added_tokens` in the place of its own; else in `vocab.json` and `merges.txt`), the numbers of the tokens before, behind and
after a prompt, and `ids` of every prompt, without what stands before and behind it.
"""

import json
import pathlib
import shutil
import tempfile

from transformers import CLIPTokenizer

from toybox import HERE, pipeline_folder

START, END = "<|startoftext|>", "<|endoftext|>"
LENGTH = 32
PROMPTS = [
    "a dog on grass", "a cat in the snow", "a robot and an apple at night", "an owl in the forest", "!", "!!", "!!!",
    "a dog!", "a dog!!!", "a dog !", "! a dog", "a!dog", "a dog! on grass!", "wow!!! a dog, a cat!", "!?", "?!", "¡a dog!",
    "no!way", "dog!cat!owl!", " ! ", "a dog on grass!!", "!a", "a dog\t!\n", "<|endoftext|>", "<|startoftext|>",
    "a dog <|endoftext|> a cat", "a <|STARTOFTEXT|> dog", "<|ENDOFTEXT|>!", "<|endoftext|><|endoftext|>", "<v1> dog",
    "a <v1> dog on grass", "a<v1>dog", "<V1> dog", "<v1><v2>", "< v1 >", "<v2> cat and <v1> dog!", "<s1>", "a <s1> dog",
    "a<s1>!", "<pad>", "a <pad> dog", "a dog  <pad>", "A DOG ON GRASS", "it's a dog", "3 dogs", "dog, cat; owl: car.",
    "ein Hund im Schnee, groß", "草の上の犬", "🐶 on grass", "é!", "", "   ",
]  # fmt: skip


def token(content: str, **flags) -> dict:
    return dict(content=content, lstrip=False, normalized=True, rstrip=False, single_word=False) | flags


def typed(content: str) -> dict:
    return dict(__type="AddedToken", **token(content))


def config(**more) -> dict:
    """`tokenizer_config.json` as Stable Diffusion 1.5 and 2.1 have it."""
    return dict(
        add_prefix_space=False, bos_token=typed(START), do_lower_case=True, eos_token=typed(END), errors="replace",
        model_max_length=LENGTH, name_or_path="openai/clip", pad_token=END,
        special_tokens_map_file="./special_tokens_map.json", tokenizer_class="CLIPTokenizer", unk_token=typed(END),
    ) | more  # fmt: skip


def special_map(**more) -> dict:
    return dict(bos_token=token(START), eos_token=token(END), pad_token=END, unk_token=token(END)) | more


def layouts(start: int, end: int) -> dict:
    """Files by layout; `start` and `end` are the numbers of these two tokens."""
    special = dict(normalized=False, special=True)
    decoder = {"0": token("!", **special), str(start): token(START, **special), str(end): token(END, **special)}
    plain = dict(bos_token=START, eos_token=END, unk_token=END, model_max_length=LENGTH, tokenizer_class="CLIPTokenizer")
    ends = [dict(id=number, **token(content, **special)) for number, content in [(start, START), (end, END)]]
    word = dict(id=end + 1, **token("<v1>", special=False))
    config_file, map_file, whole = "tokenizer_config.json", "special_tokens_map.json", "added_tokens"
    return {
        "sd1": {config_file: config(), map_file: special_map()},
        "sd2": {config_file: config(), map_file: special_map(pad_token="!")},
        "sd2 as saved since": {
            config_file: plain | dict(pad_token="!", added_tokens_decoder=decoder),
            map_file: special_map(pad_token="!"),
        },
        "sd2 whole": {config_file: config(), map_file: special_map(pad_token="!"), whole: ends},
        "toybox": {config_file: plain | dict(pad_token=END), whole: None},
        "nothing but the vocabulary": {},
        "whole without anything": {whole: ends},
        "a learned word": {config_file: config(), map_file: special_map(), "added_tokens.json": {"<v1>": end + 1}},
        "a learned word that is special": {
            config_file: config(),
            map_file: special_map(additional_special_tokens=["<s1>"]),
            "added_tokens.json": {"<s1>": end + 1, "<v1>": end + 2},
        },
        "the decoder wins": {
            config_file: plain | dict(pad_token=END, added_tokens_decoder=decoder),
            map_file: special_map(pad_token="!"),
            "added_tokens.json": {"<v1>": end + 1},
            whole: ends + [word],
        },
        "a gap in the numbers": {
            config_file: plain | dict(added_tokens_decoder=decoder | {"999": token("<v1>", special=False)}),
        },
        "a pad token of its own": {config_file: config(pad_token="<pad>"), map_file: special_map(pad_token="<pad>")},
        "flags of the pad token": {
            config_file: config(),
            map_file: special_map(pad_token=token("!", lstrip=True, rstrip=True, normalized=False)),
        },
        "only in the configuration": {config_file: config(pad_token="!")},
        "whole with a learned word": {config_file: plain, whole: ends + [word]},
        "extra tokens": {config_file: plain | dict(extra_special_tokens=["<s1>"], pad_token="!")},
        "a named extra token": {config_file: plain | dict(style_token="<s1>")},
    }


def case(name: str, files: dict, source: pathlib.Path) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        target = pathlib.Path(folder)
        files = dict(files)
        is_whole, added = "added_tokens" in files, files.pop("added_tokens", None)
        if is_whole:
            tokenizer = json.loads((source / "tokenizer.json").read_text())
            if added is not None:
                tokenizer["added_tokens"] = added
            (target / "tokenizer.json").write_text(json.dumps(tokenizer))
        else:
            for part in ["vocab.json", "merges.txt"]:
                shutil.copy(source / part, target / part)
        for file, content in files.items():
            (target / file).write_text(json.dumps(content))
        tokenizer = CLIPTokenizer.from_pretrained(target)
        # A limit is passed so that nothing warns; it is never reached.
        ids = [tokenizer(text, add_special_tokens=False, truncation=True, max_length=10**6).input_ids for text in PROMPTS]
        padded = tokenizer("a dog", padding="max_length", truncation=True, max_length=LENGTH).input_ids
    pad = tokenizer.pad_token_id
    assert padded[0] == tokenizer.bos_token_id and padded[3:] == [tokenizer.eos_token_id] + [pad] * (LENGTH - 4)
    ends = [tokenizer.bos_token_id, tokenizer.eos_token_id, pad]
    return {"name": name, "files": files, "whole": is_whole, "added_tokens": added, "ends": ends, "ids": ids}


def main() -> None:
    source = pipeline_folder(__doc__) / "tokenizer"
    vocabulary = json.loads((source / "vocab.json").read_text())
    cases = [case(name, files, source) for name, files in layouts(vocabulary[START], vocabulary[END]).items()]
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    prompts = json.dumps(PROMPTS)
    (HERE / "tokens" / "layouts.json").write_text(f'{{"prompts": {prompts},\n"layouts": [\n{lines}\n]}}\n')
    print(f"layouts.json: {len(cases)} layouts, {len(PROMPTS)} prompts each")


if __name__ == "__main__":
    main()
