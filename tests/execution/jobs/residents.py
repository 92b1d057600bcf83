"""Models for a child to hold."""

import ctypes
import os
import time
from collections import namedtuple
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from tauto.errors import CandidateFailed

Pair = namedtuple("Pair", ["left", "right"])


@dataclass(frozen=True)
class Output:
    logits: torch.Tensor
    hidden: tuple


class Unknown:
    pass


class Model(nn.Module):
    def forward(self, x, kind="tensor", other=None):
        shapes = {
            "tensor": lambda: 2 * x,
            "nested": lambda: {"a": [x, (x + 1, None)], "n": 3, "s": x.shape, 7: Pair(x, "text")},
            "dataclass": lambda: Output(x, (x - 1,)),
            "unknown": Unknown,
            "crash": lambda: ctypes.string_at(0),
            "wait": lambda: wait(*other) or x,
            "pid": os.getpid,
            "grad": lambda: torch.is_grad_enabled(),
            "other": lambda: other["y"] + x,
        }
        return shapes[kind]()


def wait(called, released):
    Path(called).touch()
    while not Path(released).exists():
        time.sleep(0.01)


def build(weights=None):
    return Model()


def refuse():
    raise CandidateFailed("no engine of that name")


def never():
    time.sleep(300)
