"""Which layer stands for which: folded, quantized, compiled, wrapped and replaced ones."""

from __future__ import annotations

import copy
import math
import warnings

import pytest
import torch
from torch import nn

from tauto.hardware import Hardware
from tauto.measurement import compare_layers
from tauto.techniques.boundary import CastPrecision
from tauto.techniques.folding import fold_batchnorms
from tauto.techniques.runtime import ThreadCount
from tauto.workload.call import Call


class Net(nn.Module):
    def __init__(self, inplace=True):
        super().__init__()
        self.conv, self.bn, self.relu = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=inplace)
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(4 * 36, 8), nn.ReLU())
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.body(self.relu(self.bn(self.conv(x)))))


@pytest.fixture
def net():
    torch.manual_seed(0)
    made = Net().eval()
    made.bn.running_mean.normal_()
    made.bn.running_var.uniform_(0.5, 2)
    return made


@pytest.fixture
def call():
    torch.manual_seed(1)
    return Call((torch.randn(16, 1, 8, 8),))


def compared(original, optimized, call):
    return compare_layers(original, optimized, [call], hardware=Hardware.current("cpu"))


def paths(report):
    return [row.path for row in report.rows]


def told(report):
    return {layer.path: (layer.side, layer.reason) for layer in report.unmatched}


def test_a_folded_batch_normalization_is_looked_at_with_its_convolution(net, call):
    folded = copy.deepcopy(net)
    assert fold_batchnorms(folded, [(call.args, {})]) == 1
    report = compared(net, folded, call)
    assert paths(report) == ["conv", "relu", "body.0", "body.1", "body.2", "head"]
    assert report.rows[0].absorbed == ("bn",)
    assert report.rows[0].error.snr_db > 120
    assert (report.unmatched, report.starts) == ((), None)


def test_so_is_one_that_was_taken_out(net, call):
    class Without(Net):
        def forward(self, x):
            return self.head(self.body(self.relu(self.conv(x))))

    folded = copy.deepcopy(net)
    fold_batchnorms(folded, [(call.args, {})])
    taken = Without().eval()
    del taken.bn
    taken.load_state_dict(folded.state_dict())
    report = compared(net, taken, call)
    assert report.rows[0].absorbed == ("bn",)
    assert report.rows[0].error.snr_db > 120


def test_wrappers_change_no_names(net, call):
    wrapped = ThreadCount(CastPrecision(copy.deepcopy(net).bfloat16(), torch.bfloat16), 1)
    report = compared(net, wrapped, call)
    assert paths(report) == ["conv", "bn", "relu", "body.0", "body.1", "body.2", "head"]
    assert report.unmatched == ()
    assert report.rows[0].became == "Conv2d (bfloat16)"
    assert 30 < report.rows[0].error.snr_db < 70
    assert report.starts == "conv"


def test_a_compiled_model_is_run_as_it_is_written_for_its_layers(net, call):
    compiled = torch.compile(copy.deepcopy(net), backend="eager")
    compiled(*call.args)
    report = compared(net, compiled, call)
    assert paths(report) == ["conv", "bn", "relu", "body.0", "body.1", "body.2", "head"]
    assert report.uncompiled == ("optimized",)
    assert all(row.error.snr_db == math.inf for row in report.rows)
    part = copy.deepcopy(net)
    part.body = torch.compile(part.body, backend="eager")
    assert paths(compared(net, part, call)) == paths(report)
    assert not any(layer._forward_hooks for model in (compiled, part) for layer in model.modules())


@pytest.mark.filterwarnings("ignore")
def test_torch_ao_layers_fused_and_quantized(net, call):
    import torch.ao.quantization as ao

    wrapped = ao.QuantWrapper(copy.deepcopy(net)).eval()
    fused = ao.fuse_modules(wrapped, [["module.conv", "module.bn", "module.relu"], ["module.body.1", "module.body.2"]])
    if torch.backends.quantized.engine == "none":
        pytest.skip("this torch has no engine for quantized layers")
    fused.qconfig = ao.get_default_qconfig(torch.backends.quantized.engine)
    prepared = ao.prepare(fused)
    prepared(*call.args)
    report = compared(net, ao.convert(prepared), call)
    assert [(row.path, row.absorbed) for row in report.rows] == [
        ("conv", ("bn", "relu")),
        ("body.0", ()),
        ("body.1", ("body.2",)),
        ("head", ()),
    ]
    assert [row.became for row in report.rows[2:]] == ["LinearReLU (quantized)", "Linear (quantized)"]
    assert all(20 < row.error.snr_db < 60 for row in report.rows)
    assert all(row.own is not None for row in report.rows)
    assert report.starts == "conv"


def test_torchao_layers_and_what_they_add_themselves(net, call):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_

        fragile = copy.deepcopy(net)
        fragile.head.weight.data[:, 0] *= 3000  # one scale a row: all but these round to nothing
        quantized = copy.deepcopy(fragile)
        quantize_(quantized, Int8DynamicActivationInt8WeightConfig(set_inductor_config=False))
        report = compared(fragile, quantized, call)
    rows = {row.path: row for row in report.rows}
    assert rows["body.1"].became == "Linear (Int8Tensor)"
    assert [rows[path].error.snr_db for path in ("conv", "bn", "relu", "body.0")] == [math.inf] * 4
    assert 30 < rows["body.1"].own.snr_db < 55
    assert rows["body.1"].inherited == 0
    assert rows["body.2"].own.snr_db == math.inf
    assert rows["body.2"].inherited > 0.001
    assert report.starts == "body.1"
    # what dequantized weights give is what the weights themselves add
    with torch.no_grad():
        inner = net.body[0](net.relu(net.bn(net.conv(*call.args))))
        exact = inner @ fragile.body[1].weight.T + fragile.body[1].bias
        rounded = quantized.body[1](inner)
    noise = float((rounded - exact).norm() / exact.norm())
    assert rows["body.1"].own.relative_error == pytest.approx(noise, rel=1e-3)


def test_a_layer_replaced_by_several_is_looked_at_as_one(net, call):
    low_rank = copy.deepcopy(net)
    low_rank.head = nn.Sequential(nn.Linear(8, 2, bias=False), nn.Linear(2, 3))
    report = compared(net, low_rank, call)
    assert (report.starts, report.worst) == ("head", "head")
    assert (report.rows[-1].kind, report.rows[-1].became) == ("Linear", "Sequential")
    assert report.unmatched == ()
    back = compared(low_rank, net, call)
    assert (paths(back)[-1], back.unmatched) == ("head", ())


def test_what_has_no_counterpart_is_named_and_its_container_looked_at_as_a_whole(net, call):
    class Body(nn.Sequential):
        def __init__(self, flatten, linear, relu):
            super().__init__()
            self.add_module("0", flatten)
            self.linear, self.act = linear, relu

    other = copy.deepcopy(net)
    other.body = Body(*other.body)
    other.spare = nn.Linear(2, 2)
    report = compared(net, other, call)
    assert paths(report) == ["conv", "bn", "relu", "body.0", "body", "head"]
    assert told(report) == {
        "body.1": ("original", "the other has no layer of this name"),
        "body.2": ("original", "the other has no layer of this name"),
        "body.linear": ("optimized", "the original has no layer of this name"),
        "body.act": ("optimized", "the original has no layer of this name"),
        "spare": ("optimized", "never called with these inputs"),
    }


def test_pruned_layers_are_named_with_their_shapes(net, call):
    pruned = copy.deepcopy(net)
    pruned.body[1], pruned.head = nn.Linear(4 * 36, 5), nn.Linear(5, 3)
    report = compared(net, pruned, call)
    assert paths(report) == ["conv", "bn", "relu", "body.0", "head"]
    assert told(report)["body.1"] == ("both", "its output is [16, 5] where the original's is [16, 8]")
    assert report.rows[-1].own_reason == "it takes inputs of other shapes than the original"


def test_layers_of_another_sort_and_of_other_calls(net, call):
    class Twice(Net):
        def forward(self, x):
            return self.head(self.body(self.relu(self.relu(self.bn(self.conv(x))))))

    other = Twice().eval()
    other.bn, other.body[2] = nn.Dropout(), nn.Tanh()
    report = compared(net, other, call)
    assert told(report) == {
        "bn": ("both", "a Dropout where the original has a BatchNorm2d: another layer of the same name"),
        "relu": ("both", "called twice where the original calls it once"),
    }
    assert report.rows[2].became == "Linear"
    assert report.rows[3].became == "Tanh"


def test_layers_that_do_nothing_are_no_rows():
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(), nn.Identity(), nn.Linear(3, 3)).eval()
    report = compared(model, copy.deepcopy(model), Call((torch.randn(2, 3),)))
    assert paths(report) == ["0", "3"]
    assert told(report) == dict.fromkeys("12", ("both", "passes its input on as it is"))


def test_layers_that_are_never_called_are_named_and_parts_of_layers_are_not():
    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention, self.drop = nn.MultiheadAttention(8, 2, batch_first=True), nn.Dropout()

        def forward(self, x):
            return self.attention(x, x, x)[0]

    model = Attention().eval()
    report = compared(model, copy.deepcopy(model), Call((torch.randn(2, 3, 8),)))
    assert paths(report) == ["attention"]
    assert told(report) == {"drop": ("both", "never called with these inputs")}
    assert report.rows[0].own.snr_db == math.inf


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_scripted_layer_is_looked_at_from_outside(net, call):
    scripted = copy.deepcopy(net)
    scripted.body = torch.jit.script(scripted.body)
    report = compared(net, scripted, call)
    assert paths(report) == ["conv", "bn", "relu", "head"]
    assert told(report)["body"] == ("original", "it is TorchScript in the other, which cannot be looked into")
    assert compared(net, torch.jit.script(net), call).closed.startswith("optimized is one piece")


def test_the_same_tensor_given_three_times_stays_the_same(call):
    model = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    other = copy.deepcopy(model)
    report = compared(model, other, Call((torch.randn(2, 5, 8),)))
    assert all(row.error.snr_db == row.own.snr_db == math.inf for row in report.rows)
