"""Attention heads and channels in one step: of a transformer both must go before it is much faster.

It needs torch and torch_pruning alone, so that a recipe's script can carry this text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from tauto.techniques.pruning.channels import has_heads, narrow_channels, recut_channels
from tauto.techniques.pruning.cuts import Cut
from tauto.techniques.pruning.heads import narrow_heads, recut_heads

__all__ = ["narrow_both", "recut_both"]


def narrow_both(
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
    """Take ``share`` of the heads out of ``model``, then of the channels of what is left, in place.

    Parameters and what is returned are those of ``narrow_channels``; ``sensitivity`` is of channels alone, heads go
    uniformly then.
    """
    attentions = {name for name, module in model.named_modules() if has_heads(module)}
    ratios = ratios or {}
    cuts, left = narrow_heads(
        model,
        calls,
        share,
        widths=widths,
        importance=importance,
        spread="uniform" if spread == "sensitivity" else spread,
        ratios={name: ratio for name, ratio in ratios.items() if name in attentions},
        gradients=gradients,
    )
    others, more = narrow_channels(
        model,
        calls,
        share,
        widths=widths,
        importance=importance,
        spread=spread,
        ratios={name: ratio for name, ratio in ratios.items() if name not in attentions},
        round_to=round_to,
        min_width=min_width,
        gradients=gradients,
    )
    made = {name for name in more if name.rpartition(".")[0] in attentions}  # of heads, which were cut or told of
    return cuts + others, left | {name: reason for name, reason in more.items() if name not in made}


def recut_both(model: nn.Module, call: Any, cuts: list[Cut]) -> None:
    """Cut out of a model what was cut out of another of the same shape."""
    recut_heads(model, call, [cut for cut in cuts if cut.kind == "heads"])
    recut_channels(model, call, [cut for cut in cuts if cut.kind != "heads"])
