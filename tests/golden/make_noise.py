"""Golden vectors of PyTorch's CPU noise: what `core::sampling::noise` must equal bit for bit.

    python make_noise.py        # with requirements.txt installed, on x86-64 with AVX2; writes noise/noise.json

A case is a seed and the lengths of successive `torch.randn` calls with one generator. Of each draw the file holds the
64-bit FNV-1a hash of its little-endian float32 bytes, and those bytes (hex) of its first and last eight values.
"""

import json
import pathlib

import torch

HERE = pathlib.Path(__file__).parent
LENGTHS = [1, 5, 15, 16, 17, 31, 256, 1024, 16384]
SEEDS = [0, 1, 42, 1234567890, 2**32 + 5, 2**63 + 987654321]
SEQUENCES = [
    (0, [256, 256, 256]),
    (3, [3, 3, 16, 3, 17, 1, 1]),
    (42, [1, 16, 1, 1000, 31, 2, 15, 8]),
    (2**64 - 1, [17, 17, 5, 64, 5]),
    (7, [0, 16384, 0, 1023]),
]


def data(values: torch.Tensor) -> bytes:
    return values.numpy().astype("<f4").tobytes()


def fnv1a(content: bytes) -> str:
    state = 0xCBF29CE484222325
    for byte in content:
        state = ((state ^ byte) * 0x100000001B3) % 2**64
    return f"{state:016x}"


def draw(generator: torch.Generator, length: int) -> dict:
    values = torch.randn(length, generator=generator)
    content = data(values)
    return {"length": length, "fnv1a": fnv1a(content), "first": content[:32].hex(), "last": content[-32:].hex()}


def case(seed: int, lengths: list[int]) -> dict:
    generator = torch.Generator().manual_seed(seed)
    # A string: JSON readers differ in how far they trust large numbers.
    return {"seed": str(seed), "draws": [draw(generator, length) for length in lengths]}


def main() -> None:
    cases = [case(seed, [length]) for seed in SEEDS for length in LENGTHS]
    cases += [case(seed, lengths) for seed, lengths in SEQUENCES]
    capability = torch.backends.cpu.get_cpu_capability()
    lines = ",\n".join(json.dumps(case) for case in cases)
    target = HERE / "noise" / "noise.json"
    versions = json.dumps({"torch": str(torch.__version__), "cpu_capability": capability})
    target.write_text(f'{{"versions": {versions}, "cases": [\n{lines}\n]}}\n')
    print(f"{target.name}: {len(cases)} cases")


if __name__ == "__main__":
    main()
