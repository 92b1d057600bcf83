"""Attention heads, taken out whole: the layers that make and read them shrink, and the module's own numbers follow.

A layout is believed only when the smaller model answers as the whole one does with these heads silenced. It needs torch
alone, so that a recipe's script can carry this text.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tauto.techniques.pruning.channels import HEAD_ATTRIBUTES, HEAD_READERS, has_heads
from tauto.techniques.pruning.cuts import Cut, answers, refusal, restored, shape_of_answers, state_of, unfit

__all__ = ["narrow_heads", "recut_heads"]

WIDTHS = ("all_head_size", "embed_dim", "n_embd", "inner_dim", "hidden_size", "d_model", "dim", "attn_dim", "width")
BESIDE = ("output.dense", "out_proj", "o_proj", "proj")


@dataclass(frozen=True)
class Attention:
    """The layers of one attention; ``fused`` makes queries, keys and values at once."""

    name: str
    module: nn.Module
    heads: int
    makes: tuple[nn.Linear, ...]
    reads: nn.Linear

    @property
    def fused(self) -> bool:
        return len(self.makes) == 1


def narrow_heads(
    model: nn.Module,
    calls: list[Any],
    share: float,
    *,
    widths: dict[str, int],
    importance: str = "l2",
    spread: str = "uniform",
    ratios: dict[str, float] | None = None,
    gradients: Callable[[nn.Module], None] | None = None,
) -> tuple[list[Cut], dict[str, str]]:
    """Take the least important heads out of every attention of ``model``, in place; one always stays.

    Parameters and what is returned are those of ``narrow_channels``.
    """
    found, left = _attentions(model)
    for parameter in model.parameters():
        parameter.requires_grad_(parameter.is_floating_point())
    if importance == "taylor" and gradients is not None:
        gradients(model)
    scores = {one.name: _score(one, importance) for one in found}
    for one in found:
        widths.setdefault(one.name, one.heads)
    unknown = [name for name in ratios or {} if name not in scores]
    if unknown:
        raise ValueError(f"ratios: {unknown[0]!r} is no attention that can be cut; there are: {', '.join(scores)}")
    wanted = {name: (ratios or {}).get(name, share) for name in scores}
    kept = {name: max(1, int(widths[name] * (1 - wanted[name]) + 0.5)) for name in scores}
    if spread == "global" and scores:
        gone = sum(widths[name] - len(score) for name, score in scores.items())
        ordered = torch.cat(list(scores.values())).sort().values
        bar = ordered[min(max(0, round(share * sum(widths.values())) - gone), len(ordered) - 1)]
        kept = {name: max(1, int((score >= bar).sum())) for name, score in scores.items()}
    cuts = []
    for one in found:
        count = one.heads - kept[one.name]
        if count < 1:
            continue
        removed = sorted(scores[one.name].argsort(stable=True)[:count].tolist())
        reason = _cut(model, calls[0], one, removed)
        if reason:
            left[one.name] = reason
        else:
            cuts.append(Cut(one.name, "heads", one.heads, one.heads - count, tuple(removed)))
    for parameter in model.parameters():
        parameter.grad = None
    return cuts, left


def recut_heads(model: nn.Module, call: Any, cuts: list[Cut]) -> None:
    """Cut out of a model what was cut out of another of the same shape."""
    found = {one.name: one for one in _attentions(model)[0]}
    for cut in cuts:
        reason = _cut(model, call, found[cut.name], list(cut.removed))
        if reason:
            raise ValueError(reason)


def _attentions(model: nn.Module) -> tuple[list[Attention], dict[str, str]]:
    found, left, bad = [], {}, unfit(model)
    for name, module in model.named_modules():
        heads = next((n for key in HEAD_ATTRIBUTES if type(n := vars(module).get(key)) is int and n > 1), 0)
        if not heads or any(True for child in module.children() if has_heads(child)):
            continue
        if isinstance(module, nn.MultiheadAttention):
            left[name] = "torch's MultiheadAttention ties heads × their width to the model's width"
            continue
        parent = model.get_submodule(name.rpartition(".")[0])
        one = _layers(name, module, heads, parent)
        if one is None:
            left[name] = "its layers for query, key, value and output were not recognised"
        elif reason := next((bad[layer] for layer in (*one.makes, one.reads) if layer in bad), ""):
            left[name] = reason
        else:
            found.append(one)
    return found, left


def _layers(name: str, module: nn.Module, heads: int, parent: nn.Module) -> Attention | None:
    linears = {key: layer for key, layer in module.named_modules() if isinstance(layer, nn.Linear)}
    beside = {key: layer for key, layer in parent.named_modules() if isinstance(layer, nn.Linear)}
    reads = next((linears[key] for key in (*HEAD_READERS, "to_out.0") if key in linears), None)
    reads = reads or next((beside[key] for key in BESIDE if key in beside), None)
    if reads is None:
        return None
    width = reads.in_features
    makes = [layer for layer in linears.values() if layer is not reads and layer.out_features in (width, 3 * width)]
    sizes = [layer.out_features for layer in makes]
    if width % heads or sizes not in ([width] * 3, [3 * width]):
        return None
    return Attention(name, module, heads, tuple(makes), reads)


def _score(one: Attention, importance: str) -> Tensor:
    """Return the importance of each head, over all weights that make or read it; their mean is 1."""

    def of(weight: Tensor) -> Tensor:
        if importance == "taylor" and weight.grad is not None:
            return (weight * weight.grad).detach().abs()
        return weight.detach().abs() if importance == "l1" else weight.detach().square()

    total = of(one.reads.weight).sum(0).reshape(one.heads, -1).sum(1)
    for layer in one.makes:
        total = total + of(layer.weight).sum(1).reshape(3 if one.fused else 1, one.heads, -1).sum((0, 2))
    return total / total.mean().clamp_min(1e-12)


def _cut(model: nn.Module, call: Any, one: Attention, removed: list[int]) -> str:
    """Take heads out in the first layout that answers as it should; return why not, and leave all as it was."""
    shapes, expected = shape_of_answers(answers(model, call)), _silenced(model, call, one, removed)
    reason = ""
    for interleaved, widths in _layouts(one):
        before = state_of(model)
        _take_out(one, removed, interleaved, widths)
        reason = refusal(model, call, expected, shapes)
        if not reason:
            return ""
        restored(before)
    return reason


def _layouts(one: Attention) -> Iterator[tuple[bool, bool]]:
    return itertools.product((False, True) if one.fused else (False,), (False, True))


def _columns(one: Attention, heads: list[int]) -> Tensor:
    size = one.reads.in_features // one.heads
    indices = torch.tensor(heads)[:, None] * size + torch.arange(size)
    return indices.flatten().to(one.reads.weight.device)


def _silenced(model: nn.Module, call: Any, one: Attention, removed: list[int]) -> list[Tensor]:
    weight = one.reads.weight.data
    one.reads.weight.data = weight.index_fill(1, _columns(one, removed), 0)
    try:
        return answers(model, call)
    finally:
        one.reads.weight.data = weight


def _take_out(one: Attention, removed: list[int], interleaved: bool, widths: bool) -> None:
    kept = [head for head in range(one.heads) if head not in removed]
    columns, width = _columns(one, kept), one.reads.in_features
    rows = columns
    if one.fused and interleaved:  # the three parts of each head lie together
        size = 3 * width // one.heads
        rows = (torch.tensor(kept)[:, None] * size + torch.arange(size)).flatten().to(columns.device)
    elif one.fused:
        rows = torch.cat([columns + part * width for part in range(3)])
    for layer in one.makes:
        layer.weight = nn.Parameter(layer.weight.detach()[rows])
        if layer.bias is not None:
            layer.bias = nn.Parameter(layer.bias.detach()[rows])
        layer.out_features = len(rows)
    one.reads.weight = nn.Parameter(one.reads.weight.detach()[:, columns])
    one.reads.in_features = len(columns)
    for key in HEAD_ATTRIBUTES:
        if vars(one.module).get(key) == one.heads:
            setattr(one.module, key, len(kept))
    for key in WIDTHS if widths else ("all_head_size",):
        if vars(one.module).get(key) == width:
            setattr(one.module, key, len(columns))
