"""Searches through real processes: how a trial may end, and what a study refuses."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import optuna
import pytest
import torch

import tauto
from tauto.errors import InvalidArgument, NotTransferable
from tauto.events import listening
from tauto.tuning.hyperparameters import account
from tauto.tuning.hyperparameters.failing import ALIKE
from tauto.tuning.hyperparameters.goal import Goal
from tauto.tuning.study.identity import ATTRIBUTE


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("TAUTO_WORK", str(tmp_path / "work"))
    monkeypatch.delenv("TAUTO_STORAGE", raising=False)


def test_each_way_to_fail_is_one_clear_reason_and_the_search_goes_on(tmp_path: Path) -> None:
    ways = ["good", "raises", "nan", "nothing", "segfault", "exits", "leaves", "hangs", "prints"]
    ways += ["other choices", "another kind", "text", "tensor", "one element", "too large", "no range"]

    def objective() -> Any:
        way = tauto.suggest.categorical("way", ways)
        match way:
            case "leaves":
                sys.exit("no data here")
            case "another kind":
                return tauto.suggest.int("x", 0, 1)
            case "tensor":
                return torch.ones(3)
            case "one element":
                return torch.ones(1, requires_grad=True)
            case "too large":
                return 10**400
            case "raises":
                raise ValueError("no such file")
            case "nan":
                return float("nan")
            case "nothing":
                return None
            case "segfault":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "exits":
                os._exit(3)
            case "hangs":
                time.sleep(600)
            case "prints":
                for _ in range(400):
                    print("x" * 100_000)
            case "other choices":
                tauto.suggest.categorical("way", ["another"])
            case "text":
                return "0.5"
            case "no range":
                tauto.suggest.float("y", 1, 0)
        return tauto.suggest.float("x", 0, 1) + 1

    first = [{"way": way} for way in ways]
    result = tauto.tune(objective, trials=len(ways), trial_limit=6, warm_start=first, study="ends")
    found = {one.params["way"]: (one.state, one.reason) for one in result.trials}
    assert len(found) == len(ways)
    assert {way for way, (state, _) in found.items() if state == "complete"} == {"good", "prints", "one element"}
    assert found["raises"][1].startswith("raised ValueError: no such file (line ")
    assert 'raise ValueError("no such file")' in found["raises"][1]
    for way, says in {
        "nan": "returned NaN",
        "nothing": "returned nothing",
        "segfault": "SIGSEGV",
        "exits": "exit code 3",
        "hangs": "did not end within 6 s",
        "other choices": "asks for the knob 'way' twice",
        "text": "returned a str, which is no number",
        "tensor": "returned a Tensor of shape (3,), which is no number",
        "too large": "returned an int, which is no number",
        "leaves": "raised SystemExit: no data here (line ",
        "another kind": "changes what the knob 'x' may be",
        "no range": "raised InvalidArgument: suggest.float('y'): low is 1, above high, 0.",
    }.items():
        assert says in found[way][1], found[way]
    assert any("printed over" in note for note in result.notes)
    assert not list((tmp_path / "work").rglob("output.txt"))
    # a plain study, which Optuna reads by itself
    plain = optuna.load_study(study_name="ends", storage=f"sqlite:///{tmp_path / 'store' / 'studies.db'}")
    assert len(plain.trials) == len(ways)
    assert plain.best_params == result.params


def test_a_search_whose_trials_all_fail_alike_ends_early_and_says_why() -> None:
    def objective() -> float:
        raise RuntimeError(f"no data at {tauto.suggest.float('x', 0, 1)} for {object()}")

    result = tauto.tune(objective, trials=50)
    assert len(result.trials) == ALIKE
    assert "all failed alike: each raised RuntimeError: no data" in result.stopped
    assert result.best is None
    assert "no data" in repr(result)
    few = tauto.tune(objective, trials=3, study="few")
    assert "trials that were asked for have ended: they all failed alike: each raised RuntimeError" in few.stopped
    one = tauto.tune(objective, trials=1, study="one")
    assert "trials that were asked for have ended: it raised RuntimeError" in one.stopped

    def at_once() -> float:
        raise RuntimeError("no data")

    assert len(tauto.tune(at_once, trials=50).trials) == 2  # nothing differs before a knob is asked for

    def hangs() -> None:
        time.sleep(600)

    stopped = tauto.tune(hangs, trials=9, trial_limit=0.2).stopped
    assert stopped == "2 trials in a row all failed alike: each did not end within 0.2 s: stopped"


def test_an_objective_without_knobs_is_run_once() -> None:
    result = tauto.tune(lambda: 1.0, trials=9)
    assert len(result.trials) == 1
    assert "the objective asks for no knob" in result.stopped


def test_the_same_line_goes_on_and_another_objective_is_refused_by_name() -> None:
    def objective() -> float:
        return tauto.suggest.float("x", 0, 1)

    with pytest.raises(InvalidArgument, match="there is none called 'mine'"):
        tauto.tune(objective, trials=2, study="mine", resume=True)
    assert len(tauto.tune(objective, trials=2, study="mine").trials) == 2
    again = tauto.tune(objective, trials=3, study="mine")
    assert (len(again.trials), again.earlier) == (3, 2)
    assert len({one.params["x"] for one in again.trials}) == 3
    with pytest.raises(InvalidArgument, match=r"there is one called 'mine' .*resume=True"):
        tauto.tune(objective, trials=4, study="mine", resume=False)
    with pytest.raises(InvalidArgument, match="is to maximize value, and this is to minimize value"):
        tauto.tune(objective, trials=4, study="mine", direction="minimize")

    def helper() -> float:
        return 2 * tauto.suggest.float("x", 0, 1)

    def objective() -> float:  # type: ignore[no-redef]
        return helper()

    with pytest.raises(InvalidArgument, match=r"'objective', 'helper' changed since 'mine' .* study='mine-2'"):
        tauto.tune(objective, trials=4, study="mine")
    warm = tauto.tune(objective, trials=1, study="mine-2", warm_start="mine")
    assert warm.params == again.params
    assert [row.name for row in tauto.studies().rows] == ["mine-2", "mine"]


def test_who_goes_on_under_other_versions_is_told() -> None:
    def objective() -> float:
        return tauto.suggest.float("x", 0, 1)

    assert not tauto.tune(objective, trials=1, study="mine").notes
    study = optuna.load_study(study_name="mine", storage=f"sqlite:///{os.environ['TAUTO_STORE']}/studies.db")
    study.set_user_attr(ATTRIBUTE, {**study.user_attrs[ATTRIBUTE], "torch": "1.0", "python": "2.7"})
    told: list[str] = []
    with listening(lambda progress: told.append(progress.message)):
        versions, code = tauto.tune(objective, trials=2, study="mine").notes
    assert versions.startswith("The study was begun with torch 1.0, and here is ")
    assert versions.endswith("its earlier trials may differ from new ones for that alone.")
    assert versions.partition(":")[0] in told
    assert code == "Whether its code is still the same cannot be told between two versions of Python."


def test_ranges_that_depend_on_other_knobs_are_weighed_over_all_that_they_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = optuna.create_study(direction="maximize")
    for layers in (1, 2, 3, 1, 2, 3, 2, 3, 1, 2, 3, 1):
        trial = study.ask()
        trial.suggest_categorical("kind", ["p", "q"])
        low = trial.suggest_float("low", 0, 1)
        high = trial.suggest_float("high", low, 2)
        width = trial.suggest_int("width", 1, 16 * layers)
        extra = [trial.suggest_int(f"width_{place}", 1, 4) for place in range(1, layers)]
        study.tell(trial, 10 * high + width / 100 + sum(extra) / 100)
    knobs = {knob.name: knob for knob in account.knobs_of(Goal.parse("maximize"), study.trials)}
    weighed = {name: knob.importance for name, knob in knobs.items() if knob.importance is not None}
    assert set(weighed) == {"kind", "low", "high", "width"}, "those that every trial has"
    assert max(weighed, key=weighed.__getitem__) == "high"
    assert knobs["width"].values == "1 … 48"
    two = optuna.create_study(directions=["maximize", "minimize"])
    for number in range(12):
        trial = two.ask()
        two.tell(trial, (trial.suggest_float("x", 0, 1 + number), trial.suggest_int("n", 1, 3)))
    monkeypatch.setattr(account, "_has_forests", lambda: False)
    of_two = account.knobs_of(Goal.parse({"a": "maximize", "b": "minimize"}), two.trials)
    assert {knob.name for knob in of_two if knob.importance is not None} == {"x", "n"}


def test_constraints_and_several_goals() -> None:
    def objective() -> dict[str, float]:
        width = tauto.suggest.int("width", 1, 8)
        return {"acc": width / 10, "mb": float(width)}

    first = [{"width": width} for width in (2, 8, 5)]
    limited = tauto.tune(objective, trials=3, constraints="mb <= 5", warm_start=first)
    assert limited.params == {"width": 5}
    impossible = tauto.tune(objective, trials=3, constraints="mb <= 1", warm_start=first)
    assert (impossible.best, impossible.nearest.params) == (None, {"width": 2})
    assert "the nearest breaks mb <= 1 by 1.00" in repr(impossible)
    both = tauto.tune(objective, trials=3, direction={"acc": "maximize", "mb": "minimize"}, warm_start=first)
    assert {one.params["width"] for one in both.front} == {2, 5, 8}


def test_early_stopping_and_seeds() -> None:
    import random

    def climbing() -> float:
        slope = tauto.suggest.categorical("slope", [1.0, -1.0])
        for step in range(4):
            tauto.report_progress(slope * step, step)
        return slope

    pruner = optuna.pruners.MedianPruner(n_startup_trials=1)
    first = [{"slope": 1.0}, {"slope": -1.0}]
    result = tauto.tune(climbing, trials=2, pruner=pruner, warm_start=first)
    assert [(one.state, one.step) for one in result.trials] == [("complete", 3), ("stopped_early", 1)]

    def noisy() -> float:
        return tauto.suggest.float("x", 1, 2) * random.random()

    seeded = tauto.tune(noisy, trials=1, seeds=3, pruner="none")
    (one,) = seeded.trials
    assert len(set(one.by_seed)) == 3
    assert one.values[0] == pytest.approx(sum(one.by_seed) / 3)


def test_what_cannot_be_sent_is_named_and_no_study_is_begun() -> None:
    import threading

    lock = threading.Lock()

    def objective() -> float:
        with lock:
            return tauto.suggest.float("x", 0, 1)

    with pytest.raises(NotTransferable, match="lock"):
        tauto.tune(objective, trials=1)
    assert len(tauto.studies()) == 0


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"objective": 3}, "an int cannot be tuned"),
        ({"objective": lambda trial: 0}, "cannot be called without arguments"),
        ({"trials": 0}, "trials: 0"),
        ({"budget": "many trials"}, "budget:"),
        ({"sampler": "tpee"}, "Did you mean 'tpe'"),
        ({"pruner": "wilcoxon"}, "Add seeds=5"),
        ({"warm_start": 3}, "warm_start:"),
        ({"warm_start": "gone"}, "there is no study 'gone'"),
    ],
)
def test_mistakes_are_told_before_any_work(given: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgument, match=says):
        tauto.tune(**{"objective": lambda: 0.0, "trials": 1, **given})


def test_what_failed_before_was_mended_perhaps_and_does_not_count(tmp_path: Path) -> None:
    needed = tmp_path / "needed.txt"

    def objective() -> float:
        return float(needed.read_text()) + tauto.suggest.float("x", 0, 1)

    first = tauto.tune(objective, trials=2, study="mended")
    assert [one.state for one in first.trials] == ["failed", "failed"]
    needed.write_text("1")
    second = tauto.tune(objective, trials=2, study="mended")
    assert [one.state for one in second.trials] == ["failed", "failed", "complete", "complete"]
    assert second.best is not None
