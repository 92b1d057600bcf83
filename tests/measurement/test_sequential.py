"""Simulated machines: how often the sequential rule is wrong, where the truth is known."""

from dataclasses import dataclass

import numpy as np
import pytest

from tauto.measurement.sequential import FEWEST_PAIRS, MIN_PAIRS, SequentialRatio
from tauto.measurement.timing import verdict_of

RUNS = 200


class Machine:
    """Calls with lognormal noise and spikes of 2–10 ×, under slow drift and bursts of other work."""

    def __init__(self, random, loaded):
        self.random, self.loaded, self.now = random, loaded, 0.0
        self.call_s = 10 ** random.uniform(-3, -0.5)
        self.sigma, self.spikes = random.uniform(0.01, 0.12), random.uniform(0, 0.06)
        self.drift, self.period = random.uniform(-0.015, 0.015), random.uniform(2, 30)
        self.busy_s, self.idle_s, self.factor = (
            random.uniform(0.05, 2),
            random.uniform(0.2, 4),
            random.uniform(1.1, 2.2),
        )
        self.busy, self.until = False, 0.0

    def slowdown(self):
        while self.now >= self.until:
            self.busy = not self.busy
            self.until += self.random.exponential(self.busy_s if self.busy else self.idle_s)
        steady = (1 + self.drift * self.now) * (1 + 0.1 * np.sin(2 * np.pi * self.now / self.period))
        return steady * (self.factor if self.busy and self.loaded else 1.0)

    def block(self, call_s):
        self.now += max(0.025, call_s) * self.slowdown()
        seconds, parts = [], min(6, max(1, round(0.05 / call_s)))
        for _ in range(parts):
            calls = max(1, round(0.05 / call_s / parts))
            part = call_s * self.slowdown() * np.exp(self.sigma * self.random.standard_normal(calls))
            spiked = self.random.random(calls) < self.spikes
            part[spiked] *= self.random.uniform(2, 10, spiked.sum())
            self.now += part.sum()
            seconds.append(part)
        return float(np.median(np.concatenate(seconds)))


@dataclass
class Run:
    stop: str
    ratio: float
    interval: object
    pairs: int

    @property
    def verdict(self):
        return verdict_of(self.interval)


def simulate(seed, loaded, ratio, cap_s=20.0, give_up_below=None):
    random = np.random.default_rng(seed)
    machine = Machine(random, loaded)
    rule, stop = SequentialRatio(0.03, give_up_below, random), None
    while stop is None:
        times = {}
        for side in random.permutation(["a", "b"]):
            times[side] = machine.block(machine.call_s * (ratio if side == "a" else 1.0))
        rule.add(times["a"], times["b"])
        stop = rule.stop(out_of_time=machine.now > cap_s)
    return Run(stop, rule.estimate.ratio, rule.estimate.interval, len(rule))


@pytest.mark.parametrize(("loaded", "cap_s"), [(False, 5.0), (True, 5.0), (True, 20.0)])
def test_a_copy_is_called_the_same_and_the_interval_covers_one(loaded, cap_s):
    runs = [simulate(seed, loaded, 1.0, cap_s) for seed in range(RUNS)]
    assert sum(run.interval.low <= 1.0 <= run.interval.high for run in runs) >= 0.95 * RUNS
    assert sum(run.verdict != "same" for run in runs) <= 0.01 * RUNS


def test_a_real_gain_is_found_and_its_size_covered():
    runs = [simulate(seed, True, 1.3) for seed in range(RUNS)]
    assert sum(run.interval.low <= 1.3 <= run.interval.high for run in runs) >= 0.95 * RUNS
    assert sum(run.verdict == "better" for run in runs) >= 0.85 * RUNS
    assert not any(run.verdict == "worse" for run in runs)


def test_a_settled_interval_is_as_narrow_as_asked_and_rests_on_enough_pairs():
    runs = [run for run in (simulate(seed, False, 1.0) for seed in range(60)) if run.stop == "settled"]
    assert len(runs) > 30
    for run in runs:
        assert (run.interval.high - run.interval.low) / 2 / run.ratio < 0.03
        assert run.pairs >= MIN_PAIRS


def test_a_clearly_slower_candidate_is_given_up_after_a_few_pairs():
    runs = [simulate(seed, True, 0.4, give_up_below=1.0) for seed in range(100)]
    early = [run for run in runs if run.stop == "given_up" and run.pairs < MIN_PAIRS]
    assert len(early) > 60
    assert all(run.interval.high < 1.0 for run in early)


def test_an_equal_candidate_is_hardly_ever_given_up():
    runs = [simulate(seed, True, 1.0, give_up_below=1.0) for seed in range(RUNS)]
    assert sum(run.stop == "given_up" for run in runs) <= 0.03 * RUNS


def test_out_of_time_still_needs_a_few_pairs():
    rule = SequentialRatio(0.03, None, np.random.default_rng(0))
    stops = []
    for _ in range(FEWEST_PAIRS):
        rule.add(1.0, 1.1)
        stops.append(rule.stop(out_of_time=True))
    assert stops == [None] * (FEWEST_PAIRS - 1) + ["out_of_time"]
