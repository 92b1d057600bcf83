"""One model measured alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from tauto.measurement.blocks import latency_of, run_block, synchronizer, warm_up
from tauto.measurement.size import parameter_count, size_bytes
from tauto.reports.measurement import Latency, Measurement, Memory
from tauto.workload.call import Call
from tauto.workload.state import evaluating, preserved_rng, thread_count

__all__ = ["NO_MEMORY", "measure", "measurement_of", "time_alone"]

NO_MEMORY = Memory(None, None, "memory needs a process for each variant: give a recipe instead of a live model")
MOST_BLOCKS = 40
WARM_SHARE = 0.2


def measure(model: nn.Module, call: Call, *, name: str = "model", time_cap_s: float = 5.0) -> Measurement:
    """Return latency, size and parameters of ``model``, run in ``eval()`` under ``inference_mode()``.

    Modes, random states and the thread count are restored. Memory is not measured here: of a live model it cannot
    be told apart from the rest of the process.

    Parameters
    ----------
    model : torch.nn.Module
        Only called.
    call : Call
        The call whose latency counts.
    name : str
        What the report calls it.
    time_cap_s : float
        Seconds after which no further block is begun.
    """
    device = next((tensor.device.type for tensor in call.tensors), "cpu")
    with evaluating(model), torch.inference_mode():
        latency = time_alone(lambda: call(model), batch=call.batch, time_cap_s=time_cap_s, device=device)
    return measurement_of(model, name, latency)


def time_alone(function: Callable[[], Any], *, batch: int, time_cap_s: float = 5.0, device: str = "cpu") -> Latency:
    """Return the latency of ``function``: warm-up until settled, then up to 40 blocks within ``time_cap_s``."""
    end = time.perf_counter() + time_cap_s
    synchronize = synchronizer(device)
    with preserved_rng(), thread_count(None):
        warm_up(function, synchronize, WARM_SHARE * time_cap_s)
        blocks = [run_block(function, synchronize, settle=False)]
        while len(blocks) < MOST_BLOCKS and time.perf_counter() < end:
            blocks.append(run_block(function, synchronize, settle=False))
    return latency_of(blocks, batch)


def measurement_of(model: nn.Module, name: str, latency: Latency, memory: Memory | None = None) -> Measurement:
    """Return the measurement of a model that has been timed."""
    return Measurement(
        name=name,
        latency=latency,
        size_bytes=size_bytes(model),
        parameters=parameter_count(model),
        memory=memory or NO_MEMORY,
    )
