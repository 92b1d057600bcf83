"""Layers made one with their neighbours."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from tauto.errors import CandidateFailed
from tauto.hardware import Hardware
from tauto.techniques import folding
from tauto.techniques.folding import CONVOLUTIONS, NORMS, fold_batchnorms, is_plain
from tauto.techniques.listing import listed
from tauto.techniques.proof import proved, reduced
from tauto.techniques.registry import register
from tauto.techniques.technique import Applicability, Config, Context, Script, Technique
from tauto.workload import Workload

__all__ = ["WATCHED", "FoldBatchNorm"]

WATCHED = 4
"""Varied calls that are watched besides the example, in case the model takes another path for some inputs."""


@register
class FoldBatchNorm(Technique):
    """Fold each batch normalisation into the convolution or linear layer that feeds it alone.

    In eval mode a batch normalisation scales and shifts by constants, and so does the layer before it.
    Layers with hooks or parametrizations, and shared ones, are left alone.
    """

    name = "fold_batchnorm"
    title = "batch normalisation folded into the layer before it"
    family = "fusion"

    def applies_to(self, workload: Workload, hardware: Hardware) -> Applicability:
        """It needs a batch normalisation, and a layer that can take it in."""
        modules = list(workload.model.modules())
        if not any(isinstance(module, NORMS) for module in modules):
            return Applicability.no("the model has no batch normalisation")
        if not any(type(module) in NORMS and is_plain(module) for module in modules):
            return Applicability.no("every batch normalisation has hooks or a forward of its own")
        if not any(type(module) in (*CONVOLUTIONS, nn.Linear) and is_plain(module) for module in modules):
            return Applicability.no("the model has no plain convolution or linear layer to fold into")
        return Applicability.yes()

    def space(self, workload: Workload, hardware: Hardware) -> tuple[Config, ...]:
        """There is nothing to choose."""
        return (Config(),)

    def apply(self, workload: Workload, config: Config, context: Context) -> nn.Module:
        """Return a copy in which the normalisations that were seen to follow one layer are folded."""
        model = workload.copy_model()
        calls = [(call.args, call.kwargs) for call in (workload.example, *workload.samples[:WATCHED])]
        try:
            folded = fold_batchnorms(model, calls)
        except Exception as error:  # the user's code, watched by a dispatch mode
            raise CandidateFailed(f"the model cannot be watched while it runs: {reduced(error)}") from error
        if not folded:
            raise CandidateFailed("no batch normalisation is fed by one plain layer alone")
        return proved(model.requires_grad_(False), workload.example)

    def script(self, config: Config) -> Script:
        """Return the same in plain Python."""
        imports = (
            "import weakref",
            "import torch",
            "from torch import Tensor, nn",
            "from torch.nn.modules.batchnorm import _BatchNorm",
            "from torch.nn.modules.conv import _ConvNd",
            "from torch.nn.utils.fusion import fuse_conv_bn_weights, fuse_linear_bn_weights",
            "from torch.utils._python_dispatch import TorchDispatchMode",
            "from torch.utils._pytree import tree_leaves",
        )
        classes = (_constant("CONVOLUTIONS", CONVOLUTIONS), _constant("NORMS", NORMS))
        functions: tuple[Callable[..., object], ...] = (
            is_plain,
            folding.PairFinder,
            folding.is_foldable,
            folding.fold,
            fold_batchnorms,
        )
        body = f"fold_batchnorms(model, [(args, kwargs), *data[:{WATCHED}]])\nmodel.requires_grad_(False)"
        return Script(imports, body, (*classes, *map(listed, functions)))


def _constant(name: str, kinds: tuple[type[nn.Module], ...]) -> str:
    return f"{name} = ({', '.join(f'nn.{kind.__name__}' for kind in kinds)})"
