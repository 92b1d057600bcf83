"""Distill for real: what is better is used, what is not is told, and neither model is touched."""

from __future__ import annotations

import copy
import signal
from dataclasses import replace

import pytest
import torch
from reports_by_hand import comparison
from torch import nn

import tauto
from tauto import results
from tauto.errors import Interrupted, InvalidArgument
from tauto.fitting.state import take
from tauto.reports import report_from_dict
from tauto.results import DistillationResult, result_of
from tauto.tuning import Goal
from tauto.verbs import distill as verb

pytestmark = pytest.mark.alone

INPUTS = torch.randn(256, 16, generator=torch.Generator().manual_seed(1))


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("TAUTO_WORK", str(tmp_path / "work"))
    monkeypatch.setattr(verb, "COMPARISON_S", 1.0)


class Teacher(nn.Module):
    """Many times as much work as its answer is worth."""

    def __init__(self, rounds=4):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 3))
        self.waste = nn.Linear(200, 200, bias=False)
        self.rounds = rounds

    def forward(self, x):
        for _ in range(self.rounds):
            self.waste(self.waste.weight)
        return self.body(x) * 4


@pytest.fixture
def teacher():
    torch.manual_seed(0)
    return Teacher().train()


def student(width=32):
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(16, width), nn.Tanh(), nn.Linear(width, 3))


def agrees_with(teacher):
    with torch.no_grad():
        right = teacher.eval()(INPUTS).argmax(1)
    teacher.train()
    return right, lambda model: (model(INPUTS).argmax(1) == right).float().mean().item()


def batches(labels=None):
    parts = INPUTS.split(32)
    return list(parts) if labels is None else list(zip(parts, labels.split(32), strict=True))


def same(one, other):
    mine, its = take(one), take(other)
    return all(torch.equal(mine[name], its[name]) for name in mine)


@pytest.mark.parametrize("method", ["logits", "relational"])
def test_a_student_that_is_faster_and_as_good_takes_the_teachers_place(teacher, method):
    labels, agreement = agrees_with(teacher)
    small, kept = student(), copy.deepcopy(teacher)
    random = torch.get_rng_state()
    result = tauto.distill(
        small, teacher, INPUTS[:1], data=batches(labels), loss=nn.CrossEntropyLoss(), evaluate=agreement,
        max_drop=0.15, epochs=30, learning_rate=1e-2, method=method, names=("small", "big"),
    )  # fmt: skip
    assert torch.equal(random, torch.get_rng_state())
    assert (result.verdict, result.teacher_share) == ("improved", 0.9), result.reason
    assert result.model is result.student is not small
    assert not result.model.training
    assert agreement(result.model) > result.before[0].optimized
    assert same(small, student())
    assert same(teacher, kept)
    assert teacher.training
    assert result.comparison.size_ratio < 0.1
    assert result.comparison.preparation_s == result.training.wall_s
    assert result.training.stopped == "finished"
    assert bool(result.matched) is (method == "relational")
    assert "small taught by big" in repr(result)
    assert result.plot() is not None
    assert tauto.last() is result


def test_one_that_lost_too_much_is_infeasible_and_there_all_the_same(teacher):
    _, agreement = agrees_with(teacher)
    result = tauto.distill(student(1), teacher, INPUTS[:1], data=batches(), evaluate=agreement, max_drop=0.0, steps=2)
    assert result.verdict == "infeasible"
    assert "nearest miss, student as it was taught" in result.reason
    assert result.model is teacher
    assert isinstance(result.student[0], nn.Linear)
    assert result.teacher_share == 1


def test_one_that_is_slower_is_not_used(teacher):
    _, agreement = agrees_with(teacher)
    slower = Teacher(rounds=40)
    result = tauto.distill(slower, teacher, INPUTS[:1], data=batches(), evaluate=agreement, max_drop=1.0, steps=2)
    assert result.verdict == "kept_original"
    assert "slower" in result.reason or "not shown to be faster" in result.reason, "on a machine that stalls"
    assert result.model is teacher


def test_a_training_that_failed_is_told(teacher):
    data = [torch.full((4, 16), 1e30), *batches()]
    result = tauto.distill(student(), teacher, INPUTS[:1], data=data, steps=3, learning_rate=1e30)
    assert result.verdict in {"kept_original", "infeasible"}
    assert result.model is teacher


def test_when_time_is_short_training_ends_early(teacher):
    _, agreement = agrees_with(teacher)
    result = tauto.distill(
        student(), teacher, INPUTS[:1], data=batches(), evaluate=agreement, epochs=10**6, budget="3s"
    )
    assert result.training.stopped == "out_of_time"
    assert result.comparison is not None
    assert "were over after step" in repr(result)


def test_a_stop_keeps_what_was_learned(teacher, tmp_path):
    steps = []

    class Stopping(nn.CrossEntropyLoss):
        def forward(self, outputs, labels):
            steps.append(1)
            if len(steps) == 13:  # the first call was to see that it can be computed
                signal.raise_signal(signal.SIGINT)  # the step is taken whole
            return super().forward(outputs, labels)

    labels, _ = agrees_with(teacher)
    keywords = {"data": batches(labels), "loss": Stopping(), "epochs": 4, "checkpoint": tmp_path / "kept"}
    with pytest.raises(Interrupted) as stopped:
        tauto.distill(student(), teacher, INPUTS[:1], **keywords)
    result = stopped.value.result
    assert isinstance(result, DistillationResult)
    assert (result.verdict, result.comparison) == ("kept_original", None)
    assert not same(result.student, student())
    with pytest.raises(InvalidArgument, match=r"holds trainings of another call \(other lesson\)\. Delete it"):
        tauto.distill(student(), teacher, INPUTS[:1], **keywords | {"epochs": 5})
    again = tauto.distill(student(), teacher, INPUTS[:1], **keywords)
    assert again.training.resumed_at == 12
    assert not list((tmp_path / "kept").iterdir())


def test_a_student_made_of_the_teacher_is_tried_in_a_process_of_its_own():
    torch.manual_seed(0)
    layers = [layer for _ in range(4) for layer in (nn.Linear(16, 16), nn.Tanh())]
    model = nn.Sequential(*layers, nn.Linear(16, 3))
    kept = copy.deepcopy(model)
    result = tauto.distill(
        "half-depth", model, INPUTS[:1], data=batches(), evaluate=lambda model: 1.0, steps=20, objective="size",
        budget="5min", names=("half", "big"),
    )  # fmt: skip
    assert [trial.recipe.title for trial in result.trials] == ["distill (half-depth, logits, 20 steps)"]
    assert result.trials[0].status in {"kept", "rejected"}, result.trials[0].reason
    assert same(model, kept)
    if result.verdict == "improved":  # half of so little is not faster on every machine
        assert len([each for each in result.model.modules() if isinstance(each, nn.Linear)]) == 3
        assert "It learned from the model's outputs, in 20 steps" in repr(result)
        compile(result.script(), "optimize.py", "exec", dont_inherit=True)


def test_half_is_tried_in_both_ways(monkeypatch):
    plans = []
    monkeypatch.setattr(verb, "tune", lambda workload, plan, hardware: plans.append(plan))
    monkeypatch.setattr(verb, "deliver_tuned", lambda tuned, *_, **__: tuned)
    repeated = nn.Sequential(*(nn.Linear(16, 16) for _ in range(4)))
    for model in (repeated, student()):
        tauto.distill("half", model, INPUTS[:1], data=batches())
    titles = [[recipe.steps[0].config.student for recipe in plan.space().recipes] for plan in plans]
    assert titles == [["half-depth", "half-width"], ["half"]]
    assert plans[0].goal == Goal("latency", or_smaller=True)


def test_a_past_run_shows_itself_and_has_no_model(teacher):
    result = tauto.distill(student(), teacher, INPUTS[:1], data=batches(), steps=2)
    past = result_of(report_from_dict(result.to_dict()))
    assert isinstance(past, results.DistillationResult)
    assert past.verdict == result.verdict
    for name in ("model", "student"):
        with pytest.raises(InvalidArgument, match=r"Call tauto\.distill again"):
            getattr(past, name)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"student": "third"}, r"student: there is no 'third'.*half, half-depth"),
        ({"student": 3}, "student: an int is not"),
        ({"teacher": "model"}, "teacher: a str is not"),
        ({"data": None}, "data: there is nothing to learn from"),
        ({"method": "logit"}, "Did you mean 'logits'"),
        ({"objective": "speed"}, "objective: there is no 'speed'"),
        ({"mixing": 0.5}, "mixing: there is no loss="),
        ({"epochs": 1, "steps": 1}, "one of the two"),
        ({"epochs": 0}, "epochs: 0"),
        ({"temperature": 0.0}, "temperature: 0.0"),
        ({"student": nn.Linear(16, 4)}, r"teacher: its output .*is not of the student's form"),
    ],
)
def test_a_mistake_is_one_clear_line(teacher, wrong, said):
    keywords = {"student": student(), "teacher": teacher, "inputs": INPUTS[:1], "data": batches(), **wrong}
    with pytest.raises(InvalidArgument, match=said) as error:
        tauto.distill(**keywords)
    assert "\n" not in str(error.value)


def test_the_teacher_is_no_student_of_its_own(teacher):
    with pytest.raises(InvalidArgument, match="student: it is the teacher itself"):
        tauto.distill(teacher, teacher, INPUTS[:1], data=batches())


def test_a_student_as_fast_and_smaller_is_better_and_one_that_is_not_is_kept_out():
    goal = Goal("latency", or_smaller=True)
    same_speed = replace(comparison(1.0), size_ratio=0.5)
    assert goal.decide(same_speed).improves
    assert not goal.decide(replace(same_speed, size_ratio=1.0)).improves


def test_the_autotuner_distills_where_it_is_named(teacher, monkeypatch):
    plans = []
    monkeypatch.setattr("tauto.verbs.autotune.tune", lambda workload, plan, hardware: plans.append((workload, plan)))
    monkeypatch.setattr("tauto.verbs.autotune.deliver_tuned", lambda tuned, *_, **__: tuned)
    loss = nn.CrossEntropyLoss()
    tauto.autotune(student(), INPUTS[:1], data=batches(), loss=loss, only=["distill", "threads"])
    tauto.autotune(student(), INPUTS[:1], data=batches())
    (workload, plan), (untrained, other) = plans
    titles = {recipe.title for recipe in plan.space().recipes}
    assert any(title.startswith("distill (half-width, logits, 10 epochs)") for title in titles)
    assert workload.training.loss is loss
    assert untrained.training is None
    assert not any("distill" in recipe.title for recipe in other.space().recipes)
    with pytest.raises(InvalidArgument, match=r"loss: nothing that is tried trains.*only="):
        tauto.autotune(student(), INPUTS[:1], data=batches(), loss=loss, only=["threads"])
