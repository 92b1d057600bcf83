"""Where sparse kernels pay: a linear layer that is mostly zeros, by CSR beside the same layer dense, in float32.

Run ``python -m benchmarks.sparse_kernels [--threads 1] [--zeros 0.8 0.9 0.95] [--time-cap 1.0]``. Each figure is how
many times faster the sparse layer is, with its interval, timed in turn in one process.
"""

from __future__ import annotations

import argparse

import torch
from torch import nn

from tauto.measurement.comparison import time_models
from tauto.techniques.sparsity.linear import SparseLinear
from tauto.workload import call_from_inputs

SHAPES = ((512, 512), (784, 512))
BATCHES = (1, 16, 64, 256)


def mostly_zeros(into: int, out_of: int, zeros: float) -> nn.Linear:
    """Return a layer of which this share of the weights, anywhere, is zero."""
    layer = nn.Linear(into, out_of).requires_grad_(False)
    layer.weight.mul_(torch.rand_like(layer.weight) >= zeros)
    return layer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--zeros", type=float, nargs="+", default=[0.9, 0.95])
    parser.add_argument("--time-cap", type=float, default=1.0, help="seconds a comparison")
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    print("| layer, zeros |", " | ".join(f"batch {batch}" for batch in BATCHES), "|")
    print("|---|" + "---|" * len(BATCHES))
    for into, out_of in SHAPES:
        for zeros in options.zeros:
            dense = mostly_zeros(into, out_of, zeros)
            sparse, cells = SparseLinear.of(dense), []
            for batch in BATCHES:
                timing = time_models(
                    dense, sparse, call_from_inputs(torch.randn(batch, into)), time_cap_s=options.time_cap
                )
                cells.append(f"{timing.speedup:.2f} × ({timing.interval.low:.2f}–{timing.interval.high:.2f})")
            print(f"| {into} × {out_of}, {zeros:.0%} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
