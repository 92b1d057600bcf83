"""Teach a smaller student to answer as a model does, if it then may take the model's place."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import nn

from tauto import fitting, measurement
from tauto.config import Drop, parse_duration
from tauto.errors import Interrupted, InvalidArgument, did_you_mean
from tauto.events import Progress, emit
from tauto.fitting import Fitted, Method, Objective, imitating
from tauto.fitting.distilling import MIXING
from tauto.fitting.imitating import Imitation
from tauto.fitting.outputs import pairs
from tauto.hardware import Hardware
from tauto.recipes import Recipe
from tauto.reports import Comparison, DistillationReport, NotTried, Quality
from tauto.reports.tuning import TuningVerdict
from tauto.results import DistillationResult, TuningResult
from tauto.techniques import technique
from tauto.techniques.distillation.students import SHAPES, Shape, repeats
from tauto.techniques.distillation.technique import EPOCHS, DistillConfig
from tauto.tuning import Budget, Goal, Plan, Space, tune
from tauto.tuning.weight_pictures import weight_pictures
from tauto.verbs.checkpoints import trainings_in
from tauto.verbs.checks import check_floating, check_labels
from tauto.verbs.compare import check_call
from tauto.verbs.delivery import deliver, deliver_tuned
from tauto.workload import Workload, check_model
from tauto.workload.state import evaluating, preserved_rng
from tauto.workload.training import Loss, Training

__all__ = ["METHODS", "distill"]

METHODS: tuple[Method, ...] = get_args(Method)
"""What a student may learn from, beside its teacher's outputs."""

_OBJECTIVES = ("latency", "size")
COMPARISON_S = 20.0
_TRAINING_SHARE = 0.8
"""Of the time left: the rest is for measuring what came of it."""


def distill(
    student: nn.Module | Shape,
    teacher: nn.Module,
    inputs: Any = None,
    *,
    data: Iterable[Any] | None = None,
    loss: Loss | None = None,
    evaluate: Callable[[nn.Module], Any] | None = None,
    max_drop: str | float | Drop | None = None,
    metric: str | None = None,
    higher_is_better: bool = True,
    method: Method = "logits",
    temperature: float | None = None,
    mixing: float | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    learning_rate: float = 1e-3,
    objective: Literal["latency", "size"] = "latency",
    budget: str | float = "10min",
    seed: int = 0,
    patience: int | None = None,
    checkpoint: str | Path | None = None,
    isolated: bool = False,
    factory: Callable[[], nn.Module] | None = None,
    names: tuple[str, str] = ("student", "teacher"),
) -> DistillationResult | TuningResult:
    """Train a copy of ``student`` to answer as ``teacher`` does, and measure what it is worth beside it.

    Parameters
    ----------
    student : torch.nn.Module or str
        Your own model, trained here; or one made of the teacher, which is tried in a process of its own: ``"half"``
        (half as deep, and half as wide: the better one), ``"half-depth"``, ``"half-width"``, ``"quarter-width"``.
    teacher : torch.nn.Module
        Only called. Both models stay as they are, bit for bit.
    inputs, evaluate, max_drop, metric, higher_is_better, factory
        As in :meth:`tauto.Workload.of`, of the teacher. ``evaluate`` judges the student once it is trained; it has no
        part in the training.
    data : iterable of batches
        What the student learns from; labels are needed for ``loss`` only.
    loss : callable, optional
        ``loss(outputs, labels)``, mixed in.
    method : {"logits", "features", "attention", "relational"}
        From the teacher's outputs alone; or also from its layers, which are matched by depth and shape.
    temperature : float, optional
        Softens scores of classes; default 4 where the outputs are such.
    mixing : float, optional
        Share of the teacher beside ``loss``; default 0.9.
    epochs, steps : int, optional
        How long; default 10 epochs.
    learning_rate : float
        The highest.
    objective : {"latency", "size"}
        With ``"latency"`` a student that is as fast and clearly smaller is an improvement too.
    budget : str or float
        Hard limit of time; training ends early where it would be over.
    seed : int
        Of all that is drawn.
    patience : int, optional
        Epochs in turn that find nothing better before the training stops; default all are taken.
    checkpoint : path, optional
        A folder that the same call goes on from where its training was interrupted, killed or cut off by ``budget``;
        what it keeps there is removed once it has come to its end. Default: a training begins anew.
    isolated : bool
        As in :func:`tauto.autotune`; of a student made of the teacher.
    names : tuple of str
        What to call student and teacher.

    Returns
    -------
    DistillationResult or TuningResult
        The latter for a student made of the teacher. ``model`` is the one to use: the trained student, or the teacher
        where the student lost too much (``"infeasible"``) or gains nothing (``"kept_original"``).

    Raises
    ------
    InvalidArgument, ModelError, EvaluateError, Interrupted
        One clear line when something given cannot be used; or stopped, with the best so far as the error's ``result``.

    Examples
    --------
    >>> r = tauto.distill(small, model, data=loader, loss=nn.CrossEntropyLoss(), evaluate=accuracy)  # doctest: +SKIP
    >>> r = tauto.distill("half", model, data=loader, evaluate=accuracy, epochs=20)  # doctest: +SKIP
    """
    for argument, value, known in (("method", method, METHODS), ("objective", objective, _OBJECTIVES)):
        if value not in known:
            raise InvalidArgument(f"{argument}: there is no {value!r}. {did_you_mean(str(value), known)}".rstrip())
    clock = Budget(parse_duration(budget))
    _check(student, teacher, data, loss, mixing)
    workload = Workload.of(
        teacher,
        inputs=inputs,
        data=data,
        evaluate=evaluate,
        max_drop=max_drop,
        metric=metric,
        higher_is_better=higher_is_better,
        factory=factory,
        name=names[1],
        loss=loss,
        trains=True,
    )
    lesson = DistillConfig(
        method=method,
        epochs=EPOCHS if epochs is None and steps is None else epochs,
        steps=steps,
        learning_rate=learning_rate,
        patience=patience,
        temperature=temperature,
        mixing=MIXING if mixing is None else mixing,
        seed=seed,
    )
    goal = Goal(objective, or_smaller=objective == "latency")
    with trainings_in(checkpoint, "distill", workload, lesson=repr(lesson)) as trainings:
        if isinstance(student, nn.Module):
            return _Own(student, workload, lesson, goal, clock, names).taught(trainings)
        check_floating(teacher, "teacher")
        if lesson.mixing < 1:
            check_labels(workload)
        hardware = Hardware.current(workload.device.type)

        def space() -> Space:
            return _space(workload, hardware, lesson, student)

        plan = Plan("distill", space, clock, goal, required=True, isolated=isolated, trainings=trainings)
        return deliver_tuned(tune(workload, plan, hardware), workload, isolated=isolated)


def _check(student: Any, teacher: Any, data: Any, loss: Any, mixing: float | None) -> None:
    if isinstance(student, str):
        if student not in SHAPES:
            hint = did_you_mean(student, SHAPES)
            raise InvalidArgument(
                f"student: there is no {student!r}. {hint} Give a torch.nn.Module, or one of {', '.join(SHAPES)}."
            )
    else:
        if isinstance(student, nn.Module):
            check_floating(student, "student")
        check_model(student, "student")
    check_model(teacher, "teacher")
    if student is teacher:
        raise InvalidArgument("student: it is the teacher itself. Give a smaller model, or student='half'.")
    if data is None:
        raise InvalidArgument("data: there is nothing to learn from. Give batches of inputs, with labels or without.")
    if mixing is not None and loss is None:
        raise InvalidArgument("mixing: there is no loss= to mix the teacher with. Give one, or leave mixing out.")


def _space(workload: Workload, hardware: Hardware, lesson: DistillConfig, student: Shape) -> Space:
    known = technique("distill")
    for answer in (known.missing(), known.applies_to(workload, hardware)):
        if not answer.applies:
            return Space((), (NotTried(known.name, answer.reason, answer.remedy),))
    both = student == "half" and repeats(workload.model)
    shapes: tuple[Shape, ...] = ("half-depth", "half-width") if both else (student,)
    return Space(tuple(Recipe.of(("distill", replace(lesson, student=shape))) for shape in shapes), ())


@dataclass(frozen=True, slots=True)
class _Own:
    """The teaching of a student of the user's own, in this process."""

    student: nn.Module
    workload: Workload
    lesson: DistillConfig
    goal: Goal
    clock: Budget
    names: tuple[str, str]

    def taught(self, trainings: Path | None) -> DistillationResult:
        """Measure, train, measure; the student as it was given stays."""
        teacher = self.workload.model
        self._check_outputs()
        if self.lesson.mixing < 1:
            check_labels(self.workload, self.student)
        objective = self._objective()
        emit(Progress("distill", f"measuring {' and '.join(self.names)}", 0.0, self.clock.left_s))
        metrics = measurement.evaluate_model(self.workload, teacher)
        first = measurement.evaluate_model(self.workload, self.student)
        before = self.workload.rule.judge(metrics, first) if metrics and first else ()
        made = partial(self._result, matched=_matched(objective), before=before)
        try:
            with fitting.told_of_data():
                fitted = fitting.fit(
                    self.student,
                    self._training.loader or (),
                    plan=self.lesson.plan(max(1.0, _TRAINING_SHARE * self.clock.left_s)),
                    objective=objective,
                    teacher=teacher,
                    checkpoint=trainings,
                    task="distill",
                )
        except Interrupted as stop:
            stopped: Fitted = stop.result  # type: ignore[assignment]  # of fit
            raise Interrupted(made(stopped, None)) from None
        fitted.model.eval()
        compared = None
        if fitted.report.best_step:
            emit(Progress("distill", f"comparing {' with '.join(self.names)}", 0.9, self.clock.left_s))
            try:
                compared = self._compared(fitted, metrics)
            except KeyboardInterrupt:
                raise Interrupted(made(fitted, None)) from None
        if trainings is not None and fitted.report.stopped != "out_of_time":
            shutil.rmtree(trainings, ignore_errors=True)
        return made(fitted, compared)

    @property
    def _training(self) -> Training:
        return self.workload.training or Training()

    def _objective(self) -> Objective:
        return imitating(
            self.student,
            self.workload.model,
            self.workload.example,
            self.lesson.method,
            loss=self._training.loss,
            temperature=self.lesson.temperature,
            mixing=self.lesson.mixing,
            seed=self.lesson.seed,
        )

    def _check_outputs(self) -> None:
        call, teacher = self.workload.example, self.workload.model
        for argument, model in (("student", self.student), ("teacher", teacher)):
            check_call(model, self.workload, argument)
        with evaluating(self.student, teacher), preserved_rng(), torch.no_grad():
            pairs(call(self.student), call(teacher))

    def _compared(self, fitted: Fitted, metrics: dict[str, float] | None) -> Comparison:
        return measurement.compare(
            self.workload.model,
            fitted.model,
            self.workload,
            hardware=Hardware.current(self.workload.device.type),
            names=(self.names[1], self.names[0]),
            time_cap_s=min(COMPARISON_S, max(1.0, 0.5 * self.clock.left_s)),
            baseline_quality=metrics,
            preparation_s=fitted.report.wall_s,
        )

    def _result(
        self,
        fitted: Fitted,
        comparison: Comparison | None,
        matched: tuple[str, ...],
        before: tuple[Quality, ...],
    ) -> DistillationResult:
        verdict, reason = self._verdict(fitted, comparison)
        report = DistillationReport(
            teacher=self.names[1],
            student=self.names[0],
            verdict=verdict,
            reason=reason,
            method=self.lesson.method,
            temperature=self.lesson.temperature,
            teacher_share=1.0 if self._training.loss is None else self.lesson.mixing,
            matched=matched,
            before=before,
            comparison=comparison,
            training=fitted.report,
            budget_s=self.clock.total_s,
            wall_s=self.clock.elapsed_s,
        )
        report = replace(report, pictures=weight_pictures(self.student, fitted.model))
        model = fitted.model if verdict == "improved" else self.workload.model
        return deliver(DistillationResult(report, model, fitted.model))

    def _verdict(self, fitted: Fitted, comparison: Comparison | None) -> tuple[TuningVerdict, str]:
        if comparison is None:
            finished = fitted.report.stopped == "finished" and not fitted.report.best_step
            why = "the training made the student no better" if finished else fitted.report.reason
            return "kept_original", f"{self.names[0]} was not compared: {why}"
        decision = self.goal.decide(comparison)
        if decision.improves:
            return "improved", decision.reason
        if comparison.quality_held is False:
            missed = f"nearest miss, {self.names[0]} as it was taught: {decision.reason}"
            return "infeasible", f"the allowed quality drop is what binds; {missed}"
        return "kept_original", f"{self.names[0]} is {decision.reason}"


def _matched(objective: Objective) -> tuple[str, ...]:
    return tuple(map(str, objective.matched)) if isinstance(objective, Imitation) else ()
