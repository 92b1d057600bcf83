"""How soon the search comes near the true best, beside random search and Optuna without the rules.

    python -m benchmarks.search_cost --cache truth              # measures what is not in ./truth yet, then replays
    python -m benchmarks.search_cost --cache truth --only mlp

Every legal recipe of a model is measured once, in isolation: that is the truth, with what each trial cost. Each way to
search is then replayed on it, so that all see the same figures and only their order differs: TAuto as ``autotune`` has
it (the rules' best of each engine, then Optuna, no memory of earlier runs), Optuna's TPE over the same recipes without
the rules (in an order drawn by chance), and random search. Told is the time until a recipe within 3 % of the best was
tried, as a share of the time of all, over several seeds. What is shared between recipes (an export) costs the one that
came first in the enumeration, which is unkind to nobody in particular.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from benchmarks.models import MODELS
from tauto.hardware import Hardware
from tauto.recipes import Recipe
from tauto.reports import TrialReport
from tauto.tuning import Goal, chosen_techniques
from tauto.tuning.bench import Bench
from tauto.tuning.proposals import Proposals, proposing_space
from tauto.workload import Workload

NEAR = 0.97
LIMIT_S = 120.0
CAP_S = 8.0
_TRIALS = TypeAdapter(dict[str, TrialReport])
Order = Callable[[Sequence[TrialReport]], Recipe | None]


@dataclass(frozen=True)
class Truth:
    """What every legal recipe of one model came to, in the rules' order, and which the search begins with."""

    recipes: list[Recipe]
    first: list[Recipe]
    trials: dict[str, TrialReport]

    @property
    def whole_s(self) -> float:
        """Seconds that all of them took."""
        return sum(trial.wall_s for trial in self.trials.values())

    @property
    def best(self) -> TrialReport:
        """The fastest that holds the quality."""
        held = [one for one in self.trials.values() if one.comparison and one.comparison.quality_held is not False]
        return max(held, key=lambda one: one.comparison.speedup if one.comparison else 0.0)

    def near(self, trial: TrialReport) -> bool:
        """Return whether ``trial`` is as good as the best, but for 3 %."""
        best, own = self.best.comparison, trial.comparison
        return bool(own and best and own.quality_held is not False and own.speedup >= NEAR * best.speedup)


def measured(key: str, folder: Path) -> Truth:
    """Return the truth of a model, measured where ``folder`` does not have it yet."""
    subject = MODELS[key]
    workload = Workload.of(subject.built(), inputs=subject.inputs(), data=subject.data(), name=subject.name)
    hardware = Hardware.current()
    space = proposing_space(workload, hardware, chosen_techniques(), Goal())
    recipes = [recipe for recipe, _ in space.rest(())]
    file = folder / f"{key}.json"
    known = _TRIALS.validate_json(file.read_bytes()) if file.exists() else {}
    bench = None
    for number, recipe in enumerate(recipes):
        if recipe.digest in known:
            continue
        if bench is None:
            bench = Bench(workload, hardware)
            bench.measure_baseline()
        attempt = bench.attempt(recipe, wall_limit_s=LIMIT_S, time_cap_s=CAP_S)
        known[recipe.digest] = TrialReport(
            number=number,
            recipe=recipe.report(),
            status="failed" if attempt.comparison is None else "rejected",
            reason=attempt.failure or attempt.rejected or "",
            comparison=attempt.comparison,
            preparation_s=attempt.preparation_s,
            wall_s=attempt.wall_s,
            overhead_s=attempt.overhead_s,
            agreement=attempt.agreement,
        )
        folder.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_TRIALS.dump_json(known))
    return Truth(recipes, list(space.recipes), {one.digest: known[one.digest] for one in recipes})


def replayed(truth: Truth, first: Sequence[Recipe], follow: Order) -> tuple[float, float]:
    """Return after which share of the time one near the best was tried, and at which share the search ended."""
    done: list[TrialReport] = []
    spent, found = 0.0, math.inf
    queue = list(first)
    while (recipe := queue.pop(0) if queue else follow(done)) is not None:
        trial = truth.trials[recipe.digest]
        done.append(trial)
        spent += trial.wall_s
        if truth.near(trial):
            found = min(found, spent)
    return found / truth.whole_s, spent / truth.whole_s


def row(key: str, truth: Truth, seeds: int) -> str:
    """Return a line of the table."""

    def shuffled(seed: int) -> list[Recipe]:
        return random.Random(seed).sample(truth.recipes, len(truth.recipes))

    ways = {
        "TAuto": [replayed(truth, truth.first, Proposals(truth.recipes, Goal(), seed)) for seed in range(seeds)],
        "TPE": [replayed(truth, (), Proposals(shuffled(seed), Goal(), seed)) for seed in range(seeds)],
        "random": [replayed(truth, shuffled(seed), lambda done: None) for seed in range(seeds)],
    }
    best = truth.best
    speed = f"{best.comparison.speedup:.2f} ×" if best.comparison else ""
    cells = [
        f"{statistics.median(f for f, _ in found):.0%} (to {max(f for f, _ in found):.0%})" for found in ways.values()
    ]
    ended = f"{statistics.median(e for _, e in ways['TAuto']):.0%}"
    size = f"{len(truth.recipes)} in {truth.whole_s:.0f} s"
    return f"| {key} | {size} | {best.recipe.title}, {speed} | {' | '.join(cells)} | {ended} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(MODELS), help="models, by comma")
    parser.add_argument("--cache", type=Path, help="folder of what was measured; default one that is deleted")
    parser.add_argument("--seeds", type=int, default=20)
    options = parser.parse_args()
    os.environ["TAUTO_STORE"] = tempfile.mkdtemp()  # no memory of earlier runs
    folder = options.cache or Path(tempfile.mkdtemp())
    print(
        "| model | legal recipes | true best | TAuto: within 3 % after | TPE without rules | random | TAuto ends at |"
    )
    print("|---|---|---|---|---|---|---|")
    for key in options.only.split(","):
        print(row(key, measured(key, folder), options.seeds), flush=True)


if __name__ == "__main__":
    main()
