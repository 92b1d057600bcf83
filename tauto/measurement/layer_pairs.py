"""Which layer of an optimized model stands for which of the original, and what stands for none."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from tauto.measurement.deviation import unlike
from tauto.measurement.layer_trace import CalledLayer, TracedModel, kind_of
from tauto.reports.layers import UnmatchedLayer

__all__ = ["LayerPair", "aligned", "pair_layers"]


@dataclass(frozen=True, slots=True)
class LayerPair:
    """A layer of the original, with the layers that were folded into it, and the one that took its place."""

    path: str
    original: CalledLayer
    optimized: CalledLayer
    absorbed: tuple[str, ...] = ()

    @property
    def tail(self) -> str:
        """The layer of the original whose output counts."""
        return self.absorbed[-1] if self.absorbed else self.path


def aligned(original: TracedModel, optimized: TracedModel) -> tuple[TracedModel, TracedModel]:
    """Return both with paths relative to the wrapped modules that have the most names in common."""
    choices = [(one, other) for one in original.wrappers() for other in optimized.wrappers()]
    # the first of equals wins: what is least unwrapped
    one, other = max(choices, key=lambda pair: len(_names(original, pair[0]) & _names(optimized, pair[1])))
    return original.below(one), optimized.below(other)


def _names(model: TracedModel, prefix: str) -> set[str]:
    """Return the names of the layers that were called inside of the one at ``prefix``."""
    start = f"{prefix}." if prefix else ""
    return {path.removeprefix(start) for path in model.called if path.startswith(start) and path != prefix}


def pair_layers(original: TracedModel, optimized: TracedModel) -> tuple[list[LayerPair], list[UnmatchedLayer]]:
    """Match the layers that both models called by path; return the pairs in order of execution, and the rest.

    A layer is looked at where it is the smallest that both models have. What was folded into the layer before it
    (an Identity stands in its place, or it is a batch normalisation that is no longer called) is looked at together
    with that layer. A container is looked at as a whole where a part of it has no counterpart, or where it has
    parameters of its own.
    """
    folded = _folded(original, optimized)
    reasons = {
        path: _conflict(layer, optimized.called[path], _tail(original, folded, path))
        for path, layer in original.called.items()
        if path and path in optimized.called and path not in folded
    }
    common = {path for path, reason in reasons.items() if not reason}
    containers = {parent for path in common for parent in _parents(path)}
    missing = _missing(original, optimized, common, folded)
    chosen = common - containers
    chosen |= {parent for path in missing if (parent := _nearest(path, common)) is not None}
    chosen |= {path for path in common & containers if any(True for _ in original.modules[path].parameters(False))}
    pairs = [LayerPair(path, original.called[path], optimized.called[path], _absorbed(folded, path)) for path in chosen]
    idle = [pair for pair in pairs if _is_idle(pair)]
    unmatched = [
        _unmatched(path, original, optimized, reasons.get(path, ""))
        for path in _told(missing, reasons, common - containers)
    ]
    unmatched += _never_called(original, optimized, {layer.path for layer in unmatched} | set(folded))
    unmatched += [
        UnmatchedLayer(pair.path, pair.original.kind, "both", "passes its input on as it is") for pair in idle
    ]
    kept = [pair for pair in pairs if pair not in idle]
    return sorted(kept, key=lambda pair: original.called[pair.tail].order), unmatched


def _is_idle(pair: LayerPair) -> bool:
    """Return whether both sides do nothing, as dropout in eval mode."""
    passive = (nn.Identity, nn.modules.dropout._DropoutNd)
    both = pair.original.module, pair.optimized.module
    return not pair.absorbed and all(isinstance(module, passive) for module in both)


def _told(missing: Iterable[str], reasons: Mapping[str, str], whole: Container[str]) -> Iterator[str]:
    """Yield what is to be named: of layers that differ the innermost, of those that are gone the outermost.

    What is inside a layer that is looked at as a ``whole``, or that was named, is no layer of its own.
    """
    refused = {path for path, reason in reasons.items() if reason}
    inner = refused - {parent for path in refused for parent in _parents(path)}
    gone = set(missing) - refused
    for path in missing:
        above = set(_parents(path))
        if path in inner or (path in gone and not above & (gone | inner) and not any(one in whole for one in above)):
            yield path


def _parents(path: str) -> Iterator[str]:
    """Yield the paths above ``path``, the nearest first, without the model itself."""
    while "." in path:
        path = path.rpartition(".")[0]
        yield path


def _nearest(path: str, known: Container[str]) -> str | None:
    return next((parent for parent in _parents(path) if parent in known), None)


def _folded(original: TracedModel, optimized: TracedModel) -> dict[str, str]:
    """Return which layers of the original are folded into which before them."""
    heads: dict[str, str] = {}
    for path, layer in sorted(original.called.items(), key=lambda item: item[1].order):
        if layer.producer is None or layer.inner:
            continue
        head = heads.get(layer.producer, layer.producer)
        twin = optimized.called.get(path)
        if head not in optimized.called or layer.calls != original.called[head].calls:
            continue
        if twin is None:
            gone = isinstance(layer.module, nn.modules.batchnorm._BatchNorm)
        else:
            before = heads.get(twin.producer, twin.producer) if twin.producer is not None else None
            gone = type(twin.module) is nn.Identity is not type(layer.module) and before == head
        if gone:
            heads[path] = head
    return heads


def _absorbed(folded: dict[str, str], path: str) -> tuple[str, ...]:
    return tuple(layer for layer, head in folded.items() if head == path)


def _tail(original: TracedModel, folded: dict[str, str], path: str) -> CalledLayer:
    absorbed = _absorbed(folded, path)
    return original.called[absorbed[-1]] if absorbed else original.called[path]


def _conflict(layer: CalledLayer, twin: CalledLayer, tail: CalledLayer) -> str:
    """Return why two layers of the same name cannot be compared; empty when they can."""
    if layer.calls != twin.calls:
        return f"called {_times(twin.calls)} where the original calls it {_times(layer.calls)}"
    if _of_another_sort(layer.module, twin.module):
        return f"a {twin.kind} where the original has a {layer.kind}: another layer of the same name"
    if not tail.outputs and not twin.outputs:
        return "it returns no tensor"
    return unlike(tail.outputs, twin.outputs)


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def _of_another_sort(one: nn.Module, other: nn.Module) -> bool:
    """Return whether of two layers of torch's own one has parameters and the other cannot have any."""
    if type(one) is type(other) or nn.Identity in (type(one), type(other)):
        return False
    if not all(type(layer).__module__.startswith("torch.nn.modules.") for layer in (one, other)):
        return False
    return any(True for _ in one.parameters()) != any(True for _ in other.parameters())


def _missing(
    original: TracedModel, optimized: TracedModel, common: set[str], folded: dict[str, str]
) -> dict[str, Literal["original", "optimized"]]:
    """Return what was called and has no counterpart, in order of execution, with the model it is in."""
    found: dict[str, Literal["original", "optimized"]] = {}
    known = common | set(folded) | {""}
    for path in sorted(original.called, key=lambda path: original.called[path].order):
        if path not in known:
            found[path] = "original"
    for path in sorted(optimized.called, key=lambda path: optimized.called[path].order):
        if path not in known:
            found.setdefault(path, "optimized")
    return found


def _unmatched(path: str, original: TracedModel, optimized: TracedModel, conflict: str) -> UnmatchedLayer:
    if conflict:
        return UnmatchedLayer(path, original.called[path].kind, "both", conflict)
    if path in original.called:
        reason = "the other never calls it" if path in optimized.modules else "the other has no layer of this name"
        if isinstance(optimized.modules.get(path), torch.jit.ScriptModule):
            reason = "it is TorchScript in the other, which cannot be looked into"
        return UnmatchedLayer(path, original.called[path].kind, "original", reason)
    reason = "the original never calls it" if path in original.modules else "the original has no layer of this name"
    return UnmatchedLayer(path, optimized.called[path].kind, "optimized", reason)


def _never_called(original: TracedModel, optimized: TracedModel, told: set[str]) -> Iterator[UnmatchedLayer]:
    reason = "never called with these inputs"
    for path, module in original.modules.items():
        if _unused(original, path) and path not in told:
            both = path in optimized.modules and path not in optimized.called
            yield UnmatchedLayer(path, kind_of(module), "both" if both else "original", reason)
    for path, module in optimized.modules.items():
        if _unused(optimized, path) and path not in original.modules and path not in told:
            yield UnmatchedLayer(path, kind_of(module), "optimized", reason)


def _unused(model: TracedModel, path: str) -> bool:
    if path in model.called or any(True for _ in model.modules[path].children()):
        return False
    # what a layer keeps inside and uses by function, as attention does with its projection, is a part of it
    above = _nearest(path, model.called)
    return above is None or model.called[above].inner
