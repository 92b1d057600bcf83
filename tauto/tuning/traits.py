"""What the rules look at in a model: its layer types and sizes, read without running it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from tauto.workload import Workload

__all__ = ["Traits", "traits_of"]

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_RECURRENT = (nn.RNNBase, nn.RNNCellBase)


@dataclass(frozen=True, slots=True)
class Traits:
    """Layer types and sizes of a model."""

    convolutional: bool
    batch_norm: bool
    attention: bool
    recurrent: bool
    parameters: int
    small: bool
    """Few enough parameters and inputs that calling the operators costs more than their arithmetic."""

    @property
    def words(self) -> tuple[str, ...]:
        """What kind of a model it is; what holds for one of the same kind is likely to hold for another."""
        kinds = ("convolutional", "batch_norm", "attention", "recurrent", "small")
        return tuple(kind.replace("_", " ") for kind in kinds if getattr(self, kind))


def traits_of(workload: Workload) -> Traits:
    """Return the traits of the workload's model."""
    modules = list(workload.model.modules())
    parameters = sum(parameter.numel() for parameter in workload.model.parameters())
    elements = sum(tensor.numel() for tensor in workload.example.tensors)
    convolutional = any(isinstance(module, _CONVOLUTIONS) for module in modules)
    return Traits(
        convolutional=convolutional,
        batch_norm=any(isinstance(module, _NORMS) for module in modules),
        attention=any("attention" in type(module).__name__.lower() for module in modules),
        recurrent=any(isinstance(module, _RECURRENT) for module in modules),
        parameters=parameters,
        # a convolution uses each weight many times, so its inputs decide; elsewhere weights × batch is the work
        small=elements < 20_000 if convolutional else parameters * workload.example.batch < 5_000_000,
    )
