"""Which layers may be built anew from a description, and from which arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from tauto.errors import CandidateFailed
from tauto.serialization.plain import NotPlain, decode, encode

__all__ = ["Kind", "add_kind", "built", "kind_of", "name_of"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A layer whose constructor's arguments are its attributes of the same names.

    Parameters
    ----------
    type : type
        Instances of exactly this class.
    arguments : tuple of str
        Of the constructor; ``bias`` stands for whether there is one.
    inner : tuple of str
        Arguments that are modules; what the description says takes their place.
    """

    type: type[nn.Module]
    arguments: tuple[str, ...]
    inner: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As it stands in a description."""
        room = "torch.nn" if self.type.__module__.startswith("torch.nn.") else self.type.__module__
        return f"{room}.{self.type.__name__}"

    def values(self, module: nn.Module) -> dict[str, Any]:
        """Return the arguments that would build ``module``, as JSON."""
        return {name: encode(_argument(module, name)) for name in self.arguments}


def _argument(module: nn.Module, name: str) -> Any:
    value = getattr(module, name)
    return value is not None if name == "bias" else value


_kinds: dict[type[nn.Module], Kind] = {}


def add_kind(kind: type[nn.Module], arguments: tuple[str, ...] = (), inner: tuple[str, ...] = ()) -> None:
    """Let layers of the class ``kind`` be built anew; a module of TAuto's own is added where it is defined.

    Examples
    --------
    >>> add_kind(nn.Hardswish, ("inplace",))
    """
    _kinds[kind] = Kind(kind, arguments, inner)


def kind_of(module: nn.Module) -> Kind | None:
    """Return how ``module`` can be built anew; None when it cannot."""
    return _kinds.get(type(module))


def name_of(module: nn.Module) -> str:
    """Return what a description calls the class of ``module``: a user's class may stand in another file next time."""
    kind = kind_of(module)
    return kind.name if kind else type(module).__name__


def built(name: str, arguments: Mapping[str, Any], where: str) -> nn.Module:
    """Return a layer without values (on the meta device), so that no size that is asked for takes memory.

    Raises
    ------
    CandidateFailed
        When the kind is unknown or refuses the arguments; the message begins with ``where``.
    """
    kind = next((item for item in _kinds.values() if item.name == name), None)
    if kind is None:
        raise CandidateFailed(f"{where}: {name[:80]!r} is no kind of layer that may be built anew")
    if set(arguments) != set(kind.arguments):
        raise CandidateFailed(f"{where}: {name} is built from {', '.join(kind.arguments) or 'nothing'}")
    try:
        given = {key: decode(value) for key, value in arguments.items()}
        with torch.device("meta"):
            return kind.type(*(nn.Identity() for _ in kind.inner), **given)
    except NotPlain as error:
        raise CandidateFailed(f"{where}: {error} is no argument of {name}") from None
    except Exception as error:  # whatever the constructor thinks of a stranger's numbers
        raise CandidateFailed(f"{where}: {name} cannot be built: {type(error).__name__}: {error}") from error


_CONVOLUTION = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "bias")
_BATCH_NORM = ("num_features", "eps", "momentum", "affine", "track_running_stats")
_EMBEDDING = ("num_embeddings", "embedding_dim", "padding_idx", "max_norm", "norm_type", "scale_grad_by_freq", "sparse")

_TABLE: tuple[tuple[tuple[type[nn.Module], ...], tuple[str, ...]], ...] = (
    ((nn.Identity, nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.Tanh, nn.Sigmoid), ()),
    ((nn.ReLU, nn.ReLU6, nn.SiLU, nn.Mish, nn.Hardswish, nn.Hardsigmoid), ("inplace",)),
    ((nn.LeakyReLU,), ("negative_slope", "inplace")),
    ((nn.ELU,), ("alpha", "inplace")),
    ((nn.GELU,), ("approximate",)),
    ((nn.Softmax,), ("dim",)),
    ((nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d), ("p", "inplace")),
    ((nn.Flatten,), ("start_dim", "end_dim")),
    ((nn.Linear,), ("in_features", "out_features", "bias")),
    ((nn.Conv1d, nn.Conv2d, nn.Conv3d), (*_CONVOLUTION, "padding_mode")),
    (
        (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
        (*_CONVOLUTION, "padding_mode", "output_padding"),
    ),
    ((nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d), _BATCH_NORM),
    ((nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d), _BATCH_NORM),
    ((nn.LayerNorm,), ("normalized_shape", "eps", "elementwise_affine", "bias")),
    ((nn.RMSNorm,), ("normalized_shape", "eps", "elementwise_affine")),
    ((nn.GroupNorm,), ("num_groups", "num_channels", "eps", "affine")),
    ((nn.Embedding,), _EMBEDDING),
    ((nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d), ("output_size",)),
)
for _kinds_alike, _arguments in _TABLE:
    for _one in _kinds_alike:
        add_kind(_one, _arguments)
