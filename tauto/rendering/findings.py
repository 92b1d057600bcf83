"""How a profile shows its findings: grouped by cause, each with what it is expected to bring and what it brought."""

from __future__ import annotations

from tauto.rendering.document import Block, Items
from tauto.rendering.hints import Hints
from tauto.rendering.numbers import data_size, ratio
from tauto.reports import Finding, Gain, Tried
from tauto.reports.profile import Cause

__all__ = ["CAUSES", "expected_words", "finding_blocks", "tried_words"]

CAUSES: dict[Cause, str] = {
    "data": "The model waits for data",
    "synchronisation": "The loop waits for results",
    "mode": "The mode that the model is in",
    "overhead": "Overhead around the arithmetic",
    "precision": "Precision",
    "layout": "Layout in memory",
    "threads": "Threads",
    "memory": "Memory",
    "waste": "Work that nothing uses",
    "seen": "Good to know",
}


def expected_words(gain: Gain) -> str:
    """Return what a fix is expected to bring, said to be an estimate, and what that rests on."""
    parts = [f"{ratio(gain.speedup)} as fast"] if gain.speedup is not None else []
    if gain.bytes_saved is not None:
        parts.append(f"{data_size(gain.bytes_saved)} less memory")
    if not parts:
        return f"What it brings is to be measured ({gain.basis.strip().rstrip('.')})."
    what = " and ".join(parts)
    return f"Expected: {what} (estimated: {gain.basis.strip().rstrip('.')})."


def tried_words(tried: Tried) -> str:
    """Return what a fix brought when it was measured, and that it did not help where it did not."""
    saved = "" if tried.bytes_saved is None else f", {_memory(tried.bytes_saved)} at the peak"
    verdict = {"better": "better", "same": "no difference", "worse": "worse, so it did not help here"}[tried.verdict]
    return f"Measured here: {ratio(tried.speedup, tried.speedup_interval)} as fast{saved}: {verdict}."


def _memory(saved: int) -> str:
    return f"{data_size(abs(saved))} {'less' if saved >= 0 else 'more'} memory"


def finding_blocks(findings: tuple[Finding, ...], hints: Hints) -> list[Block]:
    """Return one list for each cause, in the order of its first finding; the numbers are those of the findings."""
    groups: dict[Cause, list[tuple[int, Finding]]] = {}
    for number, finding in enumerate(findings, start=1):
        groups.setdefault(finding.cause, []).append((number, finding))
    ranked = sorted(groups.items(), key=lambda group: (group[0] == "seen", group[1][0][0]))
    return [
        Items(
            f"Findings: {CAUSES[cause]}" if len(ranked) > 1 else "Findings",
            tuple(_item(finding, hints) for _, finding in group),
            more="findings",
            numbers=tuple(number for number, _ in group),
        )
        for cause, group in ranked
    ]


def _item(finding: Finding, hints: Hints) -> tuple[str, str, tuple[str, ...]]:
    sentences = [finding.evidence]
    if finding.expected:
        sentences.append(expected_words(finding.expected))
    if finding.tried:
        sentences.append(tried_words(finding.tried))
    line = hints.line(finding)
    return finding.title, " ".join(filter(None, sentences)), (line,) if line else ()
