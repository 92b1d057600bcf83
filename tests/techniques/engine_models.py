"""Small models of every kind that an engine must take."""

from __future__ import annotations

import dataclasses

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tauto.workload import Call, Workload


@dataclasses.dataclass
class Answer:
    logits: Tensor
    steps: int


class Mlp(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        return self.head(F.relu(self.norm(self.conv(x))).mean((2, 3)))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cells = nn.LSTM(8, 16, batch_first=True)
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        steps, (hidden, _) = self.cells(x)
        return {"logits": self.head(steps[:, -1]), "hidden": hidden}


class Decoder(nn.Module):
    """Two layers that begin with the same weights, so that the exporter stores them once."""

    def __init__(self):
        super().__init__()
        self.token = nn.Embedding(50, 16)
        self.place = nn.Embedding(32, 16)
        self.blocks = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), 2)
        self.head = nn.Linear(16, 50)

    def forward(self, ids):
        length = ids.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        x = self.token(ids) + self.place(torch.arange(length))
        return self.head(self.blocks(x, mask=mask, is_causal=True))


class Nested(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, pair, *, scale=None, flag=True):
        first, second = pair
        y = self.linear(first) + second
        return Answer(y if scale is None else y * scale, 3)


class Odd(nn.Module):
    """Gives back an input, the same tensor twice, a boolean, a constant, and nothing."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x, keep):
        y = self.linear(x)
        return {"x": x, "y": y, "again": y, "positive": (y > 0) & keep, "two": torch.full((2,), 2.0), "none": None}


class Loop(nn.Module):
    """Looks at one sample after another, so that its batch size cannot be left free."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 2)

    def forward(self, x):
        return torch.stack([self.linear(row) for row in x])


class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        return self.linear(x) if x.sum() > 0 else -self.linear(x)


def bert():
    from transformers import BertConfig, BertModel

    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    return BertModel(BertConfig(vocab_size=100, **sizes))


def call_of(kind, batch, seed=0):
    """The call of ``batch`` samples for a model of this kind."""
    torch.manual_seed(seed + batch)
    if kind is bert:
        mask = torch.ones(batch, 9, dtype=torch.long)
        mask[:, -2:] = 0
        return Call((), {"input_ids": torch.randint(0, 100, (batch, 9)), "attention_mask": mask})
    if kind is Nested:
        pair = torch.randn(batch, 4), torch.randn(batch, 4)
        return Call((pair,), {"scale": torch.tensor(2.0), "flag": True})
    if kind is Odd:
        return Call((torch.randn(batch, 4), torch.rand(batch, 4) > 0.5))
    if kind is Decoder:
        return Call((torch.randint(0, 50, (batch, 7)),))
    shapes = {Mlp: (16,), ConvNet: (3, 16, 16), Recurrent: (5, 8), Loop: (4,), Branching: (4,)}
    return Call((torch.randn(batch, *shapes[kind]),))


def workload_of(kind, batch=1, samples=1):
    torch.manual_seed(0)
    calls = tuple(call_of(kind, batch, 1000 * index) for index in range(samples))
    return Workload(kind().eval(), calls[0], calls)
