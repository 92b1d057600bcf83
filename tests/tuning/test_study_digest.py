"""What is tuned, as digests: the same for the same code and data, another for each change."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from tauto.tuning.study import cell_parts, changed_parts, digest_of, function_parts
from tauto.workload.cell import Cell

BASE = """
import numpy as np
from functools import cache
RATE = 0.1
KINDS = frozenset({"a", "b"})
@cache
def scale(x):
    return RATE * x
class Net:
    def run(self, x):
        return scale(x) if x in {"a", "b", "c"} else x
def objective():
    return Net().run(rows)
"""


def parts(source: str, rows: Any = (1, 2)) -> dict[str, str]:
    names: dict[str, Any] = {"rows": rows, "__name__": "__main__"}
    exec(compile(source, "<a cell>", "exec"), names)
    return function_parts(names["objective"])


def test_the_users_own_functions_classes_and_data_are_all_in_it() -> None:
    assert set(parts(BASE)) == {"objective", "Net", "Net.run", "scale", "RATE", "rows"}


def test_comments_and_places_do_not_count() -> None:
    moved = "# a comment\n\n\n" + BASE.replace("return RATE * x", "return RATE * x  # scaled")
    assert parts(moved) == parts(BASE)


def test_each_change_is_named() -> None:
    for old, new, named in (
        ("RATE * x", "RATE + x", ["scale"]),
        ("RATE = 0.1", "RATE = 0.2", ["RATE"]),
        ("else x", "else 0", ["Net.run"]),
        ("Net().run(rows)", "Net().run(rows) + 1", ["objective"]),
    ):
        assert changed_parts(parts(BASE), parts(BASE.replace(old, new))) == named
        assert digest_of(parts(BASE)) != digest_of(parts(BASE.replace(old, new)))


def test_data_counts_by_what_it_holds() -> None:
    for one, other in (
        (torch.arange(4.0), torch.arange(1.0, 5.0)),
        (torch.zeros(4, dtype=torch.bfloat16), torch.zeros(4)),
        (np.zeros(3), np.ones(3)),
        ([torch.zeros(2)], [torch.zeros(3)]),
        (nn.Linear(2, 2), nn.Linear(2, 2)),
        ({"a": 1}, {"a": 2}),
    ):
        same = one.clone() if isinstance(one, torch.Tensor) else one
        assert parts(BASE, one) == parts(BASE, same)
        assert changed_parts(parts(BASE, one), parts(BASE, other)) == ["rows"]


def test_a_cell_counts_with_what_it_reads() -> None:
    one = cell_parts(Cell("y = x + 1\ny", {"x": 1, "z": 2}))
    assert set(one) == {"the cell", "x"}
    assert changed_parts(one, cell_parts(Cell("y = x + 1\ny", {"x": 5}))) == ["x"]
    assert changed_parts(one, cell_parts(Cell("y = x + 2\ny", {"x": 1}))) == ["the cell"]
