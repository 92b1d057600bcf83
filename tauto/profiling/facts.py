"""What the rules know beside the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["CompilerFacts", "Facts", "LoaderFacts", "OptimizerFacts", "RootFacts"]


@dataclass(frozen=True, slots=True)
class RootFacts:
    """One root model, as the rules ask about it. The order is that of :attr:`ProfileReport.roots`."""

    name: str
    """Its name in the namespace; empty when it has none."""
    kind: str
    calls: int
    latency_ms: float
    """Mean of all its calls."""
    training_calls: int = 0
    grad_calls: int = 0
    """Calls under an enabled gradient."""
    eval_grad_calls: int = 0
    """Calls under an enabled gradient in eval mode."""
    is_loss: bool = False
    """Whether it is a loss of :mod:`torch.nn`, called as a module."""
    trainable: bool = True
    operators_per_call: float = 0.0
    """That do work of their own, over the sampled calls."""
    precision: str = "float32"
    """In which most of its FLOPs ran."""
    convolutions: int = 0
    channels_last: bool = False
    foldable_norms: int = 0
    mode_dependent: int = 0
    """Dropouts and batch norms, which compute otherwise in training mode."""
    opaque: str = ""
    not_remembered: str = ""
    traced: bool = True
    frozen: tuple[str, ...] = ()
    """The uppermost modules (or single parameters) that got gradients, though no optimizer of the cell has them."""
    frozen_first: bool = False
    """Whether all of these come before the first parameter of an optimizer."""
    unused: tuple[str, ...] = ()
    """The uppermost modules (or single parameters) of an optimizer that never got a gradient."""
    bfloat16_gain: float | None = None
    """Measured here on its heaviest operators: how much faster these are in bfloat16. None: not measured."""
    channels_last_gain: float | None = None
    """Measured here on its heaviest convolutions."""
    one_thread_gain: float | None = None
    """Measured here on its heaviest operators, with one thread instead of as many as the cell had."""

    @property
    def title(self) -> str:
        """What to call it in a sentence."""
        return self.name or self.kind


@dataclass(frozen=True, slots=True)
class OptimizerFacts:
    """One optimizer that stepped in the cell."""

    name: str
    kind: str
    steps: int
    tensors: int = 0
    parameter_bytes: int = 0
    state_bytes: int = 0
    fused: bool = False
    can_fuse: bool = False
    """Whether its class takes ``fused=True`` for such parameters."""


@dataclass(frozen=True, slots=True)
class LoaderFacts:
    """One DataLoader that the thread of the cell took batches from."""

    name: str = ""
    dataset: str = ""
    workers: int = 0
    batch_size: int | None = None
    pinned: bool = False
    persistent: bool = False
    iterable: bool = False
    """Whether the dataset is an ``IterableDataset``."""
    batched: bool = False
    """Whether the dataset has ``__getitems__``."""
    epochs: int = 0
    """How often an iteration over it began."""
    batches: int = 0
    waited_ms: float = 0.0
    batch_ms: float = 0.0
    """Waited for a batch, the median: a machine that stalls does not make the items dear."""
    cpu_ms: float = 0.0
    """Of it at work on a core; the rest waited for a disk, a network, a worker."""
    first_ms: float = 0.0
    batch_bytes: int = 0
    """Of the tensors in its first batch."""


@dataclass(frozen=True, slots=True)
class CompilerFacts:
    """What torch.compile did while the cell ran."""

    compiled: int = 0
    """Pieces of code that were compiled."""
    recompiled: int = 0
    """Of these, again, because something was not as before."""
    recompile_ms: float = 0.0
    recompile_reasons: tuple[str, ...] = ()
    breaks: int = 0
    """Places at which a graph was cut in two."""
    break_places: tuple[str, ...] = ()
    break_reasons: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """Gathered by the session."""

    roots: tuple[RootFacts, ...]
    backward_calls: int = 0
    backward_ms: float = 0.0
    step_ms: float = 0.0
    """In optimizers."""
    gflops: Mapping[str, float] = field(default_factory=dict)
    """Measured ceilings by precision."""
    copy_cache_gbps: float = 0.0
    copy_memory_gbps: float = 0.0
    """Measured ceilings of copies; 0 when they are not known."""
    threads: int = 1
    cores: int = 1
    physical_cores: int = 0
    """0 when it is not known."""
    memory_bytes: int = 0
    """That this machine has; 0 when it is not known."""
    scalars_per_step: float = 0.0
    """Tensors made a Python number (``.item()``, ``float(loss)``, ``if tensor:``) in a sampled step."""
    conversions_per_step: float = 0.0
    """Of type, device or layout, outside of models, in a sampled step."""
    conversion_ms: float = 0.0
    """In these, in a sampled step."""
    looks: int = 0
    """At the thread of the cell, of which the lines are the shares."""
    not_traced: str = ""
    """Why operators were not traced; empty when they were."""
    optimizers: tuple[OptimizerFacts, ...] = ()
    loaders: tuple[LoaderFacts, ...] = ()
    compiler: CompilerFacts = CompilerFacts()
    page_faults: int = 0
    page_fault_us: float = 0.0
    """Cost of one, measured here; 0 when it was not."""
    operator_us: float = 0.0
    """Cost of an operator that does next to nothing, measured here; 0 when it was not."""
    keeps_freed_memory: bool = False
    """Whether the C library can be told to keep freed memory, so that page faults can be helped."""

    @property
    def trains(self) -> bool:
        """Whether the cell ran a backward pass."""
        return self.backward_calls > 0
