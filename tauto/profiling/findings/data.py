"""The input pipeline: whether the loop waits for its data, and what would help."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tauto.profiling.facts import Facts, LoaderFacts
from tauto.profiling.findings._base import by_saving, phase_ms, place_of, seen_lines, worth
from tauto.profiling.fixes import fix, fix_line
from tauto.reports.profile import Finding, Gain, LineRow, ProfileReport

__all__ = ["data_by_item", "data_cached", "data_generator", "data_loading", "data_restart", "pinning"]

WAITING = 0.15
"""Of the cell's time."""
LIGHT_ITEM_US = 50.0
"""An item that takes less costs by its number, not by its work: workers would make it slower."""
MODEST_ITEM_US = 500.0
"""An item that takes less may well be dear by its number: a batch made at once is worth a thought."""
CACHE_SHARE = 0.25
"""Of the machine's memory that a cached dataset may take."""


def data_loading(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find a loop that waits for a DataLoader which could load on more cores, while the model computes."""
    loader = _slowest(report, facts)
    if loader is None or _is_light(loader):
        return
    workers = _workers(report, facts, loader)
    gain = _overlapped(report, facts, loader, workers)
    what = loader.name or "its DataLoader"
    said = (_evidence(report, facts, loader), _nature(loader), _epochs_to_come(facts, loader))
    evidence = " ".join(part for part in said if part)
    if workers <= loader.workers or not worth(gain):
        yield Finding(
            "data_slow",
            "The loop waits for its data, and all cores are at work already",
            f"{evidence} More workers would take the cores from the model: the items must become cheaper.",
            "",
            (_CACHE if _fits(facts, loader) else _MAPPED).replace("dataset", _source(loader)),
            cause="data",
            expected=by_saving(report, loader.waited_ms, "all of the waiting, if items cost nothing"),
        )
        return
    yield Finding(
        "data_loading",
        f"The loop waits for its data: {what} has {_worker_words(loader.workers)}",
        evidence,
        fix_line("data_loading"),
        f"DataLoader({_source(loader)}, num_workers={workers}, persistent_workers=True, ...)",
        cause="data",
        expected=gain,
        fix=fix("loader", loader.name, num_workers=workers, persistent_workers=True),
    )


def data_by_item(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find a loader whose items cost nothing but their number."""
    loader = _slowest(report, facts)
    if loader is None or not _is_light(loader) or loader.batched:
        return
    copied_ms = (
        2 * loader.batch_bytes * loader.batches / (facts.copy_memory_gbps * 1e6) if facts.copy_memory_gbps else 0
    )
    yield Finding(
        "data_by_item",
        "The loader handles every sample by itself, though a sample costs next to nothing",
        f"{_evidence(report, facts, loader)} That is {_item_us(loader):.0f} µs a sample: calling, converting and "
        "collating each one. Workers would add the sending of it.",
        "",
        "def __getitems__(self, indices):\n    return self.data[indices], self.labels[indices]\n"
        "# and DataLoader(..., collate_fn=lambda batch: batch)",
        cause="data",
        expected=by_saving(
            report, loader.waited_ms - copied_ms, "the waiting, less a copy of each batch at this machine's bandwidth"
        ),
    )


def data_cached(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find samples that are made again in each epoch and would fit into memory."""
    loader = _slowest(report, facts)
    if loader is None or loader.iterable or loader.workers:
        return
    if loader.epochs < 2 or _is_light(loader) or not _fits(facts, loader):
        return
    gain = by_saving(
        report,
        loader.waited_ms * (1 - 1 / loader.epochs),
        f"the waiting of all epochs but the first, of {loader.epochs} in this cell; more epochs gain more",
    )
    if worth(gain):
        yield Finding(
            "data_cached",
            "Every epoch makes the same samples again, and they would fit into memory",
            f"{loader.epochs} epochs over {loader.dataset}; one is {_epoch_mb(loader)} MB as batches, and "
            f"{loader.waited_ms / loader.epochs:,.0f} ms of waiting. Only where a sample is the same each time: random "
            "augmentation belongs after the cache.",
            fix_line("data_cached"),
            _CACHE.replace("dataset", _source(loader)),
            cause="data",
            expected=gain,
            fix=fix("cache_dataset", loader.name),
        )


def data_restart(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find workers that are started again in each epoch."""
    for loader in facts.loaders:
        if not loader.workers or loader.persistent or loader.epochs < 2:
            continue
        gain = by_saving(
            report, loader.first_ms * (loader.epochs - 1), "the first batch's waiting, in each epoch but the first"
        )
        if worth(gain):
            yield Finding(
                "data_restart",
                "The loader's workers are started again in each epoch",
                f"The first batch took {loader.first_ms:,.0f} ms, while {_worker_words(loader.workers)} started; "
                f"{loader.epochs} epochs in this cell.",
                fix_line("data_restart"),
                f"DataLoader(..., num_workers={loader.workers}, persistent_workers=True)",
                cause="data",
                expected=gain,
                fix=fix("loader", loader.name, num_workers=loader.workers, persistent_workers=True),
            )


def data_generator(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find a loop that waits for an iterator of the user's own."""
    waits = [row for row in seen_lines(report, facts) if row.waits_for_data and row.phase == "other"]
    share = sum(row.share for row in waits)
    if not report.root_calls or facts.loaders or share < WAITING:
        return
    row = max(waits, key=lambda row: row.share)
    saved = min(share, 1 - share) * report.wall_ms
    yield Finding(
        "data_generator",
        "The loop waits for its own iterator",
        f"The thread was found inside of it {share:.0%} of the time, most often at {place_of(row)}.",
        "",
        "class Batches(torch.utils.data.IterableDataset):\n    def __iter__(self):\n        yield from batches()\n"
        "loader = DataLoader(Batches(), batch_size=None, num_workers=1)",
        cause="data",
        expected=by_saving(report, saved, "at best a worker hides the waiting behind the rest of the loop"),
    )


def pinning(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find batches for a GPU that are loaded into pageable memory."""
    if not report.device.startswith("cuda"):
        return
    for loader in facts.loaders:
        if not loader.pinned and loader.batches:
            yield Finding(
                "pinning",
                "Batches for the GPU are loaded into pageable memory",
                f"{loader.batches} batches of {loader.batch_bytes / 1e6:.1f} MB; from pinned memory the copy runs "
                "faster and beside the computation.",
                fix_line("pinning"),
                "DataLoader(..., pin_memory=True)  # and batch.to('cuda', non_blocking=True)",
                cause="data",
                expected=Gain(None, None, "the rate of copies to the GPU is not among the measured ceilings"),
                fix=fix("loader", loader.name, pin_memory=True),
            )


def _slowest(report: ProfileReport, facts: Facts) -> LoaderFacts | None:
    """The loader that was waited for longest, when that is a part of the cell worth speaking of."""
    loader = max(facts.loaders, key=lambda one: one.waited_ms, default=None)
    if loader is None or not report.wall_ms or loader.waited_ms < WAITING * report.wall_ms:
        return None
    return loader


_CACHE = "items = [dataset[i] for i in range(len(dataset))]  # once\nloader = DataLoader(items, ...)"
_MAPPED = (
    "# once, into a file; then a dataset that reads its samples from ready\n"
    "shape = (len(dataset), *dataset[0][0].shape)\n"
    'ready = numpy.lib.format.open_memmap("ready.npy", "w+", "float32", shape)\n'
    "for i in range(len(dataset)):\n    ready[i] = dataset[i][0]"
)


def _epoch_bytes(loader: LoaderFacts) -> int:
    return loader.batch_bytes * math.ceil(loader.batches / max(loader.epochs, 1))


def _fits(facts: Facts, loader: LoaderFacts) -> bool:
    return not facts.memory_bytes or _epoch_bytes(loader) <= CACHE_SHARE * facts.memory_bytes


def _epoch_mb(loader: LoaderFacts) -> str:
    megabytes = _epoch_bytes(loader) / 1e6
    return f"{megabytes:,.0f}" if megabytes >= 10 else f"{megabytes:.2g}"


def _source(loader: LoaderFacts) -> str:
    """Return the dataset as code that can be run where the loader has a name."""
    return f"{loader.name}.dataset" if loader.name else "dataset"


def _nature(loader: LoaderFacts) -> str:
    """Say what the loading is made of, which decides what helps."""
    on_core = min(loader.cpu_ms / loader.waited_ms, 1.0)
    if on_core < 0.5:
        return f"Only {on_core:.0%} of that was work on a core; the rest it waited, for a disk, a network or others."
    if loader.workers or loader.iterable or loader.batched or loader.batch_size is None:
        return ""
    if _item_us(loader) < MODEST_ITEM_US:
        return (
            f"A sample takes {_item_us(loader):,.0f} µs: where a whole batch can be made at once, a method "
            "__getitems__(self, indices) of the dataset may bring more than workers."
        )
    return f"A sample takes {_item_us(loader) / 1000:,.1f} ms of work on a core."


def _epochs_to_come(facts: Facts, loader: LoaderFacts) -> str:
    """Say what the first epoch's samples could save the others: a training has more than the one that was profiled."""
    if not facts.trains or loader.epochs > 1 or loader.iterable or loader.workers or not _fits(facts, loader):
        return ""
    return (
        f"Each further epoch would make the same samples again; kept in memory they are {_epoch_mb(loader)} MB as "
        "batches (augmentation belongs after that)."
    )


def _item_us(loader: LoaderFacts) -> float:
    return 1000 * loader.batch_ms / (loader.batch_size or 1)


def _is_light(loader: LoaderFacts) -> bool:
    return loader.workers == 0 and loader.batch_size is not None and _item_us(loader) < LIGHT_ITEM_US


def _workers(report: ProfileReport, facts: Facts, loader: LoaderFacts) -> int:
    """As many as it takes to load in the time of the rest, at most one a core beside the loop's own."""
    rest = max(report.wall_ms - loader.waited_ms, 1e-3)
    enough = math.ceil(loader.waited_ms * max(loader.workers, 1) / rest)
    waits = 1 - loader.cpu_ms / loader.waited_ms  # for a disk or a network, not for a core
    most = max(facts.cores - 1, 1) if waits < 0.5 else 2 * facts.cores
    return max(min(loader.workers + enough if loader.workers else enough, most), 1)


def _overlapped(report: ProfileReport, facts: Facts, loader: LoaderFacts, workers: int) -> Gain:
    """The cell with its loading beside the rest: as long as the longest of rest, loading, and all work on all cores."""
    rest = report.wall_ms - loader.waited_ms
    loading = loader.waited_ms * max(loader.workers, 1) / workers
    on_cores = facts.threads if report.device == "cpu" else 1
    busy = (rest * min(on_cores, facts.cores) + loader.cpu_ms) / facts.cores
    longest = max(rest, loading, busy)
    basis = (
        f"{_worker_words(workers)} on {facts.cores} cores beside the model; the rest of the loop takes {rest:,.0f} ms, "
        f"the loading {loading:,.0f} ms, and the work of both on all cores {busy:,.0f} ms: the longest remains"
    )
    return by_saving(report, report.wall_ms - longest, basis)


def _worker_words(workers: int) -> str:
    if workers == 0:
        return "no worker process"
    return "1 worker process" if workers == 1 else f"{workers} worker processes"


def _evidence(report: ProfileReport, facts: Facts, loader: LoaderFacts) -> str:
    # the phase holds the start of an iteration too, and that of every loader
    alone = phase_ms(report, facts, "data") if len(facts.loaders) == 1 else 0.0
    waited = max(alone, loader.waited_ms)
    share = waited / report.wall_ms
    text = (
        f"{share:.0%} of the cell ({waited:,.0f} of {report.wall_ms:,.0f} ms) was spent waiting for "
        f"{loader.batches:,} batches, {waited / max(loader.batches, 1):.1f} ms each"
    )
    line = _slowest_line(report, facts)
    return f"{text}; most often at {place_of(line)}." if line else f"{text}."


def _slowest_line(report: ProfileReport, facts: Facts) -> LineRow | None:
    """The line at which most of the loading happens; the head of the loop says nothing."""
    rows = [
        row
        for row in seen_lines(report, facts)
        if row.phase == "data" and not row.source.startswith(("for ", "async for "))
    ]
    return max(rows, key=lambda row: row.share, default=None)
