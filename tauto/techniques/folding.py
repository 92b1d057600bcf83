"""Finding batch normalisations that only scale and shift what one layer puts out, and folding them into it.

A pair is believed only from what was seen while the model ran: the layer's output went into the normalisation,
whole and unchanged, and nowhere else. This needs no tracing, so it works for models of any style. It needs
torch alone, so that a recipe's script can carry this text.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.utils.fusion import fuse_conv_bn_weights, fuse_linear_bn_weights
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

__all__ = ["CONVOLUTIONS", "NORMS", "PairFinder", "fold", "fold_batchnorms", "is_plain"]

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def is_plain(module: nn.Module) -> bool:
    """Return whether ``module`` is torch's own layer, without hooks, parametrizations or a replaced ``forward``."""
    if type(module) not in (*CONVOLUTIONS, nn.Linear, *NORMS) or "forward" in vars(module):
        return False
    return not any(value for name, value in vars(module).items() if name.endswith("_hooks"))


class PairFinder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Watches a model run and knows which layers feed a batch normalisation and nothing else.

    Parameters
    ----------
    model : torch.nn.Module
        In eval mode. Modules registered under several names are left alone.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        modules = [module for _, module in model.named_modules(remove_duplicate=False) if is_plain(module)]
        self.candidates = [module for module in modules if modules.count(module) == 1]
        self.norm_of: dict[_ConvNd | nn.Linear, _BatchNorm] = {}
        self.refused: set[nn.Module] = set()
        self._running: list[nn.Module] = []
        self._outputs: dict[int, tuple[weakref.ref[Tensor], _ConvNd | nn.Linear]] = {}
        self._calls: dict[nn.Module, int] = {}
        self._weights = {id(tensor): module for module in self.candidates for tensor in module.parameters()}

    def watch(self, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Run ``model`` once and take note."""
        self._outputs.clear()
        self._calls.clear()
        handles = [module.register_forward_pre_hook(self._enter) for module in self.candidates]
        handles += [module.register_forward_hook(self._leave) for module in self.candidates]
        try:
            with torch.no_grad(), self:
                kept = model(*args, **kwargs)
        finally:
            for handle in handles:
                handle.remove()
        # an output that is still alive was returned or stored: somebody else reads it
        self.refused.update(layer for output, layer in self._outputs.values() if output() is not None)
        self.refused.update(module for module, calls in self._calls.items() if calls > 1)
        # a layer that ran without its normalisation, or the other way round, is not a pair
        for layer, norm in self.norm_of.items():
            if self._calls.get(layer, 0) != self._calls.get(norm, 0):
                self.refused.add(layer)
        del kept

    def pairs(self) -> list[tuple[_ConvNd | nn.Linear, _BatchNorm]]:
        """Return the pairs of a layer and its normalisation that held in every run."""
        return [
            (layer, norm)
            for layer, norm in self.norm_of.items()
            if layer not in self.refused and norm not in self.refused
        ]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Note every use of a layer's output or weights outside of the modules that may use them."""
        inside = self._running[-1] if self._running else None
        for item in tree_leaves((args, kwargs or {})):
            if not isinstance(item, Tensor):
                continue
            owner = self._weights.get(id(item))
            if owner is not None and owner is not inside:
                self.refused.add(owner)
            layer = self._layer_of(item)
            if layer is not None and (inside is None or self.norm_of.get(layer) is not inside):
                self.refused.add(layer)
        return func(*args, **(kwargs or {}))

    def _layer_of(self, tensor: Any) -> _ConvNd | nn.Linear | None:
        output, layer = self._outputs.get(id(tensor), (None, None))
        return layer if output is not None and output() is tensor else None

    def _enter(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        self._running.append(module)
        self._calls[module] = self._calls.get(module, 0) + 1
        layer = self._layer_of(args[0]) if len(args) == 1 else None
        if isinstance(module, _BatchNorm) and (layer is None or self.norm_of.setdefault(layer, module) is not module):
            self.refused.add(module)

    def _leave(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        self._running.pop()
        if isinstance(module, (_ConvNd, nn.Linear)) and is_foldable(module, output):
            self._outputs[id(output)] = (weakref.ref(output), module)


def is_foldable(layer: _ConvNd | nn.Linear, output: Tensor) -> bool:
    """Return whether a normalisation of dimension 1 of ``output`` is one of the layer's own channels."""
    if isinstance(layer, nn.Linear):
        return output.ndim == 2
    # an unbatched output has its channels first; a transposed convolution in groups orders its weight otherwise
    return output.ndim == layer.weight.ndim and not (layer.transposed and layer.groups > 1)


def fold(layer: _ConvNd | nn.Linear, norm: _BatchNorm) -> None:
    """Give ``layer`` the weight and bias that make it do what ``norm`` did after it."""
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("a batch normalisation without running statistics cannot be folded")
    mean, variance, eps = norm.running_mean, norm.running_var, norm.eps
    scale = torch.ones_like(mean) if norm.weight is None else norm.weight
    shift = torch.zeros_like(mean) if norm.bias is None else norm.bias
    weight, bias = layer.weight, layer.bias
    if isinstance(layer, nn.Linear):
        layer.weight, layer.bias = fuse_linear_bn_weights(weight, bias, mean, variance, eps, scale, shift)
    else:
        layer.weight, layer.bias = fuse_conv_bn_weights(
            weight, bias, mean, variance, eps, scale, shift, layer.transposed
        )


def fold_batchnorms(model: nn.Module, calls: Iterable[tuple[tuple[Any, ...], dict[str, Any]]]) -> int:
    """Fold what can be folded in ``model`` itself, in eval mode, as seen over ``calls``; return how many."""
    finder = PairFinder(model)
    for args, kwargs in calls:
        finder.watch(model, args, kwargs)
    pairs = [
        (layer, norm)
        for layer, norm in finder.pairs()
        if norm.running_mean is not None and norm.running_mean.dtype == layer.weight.dtype
    ]
    for layer, norm in pairs:
        fold(layer, norm)
    folded = {norm for _, norm in pairs}
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if child in folded:
                setattr(parent, name, nn.Identity())
    return len(pairs)
