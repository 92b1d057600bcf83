"""Who gets how much of the time that a decoding has: on a clock by hand, with trials that need so many seconds."""

from __future__ import annotations

from typing import Any

import pytest
from decoders import VOCABULARY, growing, prompt
from search_by_hand import Clock

from tauto.decoding import Way
from tauto.execution import Outcome
from tauto.execution.job import Failure
from tauto.hardware import Hardware
from tauto.tuning.budget import Budget
from tauto.tuning.decoding import Decoding, DecodingPlan
from tauto.workload import Workload

WAYS = (Way("dynamic"), Way("static", True), Way("static", True, "bfloat16"), Way("dynamic", False, "bfloat16"))
FOUND = {
    "libraries": [], "first_s": [0.1], "at": {4: [1.0, 1.0]}, "estimated": {}, "tokens": [[1, 2, 3, 4]],
    "chosen": [[1, 2]], "preparation_s": 1.0, "cache_bytes": 0,
}  # fmt: skip


class Scheduled(Decoding):
    """Each way needs so many seconds, and is stopped when it has fewer."""

    def __init__(self, needs: dict[str, float], total_s: float, ways: tuple[Way, ...] = WAYS) -> None:
        self.clock, self.needs, self.limits, self.found = Clock(), needs, [], {}
        decoder = growing(layers=1)
        plan = DecodingPlan(ways, (4,), Budget(total_s, clock=self.clock), None, None, VOCABULARY)
        super().__init__(decoder, Workload.of(decoder.model, inputs=prompt()), plan, Hardware.current())

    def _measure(self, way: Way, wall_limit_s: float) -> Outcome:
        self.limits.append((way.key, round(wall_limit_s)))
        needed = self.needs.get(way.key, 5.0)
        self.clock.now += min(needed, wall_limit_s)
        if needed > wall_limit_s:
            return Outcome(None, Failure("timed_out", "did not end"), wall_limit_s, 0.1, 0, "")
        return Outcome(self.found.get(way.key, FOUND), None, needed, 0.1, 0, "")

    def tried(self) -> dict[str, Any]:
        self._measure_original()
        self._try_all(self._others())
        return {row.key: row for row in self.rows}


@pytest.fixture(autouse=True)
def _no_processes(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("TAUTO_WORK", str(tmp_path))
    monkeypatch.setattr("tauto.tuning.decoding.refused", lambda *_: "")
    monkeypatch.setattr("tauto.tuning.decoding.executor", lambda: type("None", (), {"preload": lambda *_: None})())


def test_a_way_that_is_compiled_gets_most_of_the_time_and_those_like_it_wait_for_no_miracle() -> None:
    search = Scheduled({"static-compiled": 1e3}, 200.0)
    rows = search.tried()
    limits = dict(search.limits)
    assert limits["static-compiled"] == pytest.approx(0.75 * 0.75 * 190, abs=1)  # 10 s went to the two before
    assert rows["static-compiled"].reason == 'stopped after 107 s; give budget="7min"'
    assert rows["static-compiled-bfloat16"].status == "skipped"
    assert rows["static-compiled-bfloat16"].reason.startswith("static cache, compiled was stopped after 107 s, and 62")
    assert rows["dynamic-bfloat16"].status == "measured"


def test_the_last_that_could_use_it_gets_all_but_what_confirming_needs() -> None:
    search = Scheduled({}, 200.0, (Way("dynamic"), Way("static", True)))
    search.tried()
    assert search.limits[-1] == ("static-compiled", round(0.75 * 190))


def test_what_could_not_be_timed_is_no_verdict_on_the_model() -> None:
    search = Scheduled({"static-compiled": 1e3, "dynamic": 1e3}, 100.0, (Way("dynamic"), Way("static", True)))
    search.tried()
    words = search.report().reason
    assert words.startswith(
        "nothing else could be timed: each of 2 other ways was stopped when its time was over; give"
    )


def test_once_something_faster_is_found_only_its_own_confirmation_is_kept_back() -> None:
    quick = {**FOUND, "at": {4: [0.1, 0.1]}}
    search = Scheduled({}, 100.0, (Way("dynamic"), *(Way("dynamic", False, one) for one in ("bfloat16", "float16"))))
    search.found["dynamic"] = quick
    search.tried()
    # two starts, twice half a preparation of 1 s, three pairs of 1.1 s; in 80 % of what is left then
    assert search.limits[-1] == ("dynamic-float16", round(100 - 15 - (2 * 5.5 + 3 * 1.1) / 0.8))
