"""Networks with a layer that int8 breaks, and data to see it on."""

from __future__ import annotations

import torch
from torch import Tensor, nn

FRAGILE = "fragile"


class Fragile(nn.Module):
    """Layers that int8 does no harm, around one whose input has one huge channel.

    With one range for the whole input, the channels that count are rounded to nothing.
    """

    def __init__(self, width: int = 64, outlier: float = 4000.0) -> None:
        super().__init__()
        self.stem = nn.Linear(32, width)
        self.middle = nn.Linear(width, width)
        self.fragile = nn.Linear(width + 1, width)
        self.late = nn.Linear(width, width)
        self.head = nn.Linear(width, 10)
        self.outlier = outlier
        with torch.no_grad():
            self.fragile.weight[:, -1] = 0.0

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.middle(torch.relu(self.stem(x))))
        huge = self.outlier * (1 + x[:, :1].abs())
        x = torch.relu(self.fragile(torch.cat([x, huge], 1)))
        return self.head(torch.relu(self.late(x)))


def fragile_net(width: int = 64) -> Fragile:
    torch.manual_seed(0)
    return Fragile(width).eval()


def batches(count: int = 8) -> list[Tensor]:
    return [torch.randn(32, 32, generator=torch.Generator().manual_seed(seed)) for seed in range(count)]
