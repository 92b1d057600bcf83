"""Which values are tried next, and which trials are stopped early: Optuna's own, by name."""

from __future__ import annotations

import numpy as np
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, WilcoxonPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

from tauto.errors import InvalidArgument, did_you_mean
from tauto.tuning.study import quiet

__all__ = ["PRUNERS", "SAMPLERS", "STARTED", "pruner_of", "sampler_of"]

SAMPLERS = ("tpe", "random")
PRUNERS = ("median", "hyperband", "wilcoxon", "none")
STARTED = 10
"""Trials that are drawn at random before TPE has something to go by."""


def sampler_of(name: str | BaseSampler, seed: int, here: tuple[int, ...] = ()) -> BaseSampler:
    """Return the sampler of this name.

    Parameters
    ----------
    name : str or optuna.samplers.BaseSampler
        ``"tpe"``, ``"random"``, or one of Optuna's own.
    seed : int
        Of its random numbers.
    here : tuple of int
        What is to make it differ from others on the same study: it would repeat their values.
    """
    if isinstance(name, BaseSampler):
        return name
    if name not in SAMPLERS:
        raise InvalidArgument(f"sampler: there is no {name!r}. {did_you_mean(str(name), SAMPLERS)}")
    number = int(np.random.SeedSequence([seed, *here]).generate_state(1)[0])
    if name == "random":
        return RandomSampler(seed=number)
    with quiet():
        return TPESampler(n_startup_trials=STARTED, seed=number, group=True)


def pruner_of(name: str | BasePruner | None, seeds: int) -> BasePruner:
    """Return the pruner of this name; by default Wilcoxon's for several seeds, else the median.

    Raises
    ------
    InvalidArgument
        When there is none of this name, or it needs several seeds.
    """
    if isinstance(name, BasePruner):
        return name
    chosen = name or ("wilcoxon" if seeds > 1 else "median")
    if chosen not in PRUNERS:
        raise InvalidArgument(f"pruner: there is no {chosen!r}. {did_you_mean(str(chosen), PRUNERS)}")
    if chosen == "wilcoxon" and seeds < 2:
        raise InvalidArgument("pruner: Wilcoxon's compares trials seed by seed. Add seeds=5, or write 'median'.")
    with quiet():
        match chosen:
            case "median":
                return MedianPruner()
            case "hyperband":
                return HyperbandPruner()
            case "wilcoxon":
                return WilcoxonPruner()
        return NopPruner()
