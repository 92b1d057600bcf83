"""Try what a finding of a profile proposes, in isolation, and measure what it brings."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from tauto.config import parse_duration
from tauto.errors import Interrupted, InvalidArgument, a_kind, did_you_mean
from tauto.hardware import Hardware
from tauto.profiling.fixes import ACTIONS
from tauto.reports import Finding, Fix, FixReport, ProfileReport, Tried
from tauto.reports.fix import FixObjective, FixUnit
from tauto.results import FixResult, ProfileResult, TuningResult, last_of
from tauto.tuning.fix_trial import FixFailed, FixStopped, FixTrial, Measured
from tauto.tuning.fix_verdict import judged
from tauto.verbs.apply import apply
from tauto.verbs.delivery import deliver
from tauto.workload import seen
from tauto.workload.cell import Cell

__all__ = ["fix"]

CELL_BUDGET = "60s"
RECIPE_BUDGET = "3min"


def fix(
    finding: Finding | str | int,
    profile: ProfileResult | None = None,
    *,
    step: Callable[[], Any] | None = None,
    budget: str | float | None = None,
) -> FixResult | TuningResult:
    """Do what a finding proposes to a copy of what was profiled, and measure it against the original, interleaved.

    The cell is run in two processes of its own, as it is and with the fix, step by step in turn, until the speedup is
    known or the time is up. Nothing of the user's changes: the result says how to keep a fix that helped. A fix that
    is a recipe for a model is tried as :func:`tauto.apply` does.

    Parameters
    ----------
    finding : Finding, str or int
        A finding of the profile, its rule's name, or its number there, from 1.
    profile : ProfileResult, optional
        The profile that has the finding; default the last one. Its finding then shows what was measured.
    step : callable, optional
        For a profile of a ``with`` block, of which the source is not known: a function without arguments that runs
        the loop, or one step of it.
    budget : str or float, optional
        Time that it may take, once processes can be started at all; default 60 s, for a recipe 3 min.

    Raises
    ------
    InvalidArgument
        When there is no such finding, nothing that could be done about it, or no source to run.
    NotTransferable
        When something that the cell reads cannot be sent to another process.
    TrialFailed
        When the cell does not run again as it is, or is too slow for the budget.
    Interrupted
        When the user stops it; its result says what was measured until then.

    Examples
    --------
    >>> tauto.fix("data_loading").verdict  # doctest: +SKIP
    'better'
    """
    result = profile if profile is not None else last_of(ProfileResult)
    if result is None:
        raise InvalidArgument("profile: nothing was profiled in this process yet. Profile a cell or a model first.")
    if not isinstance(result, ProfileResult):
        raise InvalidArgument(f"profile: {a_kind(result)} has no findings; a profile's result has.")
    chosen = _chosen(result.report, finding)
    if chosen.fix is None:
        way = f" {chosen.python}" if chosen.python else ""
        raise InvalidArgument(f"finding: {chosen.rule!r} is nothing that can be tried for you; it is yours to do.{way}")
    if chosen.fix.action == "recipe":  # done to the model, so that no code is run again
        names = (result.cell or _cell(result, step)).names
        return _apply_recipe(result, chosen, chosen.fix, names, budget)
    cell = _cell(result, step)
    return _try(result, chosen, chosen.fix, cell, parse_duration(budget if budget is not None else CELL_BUDGET))


def _chosen(report: ProfileReport, wanted: Finding | str | int) -> Finding:
    """Return the finding meant; one that was tried before is the same one."""
    findings = report.findings
    if isinstance(wanted, Finding):
        wanted_key = (wanted.rule, wanted.title)
        if (same := next((item for item in findings if (item.rule, item.title) == wanted_key), None)) is not None:
            return same
        raise InvalidArgument(f"finding: {wanted.rule!r} is not a finding of this profile.")
    if not findings:
        raise InvalidArgument("finding: this profile has no findings.")
    if isinstance(wanted, int) and not isinstance(wanted, bool):
        if not 1 <= wanted <= len(findings):
            raise InvalidArgument(f"finding: there is no number {wanted}; this profile has 1 to {len(findings)}.")
        return findings[wanted - 1]
    named = [(number, item) for number, item in enumerate(findings, start=1) if item.rule == wanted]
    if not named:
        known = {item.rule for item in findings if item.fix is not None} or {item.rule for item in findings}
        raise InvalidArgument(f"finding: there is no {wanted!r} in this profile. {did_you_mean(str(wanted), known)}")
    if len(named) > 1:
        numbers = " or ".join(str(number) for number, _ in named)
        raise InvalidArgument(f"finding: there is more than one {wanted!r}. Write its number: {numbers}.")
    return named[0][1]


def _cell(result: ProfileResult, step: Callable[[], Any] | None) -> Cell:
    if step is not None:
        if not callable(step):
            raise InvalidArgument(f"step: {a_kind(step)} cannot be called. Give a function without arguments.")
        return Cell("while True:\n    step()\n", {"step": step, **(result.cell.names if result.cell else {})})
    if result.cell is None:
        raise InvalidArgument("profile: this is a past profile, with no code to run. Profile it again, then fix that.")
    if not result.cell.source:
        raise InvalidArgument(
            "profile: the source of a with block is not known. Profile it as a %%tauto_profile cell, or give "
            "step=, a function without arguments that runs the loop or one step of it."
        )
    return result.cell


def _apply_recipe(
    result: ProfileResult, finding: Finding, wanted: Fix, names: Mapping[str, Any], budget: str | float | None
) -> TuningResult:
    model = names.get(wanted.target) if wanted.target else seen.last_model()
    for part in wanted.target.split(".")[1:] if model is None else ():
        model = getattr(model or names.get(wanted.target.partition(".")[0]), part, None)
    if not isinstance(model, nn.Module):
        raise InvalidArgument(f"finding: the model {wanted.target or 'that was profiled'!r} is no longer there.")
    name = wanted.target or None
    tuned = apply(str(wanted.options["recipe"]), model, budget=budget or RECIPE_BUDGET, name=name)
    trial = next(iter(tuned.report.trials), None)
    comparison = tuned.report.confirmed or (trial.comparison if trial else None)
    if comparison is not None:
        tried = Tried(comparison.verdict, comparison.speedup, comparison.speedup_interval)
        result.note_tried(finding, tried)
    return tuned


def _try(result: ProfileResult, finding: Finding, wanted: Fix, cell: Cell, budget_s: float) -> FixResult:
    unit, objective = _unit(result.report, wanted), _objective(finding, wanted)
    measured: Measured | None = None
    failed, stopped = "", False
    trial = FixTrial(cell, wanted, unit, budget_s)
    trial.prepare()
    began = time.monotonic()
    try:
        measured = trial.run()
    except FixFailed as error:
        failed = str(error)
    except FixStopped as stop:
        measured, failed, stopped = stop.measured, str(stop), True
    hardware = Hardware.current(result.report.device)
    report = judged(
        FixReport(
            subject=result.report.subject,
            finding=finding,
            verdict=None,
            reason=failed,
            objective=objective,
            unit=measured.unit if measured else unit,
            original=measured.original if measured else None,
            fixed=measured.fixed if measured else None,
            speedup=measured.timing.speedup if measured else None,
            speedup_interval=measured.timing.interval if measured else None,
            settled=bool(measured and measured.timing.settled),
            same_results=next((item.same_results for name, item in ACTIONS.items() if name == wanted.action), True),
            notes=measured.notes if measured else (),
            machine=hardware.summary,
            fingerprint=hardware.fingerprint,
            device=result.report.device,
            threads=torch.get_num_threads(),
            budget_s=budget_s,
            wall_s=time.monotonic() - began,
            interrupted=stopped,
        ),
        measured.timing.verdict if measured else None,
    )
    if stopped:
        raise Interrupted(deliver(FixResult(report)))
    if report.finding.tried is not None:
        result.note_tried(finding, report.finding.tried)
    return deliver(FixResult(report))


def _unit(report: ProfileReport, wanted: Fix) -> FixUnit:
    if wanted.options.get("only_eval_calls"):  # these come between the steps of training
        return "run of the cell"
    if report.steps is not None:
        return report.steps.unit
    stepped = any(phase.name == "optimizer" and phase.calls for phase in report.phases)
    return "optimizer step" if stepped else "model call"


def _objective(finding: Finding, wanted: Fix) -> FixObjective:
    """Return what the fix is for: a checkpoint trades time for memory, others by what is expected of them."""
    expected = finding.expected
    saves_only = expected is not None and expected.speedup is None and bool(expected.bytes_saved)
    return "memory" if wanted.action == "checkpoint" or saves_only else "time"
