"""``tauto profile``."""

from __future__ import annotations

from tauto.cli.answer import answering, check_files, show
from tauto.cli.loader import load
from tauto.cli.options import Inputs, Model, ReportFile, keywords

__all__ = ["profile"]


def profile(model: Model, inputs: Inputs = None, report: ReportFile = None) -> None:
    """Say where time and memory go, with findings."""
    with answering():
        check_files(report=report)
        value, name, source = load(model, "model")
        given = keywords(source, inputs=inputs)
        import tauto

        show(tauto.profile(value, **given, name=name), report)
