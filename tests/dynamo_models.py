"""Models that the compiler cuts, each for another reason."""

from __future__ import annotations

import math
import time
import warnings

import numpy as np
import torch
from torch import Tensor, nn


class _Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)


class Prints(_Two):
    def forward(self, x: Tensor) -> Tensor:
        x = self.layer(x)
        print(end="")
        return self.layer(x)


class TakesANumber(_Two):
    def forward(self, x: Tensor) -> Tensor:
        scale = self.layer(x).sum().item()
        return self.layer(x) * scale


class Branches(_Two):
    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x)
        if y.sum() > 0:
            y = y + 1
        return self.layer(y)


class BranchesInALoop(_Two):
    def forward(self, x: Tensor) -> Tensor:
        for _ in range(3):
            x = self.layer(x)
            if x.sum() > 0:
                x = x + 1
        return x


class Selects(_Two):
    def forward(self, x: Tensor) -> Tensor:
        rows = torch.nonzero(x[:, 0] > 0)
        return self.layer(x)[rows[:, 0]]


class CallsC(_Two):
    def forward(self, x: Tensor) -> Tensor:
        x = self.layer(x)
        time.sleep(0)
        return self.layer(x)


class Warns(_Two):
    def forward(self, x: Tensor) -> Tensor:
        x = self.layer(x)
        warnings.warn("seen", stacklevel=1)
        return self.layer(x)


class OpensAFile(_Two):
    def forward(self, x: Tensor) -> Tensor:
        x = self.layer(x)
        with open("/dev/null") as file:  # noqa: PTH123
            file.read()
        return self.layer(x)


class IsMarked(_Two):
    @torch.compiler.disable
    def apart(self, x: Tensor) -> Tensor:
        return x + 1

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.apart(self.layer(x)))


class UsesNumPy(_Two):
    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x)
        found = np.busday_count("2024-01", "2024-02")
        return self.layer(y) * math.sqrt(float(found))


class IsWhole(_Two):
    def forward(self, x: Tensor) -> Tensor:
        return sum(self.layer(x) for _ in range(2)).relu()


class Counts(_Two):
    """Counts its calls in plain Python."""

    calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.layer(x) * self.calls
