"""What onnxruntime's Python tools make of weights and histograms that `cones quantise` rounds too.

Weights: symmetric int8 per channel (`quantize_data`) along either axis, and symmetric 4-bit blocks of 32 (`quantize_matmul_4bits`,
what MatMulNBits takes). Ranges: percentile and entropy of `HistogramCollector` on its own 1024 bins.
"""
import json
from pathlib import Path

import numpy as np
from onnx import TensorProto
from onnxruntime.capi._pybind_state import quantize_matmul_4bits
from onnxruntime.quantization.calibrate import HistogramCollector
from onnxruntime.quantization.quant_utils import compute_scale_zp, quantize_data

BLOCK, BINS = 32, 1024


def floats(values):
    return [float(v) for v in np.asarray(values, np.float32).ravel()]


def channels(weights, axis):
    values, scales = [], []
    for part in np.moveaxis(weights, axis, 0):
        scale, quantised = one(part)
        scales.append(scale)
        values.append(quantised.reshape(part.shape))
    return dict(shape=list(weights.shape), axis=axis, weights=floats(weights), scales=floats(scales),
                values=np.moveaxis(np.stack(values), 0, axis).astype(int).ravel().tolist())


def one(part):
    """Scale and whole numbers of one channel."""
    zero, scale, quantised = quantize_data(part.ravel(), TensorProto.INT8, True)
    assert int(zero) == 0 and np.abs(quantised.astype(int)).max() <= 127
    return np.float32(scale), quantised


def blocks(weights):
    inputs, outputs = weights.shape
    packed = np.zeros((outputs, inputs // BLOCK, BLOCK // 2), np.uint8)
    scales, zeros = np.zeros(outputs * inputs // BLOCK, np.float32), np.zeros(outputs * ((inputs // BLOCK + 1) // 2), np.uint8)
    quantize_matmul_4bits(packed, weights, scales, zeros, BLOCK, outputs, inputs, True)
    return dict(inputs=inputs, outputs=outputs, weights=floats(weights), scales=floats(scales), values=packed.ravel().tolist())


def histogram(values):
    edges = HistogramCollector(method="entropy", symmetric=False, num_bins=BINS, num_quantized_bins=128, percentile=99.99,
                               scenario="same")
    edges.collect_value({"x": [values]})
    counts, _, low, high, largest = edges.histogram_dict["x"]
    entropy = edges.get_entropy_threshold(edges.histogram_dict["x"], 128)
    percentile = HistogramCollector(method="percentile", symmetric=False, num_bins=BINS, num_quantized_bins=128, percentile=99.99,
                               scenario="same")
    percentile.collect_value({"x": [values]})
    cut = percentile.compute_percentile()["x"][:2]
    zero, step = compute_scale_zp(np.float32(low), np.float32(high), np.uint8(0), np.uint8(255))
    return dict(counts=counts.tolist(), largest=float(largest), low=float(low), high=float(high), entropy=floats(entropy),
                percentile=floats(cut), step=float(np.float32(step)), zero=int(zero))


def main():
    r = np.random.default_rng(11)
    conv = (r.standard_normal((5, 3, 3, 3)) * r.uniform(0.01, 4, (5, 1, 1, 1))).astype(np.float32)
    conv[2] = 0
    linear = (r.standard_normal((64, 6)) * r.uniform(0.01, 4, (1, 6))).astype(np.float32)
    silu = r.standard_normal(40000).astype(np.float32) * 3
    silu = silu / (1 + np.exp(-silu))
    tails = (r.standard_t(2.5, 40000)).astype(np.float32)
    positive = np.abs(r.standard_normal(20000)).astype(np.float32) + 0.5
    golden = dict(channels=[channels(conv, 0), channels(linear, 1)], blocks=[blocks(linear)],
                  histograms=[histogram(v) for v in (silu, tails, positive)])
    path = Path(__file__).parent / "quantise" / "golden.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(golden) + "\n")
    print(f"{path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
