"""The plain Python of a pruning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from tauto.techniques.listing import MAPPING, MAPPING_IMPORTS, listed
from tauto.techniques.pruning import attention, blocks, both, channels, cuts, heads, tracing, weights
from tauto.techniques.pruning.course import WIDE, share_after
from tauto.techniques.technique import Script
from tauto.workload.structure import flatten, tensors_of

__all__ = ["cuts_script", "zeros_script"]

_IMPORTS = (
    *MAPPING_IMPORTS,
    "import itertools",
    "import math",
    "import time",
    "from typing import Any",
    "from torch.nn.utils import prune",
)
_LAYERS = "LAYERS = (nn.Linear, nn.modules.conv._ConvNd)"
_CUTS: tuple[Callable[..., Any], ...] = (
    cuts.Cut,
    cuts.answers,
    cuts.shape_of_answers,
    cuts.alike,
    cuts.unfit,
    cuts.state_of,
    cuts.restored,
    cuts.refusal,
    cuts.distance,
    cuts.reestimate_norms,
)
_CHANNELS: tuple[Callable[..., Any], ...] = (
    cuts.output_gradients,
    channels.narrow_channels,
    channels.kept_width,
    channels.cut_channels,
    channels.recut_channels,
    tracing.EndlessError,
    tracing.Patience,
    tracing.Followed,
    tracing.graph_of,
    tracing.group_of,
    tracing.lost,
    channels._found_groups,
    channels._used_often,
    channels._reason,
    channels._of_heads,
    channels.has_heads,
    channels._blocks,
    channels._scores,
    channels._shares,
    channels._by_damage,
    channels._damages,
    channels._weakest,
    channels._masked_answers,
    channels._masked,
    channels._named,
)
_HEADS: tuple[Callable[..., Any], ...] = (
    cuts.output_gradients,
    attention.NarrowAttention,
    attention.why_not_narrowed,
    attention.narrowed,
    heads.Attention,
    heads.narrow_heads,
    heads.recut_heads,
    heads._attentions,
    channels.has_heads,
    heads._layers,
    heads._score,
    heads._cut,
    heads._layouts,
    heads._put,
    heads._indices,
    heads._silenced,
    heads._take_out,
)
_BOTH = (*dict.fromkeys((*_HEADS, *_CHANNELS)), both.narrow_both, both.recut_both)
_BLOCKS: tuple[Callable[..., Any], ...] = (
    blocks.Skip,
    blocks.drop_blocks,
    blocks.redrop_blocks,
    blocks._drop,
    blocks._damage,
    blocks._blocks,
    blocks._is_block,
    blocks._unlike,
)
_WEIGHTS: tuple[Callable[..., Any], ...] = (
    weights.prunable,
    weights.zero_weights,
    weights._bar,
    weights._two_of_four,
    weights.hold_zeros,
    weights.let_go,
)
_FUNCTIONS = {
    "channels": (_CHANNELS, "narrow_channels", "recut_channels"),
    "heads": (_HEADS, "narrow_heads", "recut_heads"),
    "heads+channels": (_BOTH, "narrow_both", "recut_both"),
    "blocks": (_BLOCKS, "drop_blocks", "redrop_blocks"),
}
_OF_HEADS = ("HEAD_ATTRIBUTES", "HEAD_MARKS", "HEAD_READERS")
_OF_CHANNELS = (*_OF_HEADS, "LOOKS", "MOST_REMOVED", "PATIENCE_S")
_OF_ATTENTIONS = ("KEY_ATTRIBUTES", "WIDTHS", "BESIDE")
_CONSTANTS = {
    "channels": _OF_CHANNELS,
    "heads": (*_OF_HEADS, *_OF_ATTENTIONS),
    "heads+channels": (*_OF_CHANNELS, *_OF_ATTENTIONS),
    "blocks": ("LEAST_LAYERS",),
}


def cuts_script(config: Any) -> Script:
    """Return the script of a ``PruneConfig``."""
    functions, narrow, recut = _FUNCTIONS[config.structure]
    constants = [_constant(name) for name in _CONSTANTS[config.structure]]
    rewinds = config.schedule == "rewind"
    body = [
        "calls = [(args, kwargs), *data]",
        "right = [answers(model, call) for call in calls]",
        "original, widths = copy.deepcopy(model), {}",
        *(["start = copy.deepcopy(model)"] if rewinds else []),
        f"for share in {_shares(config)!r}:",
        f"    cuts, _ = {narrow}(model, calls, share, widths=widths{_how(config)})",
        *([f"    {recut}(start, calls[0], cuts)", "    model = copy.deepcopy(start)"] if rewinds else []),
        "    reestimate_norms(model, calls, right)",
        *_training(config),
        "model.eval().requires_grad_(False)",
    ]
    listings = (*MAPPING, _LAYERS, *constants, *map(listed, (*_CUTS, *functions)), *_trainers(config))
    return Script(_IMPORTS, "\n".join(body), listings)


def zeros_script(config: Any) -> Script:
    """Return the script of a ``PruneWeightsConfig``."""
    pattern = config.structure if config.structure == "2:4" else ""
    ratios = f", ratios={config.by_layer!r}" if config.ratios else ""
    rewind = (
        "    for name, layer in prunable(model)[0].items():",
        "        layer.weight.data.copy_(original.get_submodule(name).weight * masks.get(name, 1))",
    )
    body = [
        "calls = [(args, kwargs), *data]",
        "right = [answers(model, call) for call in calls]",
        "original = copy.deepcopy(model)",
        f"for share in {_shares(config)!r}:",
        f"    masks = zero_weights(model, share, pattern={pattern!r}, spread={config.spread!r}{ratios})",
        *(rewind if config.schedule == "rewind" else ()),
        "    reestimate_norms(model, calls, right)",
        "    hold_zeros(model, masks)",
        *_training(config),
        "    let_go(model, masks)",
        "model.eval().requires_grad_(False)",
    ]
    listings = (*MAPPING, *map(listed, (*_CUTS, *_WEIGHTS)), *_trainers(config))
    return Script(_IMPORTS, "\n".join(body), listings)


def finetune(model: nn.Module, original: nn.Module, calls: list[Any], epochs: int, learning_rate: float) -> None:
    """Train ``model`` to answer as ``original`` does."""
    model.train().requires_grad_(True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    for _ in range(epochs):
        for args, kwargs in calls:
            with torch.no_grad():
                right = tensors_of(original(*args, **kwargs))
            with torch.enable_grad():
                found = tensors_of(model(*args, **kwargs))
                pairs = [pair for pair in zip(found, right, strict=True) if pair[1].is_floating_point()]
                loss = torch.stack([nn.functional.mse_loss(*pair) for pair in pairs]).sum()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            optimizer.zero_grad()
    model.eval()


def _training(config: Any) -> list[str]:
    if not config.epochs:
        return []
    call = f"    finetune(model, original, calls, epochs={config.epochs}, learning_rate={config.learning_rate!r})"
    return ["    # TAuto trained here with what you gave it; put your own loop in the place of this one", call]


def _trainers(config: Any) -> tuple[str, ...]:
    return (listed(flatten), listed(tensors_of), listed(finetune)) if config.epochs else ()


def _how(config: Any) -> str:
    if config.structure == "blocks":
        return ""
    words = f", importance={config.importance!r}, spread={config.spread!r}"
    words += f", ratios={config.by_layer!r}" if config.ratios else ""
    words += ", gradients=lambda model: output_gradients(model, calls[:16])" if config.importance == "taylor" else ""
    if config.structure in WIDE:
        words += f", round_to={config.round_to}, min_width={config.min_width}"
    return words


def _shares(config: Any) -> tuple[float, ...]:
    steps = range(1, config.steps + 1)
    return tuple(share_after(config.schedule, config.sparsity, step, config.steps) for step in steps)


def _constant(name: str) -> str:
    rooms = (channels, tracing, heads, blocks)
    return f"{name} = {next(getattr(room, name) for room in rooms if hasattr(room, name))!r}"
