"""Which steps a cell had, and which of them were traced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tauto.profiling.recorder import Mark, Recorder, RootRecord
from tauto.reports.profile import Steps

__all__ = ["dropped_ranges", "number_windows", "steps_of"]


def dropped_ranges(marks: Sequence[Mark]) -> frozenset[int]:
    """Return the ranges of calls that were cut, where a whole call of the same root is there too."""
    whole = {mark.root for mark in marks if not mark.cut}
    return frozenset(mark.number for mark in marks if mark.cut and mark.root in whole)


def steps_of(recorder: Recorder) -> Steps | None:
    """Return the steps of the cell: optimizer steps if there were any, else calls of the model called most."""
    lead = _lead(recorder)
    if lead is None:
        return None
    durations = recorder.steps if recorder.steps_done else lead.intervals
    if not recorder.steps_done and lead.calls > durations.count:
        durations.add(lead.last_ns)
    count = recorder.steps_done or lead.calls
    kept = (mark for mark in _kept(recorder.marks) if recorder.steps_done or mark.root == lead.index)
    numbers = {_number(mark, recorder) for mark in kept}
    return Steps(
        unit="optimizer step" if recorder.steps_done else "model call",
        count=count,
        sampled=tuple(sorted(number for number in numbers if number <= count)),
        median_ms=durations.quantile(0.5) / 1e6,
        p95_ms=durations.quantile(0.95) / 1e6,
    )


def number_windows(recorder: Recorder) -> None:
    """Write into each window the numbers of the steps that it holds."""
    lead = _lead(recorder)
    for mark in recorder.marks:
        if mark.window < len(recorder.tracer.windows) and (recorder.steps_done or (lead and mark.root == lead.index)):
            steps = recorder.tracer.windows[mark.window].steps
            if (number := _number(mark, recorder)) not in steps:
                steps.append(number)


def _number(mark: Mark, recorder: Recorder) -> int:
    return mark.step if recorder.steps_done else mark.call


def _lead(recorder: Recorder) -> RootRecord | None:
    return max((root for root in recorder.roots if root.phase == "forward"), key=lambda root: root.calls, default=None)


def _kept(marks: Sequence[Mark]) -> list[Mark]:
    """Return the marks without cut calls and without the warm-up, the first of a root that has several."""
    dropped = dropped_ranges(marks)
    whole = Counter(mark.root for mark in marks if mark.number not in dropped)
    met: set[int] = set()
    kept = []
    for mark in marks:
        if mark.number not in dropped and (mark.root in met or whole[mark.root] == 1):
            kept.append(mark)
        met.add(mark.root)
    return kept
