"""Tuning four small networks beside random search at the same number of trials; what a trial costs beyond its training.

python -m benchmarks.tune                              # 4 tasks × 10 seeds × 2 × 40 trials: an hour and more
python -m benchmarks.tune --only wine --seeds 3        # a part; what is in --storage is not made again
python -m benchmarks.tune --report                     # only what has been measured so far
"""

from __future__ import annotations

import argparse
import pydoc_data.topics
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import optuna
import torch
from scipy import stats
from torch import Tensor, nn
from torch.nn import functional

import tauto

TRIALS = 40
Batches = tuple[Tensor, Tensor]


# --- the tasks: real data, a training of a second at most, judged by the loss on data held back


@cache
def _table(name: str) -> tuple[Batches, Batches]:
    """Return inputs and labels of one of scikit-learn's data sets, for training and for validation."""
    from sklearn import datasets

    data = getattr(datasets, f"load_{name}")()
    inputs, labels = torch.tensor(data.data, dtype=torch.float32), torch.tensor(data.target)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    first, rest = order[: len(order) * 6 // 10], order[len(order) * 6 // 10 :]
    mean, std = inputs[first].mean(0), inputs[first].std(0) + 1e-6
    return tuple(((inputs[part] - mean) / std, labels[part]) for part in (first, rest))  # type: ignore[return-value]


@cache
def _text() -> tuple[Tensor, int]:
    text = "\n".join(pydoc_data.topics.topics.values())[:120_000]
    letters = {letter: place for place, letter in enumerate(sorted(set(text)))}
    return torch.tensor([letters[letter] for letter in text]), len(letters)


def _optimizer(model: nn.Module) -> torch.optim.Optimizer:
    lr = tauto.suggest.float("lr", 1e-5, 1e-1, log=True)
    weight_decay = tauto.suggest.float("weight_decay", 1e-6, 1e-1, log=True)
    if tauto.suggest.categorical("optimizer", ["adamw", "sgd"]) == "adamw":
        return torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)
    momentum = tauto.suggest.float("momentum", 0.0, 0.99)
    return torch.optim.SGD(model.parameters(), lr=lr, weight_decay=weight_decay, momentum=momentum)


def _trained(model: nn.Module, data: tuple[Batches, Batches], epochs: int) -> float:
    """Return the loss on the validation data after training."""
    (inputs, labels), (held_inputs, held_labels) = data
    optimizer, size, loss = _optimizer(model), tauto.suggest.categorical("batch", [16, 32, 64, 128]), 0.0
    for epoch in range(epochs):
        model.train()
        for part in torch.randperm(len(labels)).split(size):
            optimizer.zero_grad()
            functional.cross_entropy(model(inputs[part]), labels[part]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            loss = float(functional.cross_entropy(model(held_inputs), held_labels))
        tauto.report_progress(loss, epoch)
    return loss


def _mlp(name: str, epochs: int) -> float:
    torch.set_num_threads(1)
    data = _table(name)
    widths = [data[0][0].shape[1]]
    widths += [tauto.suggest.int(f"width_{i}", 4, 64, log=True) for i in range(tauto.suggest.int("layers", 1, 3))]
    dropout = tauto.suggest.float("dropout", 0.0, 0.6)
    layers = [part for low, high in pairwise(widths) for part in (nn.Linear(low, high), nn.ReLU(), nn.Dropout(dropout))]
    classes = int(data[0][1].max()) + 1
    return _trained(nn.Sequential(*layers, nn.Linear(widths[-1], classes)), data, epochs)


def wine() -> float:
    """Three kinds of wine by 13 figures."""
    return _mlp("wine", 12)


def cancer() -> float:
    """Two kinds of tumour by 30 figures."""
    return _mlp("breast_cancer", 10)


def digits() -> float:
    """Handwritten digits of 8 × 8 pixels, by a convolutional net."""
    torch.set_num_threads(1)
    data = _table("digits")
    width = tauto.suggest.int("width", 4, 24, log=True)
    model = nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, width, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(width, 2 * width, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(tauto.suggest.float("dropout", 0.0, 0.6)),
        nn.Linear(2 * width * 16, 10),
    )
    return _trained(model, data, 5)


class Writer(nn.Module):
    """A transformer over characters."""

    def __init__(self, letters: int, width: int, heads: int, layers: int, dropout: float, context: int) -> None:
        super().__init__()
        self.letters, self.places = nn.Embedding(letters, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(width, heads, 4 * width, dropout, batch_first=True, norm_first=True)
            for _ in range(layers)
        )
        self.out = nn.Linear(width, letters)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(context))

    def forward(self, ids: Tensor) -> Tensor:
        """Return scores of the next character, at each place."""
        x = self.letters(ids) + self.places.weight
        for block in self.blocks:
            x = block(x, src_mask=self.mask, is_causal=True)
        scores: Tensor = self.out(x)
        return scores


def writer() -> float:
    """The next character of Python's own help pages."""
    torch.set_num_threads(1)
    ids, letters = _text()
    context, split = 32, len(ids) * 9 // 10
    heads = tauto.suggest.categorical("heads", [1, 2, 4])
    width = heads * tauto.suggest.int("width_of_a_head", 4, 16)
    model = Writer(
        letters, width, heads, tauto.suggest.int("layers", 1, 3), tauto.suggest.float("dropout", 0.0, 0.4), context
    )
    optimizer, size, loss = _optimizer(model), tauto.suggest.categorical("batch", [8, 16, 32]), 0.0

    def batch(low: int, high: int, count: int, draw: torch.Generator | None = None) -> Batches:
        starts = torch.randint(low, high - context - 1, (count, 1), generator=draw)
        window = ids[starts + torch.arange(context + 1)]
        return window[:, :-1], window[:, 1:]

    held = batch(split, len(ids), 48, torch.Generator().manual_seed(0))
    for epoch in range(4):
        model.train()
        for _ in range(640 // size):
            inputs, labels = batch(0, split, size)
            optimizer.zero_grad()
            functional.cross_entropy(model(inputs).flatten(0, 1), labels.flatten()).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        model.eval()
        with torch.no_grad():
            loss = float(functional.cross_entropy(model(held[0]).flatten(0, 1), held[1].flatten()))
        tauto.report_progress(loss, epoch)
    return loss


TASKS: dict[str, Callable[[], float]] = {"digits": digits, "wine": wine, "cancer": cancer, "writer": writer}
WAYS: dict[str, dict[str, Any]] = {
    "tauto": {},  # as it comes: TPE, and the median stops hopeless trials
    "random": {"sampler": "random", "pruner": "none"},
}


# --- searches


def search(task: str, way: str, seed: int, trials: int, storage: Path) -> None:
    """Search once; what the storage holds of it already is not made again."""
    name = f"{task}-{way}-{seed}"
    result = tauto.tune(
        TASKS[task], trials=trials, direction="minimize", study=name, storage=storage, seed=seed, **WAYS[way]
    )
    print(f"{name}: {result.best.values[0]:.4f} after {len(result.trials)} trials" if result.best else name, flush=True)


def found(task: str, trials: int, storage: Path) -> Iterator[tuple[int, dict[str, tuple[float, float]]]]:
    """Yield for each seed that both ways have come to the end of, the best and the seconds of training of each."""
    names = {row.name for row in tauto.studies(storage=storage).rows}
    for seed in range(100):
        if not {f"{task}-{way}-{seed}" for way in WAYS} <= names:
            continue
        both = {way: tauto.studies(f"{task}-{way}-{seed}", storage=storage).trials for way in WAYS}
        ended = {way: [one for one in rows if one.state != "interrupted"][:trials] for way, rows in both.items()}
        if all(len(rows) == trials for rows in ended.values()):
            yield (
                seed,
                {
                    way: (min(one.values[0] for one in rows if one.values), sum(one.seconds or 0 for one in rows))
                    for way, rows in ended.items()
                },
            )


def report(task: str, trials: int, storage: Path) -> None:
    """Print the best of both ways, and the difference over the seeds with its 95 % interval."""
    rows = list(found(task, trials, storage))
    if len(rows) < 2:
        print(f"{task}: {len(rows)} seeds so far, two at least are needed")
        return
    tuned, drawn = ([row[way][0] for _, row in rows] for way in WAYS)
    spent = {way: statistics.mean(row[way][1] for _, row in rows) for way in WAYS}
    gains = [1 - ours / theirs for ours, theirs in zip(tuned, drawn, strict=True)]
    half = float(stats.t.ppf(0.975, len(gains) - 1)) * statistics.stdev(gains) / len(gains) ** 0.5
    mean = statistics.mean(gains)
    print(
        f"{task}, {len(rows)} seeds of {trials} trials: best loss {statistics.mean(tuned):.4f}, by random search "
        f"{statistics.mean(drawn):.4f}: {mean:.1%} less ({mean - half:.1%} to {mean + half:.1%}), better in "
        f"{sum(gain > 0 for gain in gains)} of {len(gains)}; trials took {spent['tauto']:.0f} s and "
        f"{spent['random']:.0f} s"
    )


# --- what a trial costs beyond its training


def nothing() -> float:
    """Cost nothing."""
    return tauto.suggest.float("x", -1, 1) ** 2 + tauto.suggest.float("y", -1, 1) ** 2


def overhead(trials: int = 60) -> None:
    """Print what a trial of an objective that does nothing takes, by TAuto and by Optuna alone."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        tauto.tune(nothing, trials=2, storage=f"{folder}/first.db")  # the server starts once in a session
        began = time.perf_counter()
        tauto.tune(nothing, trials=trials, direction="minimize", storage=f"{folder}/tauto.db")
        ours = time.perf_counter() - began
        took = {"TAuto, a process for each trial": ours}
        for name, storage in {"Optuna, SQLite": f"sqlite:///{folder}/optuna.db", "Optuna, in memory": None}.items():
            began = time.perf_counter()
            study = optuna.create_study(storage=storage, sampler=optuna.samplers.TPESampler(seed=0))
            study.optimize(
                lambda trial: trial.suggest_float("x", -1, 1) ** 2 + trial.suggest_float("y", -1, 1) ** 2, trials
            )
            took[name] = time.perf_counter() - began
    for name, seconds in took.items():
        print(f"{name}: {seconds / trials * 1000:.1f} ms a trial")


def main() -> None:
    """Search, as far as that was not done, and print what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=[*TASKS, "overhead"], action="append", help="this part alone; repeatable")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--storage", type=Path, default=Path("tune-benchmark.db"))
    parser.add_argument("--report", action="store_true", help="make no trial")
    given = parser.parse_args()
    parts = given.only or [*TASKS, "overhead"]
    if not given.report:
        for seed in range(given.seeds):
            for task in (part for part in parts if part in TASKS):
                for way in WAYS:
                    search(task, way, seed, given.trials, given.storage)
    for task in (part for part in parts if part in TASKS):
        report(task, given.trials, given.storage)
    if "overhead" in parts and not given.report:
        overhead()


if __name__ == "__main__":
    main()
