"""Where int8 has no fast kernel, told before any work: from the machine and the model's structure alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator

from torch import nn

from tauto.hardware import Hardware
from tauto.reports import KernelNote

__all__ = ["int8_notes"]

_TINY = 16
"""A product narrower than this takes about as long as rounding its input does."""
_BYTES = 4
"""Consecutive inputs that one 8-bit dot product takes (VNNI, AMX, NEON)."""
_WASTED = 1.2
_MUCH = 0.2
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_STATIC = "OpenVINO has kernels for them: engine='openvino'"


def int8_notes(
    model: nn.Module, hardware: Hardware, activations: Collection[str] = ("static", "dynamic")
) -> tuple[KernelNote, ...]:
    """Return what int8 is not expected to make faster here, and which engine would; runs nothing.

    Parameters
    ----------
    model : torch.nn.Module
        Only its structure is read.
    hardware : Hardware
        Its device and instruction sets.
    activations : collection of str
        How the inputs of layers are rounded in what is tried: "static", "dynamic", or "none", which computes in
        floating point, so that no kernel of integers counts.
    """
    rounded = "static" in activations or "dynamic" in activations
    notes = [*_loops(model), *_convolutions(model, activations)]
    if rounded:
        notes = [*_machine(hardware), *notes, *_kinds(model), *_shapes(model, hardware)]
    return (*notes, *_tables(model))


def _machine(hardware: Hardware) -> Iterator[KernelNote]:
    if hardware.device == "mps":
        words = "torch has no product of 8-bit numbers for Apple's GPU"
        yield KernelNote("machine", (), words, "on the CPU there are: model.cpu()")
    elif hardware.device == "cuda":
        if not hardware.has("SM75"):
            yield KernelNote("machine", (), "this GPU is older than 8-bit tensor cores (SM75): int8 is no faster on it")
    elif not (hardware.has("VNNI") or hardware.has("AMX_INT8") or hardware.has("NEON")):
        words = (
            "this CPU has no 8-bit dot product (VNNI, AMX or NEON): int8 takes a detour by 16 bits, is hardly faster "
            "than float32, and weights get seven bits so that no sum overflows"
        )
        if hardware.platform != "linux":
            words = f"it is not known here whether the CPU has an 8-bit dot product; where not, {words.split(': ')[1]}"
        yield KernelNote("machine", (), words, "int8 still makes the model smaller: objective='size'")


def _loops(model: nn.Module) -> Iterator[KernelNote]:
    yield from _note(
        model,
        "recurrent layers",
        lambda module: isinstance(module, nn.LSTM | nn.GRU),
        "torchao has no 8-bit recurrent layers: there they stay in float32",
        "ONNX Runtime has LSTM, OpenVINO has LSTM and GRU: engine='onnxruntime' or 'openvino'",
    )
    yield from _note(
        model,
        "plain recurrent layers and cells",
        lambda module: isinstance(module, nn.RNN | nn.RNNCellBase),
        "no engine here has them in 8 bits: they stay in float32",
        "",
    )


def _convolutions(model: nn.Module, activations: Collection[str]) -> Iterator[KernelNote]:
    if "dynamic" in activations:
        reason = "dynamic quantization reaches products of matrices alone: with it they stay in float32"
        remedy = "static quantization has them, calibrated on data: method='static'"
        if "static" in activations:
            remedy = "static quantization, which is tried too, has them"
    elif "static" in activations:
        return
    else:
        reason = "with weights alone they stay in float32: only OpenVINO rounds those of convolutions too"
        remedy = "engine='openvino'; for speed, static quantization: method='static'"
    yield from _note(model, "convolutions", _convolution, reason, remedy)


def _kinds(model: nn.Module) -> Iterator[KernelNote]:
    yield from _note(
        model,
        "transposed convolutions",
        lambda module: isinstance(module, _TRANSPOSED),
        "torch's own compiler and ONNX Runtime have no 8-bit kernels for them",
        _STATIC,
    )
    yield from _note(
        model,
        "one- and three-dimensional convolutions",
        lambda module: isinstance(module, nn.Conv1d | nn.Conv3d),
        "torch's own compiler has 8-bit kernels for two dimensions: with it they stay in float32",
        _STATIC,
    )


def _tables(model: nn.Module) -> Iterator[KernelNote]:
    weights = sum(parameter.numel() for parameter in model.parameters()) or 1
    yield from _note(
        model,
        "large embeddings",
        lambda module: isinstance(module, nn.Embedding | nn.EmbeddingBag) and module.weight.numel() > _MUCH * weights,
        "a table is looked up and computes nothing: it would be smaller in 8 bits and no faster, and stays in float32",
        "",
    )


def _shapes(model: nn.Module, hardware: Hardware) -> Iterator[KernelNote]:
    yield from _note(
        model,
        "depthwise convolutions",
        _depthwise,
        "each output takes a few products only, and reading decides how fast they are: int8 gains little",
        "engines that fuse them with their neighbours gain some: engine='openvino'",
    )
    yield from _note(
        model,
        "narrow layers",
        lambda module: not _depthwise(module) and 0 < min(_widths(module)) < _TINY,
        f"with fewer than {_TINY} channels on a side, rounding the input takes about as long as the product",
        "",
    )
    lanes = _lanes(hardware)
    yield from _note(
        model,
        f"widths that 8-bit kernels fill up (to {_BYTES} in, {lanes} out)",
        lambda module: not _depthwise(module) and min(_widths(module)) >= _TINY and _fill(module, lanes) > _WASTED,
        "more than a sixth of the work would be on zeros that are put beside the channels",
        f"widths that are multiples of {lanes} waste nothing",
    )


def _note(
    model: nn.Module, subject: str, chosen: Callable[[nn.Module], bool], reason: str, remedy: str
) -> Iterator[KernelNote]:
    names = tuple(path or "the model itself" for path, module in model.named_modules() if chosen(module))
    if names:
        yield KernelNote(subject, names, reason, remedy)


def _widths(module: nn.Module) -> tuple[int, int]:
    """Return inputs and outputs of one product of a layer; zeros where it has none."""
    if isinstance(module, nn.Linear):
        return module.in_features, module.out_features
    if isinstance(module, nn.modules.conv._ConvNd):
        inside = module.in_channels // module.groups * math.prod(module.kernel_size)
        return inside, module.out_channels // module.groups
    return 0, 0


def _convolution(module: nn.Module) -> bool:
    return isinstance(module, nn.modules.conv._ConvNd) and not isinstance(module, _TRANSPOSED)


def _depthwise(module: nn.Module) -> bool:
    return isinstance(module, nn.modules.conv._ConvNd) and 1 < module.groups == module.in_channels


def _lanes(hardware: Hardware) -> int:
    if hardware.has("AVX512") or hardware.has("AMX_INT8"):
        return 16
    return 4 if hardware.has("NEON") else 8


def _fill(module: nn.Module, lanes: int) -> float:
    """Return the work with widths filled up over the work without."""
    inside, outside = _widths(module)
    filled = math.ceil(inside / _BYTES) * _BYTES * math.ceil(outside / lanes) * lanes
    return filled / (inside * outside)
