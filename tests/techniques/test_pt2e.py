"""Static int8 in torch itself: what becomes int8 and what does not, and what another process reads."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path

import pytest
import safetensors.torch
import torch
import torch._inductor.config
from engine_models import ConvNet, workload_of
from fragile_by_hand import FRAGILE, batches, fragile_net
from torch import Tensor, nn

from tauto.conversion import export
from tauto.errors import CandidateFailed, FallbackWarning, NotExportable
from tauto.hardware import Hardware
from tauto.recipes import OptimizedModel, Recipe, build
from tauto.techniques import Context, technique
from tauto.techniques.engines import pt2e
from tauto.techniques.engines.pt2e import Int8StaticConfig
from tauto.workload import Workload

HARDWARE = Hardware.current()
STATIC = technique("int8_static")


def graph_of(workload: Workload, folder: Path, **config) -> nn.Module:
    """Return the int8 graph, uncompiled: that takes a second."""
    ranges = folder / "ranges"
    ranges.mkdir(parents=True, exist_ok=True)
    return pt2e._calibrated(workload, export(workload), Int8StaticConfig(**config), HARDWARE, ranges)


def weights_of(graph: nn.Module) -> dict[tuple[int, ...], torch.dtype]:
    return {tuple(value.shape): value.dtype for value in graph.state_dict().values() if value.ndim > 1}


class Sharing(nn.Module):
    """A layer of two names between two of one, and one that is read and not called."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = self.again = nn.Linear(32, 32)
        self.other = nn.Linear(32, 16)
        self.read = nn.Linear(16, 8)
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.other(self.again(self.shared(x).relu()))
        return self.head(nn.functional.linear(x, self.read.weight))


SHARING = Workload.of(Sharing().eval(), inputs=torch.randn(4, 32))


class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) * self.inner(-x)


class Unusual(nn.Module):
    """A layer that is called twice, one that pads its input, and attention, which calls none of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect")
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(self.conv(x).relu()).flatten(2).mT
        return self.attention(x, x, x, need_weights=False)[0]


def test_weights_are_int8_and_no_float_copy_is_left(tmp_path):
    workload = workload_of(ConvNet, batch=2, samples=2)
    graph = graph_of(workload, tmp_path)
    assert weights_of(graph) == {(8, 3, 3, 3): torch.int8, (4, 8): torch.int8}
    # a scale for each output channel
    assert {8, 4} <= {len(value) for name, value in graph.state_dict().items() if name.startswith("_scale")}


@pytest.mark.parametrize("name", ["shared", "again"])
def test_what_is_kept_stays_as_it_was_under_any_of_its_names(name, tmp_path):
    found = weights_of(graph_of(SHARING, tmp_path, keep=(name, "head")))
    assert found == {(32, 32): torch.float32, (16, 32): torch.int8, (8, 16): torch.int8, (4, 8): torch.float32}


def test_layers_are_found_however_they_are_called(tmp_path):
    found = weights_of(graph_of(Workload.of(Unusual().eval(), inputs=torch.randn(2, 4, 5, 5)), tmp_path))
    assert found == {(4, 4, 3, 3): torch.int8, (12, 4): torch.int8, (4, 4): torch.int8}


def test_what_cannot_be_kept_is_named(tmp_path):
    with pytest.raises(CandidateFailed, match="keep: nothing in the exported program is computed by a call of read"):
        graph_of(SHARING, tmp_path, keep=("read",))
    with pytest.raises(CandidateFailed, match=r"keep: the model has no layer 'haed'\. Did you mean 'shared' or 'head'"):
        STATIC.apply(SHARING, Int8StaticConfig(keep=("haed",)), Context(tmp_path, HARDWARE))
    with pytest.raises(CandidateFailed, match="nothing is quantized in it"):
        graph_of(Workload.of(nn.Sequential(nn.Linear(4, 4)), inputs=torch.randn(2, 4)), tmp_path, keep=("0",))


def test_products_of_activations_stay_in_floating_point(tmp_path):
    graph = graph_of(Workload.of(Gated().eval(), inputs=torch.randn(4, 16)), tmp_path)
    product = next(node for node in graph.graph.nodes if "mul" in str(node.target))
    assert not any("dequantize" in str(node.target) for node in product.all_input_nodes)


@pytest.mark.parametrize(("observer", "highest"), [("minmax", 100.0), ("average", 3.0), ("histogram", None)])
def test_observers_tell_ranges_as_they_are_called(observer, highest, tmp_path):
    data = [torch.ones(4, 8), *(2 * torch.rand(4, 8) for _ in range(3)), torch.full((4, 8), 100.0)]
    workload = Workload.of(nn.Sequential(nn.Linear(8, 8)).eval(), data=data)
    graph_of(workload, tmp_path, observer=observer)
    seen = safetensors.torch.load_file(tmp_path / "ranges" / "observers.safetensors")
    assert ("activation_post_process_0.histogram" in seen) == (observer == "histogram")
    if observer == "minmax":
        assert seen["activation_post_process_0.max_val"] == highest
    elif observer == "average":  # a hundredth of the way to each call
        assert seen["activation_post_process_0.max_val"] < highest


def test_cpus_whose_sums_overflow_get_seven_bits(tmp_path):
    old = dataclasses.replace(HARDWARE, instruction_sets=HARDWARE.instruction_sets - {"VNNI", "NEON"})
    for hardware, top in ((HARDWARE, 255), (old, 127)):
        workload = Workload.of(nn.Sequential(nn.Linear(8, 8)).eval(), inputs=torch.randn(4, 8))
        graph = pt2e._calibrated(workload, export(workload), Int8StaticConfig(), hardware, tmp_path / str(top))
        rounding = next(node for node in graph.graph.nodes if "quantize_per_tensor" in str(node.target))
        if hardware is not HARDWARE or not pt2e.saturates(hardware):
            assert rounding.args[4] == top


def test_another_process_reads_the_ranges_and_takes_none_of_another_model(tmp_path):
    workload = workload_of(ConvNet, batch=2, samples=3)
    graph = graph_of(workload, tmp_path)
    config, folder = Int8StaticConfig(), tmp_path / "ranges"
    # without the samples: the ranges are all that it needs
    bare = Workload.of(workload.model, inputs=workload.example.args[0])
    again = pt2e._restored(bare, config, HARDWARE, folder)
    values = [workload.example.args[0]]
    with torch.no_grad():
        assert torch.equal(graph(values)[0], again(values)[0])
    with pytest.raises(CandidateFailed, match="exported otherwise"):
        pt2e._restored(SHARING, config, HARDWARE, folder)


def test_a_fragile_layer_that_is_kept_does_no_harm(tmp_path):
    workload = Workload.of(fragile_net(), data=batches(4))
    values = workload.example.args[0]

    def error(name: str, **config) -> float:
        graph = graph_of(workload, tmp_path / name, **config)
        with torch.no_grad():
            right = workload.model(values)
            return float((graph([values])[0] - right).norm() / right.norm())

    assert error("kept", keep=(FRAGILE,)) < 0.05 < 0.2 < error("all")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory) -> tuple[OptimizedModel, Workload]:
    workload = workload_of(ConvNet, batch=4, samples=4)
    before = torch._inductor.config.save_config()
    built = build(Recipe.of("int8_static"), workload, Context(tmp_path_factory.mktemp("static"), HARDWARE))
    assert torch._inductor.config.save_config() == before
    return built, workload


def test_it_computes_in_int8_kernels_and_answers_other_batches_uncompiled(compiled):
    from torch._dynamo.utils import counters

    model, workload = compiled
    lowered = sum(counters["inductor"][f"{name}_unary_lower_count"] for name in ("qconv", "qlinear"))
    assert lowered >= 2  # nothing falls back to rounding and a float product
    values = workload.example.args[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mine = model(values)
    with torch.no_grad():
        right = workload.model(values)
    assert (mine - right).norm() < 0.05 * right.norm()
    with pytest.warns(FallbackWarning, match="answered uncompiled"):
        three = model(values[:3])
    torch.testing.assert_close(three, mine[:3], rtol=0.02, atol=0.02)
    assert "int8 ranges from" in repr(model.module)
    assert 0 < model.shipped_bytes < sum(value.nbytes for value in workload.model.state_dict().values())


def test_extremes_do_not_overflow(tmp_path):
    model = nn.Sequential(nn.Linear(64, 4, bias=False))
    nn.init.constant_(model[0].weight, 1.0)
    workload = Workload.of(model.eval(), inputs=torch.ones(2, 64))
    changed = STATIC.apply(workload, Int8StaticConfig(), Context(tmp_path, HARDWARE))
    torch.testing.assert_close(changed(torch.ones(2, 64)), torch.full((2, 4), 64.0), rtol=0.02, atol=0.1)


class TestRefused:
    def test_recurrent_layers_by_name(self):
        net = nn.LSTM(8, 16, batch_first=True)
        answer = STATIC.applies_to(Workload.of(net, inputs=torch.randn(2, 3, 8)), HARDWARE)
        assert "recurrent layers such as the model (LSTM)" in answer.reason
        assert "engine='onnxruntime'" in answer.remedy

    def test_models_without_a_layer_that_it_has(self):
        answer = STATIC.applies_to(Workload.of(nn.Conv1d(2, 2, 1), inputs=torch.randn(1, 2, 3)), HARDWARE)
        assert "no linear layer and no 2-d convolution" in answer.reason

    def test_machines_without_a_compiler(self):
        answer = STATIC.applies_to(SHARING, dataclasses.replace(HARDWARE, compiler=None))
        assert answer.reason == "no C++ compiler was found"
        assert "install g++" in answer.remedy or "xcode" in answer.remedy or "Visual" in answer.remedy

    def test_flow_that_depends_on_values(self, tmp_path):
        class Branching(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.layer = nn.Linear(4, 4)

            def forward(self, x: Tensor) -> Tensor:
                return self.layer(x) if x.sum() > 0 else x

        workload = Workload.of(Branching().eval(), inputs=torch.ones(2, 4))
        with pytest.raises(NotExportable, match="control flow depends on the values"):
            STATIC.apply(workload, Int8StaticConfig(), Context(tmp_path, HARDWARE))
