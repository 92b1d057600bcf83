"""Linear layers that are mostly zeros, run by kernels that skip these."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tauto import serialization
from tauto.errors import CandidateFailed, InvalidArgument
from tauto.hardware import Hardware
from tauto.techniques.factorization import layers as watching
from tauto.techniques.listing import listed
from tauto.techniques.proof import proved, reduced
from tauto.techniques.quantization.quantized import few_names
from tauto.techniques.registry import register
from tauto.techniques.sparsity import linear
from tauto.techniques.sparsity.linear import SparseLinear, use_sparse_kernels, zero_share
from tauto.techniques.technique import Account, Applicability, Config, Context, Script, Technique
from tauto.workload import Workload

__all__ = ["LEAST_ZEROS", "SparseKernels", "SparseKernelsConfig"]

serialization.add_kind(SparseLinear, ("in_features", "out_features", "nonzeros", "bias"))

LEAST_ZEROS = 0.85
"""Share from which on it was found to pay at some sizes of a batch (docs/measurements.md); each trial measures it."""
WATCHED = 4
"""Varied calls that are watched besides the example, in case the model takes another path for some inputs."""
ACCOUNT = "account.json"


@dataclass(frozen=True, slots=True)
class SparseKernelsConfig(Config):
    """Which layers are changed.

    Parameters
    ----------
    least_zeros : float
        Share of a layer's weights that must be zero, above 0.5 (below it the form takes more room) and below 1.
    """

    least_zeros: float = LEAST_ZEROS

    def __post_init__(self) -> None:
        share = self.least_zeros
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0.5 < share < 1:
            raise InvalidArgument(f"least_zeros: {share!r} is out of range. Write a share above 0.5 and below 1: 0.9.")


@register
class SparseKernels(Technique):
    """Run linear layers whose weights are mostly zero by MKL's sparse kernels; the others stay as they are.

    The answers are those of the dense layers but for rounding, where inputs are finite: nothing is multiplied by zero.
    """

    name = "sparse_kernels"
    title = "linear layers without their zeros, by sparse kernels"
    family = "sparsity"
    config = SparseKernelsConfig
    comes_after = frozenset({"fusion", "layout"})
    cannot_be_with = frozenset({"precision", "quantization", "engine"})
    own_kernels = True

    def applies_to(self, workload: Workload, hardware: Hardware) -> Applicability:
        """It needs MKL, and a linear layer in float32 of which most is zero."""
        if not (kernels := self.runs_here(workload, hardware)).applies:
            return kernels
        found = {name: zero_share(layer) for name, layer in _layers(workload.model).items()}
        name = max(found, key=lambda each: found[each])
        if found[name] >= LEAST_ZEROS:
            return Applicability.yes()
        most = f"the most in a linear layer are {found[name]:.0%}, in {name or 'the model itself'}"
        return Applicability.no(
            f"too few weights are zero: {most}; sparse kernels are worth a try from {LEAST_ZEROS:.0%}",
            "tauto.prune(model, structure='weights', sparsity=0.9, …) makes zeros, and tries this on them",
        )

    def runs_here(self, workload: Workload, hardware: Hardware) -> Applicability:
        """Say whether it can run a model of these layers here, once enough of their weights are zero."""
        has_mkl: bool = torch.backends.mkl.is_available()  # type: ignore[no-untyped-call]
        if hardware.device != "cpu" or not hardware.has("AVX2") or not has_mkl:
            return Applicability.no("the sparse kernels are MKL's: they need an x86 CPU and a torch built with MKL")
        if not _layers(workload.model):
            return Applicability.no("the model has no plain linear layer in float32, and sparse kernels are for those")
        return Applicability.yes()

    def space(self, workload: Workload, hardware: Hardware) -> tuple[SparseKernelsConfig, ...]:
        """There is nothing to choose."""
        return (SparseKernelsConfig(),)

    def apply(self, workload: Workload, config: SparseKernelsConfig, context: Context) -> nn.Module:
        """Return a copy with sparse layers in the places of those that are mostly zero."""
        model = workload.copy_model()
        calls = [(call.args, call.kwargs) for call in (workload.example, *workload.samples[:WATCHED])]
        before = _bytes(model)
        try:
            shares, left = use_sparse_kernels(model, calls, config.least_zeros)
        except Exception as error:  # the user's code, watched by a dispatch mode
            raise CandidateFailed(f"the model cannot be watched while it runs: {reduced(error)}") from error
        if not shares:
            reasons = "; ".join(f"{name or 'the model'}: {why}" for name, why in list(left.items())[:3])
            raise CandidateFailed(
                f"no linear layer has {config.least_zeros:.0%} zeros and can be changed: {reasons or 'there is none'}"
            )
        told = {"zeros": shares, "left": left, "bytes": [before, _bytes(model)]}
        context.file(ACCOUNT, lambda path: _write(path, told))
        return proved(model, workload.example)

    def account(self, config: SparseKernelsConfig, context: Context) -> Account:
        """Return which layers were changed, and which were left and why."""
        told = json.loads((context.folder / ACCOUNT).read_text(encoding="utf-8"))
        zeros, left, (before, after) = told["zeros"], told["left"], told["bytes"]
        names = few_names([f"{name} ({share:.0%} zeros)" for name, share in zeros.items()])
        notes = [
            f"By sparse kernels: {names}. Kept with the column of each weight that is not zero, the whole model takes "
            f"{after / before:.0%} of the bytes that it took."
        ]
        by_reason: dict[str, list[str]] = {}
        for name, reason in left.items():
            by_reason.setdefault(reason, []).append(name)
        notes += [f"Dense as before: {few_names(those)} ({reason})." for reason, those in by_reason.items()]
        count = len(zeros) + len(left)
        return Account(
            f"{len(zeros)} of {count} linear layer{'' if count == 1 else 's'} by sparse kernels", tuple(notes)
        )

    def describe(self, config: Any) -> str:
        """Return its name, with the share of zeros where that is another than usual."""
        usual = config.least_zeros == LEAST_ZEROS
        return self.name if usual else f"{self.name} (from {config.least_zeros:.0%} zeros)"

    def script(self, config: SparseKernelsConfig) -> Script:
        """Return the same in plain Python."""
        functions: tuple[Callable[..., object], ...] = (
            watching.WeightReaders,
            watching.obstacles,
            watching.put_in_place,
            SparseLinear,
            zero_share,
            linear.use_sparse_kernels,
        )
        imports = (
            "import torch",
            "import warnings",
            "from torch import Tensor, nn",
            "from torch.overrides import TorchFunctionMode",
            "from torch.utils._pytree import tree_leaves",
        )
        body = f"use_sparse_kernels(model, [(args, kwargs), *data[:{WATCHED}]], {config.least_zeros!r})"
        constants = ("CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)",)
        return Script(imports, body, (*constants, *map(listed, functions)))


def _layers(model: nn.Module) -> dict[str, nn.Linear]:
    return {
        name: layer
        for name, layer in model.named_modules()
        if type(layer) is nn.Linear and layer.weight.dtype == torch.float32
    }


def _bytes(model: nn.Module) -> int:
    tensors = {tensor.data_ptr(): tensor for tensor in model.state_dict().values()}  # tied ones count once
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def _write(path: Path, told: dict[str, Any]) -> None:
    path.write_text(json.dumps(told), encoding="utf-8")
