"""Worker: switches subjects in PyTorch, by writing weights in place. What was there is kept, and written back.

K and V are then computed by every step anew; it is timed once, for both branches.
"""
import itertools
import json
import time

import torch

from attention import drawn, parser, projections
from serve import serve


def main():
    args = parser(__doc__).parse_args()
    torch.set_num_threads(args.threads)
    weights = projections(args.model)
    tokens = json.loads((args.model / "text_encoder/config.json").read_text())["max_position_embeddings"]
    columns = next(iter(weights.values())).shape[1]
    embeddings = torch.randn(2, tokens, columns, generator=torch.Generator().manual_seed(0))
    sets = itertools.cycle([drawn(weights, args.share, seed) for seed in (1, 2)])
    shut = {}

    def switch():
        start = time.perf_counter()
        for name, (indices, values) in shut.items():
            weights[name].view(-1)[indices] = values
        for name, indices in next(sets).items():
            flat = weights[name].view(-1)
            shut[name] = (indices, flat[indices])
            flat[indices] = 0
        written = time.perf_counter()
        for weight in weights.values():
            torch.nn.functional.linear(embeddings, weight)
        return dict(seconds=time.perf_counter() - start, write_seconds=written - start)

    with torch.inference_mode():
        serve(switch=switch)


if __name__ == "__main__":
    main()
