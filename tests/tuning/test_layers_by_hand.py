"""Layers chosen for one by one: what is offered, expected, made a recipe, shown and measured."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import pytest
import torch
from fragile_by_hand import FRAGILE, batches, fragile_net
from layers_by_hand import off
from torch import nn

import tauto
from tauto.errors import InvalidArgument
from tauto.hardware import Hardware
from tauto.recipes import Recipe
from tauto.reports import LayerChoice
from tauto.tuning import workbench
from tauto.tuning.budget import Budget
from tauto.tuning.fake_quantization import Scheme
from tauto.tuning.layer_bench import LayerBench
from tauto.tuning.layer_outlook import BFLOAT16_NOISE, estimate, lost_energy
from tauto.tuning.sensitivity import Sensitivity
from tauto.workload import Workload

INT8, BFLOAT16 = LayerChoice("int8"), LayerChoice("bfloat16")


def bench_of(model: nn.Module, data: list, **rules) -> LayerBench:
    workload = Workload.of(model, data=data, **rules)
    analysis = Sensitivity(workload, Scheme(), Budget(600.0))
    analysis.run()
    return LayerBench(workload, analysis.report(Hardware.current()), Hardware.current())


def right(model: nn.Module) -> float:
    """Share of answers that are those of the untouched network."""
    truth = fragile_net()
    return float(sum((model(x).argmax(1) == truth(x).argmax(1)).sum() for x in batches()) / 256)


@pytest.fixture(scope="module")
def bench() -> LayerBench:
    return bench_of(fragile_net(), batches(), evaluate=right)


def test_both_ends_of_the_estimate_are_what_was_measured(bench: LayerBench) -> None:
    nothing = bench.estimate({})
    assert (nothing.size_bytes, nothing.snr_db, nothing.drop) == (bench.report.size_bytes, math.inf, 0.0)
    everything = bench.estimate({row.path: INT8 for row in bench.report.rows})
    assert everything.drop == pytest.approx(bench.report.together_quality[0].drop)
    assert everything.snr_db == pytest.approx(bench.report.together.snr_db, abs=0.1)
    assert everything.size_bytes == bench.report.size_bytes - sum(row.saved_bytes for row in bench.report.rows)


def test_the_fragile_layer_left_out_is_expected_to_help_and_does(bench: LayerBench) -> None:
    most = {row.path: INT8 for row in bench.report.rows if row.path != FRAGILE}
    assert bench.estimate(most).snr_db > bench.estimate({row.path: INT8 for row in bench.report.rows}).snr_db + 10
    assert bench.estimate(most).size_bytes > bench.estimate({**most, FRAGILE: INT8}).size_bytes


def test_what_is_estimated_of_zeros_and_bfloat16_is_near_what_they_do(bench: LayerBench) -> None:
    """The noise of a sum of many products: right within a few dB, which is what an estimate is for."""
    model, inputs = bench.workload.model, torch.cat(batches())
    with torch.no_grad():
        expected = model(inputs)
        for path, choice in (("late", LayerChoice(sparsity=0.3)), ("middle", BFLOAT16)):
            changed = copy.deepcopy(model)
            layer = changed.get_submodule(path)
            if choice.sparsity:
                bar = layer.weight.abs().flatten().kthvalue(round(0.3 * layer.weight.numel())).values
                layer.weight.mul_(layer.weight.abs() > bar)
            else:
                layer.register_forward_pre_hook(lambda _, args: (args[0].bfloat16().float(),))
                layer.register_forward_hook(lambda _, args, out: out.bfloat16().float())
                layer.weight.copy_(layer.weight.bfloat16().float())
            noise = (changed(inputs) - expected).square().sum() / expected.square().sum()
            assert bench.estimate({path: choice}).snr_db == pytest.approx(-10 * math.log10(float(noise)), abs=6)


def test_noise_adds_up_in_power_and_grows_with_the_zeros(bench: LayerBench) -> None:
    def noise(choices: dict[str, LayerChoice]) -> float:
        return 10 ** (-bench.estimate(choices).snr_db / 10)

    half, most = LayerChoice(sparsity=0.5), LayerChoice(sparsity=0.9)
    assert noise({"late": half, "head": INT8}) == pytest.approx(noise({"late": half}) + noise({"head": INT8}))
    assert noise({"late": most}) > noise({"late": half}) > noise({"late": LayerChoice(sparsity=0.1)})
    assert bench.estimate({"late": half}).size_bytes == bench.report.size_bytes
    assert bench.estimate({"late": half}).drop is None
    assert 0 < bench.estimate({"late": half}).zeros < 0.5


def test_what_was_not_measured_is_not_made_up() -> None:
    bench = bench_of(fragile_net(), batches())
    options = bench.options
    assert estimate(options, {"late": INT8}).drop is None
    assert options.metric == ""
    rows = tuple(replace(row, error=None) if row.path == "late" else row for row in bench.report.rows)
    unsure = LayerBench(bench.workload, replace(bench.report, rows=rows, together=off(0.2)), Hardware.current())
    assert unsure.options.noise_scale == 1.0
    assert unsure.estimate({"late": INT8}).snr_db is None
    assert unsure.estimate({"head": INT8}).snr_db is not None


def test_lost_energy_is_counted_from_the_smallest() -> None:
    assert lost_energy(torch.tensor([3.0, -1.0, 0.0, 0.0]), (0.0, 0.5, 0.75)) == (0.0, 0.0, pytest.approx(0.1))
    assert lost_energy(torch.zeros(4), (0.0, 0.5)) == (0.0, 0.0)
    large = torch.randn(2**20, generator=torch.Generator().manual_seed(0))
    exact = float(large.square().sort().values[: 2**19].sum() / large.square().sum())
    assert lost_energy(large, (0.5,))[0] == pytest.approx(exact, rel=0.04)


def test_rounding_to_bfloat16_makes_the_noise_that_is_reckoned_with() -> None:
    values = torch.randn(2**18, generator=torch.Generator().manual_seed(0))
    noise = (values.bfloat16().float() - values).square().sum() / values.square().sum()
    assert pytest.approx(float(noise), rel=0.25) == BFLOAT16_NOISE / 3


def test_the_recipe_says_what_was_chosen(bench: LayerBench) -> None:
    choices = {"stem": INT8, "head": BFLOAT16, "late": LayerChoice("int8", 0.5)}
    assert bench.recipe(choices, "torch").title == (
        "prune_weights (50% of late) → int8_dynamic (but for middle, fragile, bfloat16 in head)"
    )
    assert bench.recipe({"head": BFLOAT16}, "torch") == Recipe.of(("bfloat16", {"layers": ("head",)}))
    assert bench.recipe({}, "torch") == Recipe(())
    assert bench.recipe({}, "onnxruntime") == Recipe.of("onnxruntime")
    assert bench.recipe({"stem": INT8}, "openvino").steps[0].config.keep == ("middle", "fragile", "late", "head")


@pytest.mark.parametrize(
    ("choices", "engine", "words"),
    [
        ({"stm": INT8}, "torch", "no layer 'stm'. Did you mean 'stem'"),
        ({"stem": INT8}, "torsh", "engine: there is no 'torsh'"),
        ({"stem": BFLOAT16}, "openvino", "OpenVINO does not compute stem"),
        ({"stem": LayerChoice(sparsity=1.0)}, "torch", "no share of zeros"),
        ({"stem": LayerChoice("int9")}, "torch", "'int9' is none of"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(bench: LayerBench, choices: dict, engine: str, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        bench.recipe(choices, engine)


def test_engines_offer_what_they_compute() -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.fc = nn.Conv2d(1, 4, 3), nn.Linear(64, 4)
            self.encoder = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.encoder(self.fc(self.conv(x).flatten(1))[None])

    bench = bench_of(Both().eval(), [torch.randn(4, 1, 6, 6)])
    engines = {one.name: one for one in bench.options.engines}
    assert "conv" not in engines["torch"].int8
    assert "conv" in engines["openvino"].int8
    assert set(engines["torch"].bfloat16) == {"conv", "fc"}  # an encoder layer reads its weights by itself
    assert engines["openvino"].bfloat16 == ()
    assert bench.options.engines[0].name != "torch"  # what takes most of them comes first
    zeroed = {one.path for one in bench.options.layers if one.zeros_noise}
    assert {"conv", "fc"} <= zeroed
    assert "encoder.self_attn" not in zeroed


def test_a_layers_picture_is_of_what_was_chosen(bench: LayerBench) -> None:
    before = bench.workload.model.late.weight.detach().clone()
    plain = bench.picture("late", LayerChoice())
    assert plain.before == plain.after
    assert plain.zeros_after == 0
    half = bench.picture("late", LayerChoice("int8", 0.5))
    assert half.zeros_after == pytest.approx(0.5, abs=0.02)
    assert len(half.corner) == 32
    assert torch.equal(bench.workload.model.late.weight, before)
    with pytest.raises(InvalidArgument, match="no layer 'lat'"):
        bench.picture("lat", LayerChoice())


def test_a_choice_is_measured_in_isolation_and_once(bench: LayerBench) -> None:
    said: list[str] = []
    recipe = bench.recipe({"late": LayerChoice("int8", 0.5)}, "torch")
    assert bench.known(recipe) is None
    found = bench.measure(recipe, said.append)
    assert found.comparison.size_ratio < 1
    assert found.comparison.agreement.relative_error > 0
    assert said[0] == "measuring the original"
    before = len(said)
    assert bench.measure(recipe, said.append) is found
    assert len(said) == before


def test_measuring_stops_when_the_tick_says_so_and_goes_on_after_it(bench: LayerBench) -> None:
    class Enough(Exception):
        pass

    def stop(words: str) -> None:
        raise Enough

    recipe = bench.recipe({"head": INT8}, "torch")
    with pytest.raises(Enough):
        bench.measure(recipe, stop)
    assert bench.known(recipe) is None
    assert bench.measure(recipe).comparison is not None


def test_a_result_of_the_verb_has_its_bench_and_a_past_one_says_so() -> None:
    model = fragile_net()
    found = tauto.sensitivity(model, data=batches(2), budget="20s")
    assert found.by_hand().options.layers[0].path == found.rows[0].path
    del model
    with pytest.raises(InvalidArgument, match="the model that was analysed is gone"):
        found.by_hand()
    with pytest.raises(InvalidArgument, match="this is a past run"):
        tauto.runs().run(tauto.runs().rows[0].id).by_hand()


def test_two_benches_measure_one_after_the_other(bench: LayerBench) -> None:
    said: list[str] = []

    class Enough(Exception):
        pass

    def tick(words: str) -> None:
        said.append(words)
        raise Enough

    other = LayerBench(bench.workload, bench.report, Hardware.current())
    with workbench._one_at_a_time, pytest.raises(Enough):
        other.measure(other.recipe({"stem": INT8}, "torch"), tick)
    assert said == ["waiting for another measurement"]
