"""Learning from a teacher's outputs: what is compared how, with labels and without."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from fitting_workloads import accuracy, digits, loader, net, same
from torch import nn

from tauto.errors import InvalidArgument
from tauto.fitting import Plan, distilled, fit

CROSS = nn.CrossEntropyLoss()
X = torch.tensor([[1.0, 2.0], [3.0, -1.0]])


class Gives(nn.Module):
    """Returns what a function makes of its input times a weight."""

    def __init__(self, made, weight=1.0):
        super().__init__()
        self.weight, self.made = nn.Parameter(torch.tensor(weight)), made

    def forward(self, x):
        return self.made(x * self.weight)


def loss_of(made, batch, *, label=None, **more):
    teacher, student = Gives(made), Gives(made, 2.0)
    found = distilled(teacher, **more)(student, batch if label is None else (batch, label))
    found.backward()
    assert student.weight.grad is not None
    assert teacher.weight.grad is None
    return found.item()


def hinton(student, teacher, temperature, dim=-1):
    mine, its = F.log_softmax(student / temperature, dim), F.softmax(teacher / temperature, dim)
    return (its * (its.log() - mine)).sum(dim).mean().item() * temperature**2


def identity(x):
    return x


def test_other_values_are_compared_by_their_squares():
    assert loss_of(identity, X) == pytest.approx(F.mse_loss(2 * X, X).item())
    assert loss_of(lambda x: x[:, 0], X) == pytest.approx(F.mse_loss(2 * X[:, 0], X[:, 0]).item())


@pytest.mark.parametrize(
    ("label", "more", "temperature"),
    [
        (None, {"temperature": 2.0}, 2.0),
        (torch.tensor([0, 1]), {}, 4.0),
        (torch.tensor([0, 1]), {"loss": CROSS, "mixing": 1}, 4.0),
        (torch.tensor([[0.5, 0.5], [0.0, 1.0]]), {"loss": F.cross_entropy, "mixing": 1.0}, 4.0),
    ],
)
def test_scores_of_classes_are_compared_at_a_temperature(label, more, temperature):
    assert loss_of(identity, X, label=label, **more) == pytest.approx(hinton(2 * X, X, temperature), rel=1e-4)


def test_probabilities_are_scores_by_their_logarithm():
    label = torch.tensor([0, 1])
    softened = loss_of(lambda x: x.softmax(1), X, label=label)
    assert softened == pytest.approx(loss_of(lambda x: x.log_softmax(1), X, label=label), rel=1e-4)


def test_classes_are_found_where_the_labels_leave_them():
    words = torch.randn(2, 5, 3)
    assert loss_of(identity, words, label=torch.zeros(2, 5, dtype=torch.long)) == pytest.approx(
        hinton(2 * words, words, 4.0), rel=1e-4
    )
    points = torch.randn(2, 3, 4, 4)
    wanted = pytest.approx(hinton(2 * points, points, 4.0, dim=1), rel=1e-4)
    assert loss_of(identity, points, label=torch.zeros(2, 4, 4, dtype=torch.long)) == wanted
    assert loss_of(identity, points, temperature=4.0) == wanted


@pytest.mark.parametrize("label", [torch.tensor([0, 1]), torch.tensor([0.5, 1.0])])
def test_one_number_a_sample_is_no_score_of_classes(label):
    assert loss_of(lambda x: x[:, :1], X, label=label) == pytest.approx(F.mse_loss(2 * X[:, :1], X[:, :1]).item())


@pytest.mark.parametrize("mixing", [0.25, 0.9])
def test_the_users_loss_is_mixed_in(mixing):
    label = torch.tensor([0, 1])
    wanted = mixing * hinton(2 * X, X, 4.0) + (1 - mixing) * CROSS(2 * X, label).item()
    assert loss_of(identity, X, label=label, loss=CROSS, mixing=mixing) == pytest.approx(wanted, rel=1e-4)


@dataclass
class Answer:
    logits: torch.Tensor
    state: tuple
    note: str = "said"


@pytest.mark.parametrize(
    ("made", "squares"),
    [
        (lambda x: {"logits": x, "count": torch.tensor(3)}, 0),
        (lambda x: OrderedDict(logits=x, rest=[x, (x,)]), 2),
        (lambda x: Answer(x, (x, None)), 1),
    ],
)
def test_outputs_of_any_nesting(made, squares):
    wanted = hinton(2 * X, X, 4.0) + squares * F.mse_loss(2 * X, X).item()
    assert loss_of(made, X) == pytest.approx(wanted, rel=1e-4)


def test_the_outputs_of_transformers():
    from transformers import BertConfig, BertForSequenceClassification

    shape = {"vocab_size": 50, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 16}
    teacher, student = (
        BertForSequenceClassification(BertConfig(num_hidden_layers=depth, num_labels=3, **shape)).eval()
        for depth in (2, 1)
    )
    words = torch.randint(0, 50, (4, 7))
    batch = {"input_ids": words, "labels": torch.tensor([0, 1, 2, 0])}
    with torch.no_grad():
        student.classifier.weight *= 100  # so that the two differ by more than their rounding
        found = distilled(teacher)(student, batch)
        wanted = hinton(student(words).logits, teacher(words).logits, 4.0)
    assert found.item() == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"temperature": 0}, "temperature: 0 is out of range. Write a number above 0"),
        ({"temperature": math.inf}, "temperature: inf"),
        ({"temperature": "hot"}, "temperature: 'hot'"),
        ({"mixing": 0}, "mixing: 0 is out of range"),
        ({"mixing": 1.5}, "mixing: 1.5 is no share of the loss"),
        ({"mixing": True}, "mixing: True"),
        ({"loss": "mse"}, "loss: a str cannot be called"),
    ],
)
def test_arguments_out_of_their_range(more, said):
    with pytest.raises(InvalidArgument, match=said):
        distilled(Gives(identity), **more)


def test_what_does_not_match_is_said():
    with pytest.raises(InvalidArgument, match=r"batch has no label for it.*leave loss out"):
        distilled(Gives(identity), loss=CROSS)(Gives(identity), X)
    with pytest.raises(InvalidArgument, match=r"float32\[2, 1\]\) is not of the student's form \(float32\[2, 2\]\)"):
        distilled(Gives(lambda x: x[:, :1]))(Gives(identity), X)
    with pytest.raises(InvalidArgument, match="holds no floating-point tensor to learn from"):
        distilled(Gives(lambda x: x.argmax(1)))(Gives(identity), X)
    with pytest.raises(InvalidArgument, match="loss: it refuses the model's output"):
        distilled(Gives(identity), loss=CROSS)(Gives(identity), (X, torch.tensor([7, 8])))


def test_a_student_learns_without_any_label():
    plan = Plan(epochs=6, learning_rate=1e-2)
    teacher = fit(net(), loader(), CROSS, plan).model
    before = accuracy(teacher.eval())
    images = [images for images, _ in loader()]
    student = net(3)
    fitted = fit(student, images, objective=distilled(teacher), teacher=teacher, plan=plan)
    assert accuracy(fitted.model.eval()) > before - 0.1
    assert accuracy(teacher) == before
    assert same(student, net(3))
    assert len(digits()[0]) > 640
