"""Students made from their teacher's shape, half as deep or less wide, with its own weights where they fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from tauto.errors import CandidateFailed
from tauto.techniques.proof import reduced
from tauto.techniques.pruning.channels import narrow_channels
from tauto.techniques.pruning.cuts import answers, shape_of_answers
from tauto.workload import Workload

__all__ = ["SHAPES", "WIDTHS", "Shape", "halve_depth", "repeats", "student_of"]

Shape = Literal["half", "half-depth", "half-width", "quarter-width"]
"""``half`` is half as deep where blocks repeat, else half as wide."""
SHAPES: tuple[Shape, ...] = get_args(Shape)
WIDTHS = {"half-width": 0.5, "quarter-width": 0.75}
"""The share of the channels that goes."""

LONGEST_PERIOD = 4
"""Layers of a ``Sequential`` that may repeat together, such as a linear layer, its norm and its activation."""


def student_of(workload: Workload, shape: Shape) -> tuple[nn.Module, str]:
    """Return a student of ``workload.model`` that can be trained, and in words how it was made.

    Raises
    ------
    CandidateFailed
        When the model cannot be made smaller this way; the message says why.
    """
    try:
        model, words = _made(workload, shape)
    except CandidateFailed as error:
        raise CandidateFailed(f"no {shape} student can be made of it: {error}; give a student of your own") from error
    for parameter in model.parameters():
        parameter.requires_grad_(parameter.is_floating_point())
    return model, words


def _made(workload: Workload, shape: Shape) -> tuple[nn.Module, str]:
    call = (workload.example.args, workload.example.kwargs)
    model = workload.copy_model()
    shapes = shape_of_answers(answers(model, call))
    dropped = [] if shape in WIDTHS else halve_depth(model, *call)
    if dropped:
        made, words = "half-depth", f"without {_listed(dropped)}"
    elif shape == "half-depth":
        raise CandidateFailed("it has no blocks that repeat one after the other, of which every second could go")
    else:
        made = "half-width" if shape == "half" else shape
        words = _narrowed(model, call, WIDTHS[made])
    try:
        found = shape_of_answers(answers(model, call))
    except Exception as error:  # the user's own forward, with other layers
        raise CandidateFailed(f"made {made}, its forward pass fails: {reduced(error)}") from error
    if found != shapes:
        raise CandidateFailed(f"made {made}, it returns other shapes than before")
    return model, f"{made}, {words}"


def halve_depth(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    """Leave out every second of the blocks that repeat one after the other in ``model``; return their paths.

    Blocks are alike when they are of one kind, print alike and have parameters of the same shapes. They follow each
    other when each is called once, in order, and gives on what is of the shape of what it takes.
    """
    dropped = []
    for path, holder in _holders(model):
        children = _children(holder)
        gone = {
            at for run in _runs(children) if _in_turn(model, run, children, args, kwargs) for at in _every_second(run)
        }
        if not gone:
            continue
        dropped += [f"{path}.{at}".lstrip(".") for at in sorted(gone)]
        kept = [child for at, child in enumerate(children) if at not in gone]
        names = list(holder._modules)[: len(kept)]
        holder._modules = dict(zip(names, kept, strict=True))
        _renumber(children, kept)
    return dropped


def repeats(model: nn.Module) -> bool:
    """Return whether ``model`` has blocks that look as if every second could go; it is not run."""
    return any(True for _ in _holders(model))


def _holders(module: nn.Module, path: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Yield the outermost lists of modules of which some repeat."""
    if isinstance(module, nn.Sequential | nn.ModuleList) and any(True for _ in _runs(_children(module))):
        yield path, module
        return
    for name, child in list(module.named_children()):
        yield from _holders(child, f"{path}.{name}".lstrip("."))


def _runs(children: list[nn.Module]) -> Iterator[list[list[int]]]:
    """Yield the longest runs of repeats: of each the positions of its repeats, which are of one length."""
    signs = [_sign(child) for child in children]
    at = 0
    while at < len(children):
        found: list[list[int]] = []
        for period in range(1, LONGEST_PERIOD + 1):
            first = signs[at : at + period]
            repeats = 1
            while signs[at + repeats * period : at + (repeats + 1) * period] == first and len(first) == period:
                repeats += 1
            if repeats > 1 and first[0][2]:  # it begins with what has parameters: a layer and its activation
                found = [list(range(at + n * period, at + (n + 1) * period)) for n in range(repeats)]
                break
        if found:
            yield found
        at = found[-1][-1] + 1 if found else at + 1


def _children(module: nn.Module) -> list[nn.Module]:
    """Return the children with those that stand there twice, which ``children()`` leaves out."""
    return [child for child in module._modules.values() if child is not None]


def _sign(module: nn.Module) -> tuple[type, str, tuple[Any, ...]]:
    return type(module), repr(module), tuple(parameter.shape for parameter in module.parameters())


def _every_second(run: list[list[int]]) -> list[int]:
    return [at for repeat in run[1::2] for at in repeat]


def _in_turn(
    model: nn.Module, run: list[list[int]], children: list[nn.Module], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> bool:
    """Return whether the repeats of a run follow each other when the model is called: not branches, nor experts."""
    seen: list[tuple[int, Tensor | None, Tensor | None]] = []

    def note(at: int) -> Any:
        def hook(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
            seen.append((at, _first((args, *kwargs.values())), _first(output)))

        return hook

    handles = [children[at].register_forward_hook(note(at), with_kwargs=True) for repeat in run for at in repeat]
    try:
        with torch.no_grad():
            model(*args, **kwargs)
    finally:
        for handle in handles:
            handle.remove()
    if [at for at, _, _ in seen] != [at for repeat in run for at in repeat]:
        return False
    size = len(run[0])
    taken = [seen[at][1] for at in range(0, len(seen), size)]
    given = [seen[at][2] for at in range(size - 1, len(seen), size)]
    if any(one is None for one in (*taken, *given)) or len({id(one) for one in taken}) < len(taken):
        return False
    return len({one.shape for one in (*taken, *given) if one is not None}) == 1


def _first(value: Any) -> Tensor | None:
    """Return the first floating-point tensor of nested tuples, lists and dictionaries."""
    if isinstance(value, Tensor):
        return value if value.is_floating_point() else None
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, tuple | list) else ()
    return next((found for item in inside if (found := _first(item)) is not None), None)


def _renumber(children: list[nn.Module], kept: list[nn.Module]) -> None:
    """Number what is left anew, where layers know their place, as those of transformers do for their caches."""
    for place, child in enumerate(kept):
        was = children.index(child)
        for module in child.modules():
            if vars(module).get("layer_idx") == was:
                module.layer_idx = place  # type: ignore[assignment]


def _narrowed(model: nn.Module, call: tuple[tuple[Any, ...], dict[str, Any]], share: float) -> str:
    try:
        cuts, left = narrow_channels(model, [call], share, widths={})
    except Exception as error:  # Torch-Pruning traces the user's code
        raise CandidateFailed(f"it cannot be traced to be made narrower: {reduced(error)}") from error
    if not cuts:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in list(left.items())[:3])
        raise CandidateFailed(f"none of its layers can be made narrower{': ' if reasons else ''}{reasons}")
    return _listed([f"{cut.name} {cut.before} → {cut.after}" for cut in cuts])


def _listed(names: list[str]) -> str:
    return ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
