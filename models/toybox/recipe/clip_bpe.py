"""CLIPTokenizers of Toybox's: CLIP's byte-level BPE, its merges learned from a world's captions."""
import json

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer

LENGTH = 32
START, END = "<|startoftext|>", "<|endoftext|>"


def pipeline(model):
    """CLIP's text handling, as in the `tokenizer.json` of openai/clip-vit-large-patch14."""
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(
            Regex(r"""'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"""), behavior="removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def learn(corpus):
    """vocab and merges in CLIP's order: bytes, bytes at a word's end, merges, start, end."""
    tokenizer = pipeline(models.BPE(end_of_word_suffix="</w>"))
    trainer = trainers.BpeTrainer(
        vocab_size=2000, min_frequency=4, end_of_word_suffix="</w>", show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(corpus, trainer)
    merges = [tuple(m) for m in json.loads(tokenizer.to_str())["model"]["merges"]]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = alphabet + [a + "</w>" for a in alphabet]
    words += [a + b for a, b in merges]
    words = list(dict.fromkeys(words)) + [START, END]
    return {w: i for i, w in enumerate(words)}, merges


def write(out, corpus, triggers):
    """Writes the tokenizer of the captions `corpus` into the folder `out`, and prints one that it reads back from there."""
    out.mkdir(parents=True, exist_ok=True)
    vocab, merges = learn(corpus)
    tokenizer = CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=LENGTH,
                              bos_token=START, eos_token=END, unk_token=END, pad_token=END)
    tokenizer.add_tokens(triggers)
    tokenizer.save_pretrained(out)
    # The two files that older readers of a CLIPTokenizer folder expect.
    (out / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False))
    (out / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    again = CLIPTokenizer.from_pretrained(out)
    text = "a <v1> dog and an apple in front of a brick wall"
    ids = again(text, padding="max_length", truncation=True, max_length=LENGTH).input_ids
    print(len(again), ids, again.convert_ids_to_tokens(ids)[:16])
