"""Whether a candidate's quality holds under the workload's rule."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from tauto.errors import CandidateFailed
from tauto.measurement.agreement import check_outputs, outputs_of
from tauto.reports.comparison import Agreement, Quality
from tauto.workload.quality import run_evaluate
from tauto.workload.state import evaluating, preserved_rng, thread_count
from tauto.workload.workload import Workload

__all__ = ["Judgement", "evaluate_model", "judge_pair", "judge_quality"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether quality held, and by what.

    Parameters
    ----------
    held : bool or None
        None when unproved.
    rule : str
        The rule in words.
    agreement : Agreement or None
        Of the outputs; None when they cannot be compared.
    quality : tuple of Quality
        One for each judged metric of ``evaluate``.
    """

    held: bool | None
    rule: str
    agreement: Agreement | None
    quality: tuple[Quality, ...] = ()

    @property
    def drop(self) -> float | None:
        """Largest drop over the judged metrics; None without ``evaluate``."""
        return max((row.drop for row in self.quality), default=None)


def evaluate_model(workload: Workload, model: nn.Module) -> dict[str, float] | None:
    """Return the metrics of ``workload.evaluate`` for ``model`` in eval mode; None without one.

    Modes, random states and the thread count are restored.
    """
    if workload.evaluate is None:
        return None
    with evaluating(model), preserved_rng(), thread_count(None):
        return run_evaluate(workload.evaluate, model)


def judge_quality(
    workload: Workload,
    optimized: nn.Module,
    agreement: Agreement | None,
    *,
    baseline: Mapping[str, float] | None = None,
    original: nn.Module | None = None,
) -> Judgement:
    """Judge ``optimized`` by ``workload.evaluate`` when there is one, else by its outputs' ``agreement``.

    Parameters
    ----------
    workload : Workload
        Its rule, and ``evaluate``.
    optimized : torch.nn.Module
        The candidate.
    agreement : Agreement or None
        From :func:`~tauto.measurement.agreement.check_outputs`; None when the outputs cannot be compared.
    baseline : mapping, optional
        The original's metrics; measured when not given.
    original : torch.nn.Module, optional
        Default ``workload.model``.
    """
    samples = agreement.samples if agreement is not None else workload.sample_count
    rule = workload.rule.describe(workload.evaluate is not None, samples)
    after = evaluate_model(workload, optimized)
    if after is None:
        held = workload.rule.agreement_held(agreement) if agreement is not None else False
        return Judgement(held, rule, agreement)
    before = baseline if baseline is not None else evaluate_model(workload, original or workload.model)
    rows = workload.rule.judge(before or {}, after)
    return Judgement(all(row.held for row in rows), rule, agreement, rows)


def judge_pair(
    workload: Workload,
    original: nn.Module,
    optimized: nn.Module,
    *,
    baseline: Mapping[str, float] | None = None,
    reference: Sequence[Any] | None = None,
    time_cap_s: float = math.inf,
) -> Judgement:
    """Compare outputs and judge quality; outputs that cannot be compared are said in the rule, not raised."""
    expected = reference if reference is not None else outputs_of(original, workload.samples, time_cap_s=time_cap_s)
    try:
        agreement, trouble = check_outputs(expected, optimized, workload.samples), ""
    except CandidateFailed as error:
        agreement, trouble = None, f"; {error}"
    verdict = judge_quality(workload, optimized, agreement, baseline=baseline, original=original)
    return Judgement(verdict.held, verdict.rule + trouble, agreement, verdict.quality)
