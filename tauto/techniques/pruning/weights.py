"""Single weights set to zero: the smallest ones wherever they are, in each layer, or two of every four.

It needs torch alone, so that a recipe's script can carry this text.
"""

from __future__ import annotations

import zlib
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from tauto.techniques.pruning.cuts import unfit

__all__ = ["compressed_bytes", "hold_zeros", "let_go", "prunable", "smallest_at_zero", "zero_weights"]

LEVEL = 6


def prunable(model: nn.Module) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the linear and convolutional layers, and those of them that cannot be changed, with the reason."""
    bad = unfit(model, tied=False)
    kinds = (nn.Linear, nn.modules.conv._ConvNd)
    layers = {name: module for name, module in model.named_modules() if isinstance(module, kinds)}
    found: dict[str, Any] = {}
    left: dict[str, str] = {}
    for name, module in layers.items():  # named_modules() gives a module once; a weight may still be of two
        if module in bad:
            left[name] = bad[module]
        elif not module.weight.is_floating_point():
            left[name] = f"its weight is of {module.weight.dtype}"
        elif not any(module.weight is other.weight for other in found.values()):
            found[name] = module
    for name, module in model.named_modules():
        kind = type(module).__name__
        computed = "parametrizations." in name  # its layer is told of already
        if not isinstance(module, kinds) and any(each.ndim > 1 for each in module.parameters(recurse=False)):
            left |= {} if computed else {name: f"weights of {kind} are not pruned"}
    return found, left


def zero_weights(
    model: nn.Module,
    share: float,
    *,
    pattern: str = "",
    spread: str = "global",
    ratios: dict[str, float] | None = None,
) -> dict[str, Tensor]:
    """Set the smallest weights of ``model`` to zero, in place, and return the masks of what stays, by layer.

    Parameters
    ----------
    model : torch.nn.Module
        Its linear and convolutional layers are changed; those whose weight is computed are left.
    share : float
        Of the weights that become zero.
    pattern : str
        ``"2:4"``: the two smallest of every four neighbours along the inputs, whatever ``share`` is.
    spread : str
        ``global``: the smallest of all layers together; ``uniform``: the same share of each.
    ratios : dict of str to float
        Shares of single layers: then these alone are changed, each by its own.
    """
    layers, _ = prunable(model)
    if ratios:
        layers = {name: layer for name, layer in layers.items() if name in ratios}
    masks = {}
    bar = None
    if spread == "global" and not pattern and layers and not ratios:
        sizes = torch.cat([module.weight.detach().abs().float().flatten() for module in layers.values()])
        bar = _bar(sizes, share)
    for name, module in layers.items():
        weight = module.weight.detach().abs().float()
        above = _bar(weight.flatten(), (ratios or {}).get(name, share)) if bar is None else bar
        mask = _two_of_four(weight) if pattern else weight > above
        if mask is not None:
            masks[name] = mask
            module.weight.data.mul_(mask)
    return masks


def smallest_at_zero(weight: Tensor, share: float) -> Tensor:
    """Return the mask of what stays of one layer's ``weight`` when its smallest ``share`` becomes zero."""
    sizes = weight.detach().abs().float()
    return sizes > _bar(sizes.flatten(), share)


def _bar(sizes: Tensor, share: float) -> Tensor:
    """Return the size up to which weights go."""
    return sizes.kthvalue(max(1, round(share * sizes.numel()))).values


def _two_of_four(weight: Tensor) -> Tensor | None:
    """Return the mask that keeps the two largest of every four along the inputs; None where they are not of fours."""
    flat = weight.flatten(1)
    if flat.shape[1] % 4:
        return None
    fours = flat.reshape(-1, 4)
    kept = torch.zeros_like(fours, dtype=torch.bool).scatter_(1, fours.argsort(dim=1, descending=True)[:, :2], True)
    return kept.reshape(weight.shape)


def hold_zeros(model: nn.Module, masks: dict[str, Tensor]) -> None:
    """Keep what is zero at zero while the model is trained, by torch's own masks."""
    for name, mask in masks.items():
        prune.custom_from_mask(model.get_submodule(name), "weight", mask)  # type: ignore[no-untyped-call]


def let_go(model: nn.Module, masks: dict[str, Tensor]) -> None:
    """Make the masks permanent, so that the weights are plain again."""
    for name in masks:
        prune.remove(model.get_submodule(name), "weight")  # type: ignore[no-untyped-call]


def compressed_bytes(model: nn.Module) -> int:
    """Return the bytes of all weights and buffers compressed by zlib: what zeros save in a file or a download."""
    total = 0
    once = {(tensor.data_ptr(), tensor.shape): tensor for tensor in model.state_dict().values()}  # tied ones count once
    for tensor in once.values():
        flat = tensor.detach().cpu().contiguous().flatten()
        total += len(zlib.compress(flat.view(torch.uint8).numpy().tobytes(), LEVEL))
    return total
