"""Where time and memory go, in a block of code or in one model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias, overload

import torch
from torch import nn

from tauto.config.scale import Scale
from tauto.errors import InvalidArgument
from tauto.profiling import ProfileSession, profile_model
from tauto.rendering.view import Sort, View
from tauto.reports import ProfileReport
from tauto.results import ProfileResult, ScalingResult
from tauto.verbs.against import earlier
from tauto.verbs.delivery import deliver
from tauto.verbs.scaling import scaling_of
from tauto.workload import Workload, seen
from tauto.workload.cell import Cell
from tauto.workload.check import check_runs
from tauto.workload.state import evaluating, preserved_rng

__all__ = ["Against", "ProfiledBlock", "past_profile", "profile"]

Against: TypeAlias = ProfileResult | ProfileReport | str | Path | None
"""What a profile can be set against."""

_CALLS = """
import torch
_model.eval()
with torch.inference_mode():
    while True:
        _model(*_args, **_kwargs)
"""
"""What a model that is profiled by itself is taken to do."""


class ProfiledBlock:
    """A ``with`` block that is profiled; :attr:`result` is there when it has ended, also after an error."""

    def __init__(
        self,
        names: Mapping[str, Any] | None,
        source: str,
        view: View,
        before: ProfileReport | None,
        *,
        stacks: bool = False,
        name: str | None = None,
    ) -> None:
        self._session = ProfileSession(names, stacks=stacks, subject=name or "cell")
        self._cell = Cell(source, {} if names is None else names)
        self._view, self._before = view, before
        self._result: ProfileResult | None = None

    def __enter__(self) -> Self:
        self._session.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._session.__exit__(kind, error, traceback)
        report, spans = self._session.report, self._session.spans
        made = ProfileResult(report, self._cell, _fix, view=self._view, before=self._before, spans=spans)
        self._result = deliver(made)

    @property
    def result(self) -> ProfileResult:
        """What was found.

        Raises
        ------
        InvalidArgument
            While the block has not ended.
        """
        if self._result is None:
            raise InvalidArgument("profile: the result is there when the with block has ended.")
        return self._result


@overload
def profile(
    *,
    name: str | None = None,
    names: Mapping[str, Any] | None = None,
    source: str = "",
    sort: Sort = "tree",
    depth: int | None = None,
    against: Against = None,
    memory: bool = False,
    stacks: bool = False,
) -> ProfiledBlock: ...


@overload
def profile(
    model: nn.Module,
    inputs: Any = None,
    *,
    name: str | None = None,
    names: Mapping[str, Any] | None = None,
    sort: Sort = "tree",
    depth: int | None = None,
    against: Against = None,
    memory: bool = False,
    stacks: bool = False,
) -> ProfileResult: ...


@overload
def profile(
    model: nn.Module,
    inputs: Any = None,
    *,
    scale: str | Scale,
    budget: str | float = "60s",
    name: str | None = None,
    names: Mapping[str, Any] | None = None,
) -> ScalingResult: ...


def profile(
    model: nn.Module | None = None,
    inputs: Any = None,
    *,
    name: str | None = None,
    names: Mapping[str, Any] | None = None,
    source: str = "",
    sort: Sort = "tree",
    depth: int | None = None,
    against: Against = None,
    memory: bool = False,
    stacks: bool = False,
    scale: str | Scale | None = None,
    budget: str | float = "60s",
) -> ProfileResult | ProfiledBlock | ScalingResult:
    """Say where time and memory go: in a model, or in the ``with`` block this returns when no model is given.

    A model is profiled for inference, in ``eval()`` under ``inference_mode()``; a block is profiled as it is.

    Parameters
    ----------
    model : torch.nn.Module, optional
        The model to call a few times; it is given its own modes back. None: profile a block.
    inputs, name
        What to call the model with, and what to call it in the report: as in :meth:`tauto.Workload.of`.
    names, source
        Where models have names, such as ``globals()``; the block's code, with which its findings can be tried.
    sort : {"tree", "total", "self", "flops", "memory", "calls"}
        Order of the modules as they are shown; the report is whole in any case.
    depth : int, optional
        How many levels of modules below the root are shown; default all.
    against : ProfileResult, str or Path, optional
        An earlier profile to set this one against: its result, ``"previous"``, or a report saved as ``.json``.
    memory, stacks : bool
        Whether memory over time is shown whole, not folded; whether every allocation has its line of code, and not only
        that of the module call: the traced steps then take some 1.3 times as long.
    scale, budget
        Instead of where time goes, how it grows, such as ``"batch=1..64"`` (:func:`tauto.config.scale.parse_scale`);
        the hard limit of time for that, such as ``"2min"`` or seconds. Sizes that do not fit are named.

    Raises
    ------
    InvalidArgument
        When an argument is not of its kind, or there is no such earlier profile; before anything is run.

    Examples
    --------
    >>> with tauto.profile(names=globals()) as session:  # doctest: +SKIP
    ...     train(model, loader)
    >>> session.result  # doctest: +SKIP
    """
    if scale is not None:
        return scaling_of(model, inputs, scale, budget, name)
    view, before = View(sort, depth, memory=memory), earlier(against)
    if model is not None:
        workload, known = Workload.of(model, inputs=inputs, name=name), {name: model} if name else names
        return _one_model(workload, known, view, before, stacks=stacks)
    if inputs is not None:
        raise InvalidArgument("inputs: they belong to a model. Write tauto.profile(model, inputs).")
    return ProfiledBlock(names, source, view, before, stacks=stacks, name=name)


def _one_model(
    workload: Workload,
    names: Mapping[str, Any] | None,
    view: View,
    before: ProfileReport | None,
    *,
    stacks: bool,
) -> ProfileResult:
    """Profile some calls of the model of ``workload``, as they are made for inference."""
    model, call = workload.model, workload.example
    with evaluating(model), preserved_rng(), torch.inference_mode():
        check_runs(model, call, "inputs")
        session = profile_model(model, call.args, call.kwargs, names=names, subject=workload.name, stacks=stacks)
    made = ProfileResult(session.report, _calls(workload), _fix, view=view, before=before, spans=session.spans)
    return deliver(made)


def past_profile(report: ProfileReport, model: nn.Module, inputs: Any = None, *, name: str) -> ProfileResult:
    """Return the profile of a model from another process, whose findings can be tried on ``model`` here.

    ``inputs`` and ``name`` are as in :func:`profile`; the inputs are remembered, as by a profile.
    """
    workload = Workload.of(model, inputs=inputs, name=name)
    seen.remember(model, workload.example.args, workload.example.kwargs)
    return ProfileResult(report, _calls(workload), _fix)


def _calls(workload: Workload) -> Cell:
    call = workload.example
    named = {"_model": workload.model, "_args": call.args, "_kwargs": dict(call.kwargs)}
    return Cell(_CALLS, {workload.name: workload.model, **named})


def _fix(*args: Any, **keywords: Any) -> Any:
    from tauto.verbs.fix import fix  # what tries a finding is loaded when one is tried

    return fix(*args, **keywords)
