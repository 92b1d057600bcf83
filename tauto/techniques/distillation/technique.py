"""A smaller student in the model's place, taught by the model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from tauto import serialization
from tauto.errors import CandidateFailed
from tauto.fitting import Fitted, Method, Plan, fit, imitating, length_words
from tauto.fitting.distilling import MIXING, Mixture, above_zero
from tauto.hardware import Hardware
from tauto.reports import FittingReport
from tauto.techniques.distillation.script import student_script
from tauto.techniques.distillation.students import Shape, repeats, student_of
from tauto.techniques.proof import proved
from tauto.techniques.registry import register
from tauto.techniques.technique import Account, Applicability, Config, Context, Script, Technique
from tauto.workload import Workload

__all__ = ["EPOCHS", "Distill", "DistillConfig"]

EPOCHS = 10
FOLDER, TRAINING_FILE, WORDS_FILE = "student", "training.json", "student.txt"
_FROM: dict[Method, str] = {
    "logits": "the model's outputs",
    "features": "the model's outputs and what its layers put out",
    "attention": "the model's outputs and where its layers look",
    "relational": "the model's outputs and how its last layer sets samples apart",
}


@dataclass(frozen=True, slots=True)
class DistillConfig(Config):
    """A student's shape, how it learns, and for how long.

    Parameters
    ----------
    student : {"half", "half-depth", "half-width", "quarter-width"}
        As in :data:`~tauto.techniques.distillation.students.Shape`.
    method : {"logits", "features", "attention", "relational"}
        As in :func:`~tauto.fitting.imitating`.
    epochs, steps : int or None
        How long: one of the two.
    learning_rate : float
        The highest.
    temperature : float or None
        Of scores of classes.
    mixing : float
        Share of the teacher beside the user's loss.
    seed : int
        Of the order of the data, and whatever else is drawn.
    patience : int or None
        Epochs in turn that find nothing better before the training stops; None stops at none.
    """

    student: Shape = "half"
    method: Method = "logits"
    epochs: int | None = EPOCHS
    steps: int | None = None
    learning_rate: float = 1e-3
    temperature: float | None = None
    mixing: float = MIXING
    seed: int = 0
    patience: int | None = None

    def __post_init__(self) -> None:
        self.plan()
        Mixture(None, self.mixing)
        if self.temperature is not None:
            above_zero("temperature", self.temperature)

    def plan(self, limit_s: float | None = None) -> Plan:
        """Return the plan of the training."""
        return Plan(
            epochs=self.epochs,
            steps=self.steps,
            learning_rate=self.learning_rate,
            patience=self.patience,
            seed=self.seed,
            limit_s=limit_s,
        )


@register
class Distill(Technique):
    """Put a student in the model's place: less deep or less wide, with its weights where they fit, and taught by it."""

    name = "distill"
    title = "a smaller student, taught by the model"
    family = "distillation"
    config = DistillConfig

    def applies_to(self, workload: Workload, hardware: Hardware) -> Applicability:
        """It needs batches to learn from."""
        if workload.training is None or workload.training.loader is None:
            return Applicability.no("there are no batches that a student could learn from", "data=…")
        return Applicability.yes()

    def space(self, workload: Workload, hardware: Hardware) -> tuple[DistillConfig, ...]:
        """Half as deep where blocks repeat, half as wide."""
        shapes: list[Shape] = ["half-depth"] if repeats(workload.model) else []
        return tuple(DistillConfig(student=shape) for shape in (*shapes, "half-width"))

    def apply(self, workload: Workload, config: DistillConfig, context: Context) -> nn.Module:
        """Return the trained student; it is made and trained once, and read from its file after that."""

        def build(path: Path) -> None:
            words, fitted = _taught(workload, config, context.checkpoint())
            context.spare(fitted.report)
            path.mkdir()
            serialization.write(fitted.model, workload.model, path / "model")
            (path / TRAINING_FILE).write_text(json.dumps(fitted.report.to_dict()))
            (path / WORDS_FILE).write_text(words)

        path = context.file(FOLDER, build)
        model = serialization.read(workload.copy_model(), path / "model").requires_grad_(False)
        return proved(model, workload.example)

    def describe(self, config: Any) -> str:
        """Return such as ``distill (half-depth, logits, 10 epochs)``."""
        count, unit = (config.epochs, "epoch") if config.epochs else (config.steps, "step")
        length = f"{count} {unit}{'' if count == 1 else 's'}"
        patience = f", patience {config.patience}" if config.patience else ""
        return f"{self.name} ({config.student}, {config.method}, {length}{patience})"

    def account(self, config: DistillConfig, context: Context) -> Account:
        """Return how the student was made and trained."""
        folder = context.folder / FOLDER
        report = FittingReport.from_dict(json.loads((folder / TRAINING_FILE).read_text()))
        losses = f"; the loss went from {report.losses[0]:.3g} to {report.losses[-1]:.3g}" if report.losses else ""
        taught = f"It learned from {_FROM[config.method]}, in {length_words([report])}{losses}."
        ended = [] if report.stopped == "finished" else [f"The training ended early: {report.reason}."]
        return Account("", (f"The student is {(folder / WORDS_FILE).read_text()}.", taught, *ended))

    def script(self, config: DistillConfig) -> Script:
        """Return the making of the student in plain Python, with a plain training."""
        return student_script(config)


def _taught(workload: Workload, config: DistillConfig, checkpoint: Path | None) -> tuple[str, Fitted]:
    training, teacher = workload.training, workload.copy_model()
    if training is None or training.loader is None:
        raise CandidateFailed("there are no batches that a student could learn from; give data=")
    student, words = student_of(workload, config.student)
    objective = imitating(
        student,
        teacher,
        workload.example,
        config.method,
        loss=training.loss,
        temperature=config.temperature,
        mixing=config.mixing,
        seed=config.seed,
    )
    fitted = fit(
        student,
        training.loader,
        plan=config.plan(),
        objective=objective,
        teacher=teacher,
        checkpoint=checkpoint,
        in_place=True,
        task="distill",
    )
    if not fitted.report.best_step:
        raise CandidateFailed(f"the student's training failed: {fitted.report.reason}")
    return words, fitted
