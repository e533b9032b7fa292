"""Golden tokens of transformers' CLIPTokenizer: what `cones_core::text::tokenizer` must equal.

    python make_tokens.py [--pipeline DIR]    # writes tokens/tokens.json; needs only the pipeline's tokenizer

For each prompt: `ids` as the text encoder gets them (padded and truncated), `whole` without start, end and limit, and
what of the text the limit cut off (null where all of it fits).
"""

import json

from transformers import CLIPTokenizer

from toybox import HERE, pipeline_folder

OBJECTS = ["dog", "cat", "penguin", "rocket", "apple", "robot", "owl", "car", "guitar", "mushroom", "octopus", "panda"]
CONTEXTS = [
    "on grass", "in the snow", "at night", "on the beach", "in front of a brick wall", "in the water", "in the desert",
    "at sunset", "on a blue background", "on a yellow background", "in space", "in the forest",
]
TRIGGERS = [
    "<v1>", "a <v1> dog", "a <v2> cat on grass", "<v1> dog and <v2> cat", "a<v1>dog", "<v1><v2><v3><v4>", "< v1 >",
    "<V1> dog", "<v1> <v1> dog", "a <v3>, a <v4>.", "<v1>'s dog", "(<v1> dog)", "<v5> dog", "<v1", "v1>", "<v1>dog",
    "a  <v1>   dog", "dog <v4>", "<v1>é", "\u200b<v1>\u200bdog",
]
WRITING = [
    "A DOG ON GRASS", "A Dog And An Apple", "dOg", "it's a dog", "the dogs' house", "they're dogs and we've cats",
    "I'll see; I'd go; I'm here", "don't won't can't", "DON'T", "'s 't 're 've 'm 'll 'd", "rock'n'roll",
    "3 dogs", "42", "1234567890", "a dog at 12:30", "3.14159", "50% off", "dog2cat", "v2", "1st 2nd 3rd", "½ dog", "x²",
    "a dog, a cat; a bird: a fish.", "dog!!!", "dog?!?!", "...", "--", "a dog -- on grass", "(dog)", "[dog:1.2]",
    "{dog}", "dog/cat", "dog\\cat", "dog_cat", "dog-cat", "#dog @cat", "a & b", "$5", "dog=cat", "a<b>c", "`dog`",
    '"a dog"', "“a dog”", "‘a dog’", "«chien»", "„Hund“", "dog…", "dog–cat—bird", "<|startoftext|>",
    "<|endoftext|>", "a dog <|endoftext|> a cat", "<|START|>", "http://example.com/a?b=c", "a@b.cd",
]
UNICODE = [
    "ein Hund im Schnee, groß", "un chien à la plage", "un perro en la montaña ¿sí?", "собака на траве", "草の上の犬",
    "雪地里的一只猫", "눈 속의 고양이", "كلب على العشب", "כלב על הדשא", "σκύλος στο γρασίδι ΣΑΣ", "สุนัขบนหญ้า",
    "कुत्ता घास पर", "İstanbul ISPARTA ı", "ẞtraße", "ﬁsh and ﬂower", "ａ ｄｏｇ", "Å Å Å", "é é", "ñ ñ",
    "Z͑ͫ̓a̴l̕g͘o", "🐶", "🐶 on grass", "a 🐶 and a 🍎", "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🐶🐱🐭🐹🐰🦊", "♥ ♥️", "𝔡𝔬𝔤", "𐍈", "a\u00a0dog",
    "a\u3000dog", "a\u2028dog", "dog\u200d", "\ufeffdog", "\ufffd", "ª º", "①②③", "Ⅷ", "٣", "x\u0301y", "ǅ",
]
SPACES = [
    "", " ", "   ", "\t", "\n", "\r\n", " a dog ", "a\tdog", "a\ndog\r\non grass", "a     dog", "\u2003dog\u2003",
    "\0", "a\0dog", "\0\0dog\0", "\x01\x02\x03", "a\x07dog", "\x1b[31mdog\x1b[0m", "\x7f", "\x85dog", "a\x0bb\x0cc",
]
LONG = [
    " ".join(["dog"] * 29), " ".join(["dog"] * 30), " ".join(["dog"] * 31), " ".join(["dog"] * 300),
    "a dog and an apple and a cat and a penguin and a rocket and a guitar and a mushroom and an octopus and a panda in "
    "front of a brick wall at night, in the snow",
    "a very long word: " + "supercalifragilisticexpialidocious" * 4,
    "🐶" * 40, "dog " * 28 + "🐶🐱 and more", "x" * 2000, "a dog " + "!" * 500, "犬" * 60, "dog " * 30 + "   ",
    "dog " * 29 + "<v1> dog on grass", "dog " * 27 + "<v1> dog <v2> cat", "1234567890" * 10,
    "dog " * 28 + "Straße in İstanbul, “quoted” e\u0301tude",
]


def prompts() -> list[str]:
    captions = [f"a {thing} {context}" for thing, context in zip(OBJECTS, CONTEXTS, strict=True)]
    captions += [f"a {a} and a {b} {c}" for a, b, c in zip(OBJECTS, reversed(OBJECTS), CONTEXTS, strict=True)]
    return captions + TRIGGERS + WRITING + UNICODE + SPACES + LONG


def case(tokenizer, text: str) -> dict:
    length = tokenizer.model_max_length
    ids = tokenizer(text, padding="max_length", truncation=True, max_length=length).input_ids
    # A limit is passed so that nothing warns; it is never reached.
    whole = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, truncation=True, max_length=10**6)
    room = length - 2
    cut = text[whole.offset_mapping[room][0] :].strip() if len(whole.input_ids) > room else None
    return {"text": text, "ids": ids, "whole": whole.input_ids, "cut": cut}


def main() -> None:
    tokenizer = CLIPTokenizer.from_pretrained(pipeline_folder(__doc__) / "tokenizer")
    cases = [case(tokenizer, text) for text in prompts()]
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    target = HERE / "tokens" / "tokens.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(f'{{"cases": [\n{lines}\n]}}\n')
    print(f"{target.name}: {len(cases)} prompts, {sum(case['cut'] is not None for case in cases)} of them cut")


if __name__ == "__main__":
    main()
