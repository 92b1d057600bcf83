"""The layers of an optimized model found again by their names in the original."""

from __future__ import annotations

from torch import Tensor, nn
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from tauto.techniques.sparsity.linear import SparseLinear

__all__ = ["dense", "matrices_of", "tensors_of", "twins"]


def twins(original: nn.Module, optimized: nn.Module) -> dict[str, nn.Module]:
    """Return the optimized modules by the original's names: under whichever wrapper most of them are found.

    What stands in the place of a layer may be several, such as two of low rank: then it is what holds them. An engine
    that keeps all in files of its own has none.
    """
    names = {path: module for path, module in original.named_modules() if path and tensors_of(module)}
    modules = {
        ".".join(part for part in path.split(".") if part != "_orig_mod"): module
        for path, module in optimized.named_modules()
    }
    prefixes = [path for path in modules if path.count(".") < 4]
    best = max(prefixes, key=lambda prefix: sum(_under(prefix, name) in modules for name in names), default="")
    found = {name: modules[_under(best, name)] for name in names if _under(best, name) in modules}
    # an engine holds nothing but an empty parameter; a module without weights is none of the original's layers
    found = {name: twin for name, twin in found.items() if tensors_of(twin) or _replaces(names[name], twin)}
    if not names:  # a layer by itself is known by its class
        best = next((path for path, module in modules.items() if type(module) is type(original)), best)
    if tensors_of(original) and best in modules and tensors_of(modules[best]):
        found[""] = modules[best]
    return found


def _under(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _replaces(layer: nn.Module, twin: nn.Module) -> bool:
    """Return whether ``twin`` holds several layers in the place of one."""
    alone = not any(tensors_of(part) for part in layer.modules() if part is not layer)
    return alone and any(tensors_of(part) for part in twin.modules())


def tensors_of(module: nn.Module) -> list[Tensor]:
    """Return the weights of a module itself; torch.ao's quantized ones keep them packed."""
    own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
    packed = getattr(module, "_packed_params", None)
    if packed is not None and callable(weight := getattr(module, "weight", None)):
        own.append(weight())
    return [tensor for tensor in own if tensor.numel()]


def matrices_of(module: nn.Module) -> list[Tensor]:
    """Return those weights of a module itself that have rows and columns; of sparse kernels with their zeros."""
    if isinstance(module, SparseLinear):
        return [module.weight]
    return [tensor for tensor in tensors_of(module) if tensor.ndim > 1]


def dense(weight: Tensor) -> Tensor | None:
    """Return a weight as plain numbers, dequantized where it is quantized; None where it does not say its values."""
    try:
        wrapped = weight.is_quantized or is_traceable_wrapper_subclass(weight)
        return weight.detach().dequantize() if wrapped else weight.detach()
    except (AttributeError, NotImplementedError, RuntimeError):
        return None
