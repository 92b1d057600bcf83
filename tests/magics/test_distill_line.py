"""What ``%tauto_distill`` becomes: the keywords of the engine, or one clear line."""

from __future__ import annotations

import pytest
import torch

import tauto


@pytest.fixture
def ready(shell, engine, monkeypatch):
    monkeypatch.setitem(vars(tauto), "distill", engine.verb("distill"))
    shell.engine = engine
    shell.ip.push(
        {
            "big": torch.nn.Linear(2, 2),
            "small": torch.nn.Linear(2, 2),
            "loader": [torch.zeros(1, 2)],
            "criterion": torch.nn.CrossEntropyLoss(),
        }
    )
    return shell


def test_a_student_of_ones_own_and_its_teacher(ready):
    assert ready.run(
        "%tauto_distill small --teacher big --data loader --loss criterion --method features --temperature 2 "
        "--mixing 0.5 --epochs 3 --learning-rate 0.01 --seed 4 --patience 2 --checkpoint kept "
        "--objective size --into fast"
    ).success
    names = ready.ip.user_ns
    verb, args, keywords = ready.engine.calls[-1]
    assert (verb, args) == ("distill", (names["small"], names["big"]))
    assert keywords == {
        "data": names["loader"], "loss": names["criterion"], "method": "features", "temperature": 2.0, "mixing": 0.5,
        "epochs": 3, "learning_rate": 0.01, "seed": 4, "patience": 2, "checkpoint": "kept", "objective": "size",
        "names": ("small", "big"),
    }  # fmt: skip


def test_one_made_of_the_teacher_is_a_word(ready):
    assert ready.run("%tauto_distill half-width --teacher big --data loader --steps 5").success
    _, args, keywords = ready.engine.calls[-1]
    assert args == ("half-width", ready.ip.user_ns["big"])
    assert (keywords["steps"], keywords["names"]) == (5, ("half-width", "big"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%tauto_distill small", "--teacher: name the model"),
        ("%tauto_distill smal --teacher big", "Did you mean 'small'"),
        ("%tauto_distill loader --teacher big", "not a torch.nn.Module"),
        ("%tauto_distill half --teacher bg", "Did you mean 'big'"),
        ("%tauto_distill small --teacher big --into big", "is read by this line"),
        ("%tauto_distill small --teacher big --into small", "is read by this line"),
    ],
)
def test_a_mistake_is_one_line(ready, line, said):
    assert not ready.run(line).success
    assert said in ready.out + ready.err
    assert not ready.engine.calls
