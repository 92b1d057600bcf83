"""The batches of a training, in an order that can be gone through again."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import torch

from tauto.errors import InvalidArgument, a_kind
from tauto.fitting.state import digest, put_random, take_random
from tauto.workload.state import generators_of
from tauto.workload.structure import tensors_of

__all__ = ["Batches"]


class Batches:
    """Goes through ``loader`` epoch by epoch, and knows how far it is.

    Random states of the process and of the loader's own generators decide the order; both are set, so whoever makes
    one restores them. What workers that outlive an epoch (``persistent_workers``) draw is not among them.

    Parameters
    ----------
    loader : iterable of batches
        Iterable again: a DataLoader or a list.
    seed : int
        For the loader's own generators.
    """

    def __init__(self, loader: Iterable[Any], seed: int) -> None:
        _check(loader)
        self.loader = loader
        self.epoch, self.taken = 1, 0
        self._first = ""  # digest of the epoch's first batch: nothing but the loader has drawn before it
        self._generators = generators_of(loader)
        for generator in self._generators:
            generator.manual_seed(seed)
        self._start = self._after = self._random()

    def count(self) -> int | None:
        """Return the batches of an epoch; None when the loader does not say.

        Raises
        ------
        InvalidArgument
            When it says none.
        """
        try:
            count = len(self.loader)  # type: ignore[arg-type]
        except TypeError:
            return None
        if not count:
            raise InvalidArgument("loader: it is empty. Give at least one batch.")
        return count

    def rest(self) -> Iterator[Any]:
        """Yield the batches of this epoch that were not taken yet.

        Raises
        ------
        InvalidArgument
            When the loader raises, gives no batch, or gives others than those that were taken before.
        """
        again = self.taken
        if again:
            self._set(self._start)
        else:
            self._start = self._random()
        batches = self._drawn()
        if again:
            first = next(batches, None)
            for _ in itertools.islice(batches, again - 1):
                pass  # drawn once more, so that the rest is the same
            if digest(tensors_of(first)) != self._first:
                raise InvalidArgument(
                    "checkpoint: the loader gives other batches than those that it was made with. Give the same data, "
                    "or delete the checkpoint."
                )
            self._set(self._after)
        for batch in batches:
            if not self.taken:
                self._first = digest(tensors_of(batch))
            self.taken += 1
            yield batch
        if not self.taken:
            raise InvalidArgument(f"loader: it gives no batch in epoch {self.epoch}. Give a DataLoader or a list.")

    def mark(self) -> None:
        """Remember the random states: a step with the last batch is done."""
        self._after = self._random()

    def next_epoch(self) -> None:
        """Go on to the next epoch."""
        self.epoch, self.taken = self.epoch + 1, 0
        self.mark()  # an exhausted sampler may have drawn once more

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps of the place, as of the last :meth:`mark`."""
        return {
            "epoch": self.epoch,
            "taken": self.taken,
            "start": self._start,
            "after": self._after,
            "first": self._first,
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`state` returned."""
        self.epoch, self.taken = state["epoch"], state["taken"]
        self._start, self._after, self._first = state["start"], state["after"], state["first"]
        self._set(self._after)

    def _drawn(self) -> Iterator[Any]:
        try:
            yield from self.loader
        except Exception as error:  # the data set's own words, whatever they are
            raise InvalidArgument(
                f"loader: it raised {type(error).__name__} after {self.taken} batches of epoch {self.epoch}: {error}"
            ) from error

    def _random(self) -> dict[str, Any]:
        return {"process": take_random(), "loader": [generator.get_state() for generator in self._generators]}

    def _set(self, states: dict[str, Any]) -> None:
        put_random(states["process"])
        for generator, state in zip(self._generators, states["loader"], strict=True):
            generator.set_state(state)


def _check(loader: object) -> None:
    if isinstance(loader, torch.Tensor | dict | str):
        raise InvalidArgument(
            f"loader: {a_kind(loader)} is one batch, not an iterable of batches. Put it in a list: [batch]."
        )
    if not isinstance(loader, Iterable) or isinstance(loader, Iterator):
        raise InvalidArgument(
            f"loader: {a_kind(loader)} cannot be gone through more than once. Give a DataLoader or a list."
        )
