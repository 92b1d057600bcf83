"""Channels and hidden widths: layers that can only be made narrower together, found by Torch-Pruning.

It needs torch and torch_pruning alone, so that a recipe's script can carry this text.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from tauto.techniques.pruning.cuts import Cut, answers, refusal, restored, shape_of_answers, state_of, unfit
from tauto.techniques.pruning.tracing import graph_of, group_of, lost

__all__ = [
    "HEAD_ATTRIBUTES",
    "HEAD_READERS",
    "cut_channels",
    "has_heads",
    "kept_width",
    "narrow_channels",
    "recut_channels",
]

HEAD_ATTRIBUTES = ("num_heads", "n_heads", "n_head", "num_attention_heads", "nhead", "heads")
HEAD_MARKS = (*HEAD_ATTRIBUTES, "num_key_value_groups")
"""An attention has one of them; a Llama's tells its groups alone."""
HEAD_READERS = ("out_proj", "o_proj", "c_proj", "proj", "to_out", "out_lin", "wo", "w_o", "fc_out", "out", "dense")
"""Names of the layers that read what the heads make: their own width is the model's."""
MOST_REMOVED = 0.95
LOOKS = 2
"""Calls over which sensitivity is measured."""
LAYERS = (nn.Linear, nn.modules.conv._ConvNd)


def narrow_channels(
    model: nn.Module,
    calls: list[Any],
    share: float,
    *,
    widths: dict[str, int],
    importance: str = "l2",
    spread: str = "uniform",
    ratios: dict[str, float] | None = None,
    round_to: int = 8,
    min_width: int = 8,
    gradients: Callable[[nn.Module], None] | None = None,
) -> tuple[list[Cut], dict[str, str]]:
    """Make the layers of ``model`` narrower, in place, by ``share`` of what they were wide at first.

    Parameters
    ----------
    model : torch.nn.Module
        In eval mode.
    calls : list of (args, kwargs)
        The first is the example that layers are traced with; sensitivity is measured over it and the next.
    share : float
        Of the channels, over all layers that can be cut.
    widths : dict
        What the layers were wide at first; filled at the first step of several.
    importance : str
        ``l1``, ``l2``, ``bn_scale`` or ``taylor``.
    spread : str
        ``uniform``: the same share of each; ``global``: the least important wherever they are; ``sensitivity``: less
        of those that the outputs depend on.
    ratios : dict, optional
        The share of some layers by name, in place of that.
    round_to, min_width : int
        Widths become multiples of the one, and not less than the other or a tenth.
    gradients : callable, optional
        Fills in the gradients that ``taylor`` reads.

    Returns
    -------
    list of Cut, dict
        What was cut, and what could not be, by name with the reason.
    """
    for parameter in model.parameters():
        parameter.requires_grad_(parameter.is_floating_point())
    graph, groups, left = _found_groups(model, calls[0])
    scores = _scores(model, groups, left, importance, gradients)
    for name, score in scores.items():
        widths.setdefault(name, len(score))
    shares = _shares(model, calls, groups, scores, share, spread, widths)
    shares |= _named(ratios or {}, groups, model)
    cuts, shapes = [], shape_of_answers(answers(model, calls[0]))
    for name, score in scores.items():
        after = kept_width(widths[name], shares[name], round_to, min_width, _blocks(groups[name]))
        if after >= len(score):
            if len(score) == widths[name] and shares[name] > 0:
                small = f"{len(score)} wide, which is as narrow as is of use"
                rounds = f"{len(score)} wide: {shares[name]:.0%} less rounds to the same"
                left[name] = small if len(score) <= min_width else rounds
            continue
        removed = _weakest(score, len(score) - after, _blocks(groups[name]))
        reason = cut_channels(graph, model, calls[0], name, removed, shapes)
        if reason:
            left[name] = reason
            graph = graph_of(model, calls[0])
        else:
            cuts.append(Cut(name, "channels", len(score), after, tuple(removed)))
    for parameter in model.parameters():
        parameter.grad = None
    return cuts, left


def kept_width(width: int, share: float, round_to: int, least: int, blocks: int = 1) -> int:
    """Return what is left of ``width``: a useful width, a multiple that the hardware likes.

    Examples
    --------
    >>> kept_width(100, 0.5, 8, 8), kept_width(12, 0.5, 8, 8), kept_width(6, 0.5, 8, 8)
    (48, 8, 6)
    """
    multiple = math.lcm(round_to, blocks) if math.lcm(round_to, blocks) <= width // 2 else blocks
    kept = int(width * (1 - share) / multiple + 0.5) * multiple
    return min(width, max(math.ceil(max(least, width / 10) / blocks) * blocks, kept))


def cut_channels(graph: Any, model: nn.Module, call: Any, name: str, removed: list[int], shapes: list[Any]) -> str:
    """Cut channels out of ``name`` and all that must go with them; return why not, and leave all as it was."""
    module = model.get_submodule(name)
    before = state_of(model)
    try:
        group = group_of(graph, module, removed)
        expected = _masked_answers(graph, group, model, call)
        group.prune()
        reason = refusal(model, call, expected, shapes)
    except Exception as error:
        reason = lost(error)
    if reason:
        restored(before)
    return reason


def recut_channels(model: nn.Module, call: Any, cuts: list[Cut]) -> None:
    """Cut out of a model what was cut out of another of the same shape."""
    for parameter in model.parameters():
        parameter.requires_grad_(parameter.is_floating_point())
    graph = graph_of(model, call)
    for cut in cuts:
        group_of(graph, model.get_submodule(cut.name), list(cut.removed)).prune()


def _found_groups(model: nn.Module, call: Any) -> tuple[Any, dict[str, Any], dict[str, str]]:
    graph = graph_of(model, call)
    names = {module: name for name, module in model.named_modules()}
    often, bad = _used_often(model, call), unfit(model)
    groups, seen = {}, set[Any]()
    recurrent = {name: type(module).__name__ for module, name in names.items() if isinstance(module, nn.RNNBase)}
    left = {name: f"the hidden width of a recurrent layer ({kind}) is not pruned" for name, kind in recurrent.items()}
    for module, name in names.items():
        if not isinstance(module, LAYERS) or module in seen:
            continue
        if reason := _of_heads(model, name) or ("" if module in graph.module2node else "no call reaches it"):
            left[name] = reason  # and rotated queries and keys would be followed without an end
            continue
        try:
            group = group_of(graph, module, list(range(graph.get_out_channels(module))))
        except Exception as error:
            left[name] = lost(error)
            continue
        seen |= {dep.target.module for dep, _ in group if graph.is_out_channel_pruning_fn(dep.handler)}
        if reason := _reason(graph, group, names, often, bad):
            left[name] = reason
        else:
            groups[name] = group
    return graph, groups, left


def _used_often(model: nn.Module, call: Any) -> set[nn.Module]:
    counts: dict[nn.Module, int] = {}

    def count(module: nn.Module, args: Any, output: Any) -> None:
        counts[module] = counts.get(module, 0) + 1

    handles = [module.register_forward_hook(count) for module in model.modules() if isinstance(module, LAYERS)]
    try:
        answers(model, call)
    finally:
        for handle in handles:
            handle.remove()
    return {module for module, times in counts.items() if times > 1}


def _reason(graph: Any, group: Any, names: dict[Any, str], often: set[nn.Module], bad: dict[nn.Module, str]) -> str:
    """Return why a group is not to be cut at all; "" when it may be tried."""
    for dep, indices in group:
        module, node = dep.target.module, dep.target
        if module not in names:
            continue
        if graph.is_out_channel_pruning_fn(dep.handler) and not node.outputs:
            return "the model's outputs are made of it"
        if module in often:
            who = "it" if module is group[0].dep.target.module else names[module]
            return f"{who} is used more than once in a call"
        if module in bad:
            return bad[module] if module is group[0].dep.target.module else f"{names[module]}: {bad[module]}"
        if isinstance(module, (nn.MultiheadAttention, nn.RNNBase)):
            return f"{names[module]} ({type(module).__name__}) needs the whole width"
        groups = getattr(module, "groups", 1)
        if isinstance(module, nn.modules.conv._ConvNd) and groups > 1 and groups != module.out_channels:
            who = "it" if module is group[0].dep.target.module else names[module]
            return f"{who} convolves in {groups} groups"
        if isinstance(module, nn.GroupNorm) and len(indices) != len(group[0].idxs):
            return f"{names[module]} norms it in groups with other channels"
    for dep, _ in group:
        made = isinstance(dep.target.module, LAYERS) and graph.is_out_channel_pruning_fn(dep.handler)
        if made and (reason := _of_heads(graph.model, names.get(dep.target.module, ""))):
            return reason
    return ""


def _of_heads(model: nn.Module, name: str) -> str:
    """Return why the width of ``name`` is not to be cut, where attention heads are made of it; else ""."""
    owner, _, last = name.rpartition(".")
    parent = model.get_submodule(owner)
    if isinstance(parent, nn.MultiheadAttention):
        return "it is part of torch's MultiheadAttention, which needs the whole width"
    made = last not in HEAD_READERS and has_heads(parent)
    return "its width is that of attention heads: structure='heads' removes whole ones" if made else ""


def has_heads(module: nn.Module) -> bool:
    """Return whether ``module`` says of itself how many heads it has."""
    return any(isinstance(vars(module).get(name), int) for name in HEAD_MARKS)


def _blocks(group: Any) -> int:
    """Return in how many equal parts a group norm divides the channels; each must lose the same number."""
    return math.lcm(*(dep.target.module.num_groups for dep, _ in group if isinstance(dep.target.module, nn.GroupNorm)))


def _scores(
    model: nn.Module,
    groups: dict[str, Any],
    left: dict[str, str],
    importance: str,
    gradients: Callable[[nn.Module], None] | None,
) -> dict[str, Tensor]:
    """Return the importance of each channel; the mean of a layer is 1. What has none goes from groups to left."""
    from torch_pruning import importance as kinds

    by_size = kinds.GroupMagnitudeImportance(p=1 if importance == "l1" else 2)
    chosen = by_size
    if importance == "taylor" and gradients is not None:
        gradients(model)
        chosen = kinds.GroupTaylorImportance()
    elif importance == "bn_scale":
        chosen = kinds.BNScaleImportance()
    found = {}
    for name, group in list(groups.items()):
        try:
            score = chosen(group)
            if score is None or not bool(torch.isfinite(score).all()):
                score = by_size(group)  # no batch normalisation here, or no gradient at all
            found[name] = score.detach()
        except Exception as error:
            left[name] = lost(error)
            del groups[name]
    return found


def _shares(
    model: nn.Module,
    calls: list[Any],
    groups: dict[str, Any],
    scores: dict[str, Tensor],
    share: float,
    spread: str,
    widths: dict[str, int],
) -> dict[str, float]:
    """Return which share of its first width each layer is to lose, so that all together lose ``share``."""
    if spread == "global" and scores:
        gone = sum(widths[name] - len(score) for name, score in scores.items())
        rest = max(0, round(share * sum(widths[name] for name in scores)) - gone)
        ordered = torch.cat(list(scores.values())).sort().values
        bar = ordered[min(rest, len(ordered) - 1)]
        return {
            name: (widths[name] - len(score) + int((score < bar).sum())) / widths[name]
            for name, score in scores.items()
        }
    if spread == "sensitivity" and len(scores) > 1:
        return _by_damage(
            _damages(model, calls[:LOOKS], groups, scores), share, {name: widths[name] for name in scores}
        )
    return dict.fromkeys(scores, share)


def _by_damage(damages: dict[str, float], share: float, widths: dict[str, int]) -> dict[str, float]:
    """Return shares that fall with the square root of the damage, with ``share`` as their mean over all channels."""
    least = max(max(damages.values()), 1e-9) * 1e-3
    wish = {name: 1 / math.sqrt(max(damage, least)) for name, damage in damages.items()}
    low, high = 0.0, MOST_REMOVED / min(wish.values())
    for _ in range(50):
        scale = (low + high) / 2
        found = {name: min(MOST_REMOVED, scale * one) for name, one in wish.items()}
        mean = sum(found[name] * widths[name] for name in found) / sum(widths[name] for name in found)
        low, high = (scale, high) if mean < share else (low, scale)
    return found


def _damages(model: nn.Module, calls: list[Any], groups: dict[str, Any], scores: dict[str, Tensor]) -> dict[str, float]:
    """Return the relative error of the outputs without the weaker half of each layer alone."""
    graph = next(iter(groups.values()))._DG
    right = [answers(model, call) for call in calls]
    found = {}
    for name, score in scores.items():
        part = group_of(graph, model.get_submodule(name), _weakest(score, max(1, len(score) // 2), 1))
        noise = signal = 0.0
        for call, expected in zip(calls, right, strict=True):
            for one, other in zip(expected, _masked(graph, part, model, call), strict=True):
                if one.is_floating_point():
                    noise += float((one.double() - other.double()).square().sum())
                    signal += float(one.double().square().sum())
        found[name] = math.sqrt(noise / max(signal, 1e-12))
    return found


def _weakest(score: Tensor, count: int, blocks: int) -> list[int]:
    """Return the indices of the ``count`` least important, the same number in each of ``blocks`` equal parts."""
    parts = score.reshape(blocks, -1)
    found = parts.argsort(dim=1, stable=True)[:, : count // blocks]
    offsets = torch.arange(blocks, device=score.device)[:, None] * parts.shape[1]
    return sorted((found + offsets).flatten().tolist())


def _masked_answers(graph: Any, group: Any, model: nn.Module, call: Any) -> list[Tensor] | None:
    """Return what the model must answer without the channels; None where a norm over the rest decides it."""
    if any(isinstance(dep.target.module, (nn.LayerNorm, nn.GroupNorm)) for dep, _ in group):
        return None
    return _masked(graph, group, model, call)


def _masked(graph: Any, group: Any, model: nn.Module, call: Any) -> list[Tensor]:
    """Return the answers of the model while no layer reads the channels of ``group``."""
    saved = []
    for dep, indices in group:
        module = dep.target.module
        if isinstance(module, LAYERS) and graph.is_in_channel_pruning_fn(dep.handler) and indices:
            if graph.is_out_channel_pruning_fn(dep.handler):
                continue  # depthwise: it reads and writes the channel alike
            dim = 0 if getattr(module, "transposed", False) else 1
            weight = module.weight.data
            saved.append((module.weight, weight))
            module.weight.data = weight.index_fill(dim, torch.tensor(indices, device=weight.device), 0)
    try:
        return answers(model, call)
    finally:
        for parameter, weight in reversed(saved):
            parameter.data = weight


def _named(ratios: dict[str, float], groups: dict[str, Any], model: nn.Module) -> dict[str, float]:
    """Return the shares given by name; a name may be any layer of a group."""
    names = {module: name for name, module in model.named_modules()}
    roots: dict[str, str] = {}
    for root, group in groups.items():
        for dep, _ in group:
            if dep.handler == group[0].dep.handler and dep.target.module in names:
                roots.setdefault(names[dep.target.module], root)
    unknown = [name for name in ratios if name not in roots]
    if unknown:
        raise ValueError(f"ratios: {unknown[0]!r} is no layer that can be cut; there are: {', '.join(groups)}")
    return {roots[name]: ratio for name, ratio in ratios.items()}
