"""A model as an exported program whose batch size is free, with the signature of its calls."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode, is_concrete_int

from tauto.conversion.quiet import converting
from tauto.conversion.signature import BATCH, Parameters, Signature, TensorSpec, by_name, parameters_of
from tauto.errors import CandidateFailed, NotExportable, a_kind
from tauto.workload import Workload
from tauto.workload.structure import Slot, constants_of, flatten, rebuild

__all__ = ["Exported", "Witness", "calibration", "export"]

_CONSTANTS = (str, bytes, int, float, complex, type(None), enum.Enum, torch.dtype, torch.device, Slot)

_OF_LIBRARIES = ("torch", "transformers")
"""Whose hooks the program has in it, or needs not: torch's compute weights anew from others, such as the old
``spectral_norm``; those of transformers collect hidden states, and stay after the first call that asked for these."""


@dataclass(frozen=True, slots=True, eq=False)
class Witness:
    """A call and the original's answer to it, to check an engine by."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Exported:
    """An exported program of a flat list of tensors, and what it stands for.

    Parameters
    ----------
    program : torch.export.ExportedProgram
        Takes the tensors of a call in order, gives those of the answer in order.
    signature : Signature
        How calls and answers are taken apart and put together.
    witnesses : tuple of Witness
        The original's answers: the example's first, then one at a batch size that was not traced.
    """

    program: ExportedProgram
    signature: Signature
    witnesses: tuple[Witness, ...]


class Flat(nn.Module):
    """The model as a function of a list of tensors."""

    def __init__(self, model: nn.Module, structure: Any) -> None:
        super().__init__()
        self.model = model
        self.structure = structure

    def forward(self, tensors: list[Tensor]) -> tuple[Tensor, ...]:
        return tuple(flatten(self.answer(tensors))[0])

    def answer(self, tensors: Sequence[Tensor]) -> Any:
        args, kwargs = rebuild(self.structure, list(tensors))
        return self.model(*args, **kwargs)


def export(workload: Workload) -> Exported:
    """Return the model of ``workload`` exported, with the batch size free where that is possible.

    Dimension 0 of every input that has the example's batch size there is taken for the batch; other dimensions
    are free where the workload's samples differ in them. A batch of one is doubled for tracing, since
    ``torch.export`` takes a size of one for a constant.

    Raises
    ------
    NotExportable
        The message says why.
    """
    try:
        return _export(workload)
    except CandidateFailed as error:
        raise NotExportable(str(error)) from error


def _export(workload: Workload) -> Exported:
    parameters = parameters_of(workload.model)
    tensors, structure = flatten(by_name(parameters, workload.example.args, workload.example.kwargs))
    calls = [tensors, *calibration(workload, parameters)]
    batched = _batched(calls)
    with torch.no_grad():
        _check_hooks(workload.model)
        flat = Flat(workload.copy_model(), structure).eval()
        with converting("the model refuses its example inputs"):
            answer = flat.answer(tensors)
        outputs, skeleton = flatten(answer)
        _check_constants(skeleton)
        other = _of_another_batch(flat, tensors, outputs, skeleton, batched)
        program = _exported(flat, tensors, batched, _varying(calls))
    specs = _specs(program, tensors, batched)
    signature = Signature(
        inputs=specs,
        structure=structure,
        parameters=parameters,
        outputs=tuple(output.dtype for output in outputs),
        answer=skeleton,
        batched=batched,
        per_sample=other is not None and _per_sample(outputs, other.outputs, _size(tensors, batched)),
    )
    witnesses = (
        Witness(tuple(tensors), tuple(outputs)),
        *([other] if other and (signature.batch is None or signature.per_sample) else []),
    )
    return Exported(program, signature, witnesses)


def _check_hooks(model: nn.Module) -> None:
    """Raise where a layer has a hook of the user's: a program holds what it made of tensors once, and calls none."""
    for path, module in model.named_modules():
        for hook in (*module._forward_pre_hooks.values(), *module._forward_hooks.values()):
            if getattr(hook, "__module__", "").partition(".")[0] not in _OF_LIBRARIES:
                name = getattr(hook, "__qualname__", type(hook).__name__)
                raise CandidateFailed(
                    f"{f'its layer {path}' if path else 'the model'} has a hook ({name}), which an engine would not "
                    "call. Remove it (handle.remove()), or do in forward() what it does"
                )


def calibration(workload: Workload, parameters: Parameters) -> list[list[Tensor]]:
    """Return the tensors of every sample that is a call of the example's structure."""
    example = flatten(by_name(parameters, workload.example.args, workload.example.kwargs))[1]
    taken = [flatten(by_name(parameters, call.args, call.kwargs)) for call in workload.samples]
    return [tensors for tensors, structure in taken if str(structure) == str(example)]


def _batched(calls: Sequence[Sequence[Tensor]]) -> tuple[int, ...]:
    """Return the inputs whose dimension 0 is the batch in every call."""
    first = next((index for index, tensor in enumerate(calls[0]) if tensor.ndim), None)
    if first is None:
        return ()
    return tuple(
        index
        for index in range(len(calls[0]))
        if all(call[index].ndim and call[index].shape[0] == call[first].shape[0] for call in calls)
    )


def _varying(calls: Sequence[Sequence[Tensor]]) -> frozenset[tuple[int, int]]:
    """Return (input, dimension) of every dimension but the first that has several sizes among the calls."""
    return frozenset(
        (index, dim)
        for index, tensor in enumerate(calls[0])
        for dim in range(1, tensor.ndim)
        if len({call[index].shape[dim] for call in calls if call[index].ndim == tensor.ndim}) > 1
    )


def _size(tensors: Sequence[Tensor], batched: tuple[int, ...]) -> int:
    return tensors[batched[0]].shape[0] if batched else 1


def _resized(tensors: Sequence[Tensor], batched: tuple[int, ...], size: int) -> list[Tensor]:
    """Return the call with ``size`` samples, those of the call over and over."""
    rows = torch.arange(size) % _size(tensors, batched)
    return [t[rows.to(t.device)] if index in batched else t for index, t in enumerate(tensors)]


def _of_another_batch(
    flat: Flat, tensors: list[Tensor], outputs: list[Tensor], skeleton: Any, batched: tuple[int, ...]
) -> Witness | None:
    """Return the original's answer at a batch size that is neither the example's nor traced; None when it has none."""
    if not batched:
        return None
    size = _size(tensors, batched)
    resized = _resized(tensors, batched, size - 1 if size > 2 else 3)
    try:
        others, other_skeleton = flatten(flat.answer(resized))
    except Exception:  # the model itself takes no other batch: nothing to answer for
        return None
    if str(other_skeleton) != str(skeleton) or len(others) != len(outputs):
        raise CandidateFailed("its output holds a constant that depends on the batch size")
    return Witness(tuple(resized), tuple(others))


def _per_sample(outputs: Sequence[Tensor], others: Sequence[Tensor], size: int) -> bool:
    """Return whether each sample's answer is the same in the other batch."""

    def same(one: Tensor, other: Tensor) -> bool:
        if one.ndim == 0 or other.ndim == 0 or one.shape[0] != size:
            return False
        rows = torch.arange(other.shape[0]) % size
        expected = one[rows.to(one.device)]
        return expected.shape == other.shape and torch.allclose(expected, other, rtol=1e-3, atol=1e-5)

    return all(map(same, outputs, others))


def _exported(
    flat: Flat, tensors: list[Tensor], batched: tuple[int, ...], varying: frozenset[tuple[int, int]]
) -> ExportedProgram:
    """Return the program with the batch free; else of the example's batch alone."""
    with converting("torch.export could not trace the model"), _flow_in_words():
        size = _size(tensors, batched)
        traced = _resized(tensors, batched, 2) if size == 1 else tensors
        free = [
            {dim: Dim.AUTO for dim in range(t.ndim) if (dim == 0 and index in batched) or (index, dim) in varying}
            for index, t in enumerate(tensors)
        ]
        try:
            program = torch.export.export(flat, (traced,), dynamic_shapes=([dims or None for dims in free],))
        except Exception:
            if size != 1:
                raise
            return torch.export.export(flat, (tensors,))
        if size == 1 and any(isinstance(_input_shapes(program)[index][0], int) for index in batched):
            return torch.export.export(flat, (tensors,))
        return program


@contextmanager
def _flow_in_words() -> Iterator[None]:
    try:
        yield
    except GuardOnDataDependentSymNode as error:
        raise CandidateFailed("the model's control flow depends on the values of its inputs") from error


def _input_shapes(program: ExportedProgram) -> list[list[int | torch.SymInt]]:
    """Return the shape of each input; what the model fixed while it was traced is a number."""
    names = set(program.graph_signature.user_inputs)
    values = [node.meta["val"] for node in program.graph.nodes if node.op == "placeholder" and node.name in names]
    return [[int(size) if is_concrete_int(size) else size for size in value.shape] for value in values]


def _specs(program: ExportedProgram, tensors: Sequence[Tensor], batched: tuple[int, ...]) -> tuple[TensorSpec, ...]:
    names: dict[str, str] = {}

    def named(index: int, dim: int, size: Any) -> int | str:
        if isinstance(size, int):
            return size
        if dim == 0 and index in batched:
            return BATCH
        return names.setdefault(str(size), f"any{len(names) + 1}")

    return tuple(
        TensorSpec(tensor.dtype, tuple(named(index, dim, size) for dim, size in enumerate(shape)))
        for index, (tensor, shape) in enumerate(zip(tensors, _input_shapes(program), strict=True))
    )


def _check_constants(skeleton: Any) -> None:
    for constant in constants_of(skeleton):
        if not isinstance(constant, _CONSTANTS):
            raise CandidateFailed(
                f"its output holds {a_kind(constant)}, which an engine cannot return "
                "(a transformers model gives plain tensors with use_cache=False)"
            )
    if not any(isinstance(constant, Slot) for constant in constants_of(skeleton)):
        raise CandidateFailed("its output holds no tensor")
