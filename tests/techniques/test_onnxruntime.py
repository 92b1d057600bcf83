"""What only ONNX Runtime's technique does."""

import pytest
import torch
from engine_models import ConvNet, Decoder, Mlp, Recurrent, bert, call_of, workload_of

from tauto.hardware import Hardware
from tauto.techniques import Context, technique
from tauto.techniques.engines.onnxruntime import OnnxRuntimeConfig
from tauto.workload.structure import flatten

pytest.importorskip("onnxruntime")


def applied(workload, folder, precision):
    return technique("onnxruntime").apply(workload, OnnxRuntimeConfig(precision), Context(folder, Hardware.current()))


def relative_error(module, model, call):
    with torch.no_grad():
        pairs = zip(flatten(call(module))[0], flatten(call(model))[0], strict=True)
        return max(float((mine - theirs).norm() / theirs.norm()) for mine, theirs in pairs)


# The decoder's layers share their weights in the file: the quantizer would transpose these twice.
@pytest.mark.parametrize("kind", [Mlp, Recurrent, Decoder])
def test_int8_is_close_at_every_batch_size(kind, tmp_path):
    workload = workload_of(kind)
    module = applied(workload, tmp_path, "int8_dynamic")
    for batch in (1, 3, 7):
        assert 0 < relative_error(module, workload.model, call_of(kind, batch)) < 0.1


def test_int8_is_smaller(tmp_path):
    workload = workload_of(Mlp)
    workload = workload.with_model(torch.nn.Sequential(torch.nn.Linear(16, 512), torch.nn.Linear(512, 512)).eval())
    sizes = [applied(workload, tmp_path / name, name).shipped_bytes for name in ("float32", "int8_dynamic")]
    assert sizes[1] < sizes[0] / 3


def test_space_has_int8_only_where_a_layer_would_change():
    hardware, known = Hardware.current(), technique("onnxruntime")

    def precisions(model):
        return [config.precision for config in known.space(workload_of(Mlp).with_model(model), hardware)]

    assert precisions(Mlp()) == ["float32", "int8_static", "int8_dynamic"]
    assert precisions(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3))) == ["float32", "int8_static"]
    assert precisions(torch.nn.LSTM(3, 4)) == ["float32", "int8_dynamic"]
    assert precisions(torch.nn.LayerNorm(3)) == ["float32"]


@pytest.mark.parametrize("kind", [ConvNet, Decoder, bert])
def test_static_int8_is_close_at_every_batch_size(kind, tmp_path):
    workload = workload_of(kind, batch=4, samples=8)
    module = applied(workload, tmp_path, "int8_static")
    for batch in (1, 5):
        assert 0 < relative_error(module, workload.model, call_of(kind, batch)) < 0.15


def test_observers_tell_ranges_apart(tmp_path):
    """One value far out: what takes the extremes spends its steps on it, what averages over the calls does less."""
    workload = workload_of(Mlp, batch=64, samples=4)
    for call in workload.samples[:1]:
        call.args[0][0, 0] = 300.0
    usual = call_of(Mlp, 32, seed=9)
    errors = {}
    for observer in ("minmax", "average"):
        known = technique("onnxruntime")
        config = OnnxRuntimeConfig("int8_static", observer)
        module = known.apply(workload, config, Context(tmp_path / observer, Hardware.current()))
        errors[observer] = relative_error(module, workload.model, usual)
    assert errors["average"] < 0.5 * errors["minmax"]


def test_is_called_from_several_threads(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    workload = workload_of(Mlp)
    module = applied(workload, tmp_path, "float32")
    inputs = [torch.randn(2, 16) for _ in range(40)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(module, inputs))
    for x, answer in zip(inputs, answers, strict=True):
        torch.testing.assert_close(answer, workload.model(x).detach(), rtol=1e-4, atol=1e-5)
