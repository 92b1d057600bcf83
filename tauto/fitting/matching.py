"""Which layer of a student learns from which of its teacher."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from tauto.fitting.objective import called
from tauto.fitting.taps import tapped
from tauto.workload.call import Call
from tauto.workload.state import evaluating, preserved_rng
from tauto.workload.structure import tensors_of

__all__ = ["MOST_MATCHES", "Match", "Point", "matches", "points"]

MOST_MATCHES = 6
"""Pairs of layers looked at: spread over the depth; more tell little more."""


@dataclass(frozen=True, slots=True)
class Point:
    """A layer that is called once, and the shape of what it puts out."""

    path: str
    kind: str
    shape: tuple[int, ...]
    convolves: bool
    """Whether channels come first, as after a convolution."""


@dataclass(frozen=True, slots=True)
class Match:
    """A student's layer, the teacher's, and the dimension of their channels."""

    student: Point
    teacher: Point
    channels: int

    def __str__(self) -> str:
        return f"{self.student.path} ← {self.teacher.path}"


def points(model: nn.Module, example: Call) -> list[Point]:
    """Return the layers of ``model`` that features are taken from, in order of execution.

    They are the blocks that stand in a ``Sequential`` or ``ModuleList``; in a model without any, the layers with
    parameters. What is called several times is none, and neither is what puts out the model's own output.
    """
    blocks = list(_blocks(model))
    layers = [path for path, each in model.named_modules() if path and _is_layer(each)]
    with evaluating(model), preserved_rng(), torch.no_grad(), tapped(model, [*blocks, *layers]) as heard:
        output = tensors_of(called(example, model))
    found = [
        Point(path, *_described(model.get_submodule(path), once[0])) for path, once in heard.items() if len(once) == 1
    ]
    final = {path for path, once in heard.items() if any(once[0] is each for each in output)}
    kept = [each for each in found if each.path not in final and len(each.shape) > 1]
    return [each for each in kept if each.path in blocks] or [each for each in kept if each.path in layers]


def matches(student: list[Point], teacher: list[Point], *, maps: bool = False) -> list[Match]:
    """Return which layers go together: of one kind and of shapes that differ in their channels alone, by their depth.

    The last of a student's layers learns from the last of the teacher's, the first of four from the third of twelve.

    Parameters
    ----------
    student, teacher : list of Point
        In order of execution.
    maps : bool
        Only layers with positions (of a picture or a sequence), whatever their channels.
    """
    found: list[Match] = []
    for same_kind in (True, False):  # a student may be made of other layers than its teacher
        used: set[tuple[str, str]] = set()
        for point in student:
            mine = [each for each in student if _alike(point, each, same_kind)]
            its = [each for each in teacher if _alike(point, each, same_kind)]
            if not its or (maps and len(point.shape) < 3):
                continue
            taught = its[-(-(mine.index(point) + 1) * len(its) // len(mine)) - 1]
            if (point.path, taught.path) not in used:
                used.add((point.path, taught.path))
                found.append(Match(point, taught, _channels(point, taught)))
        if found:
            break
    step = max(1.0, len(found) / MOST_MATCHES)
    return [found[round((at + 1) * step) - 1] for at in range(min(len(found), MOST_MATCHES))]


def _blocks(module: nn.Module, path: str = "") -> Iterator[str]:
    inside = isinstance(module, nn.Sequential | nn.ModuleList)
    for name, child in module.named_children():
        here = f"{path}.{name}" if path else name
        holds = isinstance(child, nn.Sequential | nn.ModuleList | nn.ModuleDict)
        if inside and not holds and any(True for _ in child.children()):
            yield here
        else:
            yield from _blocks(child, here)


def _is_layer(module: nn.Module) -> bool:
    return not any(True for _ in module.children()) and any(True for _ in module.parameters())


def _described(module: nn.Module, output: Tensor) -> tuple[str, tuple[int, ...], bool]:
    convolves = any(isinstance(each, _ConvNd) for each in module.modules()) or output.ndim > 3
    return type(module).__name__, tuple(output.shape), convolves


def _alike(one: Point, other: Point, same_kind: bool) -> bool:
    if len(one.shape) != len(other.shape) or (same_kind and one.kind != other.kind):
        return False
    return len(_different(one, other)) <= 1 and one.shape[0] == other.shape[0]


def _different(one: Point, other: Point) -> list[int]:
    return [at for at, (mine, its) in enumerate(zip(one.shape, other.shape, strict=True)) if mine != its]


def _channels(one: Point, other: Point) -> int:
    return next(iter(_different(one, other)), 1 if one.convolves else len(one.shape) - 1)
