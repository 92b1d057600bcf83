"""``%tauto_tune``, ``%%tauto_tune`` and ``%tauto_studies``: what their options become, and a cell tuned for real."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def ready(shell: Any, engine: Any) -> Any:
    shell.engine = engine
    shell.ip.push({"objective": lambda: 1.0, "number": 3})
    return shell


def test_every_option_reaches_the_engine_under_its_keyword(ready: Any) -> None:
    line = (
        "%tauto_tune objective --budget 90s --direction minimize --constraint 'mb <= 5' --constraint 'ms <= 2' "
        "--study s --storage s.db --resume --seeds 3 --sampler random --pruner none --trial-limit 5s --seed 7 "
        "--warm-start old --trials 9 --workers 4 --executor ray:head:6379"
    )
    assert ready.run(line).success
    verb, args, keywords = ready.engine.calls[-1]
    assert (verb, args) == ("tune", (ready.ip.user_ns["objective"],))
    assert keywords == {
        "budget": "90s",
        "direction": "minimize",
        "constraints": ["mb <= 5", "ms <= 2"],
        "study": "s",
        "storage": "s.db",
        "resume": True,
        "seeds": 3,
        "sampler": "random",
        "pruner": "none",
        "trial_limit": "5s",
        "seed": 7,
        "warm_start": "old",
        "trials": 9,
        "workers": 4,
        "executor": "ray:head:6379",
    }


def test_a_cell_is_sent_as_plain_python_with_the_names_of_the_user(ready: Any) -> None:
    assert ready.run("%%tauto_tune --trials 2 --into found\nx = number + 1\nx").success
    _, (cell,), keywords = ready.engine.calls[-1]
    assert cell.source.strip() == "x = number + 1\nx"
    assert cell.reads == ("number",)
    assert keywords == {"trials": 2}
    assert "x" not in ready.ip.user_ns
    assert ready.ip.user_ns["found"].verb == "tune"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("%tauto_tune", "no function is named"),
        ("%tauto_tune objectiv", "Did you mean 'objective'"),
        ("%tauto_tune objective --trials many", "--trials"),
        ("%tauto_tune objective --sampler tpee", "--sampler"),
        ("%%tauto_tune objective\n1.0", "takes no function"),
        ("%%tauto_tune\nx = 1", "does not end in a value"),
        ("%%tauto_tune\nawait x", "cannot be tuned"),
        ("%%tauto_tune\ntauto.suggest.float('x', 0, 1)", "Run: import tauto"),
        ("%tauto_studies show", "the others take one"),
        ("%tauto_studies list s", "list takes no name"),
        ("%tauto_studies export s", "--to goes with export"),
    ],
)
def test_mistakes_are_one_line(ready: Any, line: str, says: str) -> None:
    assert says in ready.fails(line)
    assert not ready.engine.calls


def test_a_cell_is_tuned_for_real_and_its_study_is_listed_exported_and_deleted(shell: Any) -> None:
    shell.run("import tauto\ntop = 3.0\ndef part(x):\n    return top - (x - 1) ** 2")
    result = shell.run(
        "%%tauto_tune --trials 3 --study cells\nx = tauto.suggest.float('x', 0, 2)\nif x < 0:\n    x = 0\npart(x)"
    )
    assert result.success, shell.err
    found = result.result
    assert [one.state for one in found.trials] == ["complete"] * 3
    best = found.params["x"]
    assert found.best.values[0] == pytest.approx(3.0 - (best - 1) ** 2)
    assert "x" not in shell.ip.user_ns
    assert shell.run("%tauto_studies").result.rows[0].name == "cells"
    assert shell.run("%tauto_studies show cells").result.params == found.params
    assert shell.run("%tauto_studies export cells --to cells.csv").success
    assert shell.run("len(__import__('pathlib').Path('cells.csv').read_text().splitlines())").result == 4
    assert shell.run("%tauto_studies delete cells").success
    assert "Deleted cells with 3 trials" in shell.out
    assert "there is none called 'cells'" in shell.fails("%tauto_studies show cells")


def test_a_name_that_cannot_be_sent_is_named(shell: Any) -> None:
    shell.run("import threading\nlock = threading.Lock()")
    assert "lock" in shell.fails("%%tauto_tune --trials 1\nwith lock:\n    pass\n1.0")
