import gc
import random
import time

import numpy as np
import pytest
import torch

from tauto.measurement.blocks import latency_of
from tauto.measurement.latency import time_alone
from tauto.measurement.sequential import FEWEST_PAIRS, MIN_PAIRS
from tauto.measurement.statistics import RatioEstimate
from tauto.measurement.timing import cautious, time_pair, verdict_of
from tauto.reports.comparison import Interval
from tauto.reports.measurement import QUANTILES

pytestmark = pytest.mark.alone


def busy(seconds):
    """Return a function that keeps the processor busy for ``seconds``, and longer only when it is preempted."""

    def run():
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass

    return run


@pytest.fixture
def machine(monkeypatch):
    """A machine of its own, on which a call takes what it is told to, give or take 2 %: no other work disturbs it."""

    class Machine:
        now = 0.0
        noise = np.random.default_rng(0)

        def perf_counter(self):
            self.now += 1e-7
            return self.now

        def takes(self, seconds):
            def run():
                self.now += seconds * self.noise.lognormal(0.0, 0.02)

            return run

    made = Machine()
    for module in ("blocks", "timing"):
        monkeypatch.setattr(f"tauto.measurement.{module}.time", made)
    return made


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(1.021, 1.5, "better"), (1.02, 1.5, "same"), (0.5, 0.979, "worse"), (0.5, 0.98, "same"), (0.9, 1.1, "same")],
)
def test_verdict_is_decided_by_the_near_end_of_the_interval(low, high, verdict):
    assert verdict_of(Interval(low, high)) == verdict


def test_a_function_of_half_the_time_is_better(machine):
    timing = time_pair(machine.takes(0.002), machine.takes(0.001), batch=4)
    assert (timing.verdict, timing.settled) == ("better", True)
    assert timing.speedup == pytest.approx(2.0, rel=0.02)
    assert timing.interval.low <= timing.speedup <= timing.interval.high
    assert timing.a.throughput_per_s == pytest.approx(4000 / timing.a.p50_ms)
    assert timing.a.p50_ms <= timing.a.p95_ms
    assert timing.a.blocks == timing.b.blocks


def test_on_this_machine_it_is_better_unless_other_work_disturbs():
    timing = time_pair(busy(0.004), busy(0.001), batch=4, time_cap_s=4)
    disturbed = timing.a.disturbed or timing.b.disturbed
    assert timing.verdict in ({"better", "same"} if disturbed else {"better"}), timing
    assert timing.interval.low <= timing.speedup <= timing.interval.high


def test_a_function_against_itself_is_the_same(machine):
    timing = time_pair(machine.takes(0.001), machine.takes(0.001), batch=1)
    assert timing.verdict == "same"
    assert not timing.gave_up


def test_a_clearly_slower_candidate_is_given_up_early(machine):
    timing = time_pair(machine.takes(0.001), machine.takes(0.004), batch=1, give_up_below=1.0)
    assert timing.gave_up
    assert not timing.settled
    assert timing.verdict == "worse"
    assert timing.a.blocks < MIN_PAIRS


def test_long_calls_end_soon_after_the_cap(machine):
    timing = time_pair(machine.takes(0.15), machine.takes(0.15), batch=1, time_cap_s=0.1)
    assert timing.a.blocks == timing.b.blocks == FEWEST_PAIRS
    assert not timing.settled


def test_blocks_alternate_in_random_order_and_start_with_untimed_calls(machine):
    calls, work = [], machine.takes(0.002)
    timing = time_pair(lambda: (calls.append("a"), work()), lambda: (calls.append("b"), work()), batch=1, time_cap_s=3)
    assert len(calls) > timing.a.calls + timing.b.calls
    runs = [name for name, before in zip(calls, ["", *calls], strict=False) if name != before]
    assert 4 <= len(runs) <= 2 * timing.a.blocks + 2
    assert len(runs) < 2 * timing.a.blocks, "two blocks of one side never stood beside each other: the order is fixed"


@pytest.mark.parametrize("faulty", [0, 1])
def test_a_failure_of_either_side_is_raised_as_it_is(faulty):
    def fail():
        raise KeyError("the model's own error")

    functions = [busy(0.0001), busy(0.0001)]
    functions[faulty] = fail
    with pytest.raises(KeyError, match="own error"):
        time_pair(*functions, batch=1)


def test_random_states_threads_and_collector_are_left_as_found():
    def restless():
        torch.rand(1), np.random.rand(), random.random()
        torch.set_num_threads(1)

    threads = torch.get_num_threads()
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    time_pair(restless, restless, batch=1, time_cap_s=0.5)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()
    assert random.getstate() == before[2]
    assert torch.get_num_threads() == threads
    assert gc.isenabled()


def test_collector_is_on_again_after_a_failure_within_a_timed_block():
    seen = []

    def fail_when_paused():
        seen.append(gc.isenabled())
        if not gc.isenabled():
            raise RuntimeError("within a block")

    with pytest.raises(RuntimeError, match="within a block"):
        time_pair(fail_when_paused, fail_when_paused, batch=1)
    assert seen[0]
    assert gc.isenabled()


def test_one_function_alone():
    latency = time_alone(busy(0.001), batch=2, time_cap_s=0.5)
    assert latency.p50_ms >= 1.0
    assert latency.throughput_per_s == pytest.approx(2000 / latency.p50_ms)
    assert latency.calls >= latency.blocks >= 1


def _stalling(machine, seconds, stall_s, *, stands_still):
    """Return a function that is busy, and for whole stretches of calls stands still as well."""
    calls = iter(range(10**9))
    work, stall = machine.takes(seconds), machine.takes(stall_s)

    def run():
        if stands_still(next(calls)):
            stall()
        work()

    return run


def test_a_side_that_stands_still_for_most_blocks_is_not_slower(machine):
    # 5 slow calls fill a block, and 100 fast ones do: most blocks stand still, most calls do not
    slow = _stalling(machine, 0.0005, 0.02, stands_still=lambda call: call % 600 < 40)
    timing = time_pair(slow, machine.takes(0.0005), batch=1, time_cap_s=4)
    assert timing.a.disturbed
    assert not timing.settled
    assert timing.verdict == "same", timing
    assert 0.8 < timing.speedup < 1.25


def _estimate(low, high):
    return RatioEstimate((low * high) ** 0.5, Interval(low, high))


def test_on_a_busy_machine_the_undisturbed_calls_tell_how_much():
    assert cautious(_estimate(18, 81), _estimate(1.4, 1.6)).interval == Interval(1.4, 1.6)
    assert cautious(_estimate(18, 81), _estimate(0.9, 1.1)).interval == Interval(0.9, 1.1)
    assert cautious(_estimate(18, 81), _estimate(0.5, 0.6)).interval == Interval(0.5, 1.0), "they do not agree"
    assert cautious(_estimate(0.9, 1.1), _estimate(1.4, 1.6)).interval == Interval(1.0, 1.6)


def test_whole_blocks_that_stood_still_show_as_disturbed():
    fast, slow = np.full(200, 0.0003), np.full(5, 0.016)
    mixed = latency_of([fast, fast, slow, slow], batch=1)
    assert mixed.p50_ms == pytest.approx(0.3)
    assert mixed.block_ms == pytest.approx(16.0)
    assert mixed.disturbed
    assert not latency_of([*[fast] * 9, slow], batch=1).disturbed


def test_the_distribution_over_the_calls_is_told():
    blocks = [np.linspace(0.001, 0.002, 101), np.linspace(0.001, 0.002, 101)]
    latency = latency_of(blocks, batch=1)
    assert len(latency.quantiles_ms) == len(QUANTILES)
    assert latency.quantiles_ms[QUANTILES.index(0.5)] == pytest.approx(latency.p50_ms, rel=1e-3)
    assert latency.quantiles_ms[QUANTILES.index(0.95)] == pytest.approx(latency.p95_ms, rel=1e-3)
    assert list(latency.quantiles_ms) == sorted(latency.quantiles_ms)
