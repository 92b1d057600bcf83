"""Turn a knob, see it measured."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tauto.hardware import Hardware
from tauto.measurement import LONG_LIVED
from tauto.reports import Conditions
from tauto.results import ExplorationResult, set_last
from tauto.tuning.explorer import Explorer
from tauto.verbs.compare import check_call
from tauto.workload import Workload

__all__ = ["explore"]


def explore(model: nn.Module, inputs: Any = None, *, name: str | None = None) -> ExplorationResult:
    """Return ``model`` with its knobs: batch, sizes, engine, precision, threads, channels cut.

    Nothing is measured yet. Each setting that is asked for is prepared and timed, against the model as it is at the
    same sizes, in a process of its own; what was measured once is remembered.

    Parameters
    ----------
    model : torch.nn.Module
        Stays as it is; a copy of it as it is now is explored.
    inputs : Tensor, tuple or dict, optional
        What to call it with; default what a profiled cell called it with.
    name : str, optional
        What you call it; default its class.

    Raises
    ------
    InvalidArgument, ModelError
        One clear line when it cannot be called so.

    Examples
    --------
    >>> r = tauto.explore(model, inputs)  # doctest: +SKIP
    >>> r.measure(engine="openvino", batch=8).comparison.speedup  # doctest: +SKIP
    2.3
    >>> r.panel()  # doctest: +SKIP
    """
    workload = Workload.of(model, inputs=inputs, name=name)
    check_call(model, workload, "inputs")
    hardware = Hardware.current(workload.device.type)
    conditions = Conditions(
        machine=hardware.summary,
        fingerprint=hardware.fingerprint,
        device=str(workload.device),
        threads=torch.get_num_threads(),
        shapes=workload.example.shapes,
        batch=workload.example.batch,
        mode=LONG_LIVED,
    )
    explorer = Explorer(workload, hardware, conditions)
    result = ExplorationResult(explorer.report, explorer)
    set_last(result)
    return result
