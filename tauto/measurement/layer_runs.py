"""Running one model and keeping what its layers take and return, and the other against that."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from tauto.errors import a_kind
from tauto.measurement.deviation import Deviation, unlike
from tauto.measurement.layer_pairs import LayerPair
from tauto.measurement.layer_trace import TracedModel, run_watched
from tauto.reports.layers import LayerRow
from tauto.workload.call import Call
from tauto.workload.state import preserved_rng
from tauto.workload.structure import constants_of, flatten, rebuild, tensors_of

__all__ = ["Comparing", "WatchedLayer", "keep"]

_PLAIN = (bool, int, float, complex, str, type(None), torch.dtype, torch.device, torch.Size)


@dataclass(slots=True, eq=False)
class WatchedLayer:
    """A pair of layers and what was summed up about it."""

    pair: LayerPair
    total: Deviation = field(default_factory=Deviation)
    own: Deviation = field(default_factory=Deviation)
    inherited: Deviation = field(default_factory=Deviation)
    why: str = ""
    """Why its own error is not known."""
    dropped: str = ""
    """Why it is not compared after all."""
    inputs: list[list[Tensor]] = field(default_factory=list)
    outputs: list[list[Tensor]] = field(default_factory=list)

    def row(self) -> LayerRow:
        """Return what was summed up."""
        own = None if self.why else self.own.error()
        floating = self.total.elements or self.total.not_finite
        return LayerRow(
            path=self.pair.path,
            kind=self.pair.original.kind,
            became=self.pair.optimized.kind,
            absorbed=self.pair.absorbed,
            calls=self.pair.original.calls,
            error=self.total.error(),
            own=own,
            inherited=None if self.why or not floating else self.inherited.relative_to(self.total.signal),
            own_reason=self.why,
        )


def keep(
    original: TracedModel, wanted: list[WatchedLayer], call: Call, kept_bytes: int, seed: int
) -> list[WatchedLayer]:
    """Run the original and keep inputs and outputs of the first layers of ``wanted``, as many as fit."""
    heads = {one.pair.path: one for one in wanted}
    tails = {one.pair.tail: one for one in wanted}
    kept: dict[str, WatchedLayer] = {}
    size = 0

    def copied(value: Any) -> list[Tensor]:
        nonlocal size
        found = tensors_of(value)
        # a later layer may work in place; what is the same tensor stays so, as attention looks at that
        copies = {id(tensor): tensor.detach().clone() for tensor in found}
        size += sum(tensor.numel() * tensor.element_size() for tensor in copies.values())
        return [copies[id(tensor)] for tensor in found]

    def enter(path: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if (one := heads.get(path)) is None or (path not in kept and size >= kept_bytes):
            return
        if path not in kept:
            one.inputs, one.outputs = [], []
        kept[path] = one
        one.inputs.append([] if one.why else copied((args, kwargs)))

    def leave(path: str, output: Any) -> None:
        if (one := tails.get(path)) is not None and one.pair.path in kept:
            one.outputs.append(copied(output))

    modules = {path: original.modules[path] for path in [*heads, *tails]}
    run_watched(original.model, modules, call, enter, leave, seed=seed)
    return list(kept.values())


class Comparing:
    """Runs the optimized model, and compares each layer with what was kept of the original's."""

    def __init__(self, optimized: TracedModel, kept: Iterable[WatchedLayer]) -> None:
        self.optimized = optimized
        self.kept = {one.pair.path: one for one in kept}
        self._done = dict.fromkeys(self.kept, 0)
        self._alone: list[list[Tensor] | None] = []
        self._apart = False
        """Whether a layer is being run by itself: what it calls is not part of the model's run."""

    def run(self, call: Call, seed: int) -> None:
        """Run once, and forget what was kept."""
        modules = {path: self.optimized.modules[path] for path in self.kept}
        run_watched(self.optimized.model, modules, call, self._enter, self._leave, seed=seed)
        for path, one in self.kept.items():
            if self._done[path] != len(one.outputs):
                one.dropped = one.dropped or "called another number of times with some inputs"
            one.inputs, one.outputs = [], []

    def _enter(self, path: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._apart:
            return
        one, number = self.kept[path], self._done[path]
        alone = None
        # before the layer itself runs, so that both draw the same random numbers
        if not one.why and number < len(one.inputs):
            alone = self._run_alone(one, number, args, kwargs)
        self._alone.append(alone)

    def _leave(self, path: str, output: Any) -> None:
        if self._apart:
            return
        one, number, alone = self.kept[path], self._done[path], self._alone.pop()
        self._done[path] += 1
        if number >= len(one.outputs) or one.dropped:
            return
        expected, given = one.outputs[number], tensors_of(output)
        one.outputs[number], one.inputs[number] = [], []
        if why := unlike(expected, given):
            one.dropped = why
            return
        one.total.add(expected, given)
        if alone is not None:
            one.own.add(expected, alone)
            one.inherited.add(alone, given)

    def _run_alone(
        self, one: WatchedLayer, number: int, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> list[Tensor] | None:
        """Return what the optimized layer makes of the original's inputs, or note why that cannot be known."""
        mine, (theirs, skeleton) = one.inputs[number], flatten((args, kwargs))
        states = [value for value in constants_of((args, kwargs)) if not isinstance(value, _PLAIN)]
        if states:
            one.why = f"it is called with {a_kind(states[0])}, which running it twice could change"
            return None
        if why := _unlike_inputs(mine, theirs):
            one.why = why
            return None
        self._apart = True
        try:
            with preserved_rng():
                tensors = _in_format_of(theirs, mine)
                again, keywords = rebuild(skeleton, tensors)
                alone = [
                    tensor.clone() for tensor in tensors_of(self.optimized.modules[one.pair.path](*again, **keywords))
                ]
        except Exception as error:  # whatever the layer raises is told as the reason
            one.why = f"it refuses the original's inputs ({type(error).__name__}: {error})"
            return None
        finally:
            self._apart = False
        one.why = unlike(one.outputs[number], alone)
        return None if one.why else alone


def _unlike_inputs(mine: Sequence[Tensor], theirs: Sequence[Tensor]) -> str:
    if [tensor.shape for tensor in mine] != [tensor.shape for tensor in theirs]:
        return "it takes inputs of other shapes than the original"
    for one, other in zip(mine, theirs, strict=True):
        if other.is_quantized and other.qscheme() != torch.per_tensor_affine:
            return "its inputs are quantized by channel"
        if one.is_floating_point() != (other.is_floating_point() or other.is_quantized) and not one.is_quantized:
            return "it takes inputs of another type than the original"
    return ""


def _in_format_of(wanted: Sequence[Tensor], tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return ``tensors`` in the types, layouts and places of ``wanted``; what is one tensor in both stays one."""
    made: dict[tuple[int, int], Tensor] = {}
    for pattern, tensor in zip(wanted, tensors, strict=True):
        if (key := (id(pattern), id(tensor))) not in made:
            made[key] = _converted(pattern, tensor)
    return [made[id(pattern), id(tensor)] for pattern, tensor in zip(wanted, tensors, strict=True)]


def _converted(wanted: Tensor, tensor: Tensor) -> Tensor:
    values = tensor.dequantize() if tensor.is_quantized else tensor
    if wanted.is_quantized:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such tensors will go from torch, and the model has them already
            return torch.quantize_per_tensor(values.float(), wanted.q_scale(), wanted.q_zero_point(), wanted.dtype)
    return torch.empty_like(wanted).copy_(values)
