"""An optimized model held against the original layer by layer: where the error starts, and how it grows.

Both models run on the same inputs. Of the original, the inputs and outputs of as many layers as fit into
:data:`KEPT_BYTES` are kept (of one layer, if it alone is larger); then the optimized model runs, and each of its
layers is compared when it returns and forgotten. The pair runs again for the layers that are left, and for each batch.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

import torch
from torch import nn

from tauto.errors import InvalidArgument, ModelError
from tauto.events import Progress, emit
from tauto.measurement.comparison import conditions_of
from tauto.measurement.deviation import Deviation, unlike
from tauto.measurement.layer_pairs import aligned, pair_layers
from tauto.measurement.layer_runs import Comparing, WatchedLayer, keep
from tauto.measurement.layer_trace import TracedModel, is_compiled, trace
from tauto.reports.comparison import Conditions
from tauto.reports.layers import LayerError, LayerRow, LayersReport, UnmatchedLayer
from tauto.workload.call import Call
from tauto.workload.state import evaluating, kept_buffers, seeded
from tauto.workload.structure import tensors_of

if TYPE_CHECKING:
    from tauto.hardware import Hardware

__all__ = ["FLOOR", "KEPT_BYTES", "compare_layers"]

KEPT_BYTES = 256 * 2**20
"""Activations of the original that are kept at a time."""
FLOOR = 1e-5
"""A relative error up to this (100 dB) is rounding of float32, and no error that starts."""
JUMP = math.sqrt(10)
"""Where a layer's own error is not known, growth of the error by this (10 dB) counts as its own."""


def compare_layers(
    original: nn.Module,
    optimized: nn.Module,
    calls: Sequence[Call],
    *,
    hardware: Hardware,
    names: tuple[str, str] = ("original", "optimized"),
    kept_bytes: int = KEPT_BYTES,
    time_cap_s: float = 60.0,
    seed: int = 0,
) -> LayersReport:
    """Compare what every layer of two models returns, on the same inputs.

    The figures are those of :class:`~tauto.measurement.Deviation`, pooled over calls and batches. What a layer itself
    adds is told from what it inherits by giving the optimized layer the original's inputs, in the format that
    it takes. Both run in ``eval()`` under ``inference_mode()`` and draw the same random numbers; modes, buffers, hooks
    and random states are given back. A model whose inside cannot be looked into is compared by its outputs alone.

    Parameters
    ----------
    original, optimized : torch.nn.Module
        Only called.
    calls : sequence of Call
        What both are called with; the first tells which layers there are.
    hardware : Hardware
        Named in the report.
    names : tuple of str
        What the report calls the two.
    kept_bytes : int
        How much of the original's activations is kept at a time.
    time_cap_s : float
        No further batch is begun after this.
    seed : int
        Of the random numbers that a model may draw.

    Raises
    ------
    ModelError
        When the models do not return the same number and shapes of tensors.
    InvalidArgument
        When they have layers, and none in common.
    """
    end = time.monotonic() + time_cap_s
    with ExitStack() as stack:
        stack.enter_context(evaluating(original, optimized))
        for model in (original, optimized):
            stack.enter_context(kept_buffers(model))
        stack.enter_context(torch.inference_mode())
        run = _Run(original, optimized, calls, names, kept_bytes, seed)
        run.match()
        run.measure(end)
    return run.report(conditions_of(calls[0], hardware))


class _Run:
    """One comparison, from the first call to the report."""

    def __init__(
        self,
        original: nn.Module,
        optimized: nn.Module,
        calls: Sequence[Call],
        names: tuple[str, str],
        kept_bytes: int,
        seed: int,
    ) -> None:
        self.models = original, optimized
        self.calls = calls
        self.names = names
        self.kept_bytes = kept_bytes
        self.seed = seed
        self.output = Deviation()
        self.watched: list[WatchedLayer] = []
        self.unmatched: list[UnmatchedLayer] = []
        self.closed = ""
        self.done = 0

    def match(self) -> None:
        """Call both once to see that they can be compared, and find out which layers stand for which."""
        emit(Progress("layers", "matching layers", 0.0))
        self._add_outputs(self.calls[0])
        self.traced = aligned(*(trace(model, self.calls[0], seed=self.seed) for model in self.models))
        self.closed = _closed(self.traced, self.names)
        if self.closed:
            return
        pairs, self.unmatched = pair_layers(*self.traced)
        if not pairs:
            raise InvalidArgument(_nothing_in_common(self.traced, self.unmatched, self.names))
        self.watched = [WatchedLayer(pair) for pair in pairs]

    def measure(self, end: float) -> None:
        """Compare on one batch after another, until all are done or the time is up."""
        for number, call in enumerate(self.calls):
            if number and time.monotonic() > end:
                return
            emit(Progress("layers", f"batch {number + 1} of {len(self.calls)}", number / len(self.calls)))
            if number:
                self._add_outputs(call)
            self._compare(call)
            self.done += 1

    def _compare(self, call: Call) -> None:
        left = [one for one in self.watched if not one.dropped]
        while left:
            kept = keep(self.traced[0], left, call, self.kept_bytes, self.seed)
            if not kept:  # this batch does not call them
                return
            Comparing(self.traced[1], kept).run(call, self.seed)
            left = [one for one in left if one not in kept]

    def _add_outputs(self, call: Call) -> None:
        """Add what both return, run as they are."""
        with seeded(self.seed):
            # engines may reuse their output buffers
            expected = [tensor.detach().clone() for tensor in tensors_of(call(self.models[0]))]
        with seeded(self.seed):
            given = tensors_of(call(self.models[1]))
        if not expected:
            raise ModelError(f"{self.names[0]}: it returns no tensor, so there is nothing to compare.")
        if why := unlike(expected, given):
            raise ModelError(f"{self.names[1]}: it cannot be compared with {self.names[0]}: {why}.")
        self.output.add(expected, given)

    def report(self, conditions: Conditions) -> LayersReport:
        """Return what was found."""
        rows = tuple(one.row() for one in self.watched if not one.dropped)
        dropped = [one for one in self.watched if one.dropped]
        starts, worst = _notable(rows)
        both = zip(self.names, self.models, strict=True)
        return LayersReport(
            original=self.names[0],
            optimized=self.names[1],
            output=self.output.error(),
            rows=rows,
            unmatched=(
                *self.unmatched,
                *(UnmatchedLayer(one.pair.path, one.pair.original.kind, "both", one.dropped) for one in dropped),
            ),
            closed=self.closed,
            uncompiled=tuple(name for name, model in both if rows and is_compiled(model)),
            starts=starts,
            worst=worst,
            samples=sum(call.batch for call in self.calls[: self.done]),
            batches=self.done,
            conditions=conditions,
        )


def _closed(traced: tuple[TracedModel, TracedModel], names: tuple[str, str]) -> str:
    """Return why no layers can be compared; empty when they can."""
    if (traced[0].called.keys() & traced[1].called.keys()) - {""}:
        return ""
    for name, side in zip(names, traced, strict=True):
        shells = side.wrappers()
        if not side.called.keys() - set(shells):
            inner = side.modules[shells[-1]]
            kind = type(getattr(inner, "engine", inner)).__name__  # an engine says more than what holds it
            return (
                f"{name} is one piece ({kind}): no layers are called inside it that could be looked into, as in "
                "engines, TorchScript and traced graphs"
            )
    return ""


def _nothing_in_common(
    traced: tuple[TracedModel, TracedModel], unmatched: Iterable[UnmatchedLayer], names: tuple[str, str]
) -> str:
    refused = [f"{layer.path}: {layer.reason}" for layer in unmatched if layer.side == "both"]
    if refused:
        why = "; ".join(refused[:3])
    else:
        shown = (", ".join([path for path in side.called if path][:4]) for side in traced)
        why = " and ".join(f"{name} has {paths}" for name, paths in zip(names, shown, strict=True))
    return (
        f"layers: {names[1]} has no layer in common with {names[0]} ({why}). Give a model that was made from "
        f"{names[0]}, or compare without layers."
    )


def _notable(rows: Sequence[LayerRow]) -> tuple[str | None, str | None]:
    """Return the first layer that adds an error above rounding, and the one that adds the largest."""
    added: list[tuple[float, str]] = []
    before = 0.0
    for row in rows:
        whole = _size(row.error)
        if row.own is not None:
            added.append((_size(row.own), row.path))
        else:
            added.append((whole if whole > JUMP * before else 0.0, row.path))
        before = max(before, whole)
    felt = [(size, path) for size, path in added if size > FLOOR]
    # what holds a layer that adds an error adds that too: the layer is to be named
    inner = [entry for entry in felt if not any(path.startswith(f"{entry[1]}.") for _, path in felt)]
    return (felt[0][1], max(inner, key=lambda entry: entry[0])[1]) if felt else (None, None)


def _size(error: LayerError) -> float:
    """Return one figure for an error."""
    return max(error.relative_error or 0.0, error.changed or 0.0)
