"""Layers that stay in floating point while the others are quantized, by their dotted names."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from tauto.conversion.nodes import onnx_nodes, openvino_nodes
from tauto.errors import CandidateFailed, did_you_mean

__all__ = ["bare", "check_found", "check_kept", "excluded_nodes", "ignored_operations", "linear_but"]


def bare(model: nn.Module) -> nn.Module:
    """Return the model inside the classes that a layout puts between it and its caller."""
    while type(model).__name__ == "ChannelsLast":
        model = model.module  # type: ignore[assignment]
    return model


def check_kept(model: nn.Module, keep: Collection[str], argument: str = "keep") -> None:
    """Raise when ``model`` has no layer of one of these names.

    Raises
    ------
    CandidateFailed
        It names the layer, and one that is like it.
    """
    known = {path for path, _ in bare(model).named_modules(remove_duplicate=False) if path}
    for name in keep:
        if name not in known:
            raise CandidateFailed(
                f"{argument}: the model has no layer {name!r}. {did_you_mean(name, known)}".rstrip(". ")
            )


def linear_but(model: nn.Module, keep: Collection[str], tables: bool = False) -> Callable[[nn.Module, str], bool]:
    """Return what torchao asks of each module: whether it is a plain linear layer, not quantized yet, not to be kept.

    Layers are known by themselves and not by their names, of which a shared one has several. With ``tables``, plain
    embeddings are chosen too.
    """
    kept = {id(layer) for name in keep for layer in model.get_submodule(name).modules()}
    kinds = (nn.Linear, nn.Embedding) if tables else (nn.Linear,)

    def chosen(module: nn.Module, _: str) -> bool:
        if type(module) not in kinds or id(module) in kept or getattr(module, "max_norm", None) is not None:
            return False
        return "weight" in module._parameters and type(module.weight.data) is Tensor

    return chosen


def check_found(onnx_path: Path, model: nn.Module, keep: Collection[str]) -> None:
    """Raise when a layer of ``model`` is nowhere in the exported graph.

    An embedding may be: read at the same places in every call, what was read is a constant.

    Raises
    ------
    CandidateFailed
        It names the layers.
    """
    import onnx

    graph = onnx.load(onnx_path, load_external_data=False).graph
    layers = [name for name in keep if not isinstance(bare(model).get_submodule(name), nn.Embedding)]
    if lost := [name for name in layers if not onnx_nodes(graph, name)]:
        raise CandidateFailed(f"keep: nothing in the exported graph is computed by {', '.join(lost)}")


def excluded_nodes(graph: Any, keep: Collection[str]) -> list[str]:
    """Return the names by which ONNX Runtime's quantizers leave these modules as they are."""
    names = [node.name for path in keep for node in onnx_nodes(graph, path)]
    # a Gemm becomes a MatMul and an Add before it is quantized
    return [*names, *(f"{name}_MatMul" for name in names)]


def ignored_operations(model: Any, graph: Any, keep: Collection[str]) -> list[str]:
    """Return the names of the operations of these modules in the OpenVINO ``model`` read from the ONNX ``graph``."""
    known = {value.name for value in (*graph.input, *graph.initializer)}
    known.update(name for node in graph.node for name in node.output)
    return [name for path in keep for name in openvino_nodes(model, onnx_nodes(graph, path), known)]
