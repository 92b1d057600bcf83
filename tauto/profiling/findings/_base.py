"""What the rules share: the cell's time by part, gains by Amdahl's law, and the words for a model without a name."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tauto.profiling.facts import Facts, RootFacts
from tauto.reports.profile import Finding, Gain, LineRow, ModuleRow, PhaseName, ProfileReport

__all__ = [
    "WORTH",
    "Rule",
    "amdahl",
    "by_saving",
    "called",
    "inferring",
    "line_for",
    "model_name",
    "model_share",
    "own_share",
    "phase_ms",
    "place_of",
    "python_for",
    "seen_lines",
    "top_row",
    "worth",
]

WORTH = 1.05
"""A fix that is expected to bring less is not proposed."""
_MOST_SAVED = 0.95
_LOOKS = 5

Rule = Callable[[ProfileReport, Facts], Iterator[Finding]]


def amdahl(share: float, factor: float) -> float:
    """Return the speedup of a whole of which ``share`` gets ``factor`` times as fast.

    Amdahl, "Validity of the single processor approach to achieving large scale computing capabilities", AFIPS 1967.

    Examples
    --------
    >>> amdahl(0.5, 2.0)
    1.3333333333333333
    """
    part = min(max(share, 0.0), 1.0)
    return 1 / (1 - part + part / factor)


def by_saving(report: ProfileReport, saved_ms: float, basis: str, bytes_saved: int | None = None) -> Gain:
    """Return the gain of a cell that is spared ``saved_ms``, at most 95 % of its time."""
    share = min(max(saved_ms, 0.0) / report.wall_ms, _MOST_SAVED) if report.wall_ms > 0 else 0.0
    return Gain(1 / (1 - share), bytes_saved, basis)


def worth(gain: Gain) -> bool:
    """Return whether a gain that is known is large enough to propose its fix."""
    return gain.speedup is None or gain.speedup >= WORTH


def phase_ms(report: ProfileReport, facts: Facts, name: PhaseName) -> float:
    """Return the time of one part of the cell, 0 when there was none."""
    known = next((phase.total_ms for phase in report.phases if phase.name == name), None)
    if known is not None:
        return known
    fallback = {"backward": facts.backward_ms, "optimizer": facts.step_ms}
    return fallback.get(name, 0.0)


def called(facts: Facts) -> Iterator[tuple[int, RootFacts]]:
    """Yield the models that were called, with their index; a loss is none."""
    yield from ((index, root) for index, root in enumerate(facts.roots) if root.calls and not root.is_loss)


def inferring(facts: Facts) -> Iterator[tuple[int, RootFacts]]:
    """Yield the models of a cell that trains nothing."""
    if not facts.trains:
        yield from called(facts)


def top_row(report: ProfileReport, index: int) -> ModuleRow | None:
    """Return the row of a root model as a whole, None when it was not traced."""
    return next((row for row in report.modules if row.root == index and row.depth == 0), None)


def model_share(report: ProfileReport, facts: Facts, index: int) -> float:
    """Return the share of the time that a change of the model reaches.

    That is 1 in a cell that trains nothing (gains are those of the model there), else its calls and, in proportion to
    its calls, the backward pass, over the cell's time.
    """
    if not facts.trains:
        return 1.0
    if report.wall_ms <= 0:
        return 0.0
    forward = [root.calls * root.latency_ms for root in facts.roots]
    whole = sum(forward)
    backward = phase_ms(report, facts, "backward") * (forward[index] / whole if whole else 0.0)
    return min((forward[index] + backward) / report.wall_ms, 1.0)


def own_share(report: ProfileReport, index: int, *kinds: str) -> float:
    """Return the share of a root's time that modules of these kinds (beginnings of class names) take themselves."""
    rows = [row for row in report.modules if row.root == index]
    whole = sum(row.self_ms for row in rows)
    return sum(row.self_ms for row in rows if row.kind.startswith(kinds)) / whole if whole > 0 else 0.0


def seen_lines(report: ProfileReport, facts: Facts) -> list[LineRow]:
    """Return the lines at which the thread was found often enough to speak of a share."""
    return [row for row in report.lines if row.share * facts.looks >= _LOOKS]


def model_name(root: RootFacts) -> str:
    """Return how the plain Python names the model."""
    return root.name or "model"


def line_for(verb: str, root: RootFacts) -> str:
    """Return the magic line of a verb on the model; a model without a name is the one last profiled."""
    return f"%tauto_{verb} {root.name}".rstrip()


def python_for(verb: str, root: RootFacts) -> str:
    """Return the plain Python of a verb on the model."""
    return f"tauto.{verb}({root.name})" if root.name else f"tauto.{verb}(model)  # the {root.kind} called here"


def place_of(row: LineRow) -> str:
    """Return a line of the user's code as it is cited."""
    return f"{row.file}:{row.line} `{row.source.strip()}`"
