"""What a student and its teacher return, part by part."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from tauto.errors import InvalidArgument, a_kind
from tauto.workload.structure import describe

__all__ = ["Pair", "named_parts", "pairs"]


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """One floating-point part that both return, of one shape; ``name`` is its path, such as ``logits``."""

    name: str
    student: Tensor
    teacher: Tensor


def named_parts(value: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield every tensor of ``value`` with its path: keys, fields and positions, such as ``hidden_states.2``."""
    if isinstance(value, Tensor):
        yield name, value
        return
    items: Any = ()
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        items = zip(value._fields, value, strict=True)
    elif isinstance(value, tuple | list):
        items = enumerate(value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        items = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
    for key, item in items:
        yield from named_parts(item, f"{name}.{key}" if name else str(key))


def pairs(student: Any, teacher: Any) -> list[Pair]:
    """Return the floating-point parts that both outputs have, the teacher's first always among them.

    Raises
    ------
    InvalidArgument
        When the teacher returns no floating-point tensor, or its first one has no like in the student's output.
    """
    taught = [(name, part) for name, part in named_parts(teacher) if part.is_floating_point() and part.numel()]
    learned = {name: part for name, part in named_parts(student) if part.is_floating_point()}
    if not taught:
        raise InvalidArgument(
            f"teacher: its output ({_shapes(teacher)}) holds no floating-point tensor to learn from. "
            "Give loss= and batches with labels, or objective=."
        )
    found = [
        Pair(name, learned[name], part)
        for name, part in taught
        if name in learned and learned[name].shape == part.shape
    ]
    if not found or found[0].teacher is not taught[0][1]:
        raise InvalidArgument(
            f"teacher: its output ({_shapes(teacher)}) is not of the student's form ({_shapes(student)}). "
            "A student learns from a teacher that returns the same shapes for the same batch."
        )
    return found


def _shapes(value: Any) -> str:
    return ", ".join(describe(value)) or a_kind(value)
