"""Linear layers whose weights are kept, and multiplied, without their zeros.

The form is compressed sparse rows (CSR): the values that are not zero, the column of each, and where each row begins.
It needs torch alone, so that a recipe's script can carry this text.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from tauto.techniques.factorization.layers import WeightReaders, obstacles, put_in_place

__all__ = ["SparseLinear", "use_sparse_kernels", "zero_share"]


class SparseLinear(nn.Module):
    """What ``nn.Linear`` computes, without the products with zeros; for inference, in float32, on a CPU with MKL.

    Indices are of 32 bits, as MKL wants them: torch would narrow longer ones at each call.

    Parameters
    ----------
    in_features, out_features : int
        As of ``nn.Linear``.
    nonzeros : int
        Weights that are not zero.
    bias : bool
        Whether one is added.

    Examples
    --------
    >>> layer = SparseLinear.of(nn.Linear(4, 2))
    >>> layer(torch.zeros(3, 5, 4)).shape
    torch.Size([3, 5, 2])
    """

    crow_indices: Tensor
    col_indices: Tensor

    def __init__(self, in_features: int, out_features: int, nonzeros: int, bias: bool = True) -> None:
        super().__init__()
        self.in_features, self.out_features, self.nonzeros = in_features, out_features, nonzeros
        self.values = nn.Parameter(torch.zeros(nonzeros), requires_grad=False)
        self.register_buffer("crow_indices", torch.zeros(out_features + 1, dtype=torch.int32))
        self.register_buffer("col_indices", torch.zeros(nonzeros, dtype=torch.int32))
        self.bias = nn.Parameter(torch.zeros(out_features), requires_grad=False) if bias else None
        self._known: tuple[int, Tensor] | None = None

    @staticmethod
    def of(layer: nn.Linear) -> SparseLinear:
        """Return ``layer`` in this form; its weights are copied."""
        weight = layer.weight.detach()
        there = weight != 0
        rows = [torch.zeros(1, dtype=torch.int64), there.sum(1).cumsum(0)]
        made = SparseLinear(layer.in_features, layer.out_features, int(rows[1][-1]), layer.bias is not None)
        with torch.no_grad():
            made.values.copy_(weight[there])
            made.crow_indices.copy_(torch.cat(rows))
            made.col_indices.copy_(there.nonzero()[:, 1])
            if made.bias is not None:
                made.bias.copy_(layer.bias)
        return made.train(layer.training)

    @property
    def weight(self) -> Tensor:
        """The weights with their zeros, made anew: shape (out_features, in_features)."""
        return self._matrix().to_dense()

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` of shape (…, in_features) times the weights, plus the bias: (…, out_features), contiguous."""
        rows, matrix = x.reshape(-1, x.shape[-1]), self._matrix()
        if len(rows) == 1:
            product = matrix @ rows[0] if self.bias is None else torch.addmv(self.bias, matrix, rows[0])
        elif self.bias is None:
            product = (matrix @ rows.t()).t()
        else:
            product = torch.addmm(self.bias.unsqueeze(1), matrix, rows.t()).t()
        # row by row as nn.Linear answers: what comes after may look at it by view()
        return product.contiguous().reshape(*x.shape[:-1], self.out_features)

    def extra_repr(self) -> str:
        """Return what stands in the brackets of its ``repr``."""
        size = max(1, self.in_features * self.out_features)
        zeros = f"{1 - self.nonzeros / size:.0%} zeros"
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}, {zeros}"
        )

    def _matrix(self) -> Tensor:
        """Return the tensors as one, which is kept: making it takes as long as a small product."""
        at = self.values.data_ptr()
        if self._known is None or self._known[0] != at:
            parts = (self.crow_indices, self.col_indices, self.values.detach())
            size = (self.out_features, self.in_features)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch calls its sparse tensors beta
                # checked: an index of a damaged file would have MKL read beyond the values
                self._known = at, torch.sparse_csr_tensor(*parts, size, check_invariants=True)
        return self._known[1]

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._known = None  # the indices are others, and to be checked

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_known": None}  # a copy shares no memory with what it was made of


def zero_share(layer: nn.Module) -> float:
    """Return the share of a layer's weights that is exactly zero."""
    weight: Any = layer.weight
    zeros = weight.numel() - int(weight.count_nonzero())
    return float(zeros / max(1, weight.numel()))


def use_sparse_kernels(
    model: nn.Module, calls: Iterable[tuple[tuple[Any, ...], dict[str, Any]]], least_zeros: float
) -> tuple[dict[str, float], dict[str, str]]:
    """Have the linear layers of ``model`` itself, in eval mode, skip their zeros where at least so many are zero.

    Returns
    -------
    tuple
        The share of zeros of the layers that were changed, and why the other linear layers were not.
    """
    calls = list(calls)
    found, reasons = obstacles(model)
    left = {name: why for name, why in reasons.items() if isinstance(model.get_submodule(name), nn.Linear)}
    layers: dict[str, Any] = {}
    for name, layer in found.items():
        if isinstance(layer, nn.Linear):
            layers[name] = layer
    shares = {name: zero_share(layer) for name, layer in layers.items()}
    for name, share in shares.items():
        if layers[name].weight.dtype != torch.float32:
            left[name] = f"its weight is of {layers.pop(name).weight.dtype}"
        elif share + 1 / max(1, layers[name].weight.numel()) < least_zeros:  # a share of them was rounded
            left[name] = f"{100 * share:.3g} % of its weights are zero"
            del layers[name]
    readers = WeightReaders(layers)
    for args, kwargs in calls if layers else ():
        readers.watch(model, args, kwargs)
    for name in list(layers):
        if name in readers.read or name not in readers.ran:
            left[name] = "its weight is read outside of it" if name in readers.read else "the inputs never reach it"
            del layers[name]
            continue
        old = put_in_place(model, name, SparseLinear.of(layers[name]))
        try:
            with torch.no_grad():
                model(*calls[0][0], **calls[0][1])
        except Exception as error:  # the model looks at its layer, not only at what that returns
            put_in_place(model, name, old)
            left[name] = f"the model reads more of it than its output ({type(error).__name__})"
            del layers[name]
    return {name: shares[name] for name in layers}, left
