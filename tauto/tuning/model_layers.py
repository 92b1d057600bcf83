"""The winner's layers beside the original's: what they are kept in, how much is zero, how large they are."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from tauto.recipes import Recipe, Step
from tauto.reports import KeptLayer, ModelLayer
from tauto.tuning.int8_layers import kept_by, quantizes, quantizing_step, scheme_of
from tauto.tuning.quantizable import quantizable_layers
from tauto.tuning.twins import dense, matrices_of, tensors_of, twins
from tauto.workload.structure import plain_parts

__all__ = ["model_layers", "precision_of"]

_ENGINE = (
    "the engine keeps all layers in files of its own: the precision is what the recipe asks for, and what they hold "
    "was not looked up"
)
_GONE = "it is no part of the optimized model any more: folded into another layer, or replaced"


def model_layers(
    original: nn.Module, optimized: nn.Module, recipe: Recipe, known: Mapping[str, KeptLayer] | None = None
) -> tuple[ModelLayer, ...]:
    """Return every layer of ``original`` that has weights of its own, with what became of it.

    Parameters
    ----------
    original, optimized : torch.nn.Module
        Only read.
    recipe : Recipe
        How one was made of the other: where that cannot be looked into, it tells what was asked for.
    known : mapping, optional
        Sensitivities by name.
    """
    theirs = twins(original, optimized)
    step = quantizing_step(recipe)
    asked = _asked(original, step, kept_by(recipe)) if step is not None else {}
    rows = []
    for path, module in original.named_modules():
        weights = dict(module.named_parameters(recurse=False))
        if not weights:
            continue
        twin = theirs.get(path)
        seen = (known or {}).get(path)
        rows.append(_row(path, module, twin, asked, bool(theirs), recipe, seen.snr_db if seen else None))
    return tuple(rows)


def _row(
    path: str,
    module: nn.Module,
    twin: nn.Module | None,
    asked: Mapping[str, str],
    open_: bool,
    recipe: Recipe,
    sensitivity: float | None,
) -> ModelLayer:
    before = _bytes(module)
    kind = type(module).__name__
    if twin is not None:
        return ModelLayer(path, kind, precision_of(twin), _zeros(twin), before, _bytes(twin), sensitivity)
    if open_:
        return ModelLayer(path, kind, None, None, before, None, sensitivity, _GONE)
    return ModelLayer(path, kind, asked.get(path, _float(recipe)), None, before, None, sensitivity, _ENGINE)


def _float(recipe: Recipe) -> str:
    precisions = (getattr(step.config, "precision", None) for step in recipe.steps)
    return next((name for name in precisions if name in {"bfloat16", "float16"}), "float32")


def _asked(original: nn.Module, step: Step, keep: tuple[str, ...]) -> dict[str, str]:
    chosen, bits = quantizes(step), scheme_of(step).bits
    asked = {}
    for layer in quantizable_layers(original)[0]:
        stays = any(layer.path == name or layer.path.startswith(f"{name}.") for name in keep)
        if not stays and chosen(layer):
            asked[layer.path] = f"int{bits}"
    return asked


def precision_of(module: nn.Module) -> str | None:
    """Return what the weights of a layer are kept in, such as ``int8``; None when it has none.

    Examples
    --------
    >>> precision_of(nn.Linear(2, 2).bfloat16())
    'bfloat16'
    """
    tensors = _all(module)
    if not tensors:
        return None
    largest = max(tensors, key=lambda tensor: tensor.numel())
    if largest.is_quantized:
        return str(largest.dtype).removeprefix("torch.q")
    if not is_traceable_wrapper_subclass(largest):
        return str(largest.dtype).removeprefix("torch.")
    name = type(largest.data).__name__.lower()
    if "int4" in name or "uint4" in name:
        return "int4"
    parts = list(plain_parts(largest))
    narrow = min(parts, key=lambda part: part.element_size()) if parts else largest
    return str(narrow.dtype).removeprefix("torch.")


def _bytes(module: nn.Module) -> int:
    return sum(
        part.numel() * part.element_size()
        for tensor in _all(module)
        for part in (plain_parts(tensor) if not tensor.is_quantized else [tensor])
    )


def _zeros(module: nn.Module) -> float | None:
    """Return the share of weights that is exactly zero; None where they cannot be looked at."""
    parts = [module] if tensors_of(module) else module.modules()
    weights = [dense(tensor) for part in parts for tensor in matrices_of(part)]
    if not weights or any(weight is None for weight in weights):
        return None
    count = sum(weight.numel() for weight in weights if weight is not None)
    return sum(int((weight == 0).sum()) for weight in weights if weight is not None) / count


def _all(module: nn.Module) -> list[Tensor]:
    """Return the weights of a module itself; of one that stands for several, those of all of them."""
    return tensors_of(module) or [tensor for part in module.modules() for tensor in tensors_of(part)]
