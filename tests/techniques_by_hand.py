"""Techniques made by hand, for the tests of the search: one that helps, and every way to go wrong."""

from __future__ import annotations

import copy
import ctypes
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from tauto.errors import CandidateFailed
from tauto.techniques import Applicability, Config, Script, Technique, registry


class Wasteful(nn.Module):
    """A linear layer beside work whose result counts for nothing: without it, it is many times faster."""

    def __init__(self, rounds=2):
        super().__init__()
        self.linear = nn.Linear(64, 10)
        self.waste = nn.Linear(700, 700, bias=False)
        self.rounds = rounds
        self.config = {"rounds": rounds}

    def forward(self, x):
        for _ in range(self.rounds):
            self.waste(self.waste.weight)
        return self.linear(x)


class ByHand(Technique):
    title = "made by hand"
    family = "fusion"
    cannot_be_with = frozenset({"layout", "precision", "quantization", "engine", "runtime", "fusion"})

    def applies_to(self, workload, hardware):
        return Applicability.yes()

    def space(self, workload, hardware):
        return (Config(),)

    def script(self, config):
        return Script((), "model.rounds = 0")


class Shortcut(ByHand):
    name = "shortcut"

    def apply(self, workload, config, context):
        model = copy.deepcopy(workload.model)
        model.rounds = 0
        return model


class FastButWrong(ByHand):
    name = "fast_but_wrong"

    def apply(self, workload, config, context):
        model = copy.deepcopy(workload.model)
        model.rounds = 0
        with torch.no_grad():
            model.linear.weight.neg_()
        return model


class Slower(ByHand):
    name = "slower"

    def apply(self, workload, config, context):
        model = copy.deepcopy(workload.model)
        model.rounds *= 4
        return model


class Segfaults(ByHand):
    name = "segfaults"

    def apply(self, workload, config, context):
        ctypes.string_at(0)


class Hangs(ByHand):
    name = "hangs"

    def apply(self, workload, config, context):
        time.sleep(3600)


class Eats(ByHand):
    name = "eats"

    def apply(self, workload, config, context):
        held = []
        while True:
            held.append(bytearray(os.urandom(1)) * 50_000_000)


class Exits(ByHand):
    name = "exits"

    def apply(self, workload, config, context):
        os._exit(3)


class Refuses(ByHand):
    name = "refuses"

    def apply(self, workload, config, context):
        raise CandidateFailed("this model is not to my taste")


class ZeroesEverything(ByHand):
    name = "zeroes_everything"

    def apply(self, workload, config, context):
        with torch.no_grad():
            for parameter in workload.model.parameters():
                parameter.zero_()
        return copy.deepcopy(workload.model)


class WorksOnlyOnce(ByHand):
    """Prepared in the trial, and not to be loaded again: the confirmation notices."""

    name = "works_only_once"

    def apply(self, workload, config, context):
        context.file("prepared.txt", lambda path: path.write_text("done"))
        if not context.may_prepare:
            os._exit(7)
        return Shortcut().apply(workload, config, context)


@contextmanager
def registered(*kinds: type[Technique]) -> Iterator[list[str]]:
    """Make these the only techniques there are, within the block."""
    before = dict(registry._registry)
    registry._registry.clear()
    try:
        for kind in kinds:
            registry.register(kind)
        yield [kind.name for kind in kinds]
    finally:
        registry._registry.clear()
        registry._registry.update(before)
