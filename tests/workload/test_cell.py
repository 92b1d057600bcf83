"""Which names a cell reads, and that they travel together with the functions that read them."""

from __future__ import annotations

import io
import pickle

import cloudpickle
import pytest

from tauto.workload.cell import Cell


def reads(source, *names):
    return Cell(source, {name: object() for name in (*names, "unused")}).reads


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("y = x", ("x",)),
        ("x = 1\ny = x", ()),
        ("x += 1", ("x",)),
        ("for x in xs:\n    y = x\n    print(y)", ("xs",)),
        ("if xs:\n    y = 1\nprint(y)", ("xs", "y")),
        ("while xs:\n    y = next(xs)\n    print(y)", ("xs",)),
        ("try:\n    y = x\nexcept ValueError:\n    pass\nprint(y)", ("x", "y")),
        ("def f(x):\n    return x + y\nf(1)", ("y",)),
        ("class A:\n    z = x\n    def f(self):\n        return y", ("x", "y")),
        ("import x\nx.y", ()),
        ("from y import x as z\nz, x", ("x",)),
        ("[x for x in xs if y]", ("xs", "y")),
        ("with x as y:\n    print(y)", ("x",)),
        ("x: int = 1\nprint(x)", ()),
        ("(y := x); print(y)", ("x",)),
        ("print(len([]))", ()),
        ("x.y = 1", ("x",)),
        ("f = lambda x: y", ("y",)),
    ],
)
def test_the_names_that_must_be_there_before(source, expected):
    assert reads(source, "x", "y", "z", "xs", "f", "A") == expected


def test_functions_share_the_one_namespace_and_bring_what_they_read():
    names = {"__name__": "__main__"}
    exec("rate, items = 2, [1]\ndef scaled(x):\n    return rate * x\nother = 5", names)
    cell = Cell("items.append(scaled(3))", names)
    assert cell.reads == ("items", "scaled")
    there = pickle.loads(cloudpickle.dumps(cell.carrier())).__globals__
    assert "other" not in there
    there["rate"] = 10
    exec(cell.code, there)
    assert there["items"] == [1, 30]
    assert names["items"] == [1], "the user's own stays as it is"


def test_an_object_that_two_names_share_stays_one():
    names = {"__name__": "__main__", "a": [1]}
    names["b"] = {"inside": names["a"]}
    there = pickle.loads(cloudpickle.dumps(Cell("a, b", names).carrier())).__globals__
    assert there["b"]["inside"] is there["a"]


def test_a_cell_that_reads_nothing_travels_too():
    assert pickle.load(io.BytesIO(cloudpickle.dumps(Cell("x = 1", {}).carrier())))() is None
