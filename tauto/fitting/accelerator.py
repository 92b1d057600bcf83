"""Accelerate, with its process-wide state left as it was found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["accelerator_for"]


@contextmanager
def accelerator_for(device: torch.device) -> Iterator[Accelerator]:
    """Run the block with an Accelerator of its own for ``device``.

    Accelerate keeps one state for the whole process: a user's Accelerator would decide the precision of this one, and
    this one's state would be in the way of the next that the user makes.
    """
    from accelerate import Accelerator  # 0.8 s, so only at use
    from accelerate.state import AcceleratorState, GradientState, PartialState

    shared = [kind._shared_state for kind in (PartialState, AcceleratorState, GradientState)]
    before = [dict(state) for state in shared]
    for state in shared:
        state.clear()
    try:
        yield Accelerator(cpu=device.type == "cpu", device_placement=False, mixed_precision="no", dynamo_backend="no")
    finally:
        for state, values in zip(shared, before, strict=True):
            state.clear()
            state.update(values)
