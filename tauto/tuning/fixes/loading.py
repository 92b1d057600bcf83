"""Fixes of the input pipeline: another DataLoader over the same data, and items kept in memory."""

from __future__ import annotations

import time
import weakref
from collections.abc import Mapping
from typing import Any, ClassVar

from torch.utils.data import DataLoader, Dataset, IterableDataset

from tauto.errors import CandidateFailed
from tauto.tuning.fixes.base import CellFix, Targets
from tauto.workload.state import preserved_rng
from tauto.workload.structure import tensors_of

__all__ = ["CacheDataset", "Loader"]

KEPT_ITEMS = 512
KEEPING_S = 5.0
"""What a trial makes beforehand at most; these items stand for the others, so that the whole set need not be made."""
_COMMON = ("collate_fn", "num_workers", "pin_memory", "timeout", "worker_init_fn", "generator", "persistent_workers")


class Loader(CellFix):
    """Load with other arguments."""

    nothing: ClassVar[str] = "no DataLoader that it is for was iterated"

    def __init__(self, targets: Targets, options: Mapping[str, Any]) -> None:
        super().__init__(targets, options)
        self._twins: weakref.WeakKeyDictionary[DataLoader[Any], DataLoader[Any]] = weakref.WeakKeyDictionary()

    def loader(self, loader: DataLoader[Any]) -> DataLoader[Any]:
        """Return the loader with the fix; the same one for every epoch, so that its workers persist."""
        if loader not in self.targets:
            return loader
        if loader not in self._twins:
            self._twins[loader] = self.twin(loader)
            self.engaged += 1
        return self._twins[loader]

    def twin(self, loader: DataLoader[Any]) -> DataLoader[Any]:
        """Return another loader of the same batches."""
        if self.options.get("num_workers") and isinstance(loader.dataset, IterableDataset):
            raise CandidateFailed(
                "its dataset is an IterableDataset, of which every worker would give all items; "
                "share them out by torch.utils.data.get_worker_info() first"
            )
        return rebuilt(loader, loader.dataset, **self.options)


class CacheDataset(Loader):
    """Keep each item once it was made. A trial measures what holds from the second pass over the data on."""

    def twin(self, loader: DataLoader[Any]) -> DataLoader[Any]:
        """Return a loader of the kept items."""
        dataset: Any = loader.dataset
        if isinstance(dataset, IterableDataset) or not hasattr(dataset, "__len__"):
            raise CandidateFailed("its dataset has no items by number that could be kept")
        with preserved_rng():
            kept = Kept(dataset)
        made = len(kept.items)
        size = sum(tensor.numel() * tensor.element_size() for item in kept.items for tensor in tensors_of(item))
        self.notes.append(
            f"Measured as from the second pass over the data on, with {made:,} items kept; all {len(dataset):,} would "
            f"take about {size / max(made, 1) * len(dataset) / 1e6:,.0f} MB as tensors."
        )
        return rebuilt(loader, kept)


class Kept(Dataset[Any]):
    """The first items of a dataset, made once, standing for the rest."""

    def __init__(self, dataset: Any) -> None:
        self.items: list[Any] = []
        self._length = len(dataset)
        until = time.monotonic() + KEEPING_S
        for index in range(min(self._length, KEPT_ITEMS)):
            self.items.append(dataset[index])
            if time.monotonic() > until:
                break

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: Any) -> Any:
        return self.items[int(index) % len(self.items)]


def rebuilt(loader: DataLoader[Any], dataset: Any, **changes: Any) -> DataLoader[Any]:
    """Return a DataLoader of the same batches from ``dataset``, with ``changes`` among its arguments."""
    arguments: dict[str, Any] = {name: getattr(loader, name) for name in _COMMON}
    if loader.multiprocessing_context is not None:
        arguments["multiprocessing_context"] = loader.multiprocessing_context
    if isinstance(dataset, IterableDataset) or (loader.batch_size is None and loader.batch_sampler is None):
        arguments |= {"batch_size": loader.batch_size, "drop_last": loader.drop_last}
        if not isinstance(dataset, IterableDataset):
            arguments["sampler"] = loader.sampler
    else:
        arguments["batch_sampler"] = loader.batch_sampler  # with its own generator, so that the order is the same
    arguments |= changes
    if arguments["num_workers"]:
        arguments.setdefault("prefetch_factor", loader.prefetch_factor)
    else:
        arguments |= {"persistent_workers": False, "multiprocessing_context": None}
        arguments.pop("prefetch_factor", None)
    return DataLoader(dataset, **arguments)
