"""Nets trained to convergence on real data that ships with packages, and the data: digits, and a text of Python's own.

Scikit-learn's digits: 1,000 are trained on, 400 judge (what TAuto or a peer chooses by), 397 are looked at by nobody
until the end. The text is ``pydoc_data.topics``, the language reference that ``help()`` shows: of its 79 topics every
tenth is set aside, half of them to judge by, half unseen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from tauto.fitting import Plan, fit

__all__ = [
    "NETS",
    "TRAINED_ON",
    "Net",
    "Split",
    "cross_entropy",
    "digit_batches",
    "digit_split",
    "digits",
    "share_right",
]

TRAINED_ON, JUDGED_ON = 1000, 1400
CONTEXT = 64
"""Characters that the transformer reads at once."""


def cross_entropy(outputs: Tensor, labels: Tensor) -> Tensor:
    """Return the mean over all scores: of shape ``(batch, classes)``, or ``(batch, words, classes)``."""
    return nn.functional.cross_entropy(outputs.flatten(0, -2), labels.flatten())


@cache
def digits() -> tuple[Tensor, Tensor]:
    """Return scikit-learn's 1,797 images of 8 × 8, from 0 to 1, and their labels, in an order drawn once."""
    images, labels = load_digits(return_X_y=True)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    pixels = torch.tensor(images / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
    return pixels[order], torch.tensor(labels)[order]


def digit_batches(seed: int = 0) -> DataLoader[tuple[Tensor, ...]]:
    """Return the digits that are trained on, in batches of 50."""
    return _loader(*(part[:TRAINED_ON] for part in digits()), 50, seed)


@dataclass(frozen=True)
class Split:
    """Inputs and labels: to train on, to judge by, and looked at once, at the end."""

    train: tuple[Tensor, Tensor]
    judge: tuple[Tensor, Tensor]
    unseen: tuple[Tensor, Tensor]


@cache
def digit_split() -> Split:
    """Return the digits as every net sees them."""
    images, labels = digits()
    bounds = ((0, TRAINED_ON), (TRAINED_ON, JUDGED_ON), (JUDGED_ON, len(images)))
    train, judge, unseen = ((images[start:end], labels[start:end]) for start, end in bounds)
    return Split(train, judge, unseen)


@cache
def text_split() -> Split:
    """Return pieces of 64 characters as numbers, and the character that follows each."""
    from pydoc_data.topics import topics

    names = sorted(topics)
    known = {character: number for number, character in enumerate(sorted(set("".join(topics.values()))))}

    def pieces(chosen: list[str]) -> tuple[Tensor, Tensor]:
        numbers = torch.tensor([known[character] for name in chosen for character in topics[name]])
        count = (len(numbers) - 1) // CONTEXT
        whole = [numbers[start : start + count * CONTEXT].reshape(count, CONTEXT) for start in (0, 1)]
        return whole[0], whole[1]

    aside = names[::10]
    return Split(pieces([name for name in names if name not in aside]), pieces(aside[::2]), pieces(aside[1::2]))


def share_right(model: nn.Module, data: tuple[Tensor, Tensor], batch: int) -> float:
    """Return the share of labels that ``model`` scores highest; each call has ``batch`` rows, the last one filled up.

    Engines that were compiled for one shape are so judged by it.
    """
    inputs, labels = data
    right = 0
    with torch.inference_mode():
        for start in range(0, len(inputs), batch):
            part = inputs[start : start + batch]
            filled = torch.cat([part, inputs[: batch - len(part)]])
            right += int((model(filled)[: len(part)].argmax(-1) == labels[start : start + batch]).sum())
    return right / labels.numel()


def _loader(inputs: Tensor, labels: Tensor, batch: int, seed: int) -> DataLoader[tuple[Tensor, ...]]:
    generator = torch.Generator().manual_seed(seed)
    return DataLoader(
        TensorDataset(inputs, labels), batch_size=batch, shuffle=True, drop_last=False, generator=generator
    )


def cnn() -> nn.Module:
    """Four convolutions of 64 and 128 channels and two linear layers: 0.9 million parameters."""

    def stage(before: int, after: int) -> list[nn.Module]:
        return [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]

    features = [*stage(1, 64), *stage(64, 128), nn.MaxPool2d(2), *stage(128, 128), *stage(128, 128), nn.Flatten()]
    return nn.Sequential(*features, nn.Linear(128 * 16, 256), nn.ReLU(), nn.Linear(256, 10))


def mlp() -> nn.Module:
    """Two hidden layers of 1,024: 1.1 million parameters."""
    hidden = [nn.Linear(64, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU()]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(1024, 10))


class Attention(nn.Module):
    """Each character looks at those before it; the width of a head is whatever its layers give."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.num_heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, length = x.shape[:2]
        parts = (layer(x).view(batch, length, self.num_heads, -1) for layer in (self.query, self.key, self.value))
        query, key, value = (part.transpose(1, 2) for part in parts)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.proj(mixed.transpose(1, 2).reshape(batch, length, -1))


class Block(nn.Module):
    """Attention and two linear layers, each added to what came in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.before, self.attention = nn.LayerNorm(width), Attention(width, heads)
        self.middle, self.up, self.down = nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.before(x))
        return x + self.down(nn.functional.relu(self.up(self.middle(x))))


class CharacterTransformer(nn.Module):
    """Scores of the next character at each place; positions are learnt.

    1.6 million parameters over 430,000 characters: it knows 82 % of those it was trained on and 60 % of others, as one
    of half the width does. So it has room to spare; that one (0.4 million, 60 %) had none, and lost 11 points at 2 ×.
    """

    def __init__(self, characters: int = 103, width: int = 256, blocks: int = 2, heads: int = 8) -> None:
        super().__init__()
        self.characters, self.places = nn.Embedding(characters, width), nn.Embedding(CONTEXT, width)
        self.blocks = nn.Sequential(*[Block(width, heads) for _ in range(blocks)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, characters)
        self.register_buffer("order", torch.arange(CONTEXT), persistent=False)

    def forward(self, numbers: Tensor) -> Tensor:
        x = self.characters(numbers) + self.places(self.order[: numbers.shape[1]])
        return self.head(self.norm(self.blocks(x)))


@dataclass(frozen=True)
class Net:
    """A net, its data, and how it is trained and fine-tuned (``epochs`` after each change)."""

    title: str
    make: Callable[[], nn.Module]
    split: Callable[[], Split]
    batch: int
    """Rows of a timed call."""
    plan: Plan
    epochs: int
    rows: int = 50
    """Rows of a batch in training."""
    structure: str = "channels"
    """What is pruned."""
    share: float = 0.5
    """Of it, that goes where all is done together."""
    energy: float = 0.9
    """Of the layers' weights, that low rank keeps there."""

    def loader(self, seed: int = 0) -> DataLoader[tuple[Tensor, ...]]:
        """Return what is trained on."""
        return _loader(*self.split().train, self.rows, seed)

    @property
    def example(self) -> Tensor:
        """The inputs of one timed call."""
        return self.split().judge[0][: self.batch]

    def judged(self, model: nn.Module) -> float:
        """Return the share right of what judges."""
        return share_right(model, self.split().judge, self.batch)

    def unseen(self, model: nn.Module) -> float:
        """Return the share right of what neither trained nor judged."""
        return share_right(model, self.split().unseen, self.batch)

    def trained(self, folder: Path) -> nn.Module:
        """Return the net in eval mode, read from ``folder``, or trained under seed 0 and kept there."""
        file = folder / f"{self.make.__name__}.pt"
        torch.manual_seed(0)
        model = self.make()
        if not file.exists():
            fit(model, self.loader(), cross_entropy, self.plan, in_place=True)
            folder.mkdir(parents=True, exist_ok=True)
            part = file.with_suffix(".part")
            torch.save(model.state_dict(), part)
            part.replace(file)
        model.load_state_dict(torch.load(file, weights_only=True))
        return model.eval()


NETS = {
    "cnn": Net("CNN on digits", cnn, digit_split, 64, Plan(epochs=15, learning_rate=2e-3), 5),
    "mlp": Net("MLP on digits", mlp, digit_split, 64, Plan(epochs=20, learning_rate=2e-3), 5),
    "text": Net(
        "character transformer",
        CharacterTransformer,
        text_split,
        16,
        Plan(epochs=12, learning_rate=2e-3),
        6,
        rows=32,
        share=0.4,
        structure="heads+channels",
    ),
}
