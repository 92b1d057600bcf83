"""Whole blocks, left out where the outputs miss them least: what goes into one is what comes out of it then.

It needs torch alone, so that a recipe's script can carry this text.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from tauto.techniques.pruning.cuts import Cut, answers, refusal, restored, shape_of_answers, state_of

__all__ = ["Skip", "drop_blocks", "redrop_blocks"]

LEAST_LAYERS = 2
"""A block has at least as many layers with weights."""


class Skip(nn.Module):
    """Returns what a block was given first: what else it was given, as a mask, it does not need."""

    def forward(self, hidden: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Return ``hidden``."""
        return hidden


def drop_blocks(
    model: nn.Module, calls: list[Any], share: float, *, widths: dict[str, int]
) -> tuple[list[Cut], dict[str, str]]:
    """Leave ``share`` of the blocks of ``model`` out, in place, one after the other, each time the one missed least.

    A block is a module of at least two layers, in a ``Sequential`` or a ``ModuleList``, called once with a tensor
    first, that returns a tensor of the same shape.
    """
    blocks, left = _blocks(model, calls[0])
    first = widths.setdefault("blocks", len(blocks))
    to_drop = len(blocks) - max(1, int(first * (1 - share) + 0.5)) if blocks else 0
    right = [answers(model, call) for call in calls]
    shapes, cuts = shape_of_answers(right[0]), []
    for _ in range(to_drop):
        damages = {name: _damage(model, name, calls, right) for name in blocks if name not in left}
        if not damages:
            break
        name = min(damages, key=lambda one: damages[one])
        before = state_of(model)
        _drop(model, name)
        if reason := refusal(model, calls[0], None, shapes):
            restored(before)
            left[name] = reason
        else:
            blocks.remove(name)
            cuts.append(Cut(name, "blocks", 1, 0))
    return cuts, left


def redrop_blocks(model: nn.Module, call: Any, cuts: list[Cut]) -> None:
    """Leave the same blocks out of another model of the same shape."""
    for cut in cuts:
        _drop(model, cut.name)


def _drop(model: nn.Module, name: str) -> None:
    owner, _, last = name.rpartition(".")
    model.get_submodule(owner)._modules[last] = Skip()


def _damage(model: nn.Module, name: str, calls: list[Any], right: list[list[Tensor]]) -> float:
    """Return the squared error of the outputs without the block; infinite when it cannot be left out."""
    before, noise = state_of(model), 0.0
    _drop(model, name)
    try:
        for call, expected in zip(calls, right, strict=True):
            for one, other in zip(answers(model, call), expected, strict=True):
                noise += float((one.double() - other.double()).square().sum()) if one.is_floating_point() else 0.0
    except Exception:  # the forward pass refuses it, as refusal() will say when its turn comes
        return float("inf")
    finally:
        restored(before)
    return noise if noise == noise else float("inf")


def _blocks(model: nn.Module, call: Any) -> tuple[list[str], dict[str, str]]:
    """Return the blocks that can be left out, and those that cannot, with the reason."""
    seen: dict[str, list[Any]] = {}
    names: dict[nn.Module, str] = {}
    for name, module in model.named_modules():
        if isinstance(module, (nn.Sequential, nn.ModuleList)):
            names |= {child: f"{name}.{key}".lstrip(".") for key, child in module.named_children() if _is_block(child)}

    def look(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        seen.setdefault(names[module], []).append((args, kwargs, output))

    handles = [module.register_forward_hook(look, with_kwargs=True) for module in names]
    try:
        answers(model, call)
    finally:
        for handle in handles:
            handle.remove()
    found, left = [], {}
    for name in names.values():
        reason = _unlike(seen.get(name, []))
        if reason:
            left[name] = reason
        else:
            found.append(name)
    return found, left


def _is_block(module: nn.Module) -> bool:
    with_weights = [part for part in module.modules() if any(True for _ in part.parameters(recurse=False))]
    return len(with_weights) >= LEAST_LAYERS


def _unlike(calls: list[Any]) -> str:
    if len(calls) != 1:
        return "it is used more than once in a call" if calls else "it is not used in a call"
    args, _, output = calls[0]
    if not args or not isinstance(args[0], Tensor) or not isinstance(output, Tensor):
        return "it does not take one tensor first and return one"
    same = args[0].shape == output.shape and args[0].dtype == output.dtype
    return "" if same else "it changes the shape of what goes through"
