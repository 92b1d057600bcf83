"""The whole way, in real processes, with candidates that die in every way among them."""

from __future__ import annotations

import gc
import os
import random
import re
import time
import warnings
import weakref
from contextlib import ExitStack

import numpy as np
import pytest
import torch
from techniques_by_hand import (
    Eats,
    Exits,
    FastButWrong,
    Hangs,
    Refuses,
    Segfaults,
    Shortcut,
    Slower,
    Wasteful,
    WorksOnlyOnce,
    ZeroesEverything,
    registered,
)

import tauto
from tauto.config import Settings
from tauto.errors import EvaluateError, Interrupted, InvalidArgument, ModelError, StoreWarning
from tauto.events import listening
from tauto.hardware import Hardware
from tauto.recipes import Recipe
from tauto.results.last import forget_last
from tauto.store import Store
from tauto.tuning import Budget, Plan, Space, tune
from tauto.workload import Workload

pytestmark = pytest.mark.alone


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("TAUTO_WORK", str(tmp_path / "work"))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Wasteful()


@pytest.fixture
def only_these():
    """Make the techniques given the only ones there are, until the test has ended."""
    with ExitStack() as stack:
        yield lambda *kinds: stack.enter_context(registered(*kinds))


INPUTS = torch.randn(64, 64, generator=torch.Generator().manual_seed(1))


def fingerprint(model):
    """Return everything of a model and of this process that a run must leave as it was."""
    return {
        "state": {name: tensor.clone() for name, tensor in model.state_dict().items()},
        "grad": [None if p.grad is None else p.grad.clone() for p in model.parameters()],
        "requires_grad": [p.requires_grad for p in model.parameters()],
        "modes": [module.training for module in model.modules()],
        "hooks": [len(module._forward_hooks) for module in model.modules()],
        "pointers": [p.data_ptr() for p in model.parameters()],
        "rng": (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().clone()),
        "threads": torch.get_num_threads(),
        "pid": os.getpid(),
    }


def assert_untouched(model, before):
    after = fingerprint(model)
    for key, value in before.items():
        if key == "state":
            assert all(torch.equal(tensor, after["state"][name]) for name, tensor in value.items())
        elif key == "grad":
            pairs = zip(value, after["grad"], strict=True)
            assert all((a is None and b is None) or torch.equal(a, b) for a, b in pairs)
        elif key == "rng":
            assert value[:2] == after["rng"][:2]
            assert torch.equal(value[2], after["rng"][2])
        else:
            assert value == after[key], key


def test_deadly_candidates_never_reach_this_process(model, only_these, monkeypatch):
    model.train()
    model.waste.eval()
    model(INPUTS).sum().backward()
    model.linear.register_forward_hook(lambda *_: None)
    before = fingerprint(model)
    monkeypatch.setattr("tauto.execution.local.default_limit_bytes", lambda: 1_500_000_000)
    # the one that hangs gets an eighth of the time that is not kept back, and those after it enough on a slow machine
    monkeypatch.setattr("tauto.tuning.allowance.TRIAL_SHARE", 0.0)
    monkeypatch.setattr("tauto.tuning.allowance.LEAST_LIMIT_S", 0.0)
    only_these(Hangs, Segfaults, Eats, Exits, Refuses, ZeroesEverything, Slower, Shortcut)
    result = tauto.autotune(model, inputs=INPUTS, budget="150s", name="net")
    assert_untouched(model, before)
    reasons = {trial.recipe.title: (trial.status, trial.reason) for trial in result.trials}
    assert result.verdict == "improved", result
    assert result.recipe.title == "shortcut"
    assert result.confirmed.speedup_interval.low > 1.02
    assert reasons["segfaults"][0] == "failed"
    assert "SIGSEGV" in reasons["segfaults"][1]
    assert "memory" in reasons["eats"][1]
    assert "exit code 3" in reasons["exits"][1]
    assert reasons["refuses"] == ("failed", "this model is not to my taste")
    assert reasons["zeroes_everything"][0] == "rejected"
    assert reasons["slower"][0] == "rejected"
    assert reasons["hangs"][0] == "failed"
    assert "stopped" in reasons["hangs"][1]
    assert result.wall_s <= 151
    torch.testing.assert_close(result.model(INPUTS), model(INPUTS))
    assert result.model.config == {"rounds": 2}
    assert tauto.last() is result
    assert Store(Settings.current().store).list().rows[0].verdict == "improved"
    stored = tauto.runs()[0]
    assert stored.trials == result.trials
    assert_told_of_memory_and_break_even(result.confirmed)


def assert_told_of_memory_and_break_even(confirmed):
    assert confirmed.original.memory.steady_bytes > 1_000_000
    assert confirmed.memory_ratio is not None
    assert confirmed.optimized.memory.peak_preparing_bytes is not None
    assert confirmed.break_even_calls > 0


def test_the_optimized_model_keeps_nothing_alive_but_its_files(only_these):
    model = Wasteful()
    only_these(Shortcut)
    result = tauto.autotune(model, inputs=INPUTS, budget="5min")
    fast, folder = result.model, result.model.files.path
    assert folder.exists()
    assert folder.stat().st_mode & 0o777 == 0o700
    original = weakref.ref(model)
    del model, result
    forget_last()
    gc.collect()
    assert original() is None
    fast(INPUTS)
    del fast
    gc.collect()
    assert not folder.exists()


def test_a_winner_that_cannot_be_loaded_again_is_not_kept(model, only_these):
    only_these(WorksOnlyOnce)
    result = tauto.autotune(model, inputs=INPUTS, budget="5min")
    assert result.verdict == "kept_original"
    assert result.model is model
    assert "not confirmed in a fresh process" in result.trials[0].reason
    assert "exit code 7" in result.trials[0].reason


def test_quality_decides(model, only_these):
    target = model(INPUTS).argmax(1)

    def accuracy(net):
        return {"accuracy": (net(INPUTS).argmax(1) == target).float().mean().item()}

    only_these(FastButWrong)
    unjudged = tauto.autotune(model, inputs=INPUTS, budget="5min")
    assert unjudged.verdict == "kept_original"
    assert "wrong outputs: cosine" in unjudged.trials[0].reason
    only_these(FastButWrong, Shortcut)
    proved = tauto.autotune(model, inputs=INPUTS, evaluate=accuracy, max_drop=0.0, budget="5min")
    assert "quality does not hold: accuracy 1 →" in proved.trials[0].reason
    assert (proved.verdict, proved.recipe.title) == ("improved", "shortcut")
    assert proved.confirmed.quality_held
    assert proved.confirmed.quality_drop == 0.0


def test_stopping_keeps_the_best_so_far_and_stops_run_all(model):
    def stop(progress):
        if progress.message.startswith("trial 2"):
            raise KeyboardInterrupt

    with registered(Shortcut, Slower), listening(stop), pytest.raises(Interrupted) as caught:
        tauto.autotune(model, inputs=INPUTS, budget="5min", name="net")
    result = caught.value.result
    assert isinstance(caught.value, KeyboardInterrupt)
    assert tauto.last() is result
    assert result.interrupted
    assert {trial.status for trial in result.trials} == {"kept", "skipped"}
    result.model(INPUTS)
    assert len(tauto.runs()) == 1


def test_the_model_may_stay_in_a_child(model, only_these):
    only_these(Shortcut)
    result = tauto.autotune(model, inputs=INPUTS, budget="5min", isolated=True)
    torch.testing.assert_close(result.model(INPUTS[:5]), model(INPUTS[:5]))
    assert "shortcut" in repr(result.model)


def test_the_last_profiled_model_needs_no_name(model, only_these):
    with tauto.profile(names={"net": model}) as session, torch.inference_mode():
        model(INPUTS)
    assert session.result.roots[0].name == "net"
    only_these(Slower)
    result = tauto.autotune(budget="5min")
    assert result.verdict == "kept_original"
    assert result.speed_only is False
    assert "over 64 inputs" in result.quality_rule


def test_apply_gives_what_was_asked_and_says_what_it_is_worth(model):
    with registered(Slower, FastButWrong, Shortcut):
        slower = tauto.apply({"recipe": 1, "steps": [{"technique": "slower"}]}, model, inputs=INPUTS)
        assert slower.verdict == "applied"
        assert "slower" in slower.reason
        assert slower.model is not model
        wrong = tauto.apply(Recipe.of("fast_but_wrong"), model, inputs=INPUTS)
        assert wrong.verdict == "kept_original"
        assert wrong.model is model
        again = tauto.apply(tauto.apply(Recipe.of("shortcut"), model, inputs=INPUTS), model, inputs=INPUTS)
        assert again.verdict == "improved"


def test_a_trial_that_lost_can_be_applied_while_its_model_lives(only_these):
    model = Wasteful()
    only_these(Slower, Shortcut)
    result = tauto.autotune(model, inputs=INPUTS, budget="5min", name="net")
    lost = next(trial for trial in result.trials if trial.recipe.title == "slower")
    applied = result.apply(lost)
    assert (applied.verdict, applied.recipe.title, applied.report.model) == ("applied", "slower", "net")
    torch.testing.assert_close(applied.model(INPUTS), model(INPUTS))
    assert tauto.last() is applied
    alive = weakref.ref(model)
    del model, applied
    forget_last()
    end = time.monotonic() + 10  # a thread that ends may hold it for a moment
    gc.collect()
    while alive() is not None and time.monotonic() < end:
        time.sleep(0.1)
        gc.collect()
    with pytest.raises(InvalidArgument, match="the model that this was measured on is gone"):
        result.apply(lost)


class TestBadInput:
    """One clear line each, and nothing changed."""

    @pytest.fixture(autouse=True)
    def _techniques(self):
        with registered(Shortcut):
            yield

    @pytest.mark.parametrize(
        ("options", "kind", "words"),
        [
            ({"inputs": torch.zeros(2, 3)}, ModelError, "inputs: the model refuses them.*Its own error: RuntimeError"),
            ({"inputs": INPUTS, "data": [torch.zeros(2, 3)]}, ModelError, "data: the model refuses them"),
            ({"inputs": INPUTS, "evaluate": lambda _: None}, EvaluateError, "returned nothing"),
            ({"inputs": INPUTS, "evaluate": lambda _: float("nan")}, EvaluateError, "not a finite number"),
            ({"inputs": INPUTS, "evaluate": lambda net: net.nothing}, EvaluateError, "raised AttributeError"),
            ({"inputs": INPUTS, "evaluate": 3}, InvalidArgument, "evaluate: an int cannot be called"),
            ({"inputs": INPUTS, "evaluate": lambda _: {"a": 1.0}, "metric": "b"}, InvalidArgument, "metric: "),
            ({"inputs": INPUTS, "budget": "soon"}, InvalidArgument, "budget: 'soon' is not a time"),
            ({"inputs": INPUTS, "max_drop": "lots"}, InvalidArgument, "max_drop: 'lots' is not a drop"),
            ({"inputs": INPUTS, "only": ["shortcat"]}, InvalidArgument, "Did you mean 'shortcut'"),
            ({"inputs": INPUTS, "without": ["shortcut"]}, InvalidArgument, "no technique is left"),
            ({}, InvalidArgument, "inputs: none are known"),
        ],
    )
    def test_says_what_is_wrong(self, model, options, kind, words):
        before = fingerprint(model)
        with pytest.raises(kind, match=words) as caught:
            tauto.autotune(model, **{"budget": "5min", **options})
        assert "\n" not in str(caught.value).split("Its own error")[0]
        assert_untouched(model, before)

    def test_a_store_that_cannot_be_written_costs_no_result(self, model, tmp_path, monkeypatch):
        (tmp_path / "file").write_text("in the way")
        monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "file"))
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            result = tauto.autotune(model, inputs=INPUTS, budget="5min")
        assert result.model is not None
        assert any(issubclass(item.category, StoreWarning) for item in seen)

    def test_a_tiny_budget_is_an_answer(self, model):
        result = tauto.autotune(model, inputs=INPUTS, budget="50ms")
        assert result.verdict == "kept_original"
        assert result.model is model
        assert "give more" in result.report.reason

    def test_a_budget_below_one_trial_says_what_makes_sense(self, model, only_these):
        only_these(Shortcut)
        measured = []
        budget = Budget(1e9, clock=lambda: 0.0 if not measured else 1e9 - 0.5)
        workload = Workload.of(model, inputs=INPUTS)

        def space():
            measured.append(True)  # the clock jumps: half a second is left
            return Space((Recipe.of("shortcut"),), ())

        report = tune(workload, Plan("autotune", space, budget), Hardware.current("cpu")).report
        assert re.search(
            r"no time for a single trial; the smallest that makes sense here is about \d+0s", report.reason
        )
