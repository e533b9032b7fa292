"""Reads the weights of an ONNX file with numpy alone.

A file is a tree of protobuf fields; of that tree only `ModelProto.graph.initializer` is looked at, and nothing else is kept.
"""
from pathlib import Path

import numpy as np

# onnx.proto: numbers of the fields that matter here.
GRAPH, INITIALIZER = 7, 5
DIMS, DATA_TYPE, FLOATS, NAME, RAW, EXTERNAL = 1, 2, 4, 8, 9, 13
# TensorProto.DataType; weights have no other.
TYPES = {1: "<f4", 10: "<f2"}
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def weights(path):
    """Name and values of each float16 or float32 initializer of the graph in `path`, those beside it too."""
    path = Path(path)
    for kind, model in fields(memoryview(path.read_bytes())):
        if kind == GRAPH:
            for part, initializer in fields(model):
                if part == INITIALIZER:
                    tensor = read(initializer, path.parent)
                    if tensor is not None:
                        yield tensor


def read(message, folder):
    """Name and array of a TensorProto, or nothing if its type is not one of weights."""
    dims, name, kind, raw, beside = [], "", 0, b"", {}
    for field, value in fields(message):
        if field == DIMS:
            dims += [value] if isinstance(value, int) else packed(value)
        elif field == DATA_TYPE:
            kind = value
        elif field == NAME:
            name = bytes(value).decode()
        elif field in (RAW, FLOATS):
            raw = value
        elif field == EXTERNAL:
            entry = {part: bytes(text).decode() for part, text in fields(value)}
            beside[entry[1]] = entry[2]
    if kind not in TYPES:
        return None
    if beside:
        with open(folder / beside["location"], "rb") as file:
            file.seek(int(beside.get("offset", 0)))
            raw = file.read(int(beside["length"]))
    return name, np.frombuffer(raw, TYPES[kind]).reshape(dims)


def fields(message):
    """Number and value of each field: a whole number, or the bytes of what has a length."""
    at = 0
    while at < len(message):
        tag, at = varint(message, at)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, at = varint(message, at)
        else:
            size = {FIXED64: 8, FIXED32: 4}.get(wire)
            if wire == BYTES:
                size, at = varint(message, at)
            if size is None or at + size > len(message):
                raise ValueError(f"not an ONNX file: field {number} of wire type {wire} at byte {at}")
            value, at = message[at:at + size], at + size
        yield number, value


def varint(message, at):
    """The whole number at byte `at`, and where it ends."""
    value = shift = 0
    while True:
        if at >= len(message) or shift > 63:
            raise ValueError(f"not an ONNX file: a number that does not end, at byte {at}")
        byte = message[at]
        value, at, shift = value | (byte & 127) << shift, at + 1, shift + 7
        if byte < 128:
            return value, at


def packed(message):
    """Whole numbers, one behind the other."""
    at, numbers = 0, []
    while at < len(message):
        number, at = varint(message, at)
        numbers.append(number)
    return numbers
