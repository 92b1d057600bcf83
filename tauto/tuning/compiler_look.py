"""How the compiler takes a model, seen in a process of its own: traced with a backend that builds nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tauto.execution import load
from tauto.techniques.engines.dynamo import HeardBreaks, failure_of, guard_in_words
from tauto.techniques.proof import reduced
from tauto.techniques.quiet import quiet
from tauto.workload import Call, Workload
from tauto.workload.structure import map_tensors

__all__ = ["look", "looked_at", "second_call"]

_DYNAMIC: tuple[tuple[str, bool | None], ...] = (("automatic", None), ("no", False), ("yes", True))
_MOST_GUARDS = 3


def look(payload: str) -> dict[str, Any]:
    """Return where the model's graph is cut, and what a second shape does, as plain data.

    Parameters
    ----------
    payload : str
        File of the workload, as :class:`~tauto.tuning.bench.Bench` writes it.
    """
    workload: Workload = load(Path(payload)).unpack()
    return looked_at(workload)


def looked_at(workload: Workload) -> dict[str, Any]:
    """Return the same of a workload of this process; torch's own memory of what was compiled is cleared."""
    model = workload.model.eval()
    second, source, missing = second_call(workload)
    seen: dict[str, Any] = {"graphs": None, "breaks": [], "failure": ""}
    shapes = []
    for number, (name, dynamic) in enumerate(_DYNAMIC):
        with quiet(), HeardBreaks() as heard, torch.no_grad():
            found = _traced(model, workload.example, second, dynamic)
        if number == 0:
            seen = {"graphs": found.pop("graphs"), "breaks": _told(heard), "failure": found["failure"]}
        found.pop("graphs", None)
        if second is not None or found["failure"]:
            shapes.append({"dynamic": name, **found})
    second_shapes = list(second.shapes) if second else []
    return {
        **seen,
        "shapes": shapes,
        "second_shapes": second_shapes,
        "second_from": source,
        "second_missing": missing,
    }


def second_call(workload: Workload) -> tuple[Call | None, str, str]:
    """Return a call of other shapes, where it is from, and why there is none.

    The first of ``data`` with other shapes; else the example with twice the samples.
    """
    example = workload.example
    for call in workload.samples:
        if call.shapes != example.shapes:
            return call, "data", ""
    batch = example.batch

    def doubled(tensor: Tensor) -> Tensor:
        return torch.cat([tensor, tensor]) if tensor.ndim and tensor.shape[0] == batch else tensor

    args, kwargs = map_tensors(doubled, (example.args, example.kwargs))
    call = Call(args, kwargs)
    if call.shapes == example.shapes:
        return None, "none", "the inputs have no dimension that could be a batch"
    try:
        with torch.no_grad():
            call(workload.model)
    except Exception as error:  # whatever the user's code says to a batch it was not made for
        return None, "none", f"the model refuses a batch of {2 * batch}: {reduced(error)}"
    return call, "doubled batch", ""


def _traced(model: nn.Module, first: Call, second: Call | None, dynamic: bool | None) -> dict[str, Any]:
    """Return how often one call, the same again, then another is compiled."""
    graphs = 0

    def backend(graph: torch.fx.GraphModule, _: list[Tensor]) -> Callable[..., Any]:
        nonlocal graphs
        graphs += 1
        return graph.forward

    torch._dynamo.reset()
    try:
        compiled: Any = torch.compile(model, backend=backend, dynamic=dynamic)
        first(compiled)
        once = graphs
        same = _recompiled(lambda: first(compiled))
        again = _recompiled(lambda: second(compiled)) if second is not None else []
    except Exception as error:  # whatever the compiler raises
        return {"graphs": None, "recompiled": 0, "guards": [], "restless": [], "failure": failure_of(error).words}
    finally:
        torch._dynamo.reset()
    shown = {"guards": again, "restless": same}
    told = {name: list(dict.fromkeys(reasons))[:_MOST_GUARDS] for name, reasons in shown.items()}
    return {"graphs": once, "recompiled": len(again), **told, "failure": ""}


def _recompiled(call: Callable[[], Any]) -> list[str]:
    """Return why each piece was compiled again in ``call``, in words."""
    from torch._dynamo.utils import clear_compilation_metrics, get_compilation_metrics

    clear_compilation_metrics()
    call()
    return [guard_in_words(str(one.recompile_reason)) for one in get_compilation_metrics() if one.recompile_reason]


def _told(heard: HeardBreaks) -> list[dict[str, Any]]:
    return [
        {**asdict(one), "line": None if one.line is None else [one.line.file, one.line.line, one.line.function]}
        for one in heard.breaks
    ]
