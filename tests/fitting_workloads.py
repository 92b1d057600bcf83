"""A small real task, for the tests of training: scikit-learn's digits."""

from __future__ import annotations

from functools import cache

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from tauto.fitting.state import take


@cache
def digits() -> tuple[Tensor, Tensor]:
    images, labels = load_digits(return_X_y=True)
    return torch.tensor(images / 16, dtype=torch.float32), torch.tensor(labels)


def net(seed: int = 0, dropout: float = 0.1) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(dropout), nn.Linear(32, 10))


def loader(samples: int = 640, batch: int = 64, **more) -> DataLoader:
    images, labels = digits()
    return DataLoader(TensorDataset(images[:samples], labels[:samples]), batch_size=batch, shuffle=True, **more)


class Noisy(Dataset):
    """Digits with noise drawn in the process that reads them."""

    def __init__(self, samples: int = 320) -> None:
        self.images, self.labels = (part[:samples] for part in digits())
        self.before = lambda index: None

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index):
        self.before(index)
        return self.images[index] + 0.1 * torch.randn(64), self.labels[index]


def accuracy(model: nn.Module) -> float:
    images, labels = digits()
    return (model(images[1200:]).argmax(1) == labels[1200:]).float().mean().item()


def same(one: nn.Module, other: nn.Module) -> bool:
    mine, its = take(one), take(other)
    return mine.keys() == its.keys() and all(torch.equal(mine[name], its[name]) for name in mine)
