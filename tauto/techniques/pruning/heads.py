"""Attention heads, taken out whole: the layers that make and read them shrink, and the module's own numbers follow.

Heads that share keys and values go or stay together. A layout is believed only when the smaller model answers as the
whole one does with these heads silenced. It needs torch alone, so that a recipe's script can carry this text.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tauto.techniques.pruning.attention import narrowed, why_not_narrowed
from tauto.techniques.pruning.channels import HEAD_ATTRIBUTES, HEAD_READERS, has_heads
from tauto.techniques.pruning.cuts import Cut, answers, refusal, restored, shape_of_answers, state_of, unfit

__all__ = ["narrow_heads", "recut_heads"]

KEY_ATTRIBUTES = ("num_key_value_heads", "num_kv_heads", "n_kv_heads", "n_kv_head", "kv_heads")
WIDTHS = ("all_head_size", "embed_dim", "n_embd", "inner_dim", "hidden_size", "d_model", "dim", "attn_dim", "width")
BESIDE = ("output.dense", "out_proj", "o_proj", "proj")


@dataclass(frozen=True)
class Attention:
    """The layers of one attention: three or one (``fused``) that make queries, keys and values; none in torch's own.

    ``groups`` are what goes or stays whole: the heads, or those of them that share a key and a value.
    """

    name: str
    module: nn.Module
    heads: int
    groups: int
    makes: tuple[nn.Linear, ...]
    reads: nn.Linear

    @property
    def fused(self) -> bool:
        return len(self.makes) == 1

    @property
    def shared(self) -> int:
        """Heads in a group."""
        return self.heads // self.groups


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
        widths.setdefault(one.name, one.groups)
    unknown = [name for name in ratios or {} if name not in scores]
    if unknown:
        raise ValueError(f"ratios: {unknown[0]!r} is no attention that can be cut; there are: {', '.join(scores)}")
    wanted = {name: (ratios or {}).get(name, share) for name in scores}
    kept = {name: max(1, int(widths[name] * (1 - wanted[name]) + 0.5)) for name in scores}
    if spread == "global" and scores:
        first = sum(widths[name] for name in scores)
        gone = first - sum(map(len, scores.values()))
        ordered = torch.cat(list(scores.values())).sort().values
        bar = ordered[min(max(0, round(share * first) - gone), len(ordered) - 1)]
        kept = {name: max(1, int((score >= bar).sum())) for name, score in scores.items()}
    cuts = []
    for one in found:
        count = one.groups - kept[one.name]
        if count < 1:
            continue
        removed = sorted(scores[one.name].argsort(stable=True)[:count].tolist())
        reason = _cut(model, calls[0], one, removed)
        if reason:
            left[one.name] = reason
        else:
            heads = tuple(group * one.shared + head for group in removed for head in range(one.shared))
            cuts.append(Cut(one.name, "heads", one.heads, one.heads - len(heads), heads))
    for parameter in model.parameters():
        parameter.grad = None
    return cuts, left


def recut_heads(model: nn.Module, call: Any, cuts: list[Cut]) -> None:
    """Cut out of a model what was cut out of another of the same shape."""
    found = {one.name: one for one in _attentions(model)[0]}
    for cut in cuts:
        one = found[cut.name]
        reason = _cut(model, call, one, sorted({head // one.shared for head in cut.removed}))
        if reason:
            raise ValueError(reason)


def _attentions(model: nn.Module) -> tuple[list[Attention], dict[str, str]]:
    found, left, bad = [], {}, unfit(model)
    for name, module in model.named_modules():
        heads = next((n for key in HEAD_ATTRIBUTES if type(n := vars(module).get(key)) is int), 0)
        inside = any(has_heads(part) for part in module.modules() if part is not module)
        if heads == 1 or not has_heads(module) or inside:
            continue
        if isinstance(module, nn.MultiheadAttention):
            one: Attention | None = Attention(name, module, heads, heads, (), module.out_proj)
            reason = bad.get(module) or why_not_narrowed(module)
        else:
            one = _layers(name, module, heads, model.get_submodule(name.rpartition(".")[0]))
            reason = "" if one else "its layers for query, key, value and output were not recognised"
        if one is not None:
            reason = reason or next((bad[layer] for layer in (*one.makes, one.reads) if layer in bad), "")
        if one is None or reason:
            left[name] = reason
        elif one.groups == 1:
            left[name] = "all its heads share one key and one value"
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
    width, size = reads.in_features, vars(module).get("head_dim", 0)
    heads = heads or (width // size if size else 0)  # some tell the width of a head alone
    others = [layer for layer in linears.values() if layer is not reads]
    makes = [layer for layer in others if layer.out_features in (width, 3 * width)]
    groups, sizes = heads, [layer.out_features for layer in makes]
    if sizes == [width] and len(others) == 3 and heads:  # fewer keys and values than queries
        makes, sizes = others, [layer.out_features for layer in others]
        groups = sizes[1] * heads // width
        sizes = [width] * 3 if sizes[0] == width and sizes[1] == sizes[2] and groups and heads % groups == 0 else []
    if not heads or width % heads or sizes not in ([width] * 3, [3 * width]):
        return None
    return Attention(name, module, heads, groups, tuple(makes), reads)


def _score(one: Attention, importance: str) -> Tensor:
    """Return the importance of each group of heads, over all weights that make or read it; their mean is 1."""

    def of(weight: Tensor) -> Tensor:
        if importance == "taylor" and weight.grad is not None:
            return (weight * weight.grad).detach().abs()
        return weight.detach().abs() if importance == "l1" else weight.detach().square()

    total = of(one.reads.weight).sum(0).reshape(one.groups, -1).sum(1)
    weights = [layer.weight for layer in one.makes]
    if isinstance(one.module, nn.MultiheadAttention):
        weights = [each for each in one.module.parameters(recurse=False) if each.dim() > 1]
    for weight in weights:
        parts = 3 if len(weights) == 1 else 1
        total = total + of(weight).sum(1).reshape(parts, one.groups, -1).sum((0, 2))
    return total / total.mean().clamp_min(1e-12)


def _cut(model: nn.Module, call: Any, one: Attention, removed: list[int]) -> str:
    """Take groups out in the first layout that answers as it should; return why not, and leave all as it was."""
    shapes, expected = shape_of_answers(answers(model, call)), _silenced(model, call, one, removed)
    kept = [group for group in range(one.groups) if group not in removed]
    reason = ""
    for interleaved, widths in _layouts(one):
        before = state_of(model)
        if isinstance(one.module, nn.MultiheadAttention):
            heads = [group * one.shared + head for group in kept for head in range(one.shared)]
            _put(model, one.module, narrowed(one.module, heads))
        else:
            _take_out(one, kept, interleaved, widths)
        reason = refusal(model, call, expected, shapes)
        if not reason:
            return ""
        restored(before)
    return reason


def _layouts(one: Attention) -> Iterator[tuple[bool, bool]]:
    return itertools.product((False, True) if one.fused else (False,), (False, True) if one.makes else (False,))


def _put(model: nn.Module, old: nn.Module, new: nn.Module) -> None:
    """Put ``new`` wherever ``old`` is a part of ``model``."""
    for module in list(model.modules()):
        for name, child in module._modules.items():
            if child is old:
                module._modules[name] = new


def _indices(one: Attention, groups: list[int], width: int) -> Tensor:
    """Return where ``groups`` lie among ``width``, in which all of them lie one after the other."""
    size = width // one.groups
    indices = torch.tensor(groups)[:, None] * size + torch.arange(size)
    return indices.flatten().to(one.reads.weight.device)


def _silenced(model: nn.Module, call: Any, one: Attention, removed: list[int]) -> list[Tensor]:
    weight = one.reads.weight.data
    one.reads.weight.data = weight.index_fill(1, _indices(one, removed, one.reads.in_features), 0)
    try:
        return answers(model, call)
    finally:
        one.reads.weight.data = weight


def _take_out(one: Attention, kept: list[int], interleaved: bool, widths: bool) -> None:
    width = one.reads.in_features
    columns = _indices(one, kept, width)
    for layer in one.makes:
        rows = _indices(one, kept, layer.out_features)
        if one.fused and not interleaved:  # else the three parts of each head lie together
            rows = torch.cat([columns + part * width for part in range(3)])
        layer.weight = nn.Parameter(layer.weight.detach()[rows])
        if layer.bias is not None:
            layer.bias = nn.Parameter(layer.bias.detach()[rows])
        layer.out_features = len(rows)
    one.reads.weight = nn.Parameter(one.reads.weight.detach()[:, columns])
    one.reads.in_features = len(columns)
    numbers = {key: (one.heads, len(kept) * one.shared) for key in HEAD_ATTRIBUTES}
    numbers |= {key: (one.groups, len(kept)) for key in KEY_ATTRIBUTES}
    numbers |= {key: (width, len(columns)) for key in (WIDTHS if widths else ("all_head_size",))}
    for key, (before, after) in numbers.items():
        if vars(one.module).get(key) == before:
            setattr(one.module, key, after)
