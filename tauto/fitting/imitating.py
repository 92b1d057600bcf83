"""Learning from a teacher's layers."""

from __future__ import annotations

from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from tauto.errors import InvalidArgument, did_you_mean
from tauto.fitting.distilling import MIXING, Mixture, distilled, imitation
from tauto.fitting.hints import attention_distance, feature_distance, relation_distance
from tauto.fitting.matching import Match, Point, matches, points
from tauto.fitting.objective import Loss, Objective, called
from tauto.fitting.outputs import pairs
from tauto.fitting.taps import tapped
from tauto.workload.call import Call, call_from_batch, label_of
from tauto.workload.state import seeded

__all__ = ["Imitation", "Method", "imitating"]

Method = Literal["logits", "features", "attention", "relational"]
_METHODS = get_args(Method)


def imitating(
    student: nn.Module,
    teacher: nn.Module,
    example: Call,
    method: Method = "logits",
    *,
    loss: Loss | None = None,
    temperature: float | None = None,
    mixing: float = MIXING,
    seed: int = 0,
) -> Objective:
    """Return the objective of a student that learns from its teacher by ``method``; give ``fit`` the same ``teacher=``.

    Parameters
    ----------
    student : torch.nn.Module
        Only run once on ``example``: what is trained is the model that the objective is called with.
    teacher : torch.nn.Module
        Only called, without gradients.
    example : Call
        What both are called with, to see which layers go together.
    method : {"logits", "features", "attention", "relational"}
        From outputs alone (:func:`~tauto.fitting.distilled`); or also from layers: by their values, through learned
        projections where widths differ; by where they look; by how samples lie to each other.
    loss, temperature, mixing
        As in :func:`~tauto.fitting.distilled`.
    seed : int
        Of the projections.

    Raises
    ------
    InvalidArgument
        When an argument is none, or no layers of the two go together.

    Examples
    --------
    >>> objective = imitating(student, teacher, call, "attention")  # doctest: +SKIP
    >>> fit(student, loader, objective=objective, teacher=teacher, plan=Plan(epochs=3))  # doctest: +SKIP
    """
    if method not in _METHODS:
        raise InvalidArgument(f"method: there is no {method!r}. {did_you_mean(str(method), _METHODS)}".rstrip())
    if method == "logits":
        return distilled(teacher, loss=loss, temperature=temperature, mixing=mixing, example=example)
    distilled(teacher, loss=loss, temperature=temperature, mixing=mixing)  # says what is out of its range
    found = _matched(points(student, example), points(teacher, example), method)
    with seeded(seed):
        return Imitation(teacher, example, method, found, Mixture(loss, mixing), temperature)


class Imitation(nn.Module):
    """The objective of learning from matched layers; its projections are trained beside the student.

    Parameters
    ----------
    teacher, example, method, temperature
        As in :func:`imitating`.
    matched : list of Match
        Layers that go together.
    mixture : Mixture
        With the user's own loss.
    """

    def __init__(
        self,
        teacher: nn.Module,
        example: Call,
        method: Method,
        matched: list[Match],
        mixture: Mixture,
        temperature: float | None,
    ) -> None:
        super().__init__()
        self._teacher = (teacher,)  # out of nn.Module's sight: it is not trained
        self.example, self.method, self.matched, self.temperature = example, method, matched, temperature
        self._mixture = mixture
        device = next(teacher.parameters()).device
        wide = method == "features"
        self.projections = nn.ModuleList(_projection(each) if wide else nn.Identity() for each in matched).to(device)

    def forward(self, model: nn.Module, batch: Any) -> Tensor:
        """Return the loss of ``model`` on ``batch``."""
        (teacher,) = self._teacher
        call, label = call_from_batch(batch, model, self.example), label_of(batch, model, self.example)
        with tapped(model, {each.student.path for each in self.matched}) as mine:
            outputs = called(call, model)
        with torch.no_grad(), tapped(teacher, {each.teacher.path for each in self.matched}) as its:
            answers = called(call, teacher)
        taught = imitation(pairs(outputs, answers), label, self._mixture.loss, self.temperature)
        hints = [
            self._hint(each, projection, mine[each.student.path][0].float(), its[each.teacher.path][0].float())
            for each, projection in zip(self.matched, self.projections, strict=True)
        ]
        return self._mixture(taught + torch.stack(hints).mean(), outputs, label)

    def _hint(self, match: Match, projection: nn.Module, student: Tensor, teacher: Tensor) -> Tensor:
        if self.method == "relational":
            return relation_distance(student, teacher)
        if self.method == "attention":
            return attention_distance(student, teacher, match.channels)
        last = student.movedim(match.channels, -1)
        return feature_distance(projection(last), teacher.movedim(match.channels, -1))


def _projection(match: Match) -> nn.Module:
    """Return what makes a student's channels the teacher's: a linear map, which is a 1 × 1 convolution."""
    mine, its = match.student.shape[match.channels], match.teacher.shape[match.channels]
    return nn.Identity() if mine == its else nn.Linear(mine, its)


def _matched(student: list[Point], teacher: list[Point], method: Method) -> list[Match]:
    if method == "relational" and student and teacher:  # how samples lie to each other needs no shape
        return [Match(student[-1], teacher[-1], 1)]
    found = matches(student, teacher, maps=method == "attention")
    if not found:
        what = "puts out a map of positions" if method == "attention" else "puts out a shape"
        raise InvalidArgument(
            f"method: no inner layer of the student {what} like one of the teacher's, so {method} cannot be compared. "
            "Use method='logits', which needs outputs alone."
        )
    return found
