"""Peers that make a model smaller, each by its own API with what the plain example of its documentation says."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.trained import Attention, CharacterTransformer, Net, cross_entropy
from tauto.fitting import Plan, fit

__all__ = ["PEERS", "Shipped"]

MAX_DROP = 0.005
"""What int8 may cost, as a share right: half a point."""


class Shipped(nn.Module):
    """A peer's model behind ``forward``, with the bytes of its files, so that the same code times and judges it."""

    def __init__(self, call: Callable[..., Any], shipped_bytes: int) -> None:
        super().__init__()
        self._call, self.shipped_bytes = call, shipped_bytes

    def forward(self, inputs: Tensor) -> Any:
        return self._call(inputs)


def torch_pruning_alone(net: Net, model: nn.Module, share: float) -> nn.Module:
    """Torch-Pruning's own pruner with the share that TAuto found, and the same training after it."""
    import torch_pruning as tp

    last = model.head if isinstance(model, CharacterTransformer) else model[-1]
    heads = {layer: each.num_heads for each in _attentions(model) for layer in (each.query, each.key, each.value)}
    pruner = tp.pruner.BasePruner(
        model,
        net.example,
        importance=tp.importance.GroupMagnitudeImportance(p=2),
        pruning_ratio=share,
        ignored_layers=[last],
        num_heads=heads,
        round_to=8,
    )
    pruner.step()
    return fit(model, net.loader(), cross_entropy, Plan(epochs=net.epochs, learning_rate=1e-3)).model.eval()


def _attentions(model: nn.Module) -> list[Attention]:
    return [module for module in model.modules() if isinstance(module, Attention)]


def _openvino(net: Net, model: nn.Module) -> Any:
    import openvino

    return openvino.convert_model(model, example_input=net.example)


def _rows(net: Net) -> Any:
    import nncf

    return nncf.Dataset(list(net.loader()), lambda batch: batch[0].numpy())


def _kind(model: nn.Module) -> dict[str, Any]:
    import nncf

    return {"model_type": nncf.ModelType.TRANSFORMER} if _attentions(model) else {}


def _compiled(graph: Any) -> nn.Module:
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.xml"
        openvino.save_model(graph, path)
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
    compiled = openvino.compile_model(graph, "CPU", {"PERFORMANCE_HINT": "LATENCY"})
    return Shipped(lambda inputs: torch.from_numpy(compiled(inputs.numpy())[0]), size)


def nncf_quantize(net: Net, model: nn.Module, share: float) -> nn.Module:
    """NNCF's post-training quantization of the OpenVINO model."""
    import nncf

    return _compiled(nncf.quantize(_openvino(net, model), _rows(net), **_kind(model)))


def nncf_accuracy_control(net: Net, model: nn.Module, share: float) -> nn.Module:
    """NNCF's quantization with layers given back until no more than half a point is lost where it judges."""
    import nncf

    def validate(compiled: Any, data: Iterable[tuple[Tensor, Tensor]]) -> float:
        right = total = 0
        for inputs, labels in data:
            right += int((torch.from_numpy(compiled(inputs.numpy())[0]).argmax(-1) == labels).sum())
            total += labels.numel()
        return right / total

    inputs, labels = net.split().judge
    judged = list(zip(inputs.split(net.batch), labels.split(net.batch), strict=True))
    graph = nncf.quantize_with_accuracy_control(
        _openvino(net, model),
        calibration_dataset=_rows(net),
        validation_dataset=nncf.Dataset(judged),
        validation_fn=validate,
        max_drop=MAX_DROP,
        drop_type=nncf.DropType.ABSOLUTE,
        **_kind(model),
    )
    return _compiled(graph)


def torchao_dynamic(net: Net, model: nn.Module, share: float) -> nn.Module:
    """torchao's int8 of linear layers, inputs quantized as they come, compiled."""
    from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_

    quantize_(model, Int8DynamicActivationInt8WeightConfig())
    return torch.compile(model)


def torchao_weights(net: Net, model: nn.Module, share: float) -> nn.Module:
    """torchao's int8 of the weights of linear layers, compiled."""
    from torchao.quantization import Int8WeightOnlyConfig, quantize_

    quantize_(model, Int8WeightOnlyConfig())
    return torch.compile(model)


def inc_autotune(net: Net, model: nn.Module, share: float) -> nn.Module:
    """Intel Neural Compressor's ``autotune`` over static int8, compiled with freezing as its documentation does."""
    import torch._inductor.config as inductor
    from neural_compressor.torch.export import export
    from neural_compressor.torch.quantization import StaticQuantConfig, TuningConfig, autotune

    feeds = [rows for rows in net.split().train[0].split(net.batch)[:20] if len(rows) == net.batch]

    def calibrate(graph: nn.Module) -> None:
        for rows in feeds:
            graph(rows)

    tuned = autotune(
        export(model, example_inputs=(net.example,)),
        tune_config=TuningConfig(config_set=[StaticQuantConfig()], tolerable_loss=MAX_DROP),
        eval_fn=net.judged,
        run_fn=calibrate,
    )
    if tuned is None:
        raise RuntimeError("autotune returned no model")
    inductor.freezing = True
    return torch.compile(tuned)


PEERS: dict[str, Callable[[Net, nn.Module, float], nn.Module]] = {
    "Torch-Pruning": torch_pruning_alone,
    "NNCF quantize": nncf_quantize,
    "NNCF accuracy control": nncf_accuracy_control,
    "torchao dynamic int8": torchao_dynamic,
    "torchao int8 weights": torchao_weights,
    "INC autotune": inc_autotune,
}
"""Each takes a net, a copy of it trained, and the share of channels to take; and returns what is to be measured."""
