import pytest
import torch
from torch import nn

from tauto import Workload
from tauto.errors import InvalidArgument

LABELLED = [(torch.randn(4, 3), torch.zeros(4, dtype=torch.long))]


def of(**more):
    return Workload.of(nn.Linear(3, 2), trains=True, **{"data": LABELLED} | more)


def test_data_goes_along_whole_where_it_trains():
    training = of(loss=nn.CrossEntropyLoss()).training
    assert training.loader is LABELLED
    assert isinstance(training.loss, nn.CrossEntropyLoss)
    assert Workload.of(nn.Linear(3, 2), data=LABELLED).training is None, "and nowhere else"
    assert Workload.of(nn.Linear(3, 2), inputs=torch.zeros(1, 3), trains=True).training is None


def test_a_function_of_ones_own_needs_no_data():
    training = Workload.of(nn.Linear(3, 2), inputs=torch.zeros(1, 3), finetune=print, trains=True).training
    assert (training.loader, training.finetune) == (None, print)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"loss": 3}, "loss: an int cannot be called"),
        ({"finetune": "train"}, "finetune: a str cannot be called"),
        ({"loss": print, "finetune": print}, "finetune: .*not both"),
        ({"loss": print, "data": None, "inputs": torch.zeros(1, 3)}, "loss: there is nothing to train on"),
    ],
)
def test_mistakes_are_one_line(given, message):
    with pytest.raises(InvalidArgument, match=message):
        of(**given)
