"""What travels to every trial of a decoder, once, as one file."""

from __future__ import annotations

from dataclasses import dataclass

from tauto.decoding import Decoder
from tauto.workload import Workload

__all__ = ["DecodingPayload"]


@dataclass(frozen=True, slots=True)
class DecodingPayload:
    """A decoder's functions, and its model with the prompt."""

    decoder: Decoder
    """Its model is the workload's."""
    workload: Workload
