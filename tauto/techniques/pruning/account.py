"""What a pruning did, as data beside the model that it made, and in words."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tauto.fitting import length_words, state_words
from tauto.reports import ChannelMap, FittingReport
from tauto.reports.pictures import GONE, ROW, STAYS
from tauto.techniques.pruning.course import Course
from tauto.techniques.pruning.cuts import Cut
from tauto.techniques.pruning.weights import compressed_bytes
from tauto.techniques.technique import Account
from tauto.workload import Workload
from tauto.workload.state import evaluating

__all__ = ["read_account", "write_account"]

FILE = "account.json"
MOST_NAMES = 8
MOST_CHANNELS = 20_000
"""Of which a map is kept, over all layers: a report stays small."""


def write_account(folder: Path, course: Course, workload: Workload) -> None:
    """Write what ``course`` did to ``workload.model`` into ``folder``."""
    pair = (workload.model, course.model)
    data = {
        "cuts": [asdict(cut) for cut in _merged(course.cuts)],
        "channels": [asdict(one) for one in _maps(course.cuts)],
        "zeros": [sum(counts) for counts in zip(*course.zeros.values(), strict=True)],
        "left": course.left,
        "halted": course.halted,
        "trainings": _training_words(course.trainings),
        "reestimated": course.reestimated,
        "saw_its_judge": bool(course.trainings) and workload.evaluate is None,
        "flops": [_flops(model, workload) for model in pair],
        "parameters": [sum(each.numel() for each in model.parameters()) for model in pair],
        "stored": [_stored(model) for model in pair],
        "compressed": [compressed_bytes(model) for model in pair] if course.zeros else [],
    }
    (folder / FILE).write_text(json.dumps(data))


def read_account(folder: Path) -> Account:
    """Return what :func:`write_account` wrote, in words."""
    data = json.loads((folder / FILE).read_text())
    notes = [*_cut_notes(data), *_zero_notes(data), *_training_notes(data), *_left_notes(data["left"], "Left as it is")]
    notes += _left_notes(data["halted"], "Cut no further")
    maps = tuple(ChannelMap(**{**one, "rows": tuple(one["rows"])}) for one in data["channels"])
    return Account(_summary(data), tuple(notes), maps)


def _merged(cuts: list[Cut]) -> list[Cut]:
    """Return one cut a part: first and last width over all steps."""
    found: dict[str, Cut] = {}
    for cut in cuts:
        before = found[cut.name].before if cut.name in found else cut.before
        found[cut.name] = Cut(cut.name, cut.kind, before, cut.after)
    return list(found.values())


def _maps(cuts: list[Cut]) -> list[ChannelMap]:
    """Return which channels or heads of each layer stayed; blocks are there or not, as the notes say."""
    stayed: dict[str, list[int]] = {}
    first = {cut.name: cut for cut in reversed(cuts) if cut.kind != "blocks"}
    for cut in cuts:
        if cut.name in first:
            there = stayed.get(cut.name, list(range(cut.before)))
            gone = set(cut.removed)  # among those that were still there
            stayed[cut.name] = [index for place, index in enumerate(there) if place not in gone]
    room, maps = MOST_CHANNELS, []
    for name, kept in stayed.items():
        width = first[name].before
        room -= width
        maps.append(ChannelMap(name, first[name].kind, width, len(kept), _signs(width, kept) if room >= 0 else ()))
    return maps


def _signs(width: int, kept: list[int]) -> tuple[str, ...]:
    there = set(kept)
    signs = "".join(STAYS if index in there else GONE for index in range(width))
    return tuple(signs[start : start + ROW] for start in range(0, width, ROW))


def _flops(model: nn.Module, workload: Workload) -> int:
    fast = torch.backends.mha.get_fastpath_enabled()  # a whole encoder layer as one operator, which is not counted
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), evaluating(model), FlopCounterMode(display=False) as counter:
            workload.example(model)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    return int(counter.get_total_flops())


def _stored(model: nn.Module) -> int:
    tensors = {tensor.data_ptr(): tensor for tensor in model.state_dict().values()}
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def _summary(data: dict[str, Any]) -> str:
    if data["zeros"]:
        zeros, weights = data["zeros"]
        return f"{zeros / weights:.0%} of the weights at zero"
    (work, less_work), (size, less) = data["flops"], data["parameters"]
    words = f"{1 - less / size:.0%} fewer parameters"
    return f"{1 - less_work / work:.0%} fewer FLOPs and {words}" if work else words


def _cut_notes(data: dict[str, Any]) -> list[str]:
    cuts = data["cuts"]
    if not cuts:
        return []
    if cuts[0]["kind"] == "blocks":
        return [f"Left out: {_few([cut['name'] for cut in cuts])}."]
    widths: dict[str, list[str]] = {}
    for cut in cuts:
        words = f"{cut['name'] or 'the model'} {cut['before']} → {cut['after']}"
        widths.setdefault(cut["kind"], []).append(words)
    return [f"{kind.capitalize()}: {_few(found)}." for kind, found in widths.items()]


def _zero_notes(data: dict[str, Any]) -> list[str]:
    if not data["zeros"]:
        return []
    (packed, less), size = data["compressed"], data["stored"][1]
    return [
        f"With dense layers, in memory and in a plain file it is {_bytes(size)} as before; compressed by zlib, "
        f"{_bytes(packed)} → {_bytes(less)}.",
        "A dense layer multiplies a zero like any other number. Sparse kernels skip it (sparse_kernels, for linear "
        "layers that are mostly zero); structure='channels' makes layers really smaller.",
    ]


def _training_notes(data: dict[str, Any]) -> list[str]:
    notes = ["The statistics of its batch normalisations were taken anew over the data."] if data["reestimated"] else []
    if not data["trainings"]:
        return [*notes, "It was not trained afterwards."]
    trained, *states = data["trainings"]
    notes.append(trained)
    if data["saw_its_judge"]:
        notes.append("It is judged over the data that it was trained on: evaluate= on other data would prove more.")
    return [*notes, *states]


def _training_words(done: list[FittingReport]) -> list[str]:
    """Return what the trainings were, and for each that went another way which state of it was kept."""
    if not done:
        return []
    told = [one.losses for one in done if one.losses]
    fall = f"; the loss went from {told[0][0]:.3g} to {told[-1][-1]:.3g}" if told else ""
    times = "once, for" if len(done) == 1 else f"{len(done)} times, after each step, in all"
    return [f"Trained {times} {length_words(done)}{fall}.", *filter(None, map(state_words, done))]


def _left_notes(left: dict[str, str], what: str) -> list[str]:
    by_reason: dict[str, list[str]] = {}
    for name, reason in left.items():
        by_reason.setdefault(reason, []).append(name or "the model")
    return [f"{what}: {_few(names)} ({reason})." for reason, names in by_reason.items()]


def _few(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:MOST_NAMES])} and {more} more"


def _bytes(count: int) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000  # type: ignore[assignment]
    return f"{count:.3g} GB"
