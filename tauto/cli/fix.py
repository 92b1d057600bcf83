"""``tauto fix``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tauto.cli.answer import answering, check_files, show
from tauto.cli.loader import load
from tauto.cli.options import Inputs, Model, ReportFile, as_written, keywords

if TYPE_CHECKING:
    from tauto.results import ProfileResult

__all__ = ["fix"]

Rule = Annotated[
    str, typer.Argument(metavar="FINDING", help="A finding of the model's last profile: its rule, or its number there.")
]
FixBudget = Annotated[
    str | None, typer.Option("--budget", metavar="TIME", help="Time that it may take; default 60s, for a recipe 3min.")
]


def fix(
    finding: Rule,
    model: Model,
    inputs: Inputs = None,
    budget: FixBudget = None,
    report: ReportFile = None,
) -> None:
    """Try what a finding of the profile proposes, and measure what it brings.

    The finding is one of the last profile of the model in the store; where there is none, the model is profiled first.
    """
    with answering():
        check_files(report=report)
        value, name, source = load(model, "model")
        profiled = _last_profile(value, keywords(source, inputs=inputs), name)
        wanted = int(finding) if finding.isdecimal() else finding
        show(profiled.apply(wanted, budget=budget), report, as_written(model, inputs))


def _last_profile(model: Any, inputs: dict[str, Any], name: str) -> ProfileResult:
    import tauto
    from tauto.reports import ProfileReport
    from tauto.store import Store
    from tauto.verbs.profile import past_profile

    store = Store()
    for row in store.list(5, verb="profile", model=name).rows:
        kept = store.get(row.id)
        if isinstance(kept, ProfileReport):
            return past_profile(kept, model, **inputs, name=name)
    made: ProfileResult = tauto.profile(model, **inputs, name=name)
    return made
