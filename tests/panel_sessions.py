"""What notebooks of the browser's tests begin with: small models, analysed."""

from __future__ import annotations

import torch
from fragile_by_hand import batches, fragile_net
from torch import Tensor, nn

import tauto
from tauto.results import SensitivityResult

__all__ = ["analysed", "odd_net", "right"]


def right(model: nn.Module) -> float:
    """Return the share of answers that are those of the untouched network."""
    truth = fragile_net()
    return float(sum((model(x).argmax(1) == truth(x).argmax(1)).sum() for x in batches()) / 256)


def analysed(model: nn.Module, **rules: object) -> SensitivityResult:
    """Return what a short analysis of ``model`` found."""
    return tauto.sensitivity(model, data=batches(), budget="20s", **rules)


class _Odd(nn.Module):
    """Layers whose names are markup."""

    def __init__(self) -> None:
        super().__init__()
        self.add_module("<img src=x onerror=alert(1)>", nn.Linear(32, 8))

    def forward(self, x: Tensor) -> Tensor:
        return self._modules["<img src=x onerror=alert(1)>"](x)


def odd_net() -> nn.Module:
    """Return a network with such a name."""
    torch.manual_seed(0)
    return _Odd().eval()
