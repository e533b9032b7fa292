"""Golden vectors of subject packs: what `core::pack` must read from the files in packs/.

    python make_packs.py        # needs numpy alone; reads packs/*.cones, writes packs/packs.json

A reader written from "The pack file" in models/README.md and nothing else. It reads what is right and does not look for
what is wrong. The files were written by

    CONES_WRITE_GOLDEN=1 cargo test -p cones-tests --test pack golden
"""

import hashlib
import json
import pathlib
import struct

import numpy

HERE = pathlib.Path(__file__).parent / "packs"
PRECISIONS = ["binary", "quaternary", "float16", "float32", "low-rank"]
TEXTS = ["name", "trigger", "class", "author", "licence", "model", "tool"]


class Bits:
    def __init__(self, data: bytes):
        self.value, self.length, self.at = int.from_bytes(data, "little"), 8 * len(data), 0

    def take(self, count: int) -> int:
        taken = self.value >> self.at & (1 << count) - 1
        self.at += count
        return taken

    def number(self, most: int) -> int:
        return self.take(most.bit_length())

    def count(self, most: int) -> int:
        length = self.number(most.bit_length())
        return 0 if length == 0 else 1 << length - 1 | self.take(length - 1)

    def set(self, size: int, count: int) -> list[int]:
        if count in (0, size):
            return list(range(count))
        if count > size // 2:
            absent = set(self.set_of_few(size, size - count))
            return [number for number in range(size) if number not in absent]
        return self.set_of_few(size, count)

    def set_of_few(self, size: int, count: int) -> list[int]:
        divisor = max(1, (177 * (size - count) + 220 * count) // (256 * count))
        members, place = [], 0
        for _ in range(count):
            gap = self.gap(divisor)
            members.append(place + gap)
            place += gap + 1
        return members

    def gap(self, divisor: int) -> int:
        quotient = 0
        while self.take(1) == 0:
            quotient += 1
        if divisor == 1:
            return quotient
        length = (divisor - 1).bit_length()
        short = (1 << length) - divisor
        rest = self.take(length - 1)
        if rest >= short:
            rest = 2 * rest + self.take(1) - short
        return quotient * divisor + rest


def block(bits: Bits, rows: list[int], columns: list[int], count: int, depth: int) -> list[tuple[int, int]]:
    size = len(rows) * len(columns)
    if depth < 6 and 16 <= count < size and bits.take(1):
        by_columns = bits.take(1)
        lines = columns if by_columns else rows
        members = bits.set(len(lines), bits.number(len(lines)))
        dense, inside = [lines[member] for member in members], bits.number(count)
        other = sorted(set(lines) - set(dense))
        if by_columns:
            first = block(bits, rows, dense, inside, depth + 1)
            return first + block(bits, rows, other, count - inside, depth + 1)
        first = block(bits, dense, columns, inside, depth + 1)
        return first + block(bits, other, columns, count - inside, depth + 1)
    numbers = bits.set(size, count)
    return [(rows[number // len(columns)], columns[number % len(columns)]) for number in numbers]


def layer(bits: Bits, rows: int, columns: int) -> list[int]:
    count = bits.count(rows * columns)
    neurons = block(bits, list(range(rows)), list(range(columns)), count, 0) if count else []
    return sorted(row * columns + column for row, column in neurons)


def factors(part: bytes, precision: str, count: int) -> numpy.ndarray:
    if precision == "quaternary":
        levels = numpy.frombuffer(part[:8], "<f2").astype("<f4")
        codes = [part[8 + i // 4] >> 2 * (i % 4) & 3 for i in range(count)]
        return levels[codes]
    kind = {"binary": "<f4", "float16": "<f2", "float32": "<f4"}[precision]
    return numpy.frombuffer(part, kind).astype("<f4")


def low_rank(part: bytes, shapes: list[list[int]]) -> tuple[list[int], list[float], numpy.ndarray]:
    ranks, scales, values, place = [], [], [], 0
    for rows, columns in shapes:
        ranks.append(struct.unpack_from("<H", part, place)[0])
        place += 2
        if ranks[-1]:
            scales.append(struct.unpack_from("<f", part, place)[0])
            end = place + 4 + 2 * ranks[-1] * (columns + rows)
            values.append(numpy.frombuffer(part[place + 4 : end], "<f2"))
            place = end
    assert place == len(part)
    return ranks, scales, numpy.concatenate(values)


def sha256(array: numpy.ndarray) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()


def read(file: pathlib.Path, shapes: list[list[int]]) -> dict:
    data = file.read_bytes()
    magic, version, length, precision, scope = struct.unpack_from("<8sHHBB", data)
    assert (magic, version) == (b"\x89CONES\r\n", version) and version in (1, 2), file
    assert hashlib.sha256(data[: length - 8]).digest()[:8] == data[length - 8 : length], file
    pack_version, created, neurons = struct.unpack_from("<IQQ", data, 46)
    parts, end = [], length
    for place in range(66, 114, 12):
        start, end = end, end + struct.unpack_from("<I", data, place)[0]
        parts.append(data[start:end])
        assert hashlib.sha256(parts[-1]).digest()[:8] == data[place + 4 : place + 12], file
    assert end == len(data), file
    texts, place = {}, 114
    for field in TEXTS:
        texts[field] = data[place + 1 : place + 1 + data[place]].decode()
        place += 1 + data[place]
    preview, layers, weights, embeddings = parts
    bits = Bits(layers)
    lists = [layer(bits, *shape) for shape in shapes]
    assert bits.length - bits.at < 8 and sum(map(len, lists)) == neurons, file
    is_low_rank = PRECISIONS[precision] == "low-rank"
    ranks, scales, matrices = low_rank(weights, shapes) if is_low_rank else ([], [], numpy.array([], "<f2"))
    width, kind = struct.unpack_from("<HH", embeddings) if embeddings else (0, 0)
    assert kind == version - 1, file
    return {
        "file": file.name,
        "shapes": shapes,
        "metadata": {**texts, "scope": ["prompt", "trigger"][scope], "version": pack_version, "created": created},
        "fingerprint": data[14:46].hex(),
        "precision": PRECISIONS[precision],
        "neurons": [len(each) for each in lists],
        "indices": [sha256(numpy.array(each, "<i4")) for each in lists],
        "factors": sha256(factors(b"" if is_low_rank else weights, "binary" if is_low_rank else PRECISIONS[precision], neurons)),
        "preview": len(preview),
        "width": width,
        "in_place": kind == 1,
        "embeddings": sha256(numpy.frombuffer(embeddings[4:], "<f2")),
        "ranks": ranks,
        "scales": scales,
        "matrices": sha256(matrices),
    }


def main():
    shapes = json.loads((HERE / "shapes.json").read_text())
    packs = [read(HERE / name, shapes[name]) for name in sorted(shapes)]
    (HERE / "packs.json").write_text(json.dumps(packs, indent=1) + "\n")


main()
