"""Writing a layer as two thinner ones, by its largest singular values.

A linear layer ``W ≈ (U S) Vᵀ`` becomes one into ``rank`` values and one out of them (Xue, Li and Gong, "Restructuring
of deep neural network acoustic models with singular value decomposition", Interspeech 2013). A convolution becomes one
of the same kernel into ``rank`` channels and one of 1 × 1 out of them, by the same decomposition of its filters as
rows (Zhang, Zou, He and Sun, "Accelerating very deep convolutional networks for classification and detection", TPAMI
2016, arXiv:1505.06798, without its fit to responses). It needs torch alone, so that a recipe's script can carry this
text.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

__all__ = [
    "CONVOLUTIONS",
    "WeightReaders",
    "factorize_layers",
    "in_two",
    "obstacles",
    "put_in_place",
    "rank_of",
    "spectrum",
    "worth_it",
]

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


class WeightReaders(TorchFunctionMode):
    """Watches a model run, and knows which layers run and whose weights others read.

    Parameters
    ----------
    layers : dict
        The layers to watch, by name.
    """

    def __init__(self, layers: dict[str, nn.Module]) -> None:
        super().__init__()
        self.layers = layers
        self.ran: set[str] = set()
        self.read: set[str] = set()
        self._running: list[nn.Module] = []
        self._names = {id(layer): name for name, layer in layers.items()}
        self._owners = {id(one): name for name, layer in layers.items() for one in layer.parameters(recurse=False)}

    def watch(self, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Run ``model`` once and take note."""
        handles = [layer.register_forward_pre_hook(self._enter) for layer in self.layers.values()]
        handles += [layer.register_forward_hook(self._leave) for layer in self.layers.values()]
        try:
            with torch.no_grad(), self:
                model(*args, **kwargs)
        finally:
            for handle in handles:
                handle.remove()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Note whose weights are used, or looked at, outside of their own layer's call."""
        inside = self._running[-1] if self._running else None
        for item in tree_leaves((args, kwargs or {})):
            name = self._owners.get(id(item)) if isinstance(item, Tensor) else None
            if name is not None and self.layers[name] is not inside:
                self.read.add(name)
        return func(*args, **(kwargs or {}))

    def _enter(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        self.ran.add(self._names[id(module)])
        self._running.append(module)

    def _leave(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        self._running.pop()


def obstacles(model: nn.Module) -> tuple[dict[str, nn.Module], dict[str, str]]:
    """Return the layers of ``model`` that can be written as two, and why others cannot."""
    found: dict[str, nn.Module] = {}
    left: dict[str, str] = {}
    holders: dict[int, int] = {}
    for module in model.modules():
        for one in module.parameters(recurse=False):
            holders[id(one)] = holders.get(id(one), 0) + 1
    encoders = [module for module in model.modules() if isinstance(module, nn.TransformerEncoderLayer)]
    fused = {id(part) for encoder in encoders for part in encoder.children()}
    for name, layer in model.named_modules():
        if isinstance(layer, (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)):
            left[name] = "it is a transposed convolution"
        if not isinstance(layer, (nn.Linear, *CONVOLUTIONS)):
            continue
        if type(layer) not in (nn.Linear, *CONVOLUTIONS):
            left[name] = f"it is a {type(layer).__name__}, a kind of its own"
        elif "forward" in vars(layer) or any(value for key, value in vars(layer).items() if key.endswith("_hooks")):
            left[name] = "it has hooks or a forward of its own"
        elif type(layer.weight) is not nn.Parameter or not layer.weight.is_floating_point():
            left[name] = "its weight is not in plain floating point"
        elif holders[id(layer.weight)] > 1:
            left[name] = "its weight is shared with another layer"
        elif id(layer) in fused:
            left[name] = "torch's encoder layer reads its weight by itself"
        elif not isinstance(layer, nn.Linear) and layer.groups != 1:
            left[name] = "it convolves in groups"
        elif not name:
            left[name] = "it is the whole model"
        else:
            found[name] = layer
    return found, left


def rank_of(values: Tensor, energy: float, multiple: int) -> int:
    """Return the least rank, in multiples, whose singular values hold this share of the sum of squares of all."""
    squares = values.double().square()
    held = squares.cumsum(0) / squares.sum().clamp_min(1e-30)
    least = int((held < energy).sum()) + 1
    return -(-min(least, len(values)) // multiple) * multiple


def worth_it(rows: int, columns: int, rank: int) -> bool:
    """Return whether two layers take fewer parameters and multiply-adds: of either there are rows × columns before."""
    return rank * (rows + columns) < rows * columns


def spectrum(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return the singular values of a matrix, the largest first, and their vectors on its shorter side.

    They are the eigenvectors of its Gram matrix in double precision: several times faster than all of an SVD, and exact
    enough for the large ones, which are those that are kept.
    """
    wide = weight.double() if weight.shape[0] <= weight.shape[1] else weight.double().T
    squares, vectors = torch.linalg.eigh(wide @ wide.T)
    return squares.flip(0).clamp_min(0).sqrt(), vectors.flip(1)


def in_two(layer: Any, values: Tensor, vectors: Tensor, rank: int) -> nn.Sequential:
    """Return ``layer`` as two, by the first ``rank`` of the :func:`spectrum` of its weight."""
    weight = layer.weight.detach().flatten(1).double()
    root, kept = values[:rank].clamp_min(1e-12 * values[0]).clamp_min(1e-30).sqrt(), vectors[:, :rank]
    if weight.shape[0] <= weight.shape[1]:
        into, out_of = (kept.T @ weight) / root[:, None], kept * root
    else:
        into, out_of = root[:, None] * kept.T, (weight @ kept) / root
    bias, form = layer.bias is not None, {"device": layer.weight.device, "dtype": layer.weight.dtype}
    if isinstance(layer, nn.Linear):
        first: Any = nn.Linear(layer.in_features, rank, bias=False, **form)
        second: Any = nn.Linear(rank, layer.out_features, bias=bias, **form)
    else:
        kind, same = type(layer), (layer.kernel_size, layer.stride, layer.padding, layer.dilation)
        first = kind(layer.in_channels, rank, *same, bias=False, padding_mode=layer.padding_mode, **form)
        second = kind(rank, layer.out_channels, 1, bias=bias, **form)
    with torch.no_grad():
        first.weight.copy_(into.reshape(first.weight.shape))
        second.weight.copy_(out_of.reshape(second.weight.shape))
        if bias:
            second.bias.copy_(layer.bias)
    return nn.Sequential(first, second).train(layer.training).requires_grad_(layer.weight.requires_grad)


def put_in_place(model: nn.Module, name: str, layer: nn.Module) -> nn.Module:
    """Put ``layer`` in the place of the module called ``name``, and return that."""
    path, _, last = name.rpartition(".")
    parent = model.get_submodule(path)
    old = getattr(parent, last)
    for holder in model.modules():
        for key, part in list(holder._modules.items()):  # named_children tells of each once
            if part is old:
                setattr(holder, key, layer)
    return old  # type: ignore[no-any-return]


def factorize_layers(
    model: nn.Module,
    calls: Iterable[tuple[tuple[Any, ...], dict[str, Any]]],
    energy: float,
    multiple: int,
    keep: Iterable[str] = (),
) -> tuple[dict[str, tuple[int, int]], dict[str, str]]:
    """Write the layers of ``model`` itself, in eval mode, as two where that saves something.

    Returns
    -------
    tuple
        The rank and the full rank of the layers that were changed, and why the others were not.
    """
    calls = list(calls)
    layers, left = obstacles(model)
    left |= {name: "it was asked for" for name in keep if layers.pop(name, None) is not None}
    readers = WeightReaders(layers)
    for args, kwargs in calls:
        readers.watch(model, args, kwargs)
    ranks: dict[str, tuple[int, int]] = {}
    pairs: dict[str, nn.Module] = {}
    for name, layer in layers.items():
        weight: Tensor = layer.weight.detach().float().flatten(1)  # type: ignore[operator]
        full = min(weight.shape)
        if name in readers.read:
            left[name] = "its weight is read outside of it"
        elif name not in readers.ran:
            left[name] = "the inputs never reach it"
        elif not weight.isfinite().all():
            left[name] = "its weight is not finite"
        elif not worth_it(weight.shape[0], weight.shape[1], multiple):
            left[name] = f"it is small: even rank {multiple} saves nothing"
        else:
            values, vectors = spectrum(weight)
            rank = rank_of(values, energy, multiple)
            if worth_it(weight.shape[0], weight.shape[1], rank):
                ranks[name], pairs[name] = (rank, full), in_two(layer, values, vectors, rank)
            else:
                wanted = f"rank {rank} of {full}" if rank < full else f"all of its rank {full}"
                left[name] = f"{100 * energy:.4g} % of its energy takes {wanted}, which saves nothing"
    for name, pair in pairs.items():
        old = put_in_place(model, name, pair)
        try:
            with torch.no_grad():
                model(*calls[0][0], **calls[0][1])
        except Exception as error:  # the model looks at its layer, not only at what that returns
            put_in_place(model, name, old)
            left[name] = f"the model reads more of it than its output ({type(error).__name__})"
            del ranks[name]
    return ranks, left
