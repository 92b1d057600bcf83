"""What the profile could not look into, and the offer to try what there is."""

from __future__ import annotations

from collections.abc import Iterator

from tauto.profiling.facts import Facts
from tauto.profiling.findings._base import called, line_for, model_name, python_for
from tauto.reports.profile import Finding, ProfileReport

__all__ = ["can_be_tried", "not_seen"]


def not_seen(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Say what the profile could not look into."""
    if facts.not_traced:
        yield Finding("not_traced", "Operators were not traced to the end", f"{facts.not_traced}.", "", "")
    for _, root in called(facts):
        if root.opaque:
            yield Finding(
                "opaque_model",
                f"{root.title} is {root.opaque}: its inner modules cannot be told apart",
                "Its calls are timed as a whole.",
                "",
                "",
            )
        if not root.traced and not facts.not_traced:
            yield Finding(
                "untraced_model",
                f"{root.title} was timed, not traced",
                "Only the first four models, and calls from the thread of the cell, are traced operator by operator.",
                "",
                "",
            )
        if root.not_remembered:
            yield Finding(
                "inputs_not_remembered",
                f"The inputs of {root.title} could not be kept for the next verbs",
                f"{root.not_remembered}. Name them.",
                f"{line_for('autotune', root)} --inputs NAME" if root.name else "",
                f"tauto.autotune({model_name(root)}, inputs=...)",
            )


def can_be_tried(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Offer to try what there is on the model that took most of the time."""
    roots = [root for _, root in called(facts)]
    if not roots:
        return
    root = max(roots, key=lambda root: root.calls * root.latency_ms)
    when = "Once it is trained, every" if facts.trains else "Every"
    yield Finding(
        "can_be_tried",
        f"{root.title} can be tried as it is",
        f"{when} technique that applies is measured against the original here; the original stays when none is "
        "better. Given a function evaluate(model), the quality is proved, too.",
        line_for("autotune", root),
        python_for("autotune", root),
    )
