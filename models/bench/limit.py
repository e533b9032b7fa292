"""What a core can do at most: the rate of a large product of matrices, and what the U-Net asks for.

    python limit.py DIFFUSERS_DIR --pixels 512 --threads 1

Prints `step_flops` (operations of one step, both branches of the guidance, products and convolutions alone) and
operations a second of `float32` and `int8` products by ONNX Runtime, and of `float32_pytorch`.
"""
import argparse
import json
import time
from pathlib import Path

SIDE, SECONDS = 2048, 3.0


def flops(folder, pixels):
    """Of one step, counted by PyTorch from shapes alone."""
    import torch
    from diffusers import UNet2DConditionModel
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(folder / "unet"))
        inputs = (torch.empty(2, unet.config.in_channels, pixels // 8, pixels // 8), torch.empty(2),
                  torch.empty(2, 77, unet.config.cross_attention_dim))
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            unet(*inputs)
    return counter.get_total_flops()


def rate(product):
    """Operations a second of a product of two square matrices, the best of as many as fit into some seconds."""
    product()
    best, end = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        product()
        best = min(best, time.perf_counter() - start)
    return 2 * SIDE**3 / best


def by_onnxruntime(op, left, right, result, threads):
    """A function that multiplies two such matrices."""
    import numpy as np
    import onnxruntime
    from onnx import TensorProto, helper

    kinds = {"float32": TensorProto.FLOAT, "uint8": TensorProto.UINT8, "int8": TensorProto.INT8, "int32": TensorProto.INT32}
    random = np.random.default_rng(0)

    def numbers(kind):
        values = random.standard_normal((SIDE, SIDE)) * (1 if kind == "float32" else 20)
        return values.clip(0 if kind == "uint8" else None).astype(kind)

    weights = helper.make_tensor("b", kinds[right], (SIDE, SIDE), numbers(right).tobytes(), raw=True)
    graph = helper.make_graph([helper.make_node(op, ["a", "b"], ["y"])], "product",
                              [helper.make_tensor_value_info("a", kinds[left], (SIDE, SIDE))],
                              [helper.make_tensor_value_info("y", kinds[result], (SIDE, SIDE))], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    inputs = dict(a=numbers(left))
    return lambda: session.run(None, inputs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--pixels", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    args = parser.parse_args()
    import torch

    torch.set_num_threads(args.threads)
    left, right = torch.randn(SIDE, SIDE), torch.randn(SIDE, SIDE)
    print(json.dumps(dict(
        step_flops=flops(args.model, args.pixels),
        float32=rate(by_onnxruntime("MatMul", "float32", "float32", "float32", args.threads)),
        int8=rate(by_onnxruntime("MatMulInteger", "uint8", "int8", "int32", args.threads)),
        float32_pytorch=rate(lambda: left @ right),
    )))


if __name__ == "__main__":
    main()
