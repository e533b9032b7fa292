"""Worker: switches subjects in ONNX Runtime on the ordinary export, by building the session again.

The weights of a session cannot be changed. So the masked projections are handed over as initializers
(`add_external_initializers`), which replace those of the file, and the graph is optimised and its weights are packed anew.
"""
import gc
import itertools
import time
from pathlib import Path

import onnx
import onnxruntime
from onnx.external_data_helper import load_external_data_for_tensor, uses_external_data

from attention import drawn, parser, projections
from serve import serve


def main():
    parse = parser(__doc__)
    parse.add_argument("--onnx", type=Path, required=True, help="the export of DIFFUSERS_DIR")
    args = parse.parse_args()
    path = args.onnx / "unet.onnx"
    weights = projections(args.model)
    initializers = places(path, weights)
    sets = itertools.cycle([drawn(weights, args.share, seed) for seed in (1, 2)])
    held = []

    def switch():
        # Both at once would not fit into many a machine.
        held.clear()
        gc.collect()
        start = time.perf_counter()
        names, values = [], []
        for name, indices in next(sets).items():
            masked = weights[name].clone()
            masked.view(-1)[indices] = 0
            initializer, transposed = initializers[name]
            names.append(initializer)
            masked = masked.t().contiguous() if transposed else masked
            values.append(onnxruntime.OrtValue.ortvalue_from_numpy(masked.numpy()))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = args.threads, 1
        options.add_external_initializers(names, values)
        held.append(onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]))
        return dict(seconds=time.perf_counter() - start)

    serve(switch=switch)


def places(path, weights):
    """For each projection the initializer that holds it, and whether it lies there transposed.

    Found by value: exporters give names of their own.
    """
    wanted = {}
    for name, weight in weights.items():
        wanted[weight.numpy().tobytes()] = (name, False)
        wanted[weight.t().contiguous().numpy().tobytes()] = (name, True)
    sizes = {len(data) for data in wanted}
    found = {}
    for tensor in onnx.load(path, load_external_data=False).graph.initializer:
        count = 4
        for dimension in tensor.dims:
            count *= dimension
        if len(tensor.dims) != 2 or count not in sizes:
            continue
        if uses_external_data(tensor):
            load_external_data_for_tensor(tensor, str(path.parent))
        name, transposed = wanted.get(onnx.numpy_helper.to_array(tensor).tobytes(), (None, None))
        if name:
            found[name] = (tensor.name, transposed)
    missing = weights.keys() - found.keys()
    if missing:
        raise SystemExit(f"{path} does not hold {', '.join(sorted(missing))} of the diffusers folder")
    return found


if __name__ == "__main__":
    main()
