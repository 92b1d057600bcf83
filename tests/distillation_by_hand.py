"""Distillations made by hand, for the tests of all that shows, keeps or returns one."""

from __future__ import annotations

from dataclasses import replace

from fitting_by_hand import fitted, undone

from tauto.reports import Comparison, DistillationReport, Quality

FIRST = Quality("accuracy", 0.981, 0.11, 0.871, 0.01, True, False)


def distillation(compared: Comparison) -> DistillationReport:
    """A student that may take its teacher's place."""
    return DistillationReport(
        teacher="net", student="small", verdict="improved", reason="faster: 3.41× (3.24–3.58)", method="features",
        temperature=4.0, teacher_share=0.9, matched=("2 ← 6", "4 ← 10"), before=(FIRST,), comparison=compared,
        training=fitted("small"), budget_s=600.0, wall_s=41.2,
    )  # fmt: skip


def distillations(compared: Comparison, lost: Comparison) -> tuple[DistillationReport, ...]:
    """One of each verdict."""
    made = distillation(compared)
    return (
        made,
        replace(made, verdict="infeasible", comparison=lost, method="logits", matched=(), temperature=None),
        replace(
            made, verdict="kept_original", reason="small was not compared: finetune raised ValueError: no",
            comparison=None, before=(), training=undone(), teacher_share=1.0,
        ),
    )  # fmt: skip


def hostile_distillation(text: str, compared: Comparison) -> DistillationReport:
    """One in which every text is ``text``."""
    first = replace(FIRST, metric=text)
    return replace(
        distillation(compared), teacher=text, student=text, reason=text, method=text, matched=(text,), before=(first,),
        training=replace(fitted(text, text), reason=text), verdict="infeasible",
    )  # fmt: skip
