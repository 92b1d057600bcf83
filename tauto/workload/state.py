"""Leaving the user's process as it was found: random states, modes, threads and gradients."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

__all__ = [
    "evaluating",
    "generators_of",
    "kept_buffers",
    "preserved_generators",
    "preserved_rng",
    "seeded",
    "thread_count",
]


@contextmanager
def preserved_rng() -> Iterator[None]:
    """Restore Python's, numpy's and torch's random states after the block."""
    python, numpy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(cpu)
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)


def generators_of(data: object) -> list[torch.Generator]:
    """Return the random generators that a DataLoader and its samplers have of their own, each once."""
    sampler, batches = getattr(data, "sampler", None), getattr(data, "batch_sampler", None)
    owners = (data, sampler, batches, getattr(batches, "sampler", None))
    found = (getattr(owner, "generator", None) for owner in owners)
    return list(dict.fromkeys(item for item in found if isinstance(item, torch.Generator)))


@contextmanager
def preserved_generators(data: object) -> Iterator[None]:
    """Restore the random generators that a DataLoader and its samplers have of their own."""
    states = {item: item.get_state() for item in generators_of(data)}
    try:
        yield
    finally:
        for generator, state in states.items():
            generator.set_state(state)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Run the block under ``seed``, then restore the random states."""
    with preserved_rng():
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)
        yield


@contextmanager
def evaluating(*models: nn.Module) -> Iterator[None]:
    """Run the block with ``models`` in eval mode, then give every submodule its own mode back."""
    modes = [(module, module.training) for model in models for module in model.modules()]
    try:
        for module, _ in modes:
            module.training = False
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def kept_buffers(model: nn.Module) -> Iterator[None]:
    """Give every buffer its values back after the block: running statistics move with each call in training."""
    before = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, values in before:
                if not torch.equal(buffer, values):
                    buffer.copy_(values)


@contextmanager
def thread_count(threads: int | None) -> Iterator[None]:
    """Run the block with this many intra-op threads; None changes nothing."""
    before = torch.get_num_threads()
    try:
        if threads is not None and threads != before:
            torch.set_num_threads(threads)
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)
