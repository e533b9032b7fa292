"""Writes a measure's network as ONNX: weights folded with the batch norms, rounded to float16 and kept so, each with a Cast behind it:
half the size, and the arithmetic is float32."""
import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch.nn.utils.fusion import fuse_conv_bn_eval

import measure


def fold(module):
    """Each batch norm goes into the convolution before it; in place."""
    for child in module.children():
        fold(child)
    if isinstance(module, torch.nn.Sequential):
        for i in range(1, len(module)):
            if isinstance(module[i], torch.nn.BatchNorm2d):
                module[i - 1] = fuse_conv_bn_eval(module[i - 1], module[i])
                module[i] = torch.nn.Identity()
    return module


def halve(model):
    """Float32 weights that are exact in float16 are stored so."""
    graph, casts, kept = model.graph, [], []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        half = values.astype(np.float16) if values.dtype == np.float32 else values
        if values.dtype == np.float32 and values.size > 16 and (half.astype(np.float32) == values).all():
            kept.append(numpy_helper.from_array(half, tensor.name + ".half"))
            casts.append(helper.make_node("Cast", [tensor.name + ".half"], [tensor.name], to=onnx.TensorProto.FLOAT))
        else:
            kept.append(tensor)
    nodes = casts + list(graph.node)
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)


def export(model, outputs, path, side):
    """Writes a network that looks at pictures of `side` x `side` pixels, and says how far the file is from PyTorch."""
    model = fold(model.eval())
    for parameter in model.parameters():
        parameter.data = parameter.data.half().float().contiguous(memory_format=torch.contiguous_format)
    picture = torch.rand(2, 3, side, side) * 2 - 1
    program = torch.onnx.export(model, (picture,), input_names=["image"], output_names=outputs, opset_version=18,
                                dynamic_shapes=({0: torch.export.Dim("batch")},), dynamo=True, verbose=False)
    proto = program.model_proto
    for node in proto.graph.node:
        # Where the exporter found it: paths and stack traces of this machine.
        del node.metadata_props[:]
        node.ClearField("doc_string")
    del proto.metadata_props[:], proto.graph.metadata_props[:], proto.graph.value_info[:]
    halve(proto)
    onnx.checker.check_model(proto, full_check=True)
    onnx.save(proto, path)
    with torch.no_grad():
        wanted = model(picture)
    got = measure.Network(path).run(picture.numpy())
    worst = max(float(np.abs(got[n] - w.numpy()).max()) for n, w in zip(outputs, wanted))
    print(f"{path.name}: {path.stat().st_size} bytes, at most {worst:.1e} from PyTorch")
