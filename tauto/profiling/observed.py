"""What the rules need beside the trace: optimizers, loaders, the compiler's log and page faults of one cell."""

from __future__ import annotations

import statistics
import sys
import threading
import time
import weakref
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.utils._pytree import tree_leaves
from torch.utils.data import DataLoader, IterableDataset
from torch.utils.data.dataloader import _BaseDataLoaderIter

from tauto.profiling.compiler_log import CompilerLog
from tauto.profiling.facts import CompilerFacts, LoaderFacts, OptimizerFacts
from tauto.profiling.names import name_of
from tauto.profiling.phases import PhaseClock

__all__ = ["Observed", "Seen"]

_CHECKED = frozenset({1, 2, 3})
Models = Callable[[], Iterable[nn.Module | None]]


@dataclass(frozen=True, slots=True)
class Seen:
    """What is left of an :class:`Observed` when the cell has ended: numbers and names only."""

    optimizers: tuple[OptimizerFacts, ...] = ()
    loaders: tuple[LoaderFacts, ...] = ()
    compiler: CompilerFacts = field(default_factory=CompilerFacts)
    page_faults: int = 0
    """Minor faults of the process while the cell ran."""
    frozen: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """By root (its place among the models): what got gradients that no optimizer of the cell used."""
    frozen_first: frozenset[int] = frozenset()
    """Roots in which all of that comes before the first parameter of an optimizer."""
    unused: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """By root: what an optimizer has, and had no gradient at any step looked at."""


@dataclass(slots=True)
class _Optimizer:
    optimizer: weakref.ref[Optimizer]
    kind: str
    steps: int = 0
    state_bytes: int = 0
    parameter_bytes: int = 0
    tensors: int = 0
    fused: bool = False
    can_fuse: bool = False
    devices: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Loader:
    loader: weakref.ref[DataLoader[Any]]
    made: LoaderFacts
    """What it is, noted while it lives: one made in the head of a loop is gone when the cell ends."""
    dataset: int
    """Identity of its dataset."""
    epochs: int = 0
    waits_ns: array[int] = field(default_factory=lambda: array("q"))
    cpu_ns: int = 0
    batch_bytes: int = 0


class Observed:
    """Watches optimizers and loaders of the process inside :meth:`watching`; no object of the user's is touched.

    Parameters
    ----------
    models : callable
        Returns the root models seen so far in order of their index, None for one that is gone.
    clock : PhaseClock
        Looking at parameters is its ``own``.
    """

    def __init__(self, models: Models, clock: PhaseClock) -> None:
        self._models = models
        self._clock = clock
        self._optimizers: dict[int, _Optimizer] = {}
        self._loaders: list[_Loader] = []
        self._iterators: dict[int, _Loader] = {}
        self._owned: set[int] = set()
        """Identities of the parameters that some optimizer of the cell has."""
        self._with_gradient: set[int] = set()
        self._without_gradient: set[int] = set()
        self._faults = 0
        self._log = CompilerLog()
        self._thread = threading.get_ident()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch until the block ends."""
        self._thread = threading.get_ident()
        self._log.begin()
        with ExitStack() as stack:
            stack.enter_context(_replaced(DataLoader, "__iter__", self._iter))
            stack.enter_context(_replaced(_BaseDataLoaderIter, "__next__", self._next))
            stack.callback(register_optimizer_step_pre_hook(self._before_step).remove)
            stack.callback(register_optimizer_step_post_hook(self._after_step).remove)
            self._faults = _page_faults()
            try:
                yield
            finally:
                self._faults = _page_faults() - self._faults

    def seen(self, names: Mapping[str, object]) -> Seen:
        """Return what was seen, with the names that things have in the user's namespace."""
        called = list(self._models())
        idle = self._with_gradient - self._owned if self._owned else set()
        return Seen(
            optimizers=tuple(_optimizer_facts(one, names) for one in self._optimizers.values()),
            loaders=tuple(_loader_facts(one, names) for one in self._loaders if one.waits_ns),
            compiler=self._log.facts(),
            page_faults=self._faults,
            frozen=_by_root(called, idle),
            frozen_first=frozenset(i for i, one in enumerate(called) if one is not None and self._leads(one, idle)),
            unused=_by_root(called, self._without_gradient - self._with_gradient),
        )

    def _leads(self, model: nn.Module, idle: set[int]) -> bool:
        """Whether every parameter of ``idle`` comes before those of an optimizer."""
        places = [(id(one) in idle, id(one) in self._owned) for one in model.parameters()]
        last = max((place for place, (is_idle, _) in enumerate(places) if is_idle), default=-1)
        return last >= 0 and not any(owned for _, owned in places[:last])

    def _iter(self, original: Any, loader: DataLoader[Any]) -> Any:
        iterator = original(loader)
        if threading.get_ident() == self._thread:
            known = self._known(loader)
            known.epochs += 1
            self._iterators[id(iterator)] = known
        return iterator

    def _known(self, loader: DataLoader[Any]) -> _Loader:
        """Return what is known of the loader, or of one that is gone and was made just so."""
        for one in self._loaders:
            if one.loader() is loader:
                return one
        made, dataset = _made(loader), id(loader.dataset)
        for one in self._loaders:
            if one.loader() is None and (one.made, one.dataset) == (made, dataset):
                one.loader = weakref.ref(loader)
                return one
        self._loaders.append(_Loader(weakref.ref(loader), made, dataset))
        return self._loaders[-1]

    def _next(self, original: Any, iterator: Any) -> Any:
        known = self._iterators.get(id(iterator))
        if known is None or threading.get_ident() != self._thread:
            return original(iterator)
        began, cpu = time.perf_counter_ns(), time.thread_time_ns()
        batch = original(iterator)
        known.waits_ns.append(time.perf_counter_ns() - began)
        known.cpu_ns += time.thread_time_ns() - cpu
        if not known.batch_bytes:
            known.batch_bytes = _batch_bytes(batch)
        return batch

    def _before_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        known = self._optimizers.get(id(optimizer))
        if known is None or known.optimizer() is not optimizer:
            known = _Optimizer(weakref.ref(optimizer), type(optimizer).__name__)
            self._optimizers[id(optimizer)] = known
        known.steps += 1
        if _looked_at(known.steps):
            with self._own():
                self._look_at_gradients(optimizer)

    def _look_at_gradients(self, optimizer: Optimizer) -> None:
        parameters = [one for group in optimizer.param_groups for one in group["params"]]
        self._owned.update(map(id, parameters))
        self._with_gradient.update(id(one) for one in parameters if one.grad is not None)
        self._without_gradient.update(id(one) for one in parameters if one.requires_grad and one.grad is None)
        for model in filter(None, self._models()):
            self._with_gradient.update(id(one) for one in model.parameters() if one.grad is not None)

    def _after_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        known = self._optimizers.get(id(optimizer))
        if known is not None and _looked_at(known.steps):
            with self._own():
                _look_at_state(optimizer, known)

    @contextmanager
    def _own(self) -> Iterator[None]:
        depth = self._clock.enter("own", counted=False)
        try:
            yield
        finally:
            self._clock.leave(depth)


def _look_at_state(optimizer: Optimizer, known: _Optimizer) -> None:
    parameters = [one for group in optimizer.param_groups for one in group["params"]]
    known.tensors = len(parameters)
    known.parameter_bytes = sum(map(_size, parameters))
    known.devices = {one.device.type for one in parameters}
    states = (value for state in optimizer.state.values() for value in dict(state).values())
    known.state_bytes = sum(_size(value) for value in states if isinstance(value, Tensor))
    known.fused = any(bool(group.get("fused")) for group in optimizer.param_groups)
    known.can_fuse = all("fused" in group for group in optimizer.param_groups) and all(
        torch.is_floating_point(one) for one in parameters
    )


def _looked_at(step: int) -> bool:
    return step in _CHECKED or step & (step - 1) == 0


def _size(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _batch_bytes(batch: object) -> int:
    return sum(_size(leaf) for leaf in tree_leaves(batch) if isinstance(leaf, Tensor))


def _page_faults() -> int:
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


@contextmanager
def _replaced(owner: Any, name: str, told: Callable[..., Any]) -> Iterator[None]:
    original = getattr(owner, name)

    def ours(self: Any) -> Any:
        return told(original, self)

    setattr(owner, name, ours)
    try:
        yield
    finally:
        if getattr(owner, name) is ours:  # somebody who replaced it meanwhile and stayed keeps theirs
            setattr(owner, name, original)


def _by_root(models: Iterable[nn.Module | None], wanted: set[int]) -> dict[int, tuple[str, ...]]:
    if not wanted:
        return {}
    found = {index: _uppermost(model, wanted) for index, model in enumerate(models) if model is not None}
    return {index: paths for index, paths in found.items() if paths}


def _uppermost(model: nn.Module, wanted: set[int], path: str = "") -> tuple[str, ...]:
    """Return the modules below ``model`` that hold nothing but ``wanted`` parameters, and such parameters elsewhere."""
    identities = [id(one) for one in model.parameters()]
    if not wanted.intersection(identities):
        return ()
    if wanted.issuperset(identities):
        return (path,)
    own = [name for name, one in model.named_parameters(recurse=False) if id(one) in wanted]
    paths = [f"{path}.{name}".lstrip(".") for name in own]
    for name, child in model.named_children():
        paths += _uppermost(child, wanted, f"{path}.{name}".lstrip("."))
    return tuple(paths)


def _name(thing: object, names: Mapping[str, object]) -> str:
    return "" if thing is None else name_of(thing, names)


def _optimizer_facts(one: _Optimizer, names: Mapping[str, object]) -> OptimizerFacts:
    return OptimizerFacts(
        name=_name(one.optimizer(), names),
        kind=one.kind,
        steps=one.steps,
        tensors=one.tensors,
        parameter_bytes=one.parameter_bytes,
        state_bytes=one.state_bytes,
        fused=one.fused,
        can_fuse=one.can_fuse and one.devices <= {"cpu", "cuda", "mps"},
    )


def _made(loader: DataLoader[Any]) -> LoaderFacts:
    dataset = loader.dataset
    return LoaderFacts(
        dataset=type(dataset).__name__,
        workers=loader.num_workers,
        batch_size=loader.batch_size,
        pinned=loader.pin_memory,
        persistent=loader.persistent_workers,
        iterable=isinstance(dataset, IterableDataset),
        batched=hasattr(dataset, "__getitems__"),
    )


def _loader_facts(one: _Loader, names: Mapping[str, object]) -> LoaderFacts:
    return replace(
        one.made,
        name=_name(one.loader(), names),
        epochs=one.epochs,
        batches=len(one.waits_ns),
        waited_ms=sum(one.waits_ns) / 1e6,
        batch_ms=statistics.median(one.waits_ns) / 1e6 if one.waits_ns else 0.0,
        cpu_ms=one.cpu_ns / 1e6,
        first_ms=one.waits_ns[0] / 1e6 if one.waits_ns else 0.0,
        batch_bytes=one.batch_bytes,
    )
