"""Errors by layer, on models whose errors are known."""

from __future__ import annotations

import copy
import itertools
import math
import types

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tauto.errors import InvalidArgument, ModelError
from tauto.hardware import Hardware
from tauto.measurement import compare_layers
from tauto.measurement import layer_runs as runs
from tauto.workload.call import Call


def chain(*widths, seed=0):
    torch.manual_seed(seed)
    layers = [layer for pair in itertools.pairwise(widths) for layer in (nn.Linear(*pair), nn.ReLU())]
    return nn.Sequential(*layers[:-1]).eval()


def batches(count, size, width):
    torch.manual_seed(7)
    return [Call((torch.randn(size, width),)) for _ in range(count)]


def compared(original, optimized, calls, **keywords):
    return compare_layers(original, optimized, calls, hardware=Hardware.current("cpu"), **keywords)


def rows_of(report):
    return {row.path: row for row in report.rows}


def decibels(reference, output):
    return 20 * math.log10(float(reference.norm()) / float((output - reference).norm()))


def test_a_rounded_weight_is_where_the_error_starts_with_the_ratio_worked_out_by_hand():
    model = chain(6, 8, 8, 4)
    rounded = copy.deepcopy(model)
    rounded[2].weight.data = (rounded[2].weight.data * 16).round() / 16
    calls = batches(3, 5, 6)
    report = compared(model, rounded, calls)
    inputs = torch.cat([call.args[0] for call in calls])
    with torch.no_grad():
        hidden = model[:2](inputs).double()
        expected, got = (hidden @ net[2].weight.double().T + net[2].bias.double() for net in (model, rounded))
        last = decibels(model(inputs).double(), rounded(inputs).double())
    rows = rows_of(report)
    assert list(rows) == ["0", "1", "2", "3", "4"]
    assert [rows[path].error.snr_db for path in "01"] == [math.inf, math.inf]
    assert rows["2"].error.snr_db == pytest.approx(decibels(expected, got), abs=0.01)
    assert rows["2"].error == rows["2"].own
    assert rows["2"].inherited == 0
    assert rows["2"].error.max_abs_error == pytest.approx(float((expected - got).abs().max()), rel=1e-4)
    assert rows["4"].own.snr_db == math.inf
    assert rows["4"].inherited == pytest.approx(rows["4"].error.relative_error)
    assert rows["4"].error == report.output
    assert report.output.snr_db == pytest.approx(last, abs=0.01)
    assert (report.starts, report.worst) == ("2", "2")
    assert (report.samples, report.batches) == (15, 3)


def test_the_first_error_and_the_largest_are_told_apart():
    model = chain(6, 8, 8, 4)
    other = copy.deepcopy(model)
    other[0].weight.data *= 1.001
    other[4].weight.data *= 1.2
    report = compared(model, other, batches(1, 16, 6))
    assert (report.starts, report.worst) == ("0", "4")
    assert rows_of(report)["2"].own.relative_error == 0


@given(st.integers(0, 2**31 - 1), st.integers(1, 3), st.lists(st.integers(1, 5), min_size=2, max_size=4))
@settings(deadline=None, max_examples=25)
def test_the_same_model_has_no_error_anywhere(seed, count, widths):
    model = chain(*widths, seed=seed)
    report = compared(model, copy.deepcopy(model), batches(count, 3, widths[0]))
    # a network of one layer is one piece
    assert len(report.rows) == len(model) if len(model) > 1 else len(report.rows) <= 1
    for error in (report.output, *(row.error for row in report.rows), *(row.own for row in report.rows)):
        assert (error.snr_db, error.relative_error, error.cosine, error.max_abs_error) == (math.inf, 0.0, 1.0, 0.0)
    assert all(row.inherited == 0 for row in report.rows)
    assert (report.starts, report.worst) == (None, None)


def test_the_models_come_back_as_they_were():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5))
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, x):
            self.calls += 1
            return self.inner(x + torch.rand(()))

    original = Counting().train()
    original.inner[1].eval()
    optimized = copy.deepcopy(original)
    heard = []
    handle = optimized.inner.register_forward_hook(lambda *_: heard.append(1))
    before = [copy.deepcopy(model.state_dict()) for model in (original, optimized)]
    calls = batches(2, 4, 3)
    state = torch.get_rng_state()
    report = compared(original, optimized, calls)
    assert report.output.snr_db == math.inf  # both drew the same numbers
    assert torch.equal(torch.get_rng_state(), state)
    for model, kept in zip((original, optimized), before, strict=True):
        assert all(torch.equal(value, kept[name]) for name, value in model.state_dict().items())
        assert [module.training for module in model.modules()] == [True, True, True, False, True]
        assert not model.inner[0]._forward_hooks
        assert not model.inner[0]._forward_pre_hooks
    assert list(optimized.inner._forward_hooks) == [handle.id]
    assert heard


def test_hooks_go_when_a_model_fails_in_the_middle():
    model, other = chain(3, 3, 3), chain(3, 3, 3)
    calls = [*batches(1, 2, 3), Call((torch.randn(2, 9),))]
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        compared(model, other, calls)
    assert not any(
        layer._forward_hooks or layer._forward_pre_hooks for net in (model, other) for layer in net.modules()
    )


@pytest.mark.parametrize(("kept_bytes", "runs_a_batch"), [(1, 7), (1000, 2), (10**9, 1)])
def test_little_memory_gives_the_same_figures(kept_bytes, runs_a_batch, monkeypatch):
    model, other, calls = chain(6, 8, 8, 8, 4), chain(6, 8, 8, 8, 4, seed=1), batches(2, 5, 6)
    whole = compared(model, other, calls).rows
    kept = []
    keep = runs.keep

    def weighed(*arguments):
        found = keep(*arguments)
        tensors = [tensor for one in found for call in (*one.inputs, *one.outputs) for tensor in call]
        kept.append((len(found), sum(tensor.numel() * 4 for tensor in tensors)))
        return found

    monkeypatch.setattr("tauto.measurement.layers.keep", weighed)
    assert compared(model, other, calls, kept_bytes=kept_bytes).rows == whole
    assert len(kept) == 2 * runs_a_batch
    assert sum(layers for layers, _ in kept) == 2 * len(model)
    one_layer = 4 * 5 * (8 + 8)
    assert max(size for _, size in kept) < kept_bytes + one_layer


def test_a_layer_called_several_times_is_one_row_of_all_its_calls():
    class Again(nn.Module):
        def __init__(self):
            super().__init__()
            self.step, self.out = nn.Linear(4, 4), nn.Linear(4, 2)

        def forward(self, x):
            for _ in range(3):
                x = self.step(x)
            return self.out(x)

    torch.manual_seed(0)
    model = Again().eval()
    other = copy.deepcopy(model)
    other.step.bias.data += 0.125  # exact in float32, so that each call adds it to every value
    inputs = torch.randn(5, 4)
    row = rows_of(compared(model, other, [Call((inputs,))]))["step"]
    assert row.calls == 3
    with torch.no_grad():
        first, second = model.step(inputs), model.step(model.step(inputs))
        third = model.step(second)
    length = math.sqrt(sum(float((one.double() ** 2).sum()) for one in (first, second, third)))
    assert row.own.relative_error == pytest.approx(0.125 * math.sqrt(3 * 20) / length, rel=1e-4)
    assert row.inherited > 0


class Answers(nn.Module):
    """Layers that return a tuple, a dictionary and integers."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 4, batch_first=True)
        self.split = self.Split()
        self.pick = self.Pick()

    class Split(nn.Module):
        def forward(self, x, *, scale):
            return {"low": x * scale, "high": [x + 1]}

    class Pick(nn.Module):
        def forward(self, x):
            return x.argmax(-1)

    def forward(self, x):
        states, _ = self.lstm(x)
        parts = self.split(states, scale=0.5)
        return parts, self.pick(parts["high"][0])


def test_tuples_dictionaries_and_integers():
    torch.manual_seed(0)
    model = Answers().eval()
    other = copy.deepcopy(model)
    other.lstm.weight_hh_l0.data *= 3
    report = compared(model, other, [Call((torch.randn(6, 5, 3),))])
    rows = rows_of(report)
    assert list(rows) == ["lstm", "split", "pick"]
    assert rows["pick"].error.snr_db is None
    assert 0 < rows["pick"].error.changed < 1
    assert rows["pick"].own.changed == 0
    assert rows["split"].own.snr_db == math.inf
    assert report.output.relative_error > 0
    assert report.output.changed == rows["pick"].error.changed


def test_an_input_in_another_precision_is_cast_for_the_layers_own_error():
    class Half(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.module = inner

        def forward(self, x):
            return self.module(x.bfloat16()).float()

    model = chain(6, 8, 4)
    report = compared(model, Half(copy.deepcopy(model).bfloat16()), batches(1, 16, 6))
    row = rows_of(report)["2"]
    assert (row.kind, row.became) == ("Linear", "Linear (bfloat16)")
    assert 0.0005 < row.own.relative_error < 0.02
    assert 0.0005 < row.inherited < 0.02


def test_why_an_own_error_is_not_known():
    class Cached(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 3)

        def forward(self, x, cache):
            cache.seen += 1
            return self.layer(x)

    class Net(nn.Module):
        def __init__(self, wide):
            super().__init__()
            self.first = nn.Linear(3, 4 if wide else 3)
            self.second = nn.Linear(self.first.out_features, 3)
            self.cached = Cached()
            self.cached.layer = nn.Linear(3, 3) if wide else nn.Identity()
            self.cached.scale = nn.Parameter(torch.ones(1))

        def forward(self, x):
            return self.cached(self.second(self.first(x)), types.SimpleNamespace(seen=0))

    report = compared(Net(False).eval(), Net(True).eval(), batches(1, 2, 3))
    rows = rows_of(report)
    assert rows["second"].own is None
    assert rows["second"].inherited is None
    assert rows["second"].own_reason == "it takes inputs of other shapes than the original"
    assert rows["cached"].own_reason == "it is called with a SimpleNamespace, which running it twice could change"
    assert rows["cached.layer"].own is not None
    assert [(layer.path, layer.reason) for layer in report.unmatched] == [
        ("first", "its output is [2, 4] where the original's is [2, 3]")
    ]


def test_nan_is_found_where_it_begins():
    model = chain(4, 4, 4, 4)
    other = copy.deepcopy(model)
    other[2].bias.data[1] = math.nan
    report = compared(model, other, batches(1, 3, 4))
    assert (report.starts, report.worst) == ("2", "2")
    rows = rows_of(report)
    assert rows["2"].own.not_finite == 3
    assert rows["4"].own.not_finite == 0
    assert rows["4"].inherited == math.inf
    assert report.output.not_finite == 12


def test_batches_of_other_lengths_and_a_layer_that_only_some_call():
    class Sometimes(nn.Module):
        def __init__(self):
            super().__init__()
            self.always, self.long = nn.Linear(3, 3), nn.Linear(3, 3)

        def forward(self, x):
            x = self.always(x)
            return self.long(x) if x.shape[1] > 2 else x

    model = Sometimes().eval()
    other = copy.deepcopy(model)
    other.long.weight.data *= 2
    calls = [Call((torch.randn(2, length, 3),)) for length in (4, 1, 6)]
    report = compared(model, other, calls)
    assert (report.starts, report.samples) == ("long", 6)


def test_no_batch_is_begun_after_the_time_is_up():
    model = chain(3, 3, 3)
    report = compared(model, copy.deepcopy(model), batches(4, 2, 3), time_cap_s=0.0)
    assert (report.batches, report.samples) == (1, 2)


def test_models_that_cannot_be_looked_into_are_compared_by_their_outputs():
    class Closed(nn.Module):
        def __init__(self, model):
            super().__init__()
            self.engine = types.SimpleNamespace()
            self.weight = nn.Parameter(torch.zeros(1))
            self.run = model.forward

        def forward(self, x):
            return self.run(x) * 1.5

    model = chain(3, 3, 3)
    report = compared(model, Closed(model), batches(2, 2, 3), names=("net", "fast"))
    assert report.closed.startswith("fast is one piece (SimpleNamespace): no layers are called inside it")
    assert report.rows == report.unmatched == ()
    assert report.output.relative_error == pytest.approx(0.5)
    assert report.samples == 4


def test_outputs_of_another_shape_are_one_clear_error():
    with pytest.raises(ModelError, match=r"fast: it cannot be compared with net: its output is \[2, 4\] where"):
        compared(chain(3, 3, 3), chain(3, 3, 4), batches(1, 2, 3), names=("net", "fast"))


def test_models_without_a_layer_in_common_are_one_clear_error():
    class Other(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3)

        def forward(self, x):
            return self.second(self.first(x))

    with pytest.raises(InvalidArgument, match=r"no layer in common with net \(net has 0, 1, 2 and fast has first, s"):
        compared(chain(3, 3, 3), Other(), batches(1, 2, 3), names=("net", "fast"))


def test_a_model_that_returns_no_tensor_is_one_clear_error():
    class Says(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 3)

        def forward(self, x):
            return str(self.layer(x).shape)

    with pytest.raises(ModelError, match="net: it returns no tensor"):
        compared(Says(), Says(), batches(1, 2, 3), names=("net", "fast"))
