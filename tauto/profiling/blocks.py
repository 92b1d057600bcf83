"""The life of every block of memory in a window, and what it was for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

import torch

from tauto.profiling.allocations import Allocation, Place, Reading
from tauto.profiling.holders import Note
from tauto.reports.memory import MemoryCategory

__all__ = ["Block", "blocks_of", "device_of"]

_RANK: dict[MemoryCategory, int] = {"parameters": 4, "optimizer_state": 3, "gradients": 2, "inputs": 1}


@dataclass(slots=True, eq=False)
class Block:
    """One block, from where it was allocated to where it was freed."""

    size: int
    start_ns: int
    end_ns: int
    """That of the window, when it outlived it."""
    place: Place | None
    """None when it lived before the window."""
    noted: MemoryCategory | None = None
    """What it was found to be held as."""
    freed: bool = False
    """Whether it ended within the window."""

    @property
    def category(self) -> MemoryCategory:
        """What it was for.

        What is held as something is that, but a model's output that the next one takes stays an activation. Else it
        depends on where it was allocated, and whether it outlived the operator: what did not is its workspace.
        """
        place, noted = self.place, self.noted
        if place is None:
            return noted or "other"
        if noted is not None and (noted != "inputs" or place.phase in ("data", "other")):
            return noted
        if self.freed and place.operator and self.end_ns <= place.end_ns:
            return "other"
        if place.phase in ("forward", "loss") or place.recomputes:
            return "activations"
        return {"backward": "gradients", "data": "inputs"}.get(place.phase, "other")  # type: ignore[return-value]


def device_of(reading: Reading, notes: Sequence[Note]) -> str:
    """Return the device whose memory the window is about: the accelerator with most of it, else the CPU."""
    sums: dict[str, int] = {}
    for allocation in reading.allocations:
        sums[allocation.device] = sums.get(allocation.device, 0) + max(allocation.size, 0)
    for _, number in reading.marks:
        for _, size, where in notes[number].storages:
            sums[str(where)] = sums.get(str(where), 0) + size
    others = {device: size for device, size in sums.items() if device != "cpu"}
    return max(others, key=others.__getitem__) if others else "cpu"


def blocks_of(reading: Reading, notes: Sequence[Note], device: str, start_ns: int, end_ns: int) -> list[Block]:
    """Return the blocks that lived on ``device`` in a window, in order of their beginning.

    Parameters
    ----------
    reading : Reading
        What the profiler saw in it.
    notes : sequence of Note
        By the numbers in the marks.
    device : str
        Such as ``cuda:0``.
    start_ns, end_ns : int
        The window, on the clock of the events.
    """
    ledger = _Ledger(device, start_ns, end_ns)
    # a mark comes after the allocation that it is about
    events: list[tuple[int, int, int]] = [(time, 1, number) for time, number in reading.marks]
    events += [(one.time_ns, 0, index) for index, one in enumerate(reading.allocations) if one.device == device]
    for time, is_mark, index in sorted(events):
        if is_mark:
            ledger.note(time, notes[index])
        else:
            ledger.take(reading.allocations[index])
    return ledger.close()


class _Ledger:
    """What is alive, as time goes on."""

    def __init__(self, device: str, start_ns: int, end_ns: int) -> None:
        self._device, self._start, self._end = torch.device(device), start_ns, end_ns
        self._blocks: list[Block] = []
        self._alive: dict[int, Block] = {}
        self._held: dict[tuple[str, int], set[int]] = {}
        """Addresses in the last note of each holder."""
        self._before: int | None = None
        """Bytes of the device when the window began, where torch counts all of them."""

    def take(self, one: Allocation) -> None:
        """Take an allocation, or a free."""
        if self._before is None:
            self._before = one.total_bytes - one.size
        old = self._alive.pop(one.address, None)
        if old is not None:  # when it is allocated again, its free was not seen: another thread's
            old.end_ns, old.freed = one.time_ns, True
        if one.size > 0:
            self._alive[one.address] = self._add(Block(one.size, one.time_ns, self._end, one.place))
        elif old is None and self._device.type != "cpu":
            self._add(Block(-one.size, self._start, one.time_ns, None, freed=True))

    def note(self, time: int, note: Note) -> None:
        """Take a note of what a holder holds."""
        key = (note.category, note.holder)
        start = time if key in self._held else self._start
        held = set()
        for address, size, device in note.storages:
            if device != self._device:
                continue
            held.add(address)
            block = self._alive.get(address)
            if block is None:
                block = self._alive[address] = self._add(Block(size, start, self._end, None))
            if _RANK[note.category] > _RANK.get(block.noted or "other", 0):
                block.noted = note.category
        for address in self._held.get(key, set()) - held:
            block = self._alive.get(address)
            if block is not None and block.place is None and block.noted == note.category:
                # older than the window: its free leaves no event on the CPU
                block.end_ns, block.freed = time, True
                del self._alive[address]
        self._held[key] = held

    def close(self) -> list[Block]:
        """Return all blocks."""
        if self._device.type != "cpu" and self._before:
            known = sum(block.size for block in self._blocks if block.place is None and block.start_ns == self._start)
            if (rest := self._before - known) > 0:
                self._add(Block(rest, self._start, self._end, None))
        return sorted(self._blocks, key=attrgetter("start_ns"))

    def _add(self, block: Block) -> Block:
        self._blocks.append(block)
        return block
