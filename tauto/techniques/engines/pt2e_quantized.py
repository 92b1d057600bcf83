"""An exported program in int8, by torchao's PT2E: real code, of which the scripts hold the text."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from tauto.techniques.listing import listed

__all__ = ["DEFINITIONS", "IMPORTS", "inductor_quantizer", "name_sources", "names_of", "observed", "quantized"]


def names_of(model: nn.Module, keep: Sequence[str]) -> list[str]:
    """Return every name under which a program may know these modules of ``model``: shared ones have several."""
    named = list(model.named_modules(remove_duplicate=False))
    wanted = [model.get_submodule(name) for name in keep]
    return [f"model.{name}" for name, module in named if any(module is each for each in wanted)]


def inductor_quantizer(names: Sequence[str], observer: str | None, narrow: bool) -> Any:
    """Return what tells torchao which operators become int8 and how their ranges are told.

    On x86 a weight has a scale for each output channel, on ARM (never run) one for all.

    Parameters
    ----------
    names : sequence of str
        Modules that stay in floating point, from :func:`names_of`.
    observer : {"minmax", "average", "histogram"} or None
        How ranges are told from what was seen; None is ``"histogram"``, which clips where that makes the error least.
    narrow : bool
        Keep inputs to seven bits, for CPUs whose sums of products overflow.
    """
    from torchao.quantization.pt2e import HistogramObserver, MinMaxObserver, MovingAverageMinMaxObserver

    if platform.machine().lower() in ("arm64", "aarch64"):
        from torchao.quantization.pt2e.quantizer.arm_inductor_quantizer import (
            ArmInductorQuantizer,
            get_default_arm_inductor_quantization_config,
        )

        quantizer, settings = ArmInductorQuantizer(), get_default_arm_inductor_quantization_config()
    else:
        from torchao.quantization.pt2e.quantizer.x86_inductor_quantizer import (
            X86InductorQuantizer,
            get_default_x86_inductor_quantization_config,
        )

        quantizer = X86InductorQuantizer()
        settings = get_default_x86_inductor_quantization_config(reduce_range=narrow)
        # products of two activations, element by element, have no int8 kernel: they would only be rounded
        quantizer.set_function_type_qconfig(torch.mul, None)
    kinds = {"minmax": MinMaxObserver, "average": MovingAverageMinMaxObserver, "histogram": HistogramObserver}
    ranges = dataclasses.replace(
        settings.input_activation,
        observer_or_fake_quant_ctr=kinds[observer or "histogram"].with_args(eps=2**-12),
    )
    quantizer.set_global(dataclasses.replace(settings, input_activation=ranges, output_activation=ranges))
    for name in names:
        quantizer.set_module_name_qconfig(name, None)
    return quantizer


def observed(program: Any, names: Sequence[str], observer: str | None, narrow: bool) -> Any:
    """Return the exported ``program`` as a graph that watches its numbers when it is called with a list of tensors.

    Parameters
    ----------
    program : torch.export.ExportedProgram
        Of a model under the name ``model``.
    names, observer, narrow
        As for :func:`inductor_quantizer`.
    """
    from torchao.quantization.pt2e.quantize_pt2e import prepare_pt2e

    graph = program.module(check_guards=False)
    name_sources(graph.graph)
    return prepare_pt2e(graph, inductor_quantizer(names, observer, narrow))


def name_sources(graph: Any) -> None:
    """Tell the quantizer what each operator of ``graph`` is, alone.

    By itself it goes by the modules that operators come from: it would not see what is called as a function, as in
    attention, and refuse a layer that is called twice or pads its input.
    """
    aten = torch.ops.aten
    known = {aten.linear.default: nn.Linear, aten.conv2d.default: nn.Conv2d, aten.relu.default: nn.ReLU}
    layers = {f"{kind.__module__}.{kind.__qualname__}" for kind in (nn.Linear, nn.Conv2d)}
    for node in graph.nodes:
        if node.op != "call_function":
            continue
        stack = list(node.meta.get("nn_module_stack", {}).values())
        inner = stack[-1][1] if stack else None
        inside = inner in layers if isinstance(inner, str) else inner and issubclass(inner, (nn.Linear, nn.Conv2d))
        if node.target in known or inside:
            node.meta["source_fn_stack"] = [(node.name, known.get(node.target, node.target))]


def quantized(graph: Any) -> Any:
    """Return the graph of :func:`observed` with int8 weights, and each int8 operator between rounding and widening.

    Compiled with frozen weights the three become one kernel; uncompiled they are right, and slow.
    """
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e

    graph = convert_pt2e(graph)
    read = {node.target for node in graph.graph.nodes if node.op == "get_attr"}
    for name in graph.state_dict().keys() - read:  # the float32 weights, which are left behind
        path, _, attribute = name.rpartition(".")
        delattr(graph.get_submodule(path), attribute)
    return graph


IMPORTS = ("import dataclasses", "import platform", "import torch._inductor.config")
DEFINITIONS = tuple(listed(item) for item in (names_of, name_sources, inductor_quantizer, observed, quantized))
