"""Notes of what holds memory, of tensors and models of every kind: a user's call must go on."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from tauto.profiling.holders import Holders, storages_of


def counts(holders: Holders) -> list[int]:
    return [len(note.storages) for note in holders.notes]


def sparse() -> nn.Module:
    embedding = nn.Embedding(10, 4, sparse=True)
    embedding(torch.tensor([1])).sum().backward()
    return embedding


class NeverEqual(nn.Module):
    """Not hashable, as it compares itself."""

    def __eq__(self, other: object) -> bool:
        return False


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), [7, 0, 1]),
        (nn.LazyLinear(3), [0, 0, 1]),
        (sparse(), [1, 2, 1]),
        (nn.Linear(2, 2, device="meta"), [0, 0, 1]),
        (NeverEqual(), [0, 0, 1]),
    ],
    ids=["plain", "lazy", "sparse", "meta", "never_equal"],
)
def test_what_a_call_holds(model: nn.Module, expected: list[int]) -> None:
    holders = Holders()
    holders.note_call(model, (torch.zeros(1, 2),), {})
    assert counts(holders) == expected


def test_shared_parameters_count_once() -> None:
    layer = nn.Linear(2, 2)
    holders = Holders()
    holders.note_call(nn.Sequential(layer, layer), (), {"x": [torch.zeros(1), {"y": torch.zeros(1)}]})
    assert counts(holders) == [2, 0, 2]


def test_inside_a_transform_nothing_is_known_and_nothing_fails() -> None:
    holders, layer = Holders(), nn.Linear(2, 2)

    def called(x: Any) -> Any:
        holders.note_call(layer, (x,), {})
        return layer(x)

    torch.vmap(called)(torch.zeros(3, 2))
    assert counts(holders) == [2, 0, 0]


def test_an_optimizers_state_is_noted_after_its_step() -> None:
    layer = nn.Linear(2, 2)
    optimizer = torch.optim.Adam(layer.parameters())
    layer(torch.zeros(1, 2)).sum().backward()
    optimizer.step()
    holders = Holders()
    holders.note_update(optimizer)
    assert counts(holders) == [6], "two moments and a counter for each of two parameters"


def test_a_view_is_as_large_as_what_it_keeps_alive() -> None:
    ((_, size, _),) = storages_of([torch.zeros(1000)[:10]])
    assert size == 4000
