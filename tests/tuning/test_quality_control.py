"""Quality control on trials made by hand: what it returns to floating point, in which steps, and what it wins back."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from fragile_by_hand import batches
from reports_by_hand import comparison
from sensitivity_by_hand import sensitivity
from torch import nn

from tauto.errors import ModelError
from tauto.recipes import Recipe
from tauto.reports import Agreement, Quality, SensitivityRow, TrialReport
from tauto.tuning.bench import Baseline
from tauto.tuning.budget import Budget
from tauto.tuning.int8_layers import kept_by, quantizes, quantizing_step, scheme_of, with_kept
from tauto.tuning.losses import loss_of
from tauto.tuning.objective import Goal
from tauto.tuning.quality_control import QualityControl, needed, resisting
from tauto.tuning.quantizable import quantizable_layers
from tauto.tuning.sensitivity import Sensitivity
from tauto.workload import Workload

OPENVINO = Recipe.of(("openvino", {"precision": "int8"}))
NAMES = tuple("abcdefgh")


class Chain(nn.Module):
    def __init__(self):
        super().__init__()
        for name in NAMES:
            setattr(self, name, nn.Linear(32, 32))

    def forward(self, x):
        for name in NAMES:
            x = getattr(self, name)(x)
        return x


def given(noise: dict[str, float]):
    """An analysis in which each layer has this relative error."""
    first = sensitivity()
    base = first.rows[1]
    rows: list[SensitivityRow] = [
        replace(base, path=name, quality=(), error=replace(base.error, relative_error=error), work_share=0.1)
        for name, error in sorted(noise.items(), key=lambda item: -item[1])
    ]
    return replace(first, rows=tuple(rows), size_bytes=8 * base.size_bytes)


def workload(**rules):
    return Workload.of(Chain().eval(), data=batches(2), **rules)


def trial(number: int, recipe: Recipe, drop: float, speedup: float = 4.0, allowed: float = 0.01) -> TrialReport:
    found = comparison(speedup, drop <= allowed)
    row = Quality("accuracy", 0.9, 0.9 - drop, drop, allowed, True, drop <= allowed)
    found = replace(found, quality=(row,), quality_drop=drop)
    return TrialReport(number, recipe.report(), "rejected", "", found, 1.0, 2.0, 0.1)


def play(drop_of, noise, *, recipes=(OPENVINO,), bases=None, control=None, steps=40):
    """Let quality control propose until it ends; ``drop_of(kept)`` is what each proposal loses."""
    control = control or QualityControl(workload(), recipes, Goal(), Budget(600.0), sensitivity=given(noise))
    trials = bases or [trial(0, recipes[0], drop_of(frozenset()))]
    asked = []
    for _ in range(steps):
        recipe = control.follow(tuple(trials))
        if recipe is None:
            break
        asked.append(frozenset(kept_by(recipe)))
        trials.append(trial(len(trials), recipe, drop_of(asked[-1])))
    return control, asked


EVEN = dict(zip(NAMES, [0.3, 0.1, 0.09, 0.08, 0.07, 0.06, 0.05, 0.04], strict=True))


def test_one_fragile_layer_is_kept_and_nothing_else():
    noise = EVEN | {"a": 3.0}
    control, asked = play(lambda kept: 0.0 if "a" in kept else 0.3, noise)
    assert asked == [{"a"}]
    report = control.reports()[0]
    assert report.met
    assert [layer.path for layer in report.kept] == ["a"]
    assert (report.base, report.trial, report.layers) == ("openvino (int8)", 1, 8)


def test_what_is_kept_doubles_until_it_holds_and_is_won_back():
    must = {"a", "c"}
    noise = dict.fromkeys(NAMES, 0.1) | {"a": 0.4}
    control, asked = play(lambda kept: 0.1 * len(must - kept), noise)
    grown = [len(kept) for kept in asked[: next(i for i, kept in enumerate(asked) if must <= kept) + 1]]
    assert all(later == min(2 * one, 7) for one, later in pairwise(grown))
    assert {layer.path for layer in control.reports()[0].kept} == must
    assert len(set(asked)) == len(asked)  # no set is tried twice


def test_a_small_drop_asks_for_few_and_a_large_one_for_many():
    ranked = list(NAMES)
    even = dict.fromkeys(NAMES, 1.0)
    assert needed(ranked, even, 0.9) == 1
    assert needed(ranked, even, 0.5) == 4
    assert needed(ranked, even, 0.0) == 8
    assert needed(ranked, dict.fromkeys(NAMES, 0.0), 0.5) == 1


def test_when_it_cannot_be_met_the_layers_that_resist_are_named():
    control, asked = play(lambda kept: 0.5 - 0.01 * len(kept), EVEN)
    assert max(map(len, asked)) == 7  # one is left in int8, or it would be no int8 model
    report = control.reports()[0]
    assert not report.met
    assert len(report.kept) == 7
    assert "single layer" in report.reason
    words = resisting((report,))
    assert words.startswith("; even with a, b, c and 4 more in floating point it does not hold")
    silent = replace(report, kept=(), trial=None, reason="did not end")
    assert resisting((silent, report)) == words
    assert resisting((silent,)) == "; and with layers kept in floating point nothing could be judged (did not end)"


def test_when_keeping_more_makes_it_worse_the_rest_is_ranked_anew(monkeypatch):
    asked_of = []

    def error_with(self, paths):
        asked_of.append(set(paths))
        # returning h is what helps
        error = sensitivity().rows[1].error
        return replace(error, relative_error=0.01 if "h" not in paths else 0.5)

    monkeypatch.setattr(Sensitivity, "run", lambda self: None)
    monkeypatch.setattr(Sensitivity, "error_with", error_with)
    noise = dict.fromkeys(NAMES, 0.1) | {"a": 3.0}
    drops = {1: 0.2, 2: 0.001}
    control, asked = play(lambda kept: 0.1 if not kept else 0.001 if "h" in kept else drops[1], noise)
    assert asked[0] == {"a"}
    assert asked[1] == {"a", "h"}
    assert control.reports()[0].reranked == 1
    assert all("a" not in paths for paths in asked_of)


def test_noise_of_evaluate_is_no_growth(monkeypatch):
    control = QualityControl(workload(), (OPENVINO,), Goal(), Budget(600.0), sensitivity=given(EVEN | {"a": 3.0}))
    control.learn(Baseline({"accuracy": 0.90}, 0.1, 1.0, again={"accuracy": 0.85}))
    assert control.noise == pytest.approx(0.05)
    drops = iter([0.10, 0.12, 0.0] + [0.0] * 20)
    control, _ = play(lambda kept: next(drops), {}, control=control)
    assert control.reports()[0].reranked == 0


def test_nothing_is_done_where_the_quality_holds():
    control, asked = play(lambda kept: 0.001, EVEN)
    assert asked == []
    assert control.reports() == ()


def test_one_that_is_slower_is_not_worth_it():
    slow = [trial(0, OPENVINO, 0.3, speedup=0.7)]
    assert play(lambda kept: 0.0, EVEN, bases=slow)[1] == []


def test_one_that_could_not_beat_what_was_found_is_left():
    other = Recipe.of("int8_dynamic")
    good, bad = trial(0, other, 0.0, speedup=5.0), trial(1, OPENVINO, 0.3, speedup=4.0)
    assert play(lambda kept: 0.0, EVEN, recipes=(other, OPENVINO), bases=[good, bad])[1] == []
    bad = trial(1, OPENVINO, 0.3, speedup=8.0)
    assert play(lambda kept: 0.0, EVEN, recipes=(other, OPENVINO), bases=[good, bad])[1][0]


def test_outputs_that_were_rejected_before_timing_are_brought_back_too():
    wrong = TrialReport(
        0, OPENVINO.report(), "rejected", "wrong outputs", None, 1.0, 2.0, 0.1, agreement=Agreement(0.9, 0.4, None, 64)
    )
    loss = loss_of(wrong)
    assert (loss.held, loss.drop) == (False, 0.4)
    assert loss.remaining == pytest.approx(min((0.1 / 0.4) ** 2, 0.1))
    assert play(lambda kept: 0.0, EVEN | {"a": 3.0}, bases=[wrong])[1] == [{"a"}]


def test_a_trial_that_fails_ends_it_with_the_reason():
    control = QualityControl(workload(), (OPENVINO,), Goal(), Budget(600.0), sensitivity=given(EVEN))
    trials = [trial(0, OPENVINO, 0.3)]
    recipe = control.follow(tuple(trials))
    trials.append(TrialReport(1, recipe.report(), "failed", "crashed with SIGSEGV", None, None, 1.0, None))
    assert control.follow(tuple(trials)) is None
    assert "SIGSEGV" in control.reports()[0].reason


def test_a_model_that_cannot_be_looked_into_ends_the_control_and_not_the_search(monkeypatch):
    def run(self):
        raise ModelError("model: it is moody")

    monkeypatch.setattr(Sensitivity, "run", run)
    control = QualityControl(workload(), (OPENVINO,), Goal(), Budget(600.0))
    assert play(lambda kept: 0.3, {}, control=control)[1] == []
    assert "moody" in control.reports()[0].reason


def test_a_recipe_is_named_by_what_it_keeps():
    kept = with_kept(OPENVINO, ("a", "b"))
    assert kept.title == "openvino (int8, but for a, b)"
    assert Recipe.from_dict(kept.to_dict()) == kept
    assert kept_by(kept) == ("a", "b")
    assert quantizing_step(Recipe.of("fold_batchnorm")) is None


@pytest.mark.parametrize(
    ("step", "bits", "activations"),
    [
        (("openvino", {"precision": "int8"}), 8, "static"),
        (("onnxruntime", {"precision": "int8_dynamic"}), 8, "dynamic"),
        (("int8_dynamic", {}), 8, "dynamic"),
        (("int8_static", {}), 8, "static"),
        (("int4_weights", {}), 4, "none"),
    ],
)
def test_how_a_recipe_writes_numbers(step, bits, activations):
    scheme = scheme_of(quantizing_step(Recipe.of(step)))
    assert (scheme.bits, scheme.activations) == (bits, activations)


def test_static_in_torch_is_of_the_layers_that_its_quantizer_knows():
    net = nn.ModuleDict({"1": nn.Conv1d(4, 4, 3), "2": nn.Conv2d(4, 4, 3), "up": nn.ConvTranspose2d(4, 4, 3)})
    net.update({"head": nn.Linear(4, 4), "mix": nn.MultiheadAttention(4, 2), "table": nn.Embedding(4, 4)})
    chosen = quantizes(quantizing_step(Recipe.of("int8_static")))
    assert {layer.path for layer in quantizable_layers(net)[0] if chosen(layer)} == {"2", "head", "mix"}


def test_without_an_analysis_the_layers_are_ranked_by_themselves():
    torch.manual_seed(0)
    control = QualityControl(workload(), (OPENVINO,), Goal(), Budget(600.0))
    control, asked = play(lambda kept: 0.0 if kept else 0.012, {}, control=control)
    assert len(asked[0]) == 1
    assert control.reports()[0].samples == 64
    assert all(layer.snr_db is not None for layer in control.reports()[0].kept)
