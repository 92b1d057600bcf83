"""What a trial does in its own process: each function here is run there, and returns what JSON can say."""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tauto import measurement
from tauto.errors import CandidateFailed, InvalidArgument
from tauto.events import listening
from tauto.execution import libraries_since, load
from tauto.execution.alone import alone
from tauto.hardware import Hardware
from tauto.measurement import Judgement
from tauto.recipes import OptimizedModel, Recipe, build, placed
from tauto.techniques import STRUCTURAL, Context
from tauto.tuning.counted import CountedSamples
from tauto.tuning.payload import Payload
from tauto.tuning.trial_progress import ProgressFile
from tauto.workload import Workload
from tauto.workload.check import check_runs
from tauto.workload.quality import MAX_RELATIVE_ERROR, MIN_COSINE, MIN_SAMPLES
from tauto.workload.state import seeded

__all__ = ["attempt", "baseline", "memory", "resident"]

ENGINES_OF_A_MODEL = ("openvino", "onnxruntime")
AGAIN_SEED = 1


def baseline(payload: str, reference: str, again_within_s: float) -> dict[str, Any]:
    """Run, time and evaluate the original; write its outputs, for every trial to compare with, to ``reference``.

    Evaluating took less than ``again_within_s``: then it is done once more, to see whether the figures move.
    """
    measurement.keep_freed_memory()
    before = set(sys.modules)
    workload = _workload(payload)
    libraries = libraries_since(before)
    samples = _compared_samples(workload)
    model = workload.model.eval()
    check_runs(model, workload.example, "inputs")
    for call in samples:
        check_runs(model, call, "data")
    outputs = measurement.outputs_of(model, samples)
    torch.save(outputs, reference)
    with torch.inference_mode():
        start = time.perf_counter()
        workload.example(model)
        call_s = time.perf_counter() - start
    restless = _restless(model, outputs, samples)
    return {"call_s": call_s, "libraries": libraries, "restless": restless, **_evaluated(workload, again_within_s)}


def attempt(
    payload: str,
    reference: str,
    recipe: dict[str, Any],
    folder: str,
    seed: int,
    cache: str,
    metrics: dict[str, float] | None,
    time_cap_s: float,
    give_up_below: float | None,
    may_prepare: bool,
    restless: str,
    quality_rule: str,
    preparation_s: float | None = None,
    turn: str | None = None,
    trainings: str | None = None,
    told: str | None = None,
) -> dict[str, Any]:
    """Make the recipe's model and compare it with the original: outputs first, then time, then quality.

    How far its training is goes to the file ``told``.

    Only the timing has this machine for itself; ``turn`` is this job's folder where others run beside it.
    """
    measurement.keep_freed_memory()
    workload = _workload(payload)
    original = workload.model.eval()
    start = time.perf_counter()
    context = _context(workload, folder, seed, cache, may_prepare)
    if trainings is not None:
        context = replace(context, trainings=Path(trainings))
    telling = nullcontext() if told is None else listening(ProgressFile(Path(told)))
    with measurement.PrivateMemory() as peak, telling:
        optimized = build(Recipe.from_dict(recipe), workload, context)
        with torch.inference_mode():
            workload.example(optimized)  # engines do their last work at the first call
    made_s = time.perf_counter() - start + sum(context.spared_s)
    found: dict[str, Any] = {
        "preparation_s": preparation_s if preparation_s is not None else made_s,
        # of what another trial had made already the peak is not known
        "peak_preparing_bytes": None if context.spared_s else peak.peak_bytes,
        "rejected": None,
        "agreement": None,
        "comparison": None,
        **_account(recipe, context),
    }
    judgement = _outputs_judged(workload, optimized, reference, restless, quality_rule)
    # how fast a smaller architecture is counts even where its answers are not good enough, for the next one
    if judgement.held is False and not (judgement.agreement and _is_structural(recipe)):
        found["rejected"] = f"wrong outputs: {_disagreement(judgement)}"
        found["agreement"] = asdict(judgement.agreement) if judgement.agreement else None
    else:
        with alone(turn) as stood_still_s:
            timing = measurement.time_models(
                original, optimized, workload.example, time_cap_s=time_cap_s, give_up_below=give_up_below
            )
        if preparation_s is None:
            found["preparation_s"] = max(0.0, made_s - stood_still_s)
        given_up = give_up_below is not None and timing.verdict == "worse"
        if workload.evaluate is not None and not given_up:
            judgement = measurement.judge_quality(workload, optimized, judgement.agreement, baseline=metrics)
        comparison = measurement.comparison_of(
            original,
            optimized,
            workload.example,
            judgement,
            timing,
            hardware=Hardware.current(workload.device.type),
            preparation_s=found["preparation_s"],
        )
        conditions = replace(comparison.conditions, mode=measurement.LONG_LIVED)
        found["comparison"] = replace(comparison, conditions=conditions).to_dict()
    return {**found, "working_s": time.perf_counter() - start}


def memory(payload: str, reference: str, recipe: dict[str, Any], folder: str, seed: int, cache: str) -> int:
    """Return the bytes by which this process grows from the loaded runtime to the recipe's model in use."""
    del reference
    workload = _workload(payload)
    names = {step["technique"] for step in recipe["steps"]}
    runtime = [name for name in ENGINES_OF_A_MODEL if name in names]
    if not recipe["steps"]:  # the original as it was loaded: its weights are the mapped file
        return measurement.steady_memory(lambda: workload.model.eval(), workload.example, runtime)
    return measurement.steady_memory(
        lambda: _built(recipe, workload, folder, seed, cache, may_prepare=False),
        workload.example,
        runtime,
        apart=Path(payload),  # the original's weights, which the recipe's model does not use
    )


def resident(payload: str, recipe: dict[str, Any], folder: str, seed: int, cache: str) -> nn.Module:
    """Return the recipe's model, for a process that stays."""
    return _built(recipe, _workload(payload), folder, seed, cache, may_prepare=False)


def _workload(payload: str) -> Workload:
    packed: Payload = load(Path(payload))
    return packed.unpack()


def _built(
    recipe: dict[str, Any], workload: Workload, folder: str, seed: int, cache: str, may_prepare: bool
) -> OptimizedModel:
    return build(Recipe.from_dict(recipe), workload, _context(workload, folder, seed, cache, may_prepare))


def _context(workload: Workload, folder: str, seed: int, cache: str, may_prepare: bool) -> Context:
    hardware = Hardware.current(workload.device.type)
    return Context(Path(folder), hardware, seed, may_prepare, cache=Path(cache))


def _account(recipe: dict[str, Any], context: Context) -> dict[str, Any]:
    """Return what the steps tell of what they did."""
    told = [step.technique.account(step.config, here) for step, here in placed(Recipe.from_dict(recipe), context)]
    summary = ", ".join(account.summary for account in told if account.summary)
    return {"summary": summary, "notes": [note for account in told for note in account.notes]}


def _is_structural(recipe: dict[str, Any]) -> bool:
    return any(step.technique.family in STRUCTURAL for step in Recipe.from_dict(recipe).steps)


def _compared_samples(workload: Workload) -> tuple[Any, ...]:
    """Return the calls whose outputs are compared: enough for the rule, one when ``evaluate`` judges."""
    chosen, count = [], 0
    for call in workload.samples:
        chosen.append(call)
        count += call.batch
        if workload.evaluate is not None or count >= MIN_SAMPLES:
            break
    return tuple(chosen)


def _evaluated(workload: Workload, again_within_s: float) -> dict[str, Any]:
    """Return the original's metrics, these once more under another seed, and over how many samples they are."""
    start = time.perf_counter()
    with CountedSamples(workload.model) as seen:
        metrics = measurement.evaluate_model(workload, workload.model)
    took_s = time.perf_counter() - start
    if metrics is not None and not workload.rule.judged(metrics):
        raise InvalidArgument("evaluate: it returned no metric to judge.")
    again = None
    if metrics is not None and took_s <= again_within_s:
        with seeded(AGAIN_SEED):
            again = measurement.evaluate_model(workload, workload.model)
    again_s = time.perf_counter() - start - took_s
    return {"metrics": metrics, "again": again, "again_s": again_s, "samples": seen.samples or None}


def _restless(model: nn.Module, outputs: list[Any], samples: tuple[Any, ...]) -> str:
    """Return in words how ``model`` answers the same call another time; empty where it answers alike."""
    again = measurement.outputs_of(model, samples[:1], seed=AGAIN_SEED)
    try:
        found = measurement.compare_outputs(outputs[:1], again, samples[:1])
    except CandidateFailed as error:
        return str(error)
    alike = found.cosine >= MIN_COSINE and found.relative_error <= MAX_RELATIVE_ERROR
    return "" if alike else f"relative error {found.relative_error:.0%} between two calls with the same input"


def _outputs_judged(workload: Workload, optimized: nn.Module, reference: str, restless: str, rule: str) -> Judgement:
    """Judge outputs: strictly by the rule without ``evaluate``, else only that they are of the same kind."""
    outputs = torch.load(reference, weights_only=False)
    samples = _compared_samples(workload)
    try:
        found = measurement.check_outputs(outputs, optimized, samples)
    except CandidateFailed as error:
        return Judgement(False, str(error), None)
    if restless:  # the original's own answers are as far from each other
        return Judgement(None, rule, None)
    held = None if workload.evaluate is not None else workload.rule.agreement_held(found)
    return Judgement(held, rule, found)


def _disagreement(judgement: Judgement) -> str:
    found = judgement.agreement
    if found is None:
        return judgement.rule
    return (
        f"cosine {found.cosine:.4f} (at least {MIN_COSINE}), "
        f"relative error {found.relative_error:.1%} (at most {MAX_RELATIVE_ERROR:.0%})"
    )
