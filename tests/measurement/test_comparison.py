import copy
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from tauto.measurement import latency
from tauto.measurement.comparison import compare, comparison_of
from tauto.measurement.quality import Judgement, evaluate_model, judge_pair, judge_quality
from tauto.measurement.timing import PairTiming
from tauto.reports.comparison import Comparison, Interval
from tauto.reports.measurement import Latency, Memory
from tauto.workload import Workload

pytestmark = pytest.mark.alone

HARDWARE = SimpleNamespace(summary="a machine", fingerprint="f00d", device="cpu")


class Net(nn.Module):
    """Repeats its layer: more repeats, slower."""

    def __init__(self, repeats=1, width=16):
        super().__init__()
        self.layer = nn.Linear(width, width)
        self.drop = nn.Dropout()
        self.repeats = repeats

    def forward(self, x):
        y = self.layer(x)
        for _ in range(self.repeats - 1):
            y = self.layer(x)
        return self.drop(y)


def workload(model, samples=64, **keywords):
    return Workload.of(model, inputs=torch.randn(2, 16), data=[torch.randn(samples, 16)], **keywords)


def timing(low=1.9, high=2.1, a_ms=10.0, b_ms=5.0):
    sides = [Latency(p50, 2 * p50, 100, 10, 1000 / p50) for p50 in (a_ms, b_ms)]
    return PairTiming(a_ms / b_ms, Interval(low, high), True, False, sides[0], sides[1], 1.0)


def combined(**keywords):
    model = Net()
    given = {"judgement": Judgement(True, "rule", None), "timing": timing(), **keywords}
    call = workload(model).example
    return comparison_of(model, model, call, given.pop("judgement"), given.pop("timing"), hardware=HARDWARE, **given)


def test_a_faster_equal_model_is_better_and_holds():
    slow, fast = Net(repeats=12), Net()
    fast.load_state_dict(slow.state_dict())
    result = compare(slow, fast, workload(slow), hardware=HARDWARE, names=("slow", "fast"), preparation_s=1.0)
    assert result.verdict == "better"
    assert result.quality_held is True
    assert result.agreement.relative_error == 0.0
    assert result.size_ratio == 1.0
    assert result.memory_ratio is None
    assert "recipe" in result.original.memory.reason
    assert result.break_even_calls > 0
    assert (result.original.name, result.optimized.name) == ("slow", "fast")
    assert result.conditions.shapes == ("float32[2, 16]",)
    assert (result.conditions.machine, result.conditions.batch) == ("a machine", 2)
    assert Comparison.from_dict(result.to_dict()) == result


def test_models_are_left_as_found():
    one, two = Net(), Net().eval()
    one.drop.eval()
    weights = copy.deepcopy(one.state_dict())
    given = workload(one, evaluate=lambda model: float(model.training))
    state = torch.get_rng_state()
    compare(one, two, given, hardware=HARDWARE, time_cap_s=0.2)
    assert (one.training, one.drop.training, two.training) == (True, False, False)
    assert all(torch.equal(weights[name], tensor) for name, tensor in one.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


def test_outputs_of_another_shape_are_said_and_not_held():
    one, two = Net(), nn.Linear(16, 5)
    judgement = judge_pair(workload(one), one, two)
    assert judgement.held is False
    assert judgement.agreement is None
    assert "float32[64, 16] became float32[64, 5]" in judgement.rule


def test_too_few_inputs_prove_nothing():
    model = Net()
    judgement = judge_pair(workload(model, samples=8), model, copy.deepcopy(model))
    assert judgement.held is None
    assert "unproved" in judgement.rule
    assert judgement.drop is None


def test_outputs_that_are_far_off_are_not_held():
    assert judge_pair(workload(Net()), Net(), Net()).held is False


def test_evaluate_decides_when_there_is_one():
    one, two = Net(), Net()
    scores = {one: 0.90, two: 0.895}
    loaded = workload(one, evaluate=lambda model: {"accuracy": scores[model], "f1": 1.0}, metric="accuracy")
    judgement = judge_pair(loaded, one, two)
    assert judgement.held is True
    assert judgement.drop == pytest.approx(0.005)
    assert judgement.agreement.relative_error > 0.1  # reported all the same
    scores[two] = 0.85
    assert judge_pair(loaded, one, two).held is False


def test_the_largest_drop_counts_and_a_known_baseline_is_not_measured_again():
    one, two = Net(), Net()
    seen = []

    def evaluate(model):
        seen.append(model)
        return {"a": 0.5, "b": 0.7}

    judgement = judge_quality(workload(one, evaluate=evaluate), two, None, baseline={"a": 0.51, "b": 0.9})
    assert seen == [two]
    assert judgement.drop == pytest.approx(0.2)
    assert [row.held for row in judgement.quality] == [False, False]


def test_evaluate_sees_the_model_in_eval_and_its_draws_do_not_leak():
    model = Net()
    modes = []

    def evaluate(model):
        modes.append(model.training)
        return float(torch.rand(1)) + 1

    given = workload(model, evaluate=evaluate)
    state = torch.get_rng_state()
    assert evaluate_model(given, model)["evaluate"] >= 1
    assert modes == [False]
    assert model.training
    assert torch.equal(torch.get_rng_state(), state)
    assert evaluate_model(workload(model), model) is None


def test_break_even_by_hand():
    assert combined(preparation_s=10.0).break_even_calls == 2000
    assert combined(preparation_s=10.001).break_even_calls == 2001
    assert combined(preparation_s=None).break_even_calls is None


def test_an_unproved_gain_never_breaks_even():
    assert combined(timing=timing(low=0.99), preparation_s=1.0).break_even_calls is None
    assert combined(timing=timing(low=1.01, high=1.1, a_ms=5.0, b_ms=5.0), preparation_s=1.0).break_even_calls is None


def test_memory_ratio_needs_both_sides():
    known, unknown = Memory(200, 300), Memory(None, None, "why")
    assert combined(memory=(known, Memory(100, 500))).memory_ratio == 0.5
    assert combined(memory=(known, unknown)).memory_ratio is None
    assert combined(memory=(unknown, known)).memory_ratio is None


def test_one_model_alone_and_left_as_found():
    model = Net()
    result = latency.measure(model, workload(model).example, name="net", time_cap_s=0.3)
    assert (result.name, result.parameters, result.size_bytes) == ("net", 272, 1088)
    assert result.latency.throughput_per_s == pytest.approx(2000 / result.latency.p50_ms)
    assert model.training


def test_a_model_is_hardly_ever_told_apart_from_its_own_copy():
    model = Net(width=16, repeats=4)
    verdicts = [
        compare(model, copy.deepcopy(model), workload(model), hardware=HARDWARE, time_cap_s=2.0, seed=seed).verdict
        for seed in range(10)
    ]
    # of a hundred at most one may differ; two of ten would be chance of less than one in a hundred
    assert verdicts.count("same") >= 9
