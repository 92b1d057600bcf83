"""A decoder tried in every way that there is here, each in a fresh process."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from tauto import events
from tauto.config import rounded_up, time_in_words, written
from tauto.decoding import Decoder, OptimizedDecoder, Way, build_decoder
from tauto.decoding.greedy import ids_of
from tauto.decoding.offered import as_given, refused
from tauto.errors import CandidateFailed, ModelError, TautoError, TrialFailed
from tauto.execution import Job, Outcome, executor, new_workspace, save_workload
from tauto.hardware import Hardware
from tauto.measurement import conditions_of, verdict_of
from tauto.measurement.sequential import CAUTIOUS
from tauto.measurement.statistics import bootstrap_ratio_interval
from tauto.reports import DecodingConfirmation, DecodingReport, DecodingRow
from tauto.tuning.budget import Budget
from tauto.tuning.decoding_curve import (
    advice_on,
    agreement_of,
    gains_of,
    length_rows,
    rate_at,
    reached_at,
    right,
)
from tauto.tuning.decoding_payload import DecodingPayload
from tauto.tuning.decoding_trial import FEWEST_PAIRS
from tauto.tuning.watched import run_watched
from tauto.workload import Workload

__all__ = ["Decoding", "DecodingPlan"]

RESERVE_SHARE = 0.25
"""Of the time left, kept back for confirming while nothing faster was found, and while a way is compiled."""
LOADING_SHARE = 0.5
"""Of a preparation, at most, that loading what it made takes."""
STARTING_S = 5.0
"""Starting a process and loading a model into it."""
TRIAL_SHARE = 0.5
"""Of the time left for trials, that one of several may take."""
COMPILED_SHARE = 0.75
"""The same where it is compiled: what is too little for it is too little for all others that are."""
TIMED_SHARE = 0.25
"""Of the time that a trial has, that it may spend on timed runs."""
CONFIRM_SHARE = 0.8
"""Of the time left, that a confirmation may take: what it confirms is to be loaded then."""
LEAST_TRIAL_S = 8.0
LEAST_CONFIRM_S = 10.0
WORTH = 1.02
SAME_TEXT = 0.99
"""Share of equal next tokens over one text, where the greedy tokens must all be equal: two logits may be as good as
alike, and are then ranked by rounding."""


@dataclass(frozen=True, slots=True)
class DecodingPlan:
    """What is asked for.

    Parameters
    ----------
    ways : tuple of Way
        To try, in this order, beside the original's own.
    lengths : tuple of int
        Numbers of new tokens, rising.
    budget : Budget
        Time it may take.
    target : float or None
        Speedup by a cache that is asked after.
    min_agreement : float or None
        Share of next tokens over one text that must be the original's; None: all greedy tokens are.
    vocabulary : int
        Number of tokens that there are.
    """

    ways: tuple[Way, ...]
    lengths: tuple[int, ...]
    budget: Budget
    target: float | None
    min_agreement: float | None
    vocabulary: int

    @property
    def quality_rule(self) -> str:
        """What decides whether the tokens are right, in words."""
        if self.min_agreement is None:
            return f"all greedy tokens are the original's, and over one same text at least {SAME_TEXT:.0%} of the next"
        return f"over one same text at least {self.min_agreement:.3g} of the next tokens are the original's"


class Decoding:
    """Tries the ways of one decoder.

    Parameters
    ----------
    decoder : Decoder
        Its model is only read.
    workload : Workload
        The same model with the prompt.
    plan : DecodingPlan
        What is asked for.
    hardware : Hardware
        This machine.
    """

    def __init__(self, decoder: Decoder, workload: Workload, plan: DecodingPlan, hardware: Hardware) -> None:
        self.decoder, self.workload, self.plan, self.hardware = decoder, workload, plan, hardware
        self.rows: list[DecodingRow] = []
        self.confirmed: DecodingConfirmation | None = None
        self.winner: Way | None = None
        self.interrupted = False
        self.original = as_given(decoder)
        self.prompt = ids_of(workload.example)
        self.room = self.prompt.shape[1] + plan.lengths[-1]
        self._workspace = new_workspace()
        self._payload = self._workspace.path / "decoder.pt"
        self._folder = self._workspace.path / "ways"
        self._tokens: list[list[int]] = []
        self._chosen: list[list[int]] = []
        self._stopped_after: dict[Way, float] = {}
        self._done = 0
        self._unloaded = ""

    def run(self) -> None:
        """Measure the original, then every way, and confirm the fastest; what the user stops is kept.

        Raises
        ------
        ModelError, TrialFailed
            When the original itself cannot be run in a trial.
        """
        executor().warm()  # the server imports while the weights are written
        # the functions travel without a second copy of the model
        functions = replace(self.decoder, model=self.workload.model)
        save_workload(DecodingPayload(functions, self.workload), self._payload)
        try:
            self._measure_original()
            self._try_all(self._others())
            self._confirm_best()
        except KeyboardInterrupt:
            self.interrupted = True

    def load(self) -> OptimizedDecoder | None:
        """Return the winner in this process, on a copy of the user's model; None when the original is kept.

        What cannot be loaded here, or is stopped meanwhile, is no winner any more.
        """
        if self.winner is None:
            return None
        way, self._unloaded = self.winner, ""
        self._tell(f"loading {way.name}")
        try:
            return build_decoder(
                self.decoder,
                way,
                self.workload,
                room=self.room,
                folder=self._folder,
                hardware=self.hardware,
                files=self._workspace,
            )
        except CandidateFailed as error:
            self._unloaded = f"it could not be loaded: {error}"
        except KeyboardInterrupt:
            self.interrupted, self._unloaded = True, "it was stopped while it was loaded"
        self.winner = None
        self._mark(next(row for row in self.rows if row.key == way.key), self._unloaded)
        return None

    def report(self) -> DecodingReport:
        """Return what was found until now."""
        rows = tuple(replace(row, status="kept") if self._won(row) else row for row in self.rows)
        gains = gains_of(rows, self.plan.lengths)
        return DecodingReport(
            model=self.workload.name,
            verdict="improved" if self.winner else "kept_original",
            reason=self._reason(),
            rows=rows,
            winner=self.winner.key if self.winner else None,
            confirmed=self.confirmed,
            gains=gains,
            target=self.plan.target,
            reached_at=None if self.plan.target is None else reached_at(gains, self.plan.target),
            advice=advice_on(rows, gains),
            quality_rule=self.plan.quality_rule,
            prompt_tokens=self.prompt.shape[1],
            batch=self.prompt.shape[0],
            wanted=self.plan.lengths,
            conditions=conditions_of(self.workload.example, self.hardware),
            budget_s=self.plan.budget.total_s,
            wall_s=self.plan.budget.elapsed_s,
            interrupted=self.interrupted,
        )

    def _others(self) -> list[Way]:
        return [way for way in self.plan.ways if way != self.original]

    def _won(self, row: DecodingRow) -> bool:
        return self.winner is not None and row.key == self.winner.key

    def _measure_original(self) -> None:
        clock = self.plan.budget
        outcome = self._measure(self.original, wall_limit_s=clock.left_s)
        if outcome.failure is not None:
            error = outcome.failure.to_exception()
            if isinstance(error, TautoError) and not isinstance(error, TrialFailed):
                raise error
            raise ModelError(f"model: it could not generate in a trial: {outcome.failure.reason}")
        executor().preload(outcome.result["libraries"])
        self._tokens, self._chosen = outcome.result["tokens"], outcome.result["chosen"]
        row = self._row(self.original, outcome, "original", "as it is called now")
        self.rows.append(row)

    def _try_all(self, ways: list[Way]) -> None:
        """Try each way; the last that could use the time gets it whole."""
        for place, way in enumerate(ways):
            usable = [other for other in ways[place + 1 :] if not self._refused(other) and not self._hopeless(other)]
            self._try(way, 1.0 if not usable else COMPILED_SHARE if way.compiled else TRIAL_SHARE)

    def _try(self, way: Way, share: float) -> None:
        """Measure ``way``, which may take this share of the time left for trials."""
        clock = self.plan.budget
        clock.reserve_s = self._reserve_s(way)
        reason = self._refused(way) or self._hopeless(way)
        if not reason and clock.left_for_trials_s < LEAST_TRIAL_S:
            reason = f"the budget left no time for it; {self._more_time}"
        if reason:
            self.rows.append(_bare(way, "skipped", reason))
            return
        limit_s = max(LEAST_TRIAL_S, share * clock.left_for_trials_s)
        outcome = self._measure(way, wall_limit_s=limit_s)
        if outcome.failure is None:
            self.rows.append(self._judged(self._row(way, outcome, "measured", "")))
            return
        reason = outcome.failure.reason
        if outcome.failure.kind == "timed_out":
            self._stopped_after[way] = limit_s
            reason = f"stopped after {time_in_words(limit_s)}; {self._more_time}"
        failed = _bare(way, "failed", reason)
        self.rows.append(replace(failed, wall_s=outcome.wall_s, output_tail=outcome.output_tail))

    def _refused(self, way: Way) -> str:
        return refused(way, self.decoder, self.workload, self.hardware)

    def _hopeless(self, way: Way) -> str:
        """Return which compiled way was stopped with more time than is left for this one; empty where none was."""
        left_s = self.plan.budget.left_for_trials_s
        for other, had_s in self._stopped_after.items():
            if way.compiled and other.compiled and left_s < had_s:
                had, left = time_in_words(had_s), time_in_words(left_s)
                return f"{other.name} was stopped after {had}, and {left} were left; {self._more_time}"
        return ""

    def _reserve_s(self, way: Way) -> float:
        """Return the seconds to keep back while ``way`` is tried: what confirming and loading the best will cost."""
        share_s = RESERVE_SHARE * self.plan.budget.left_s
        best = next(iter(self._faster()), None)
        if best is None:
            return share_s
        runs_s = FEWEST_PAIRS * sum(row.lengths[0].seconds for row in (self.rows[0], best))
        loading_s = 2 * (STARTING_S + LOADING_SHARE * (best.preparation_s or 0.0))
        cost_s = max(LEAST_CONFIRM_S, (loading_s + runs_s) / CONFIRM_SHARE)
        return max(share_s, cost_s) if way.compiled else cost_s

    @property
    def _more_time(self) -> str:
        return f"give {written('budget', rounded_up(2 * self.plan.budget.total_s))}"

    def _judged(self, row: DecodingRow) -> DecodingRow:
        found, least = row.agreement, self.plan.min_agreement
        assert found is not None
        same = 1.0 if found.same_text is None else found.same_text
        if least is not None:
            held, why = same >= least, f"{same:.1%} of the next tokens over one text are the original's"
        else:
            held = found.equal == 1.0 and same >= SAME_TEXT
            where = "" if found.first_difference is None else f", the first other at {found.first_difference}"
            why = f"{found.equal:.1%} of the greedy tokens are the original's{where}; over one text {same:.1%}"
        if held and not row.lengths:
            return replace(row, status="measured", reason=f"its time ended before {self.plan.lengths[0]} tokens")
        return replace(row, status="measured" if held else "rejected", reason="" if held else why)

    def _measure(self, way: Way, wall_limit_s: float) -> Outcome:
        clock = self.plan.budget
        arguments = {
            "payload": str(self._payload),
            "way": asdict(way),
            "lengths": list(self.plan.lengths),
            "room": self.room,
            "vocabulary": self.plan.vocabulary,
            "folder": str(self._folder),
            # beside timed runs a way without a cache times single steps, and every way reads one text
            "cap_s": TIMED_SHARE * min(wall_limit_s, clock.left_for_trials_s),
        }
        return self._run("measure", arguments, wall_limit_s, f"measuring {way.name}")

    def _run(self, function: str, arguments: dict[str, Any], wall_limit_s: float, message: str) -> Outcome:
        self._tell(message)
        name = f"tauto.tuning.decoding_trial:{function}"
        outcome = run_watched(
            Job(name, arguments, self._workspace.folder(function), wall_limit_s), lambda: self._tell(message)
        )
        self._done += 1
        self.plan.budget.spent(outcome.wall_s)
        return outcome

    def _row(self, way: Way, outcome: Outcome, status: Any, reason: str) -> DecodingRow:
        found = outcome.result
        first_ms = sorted(1e3 * value for value in found["first_s"])
        return replace(
            _bare(way, status, reason),
            first_token_ms=first_ms[len(first_ms) // 2],
            first_token_low_ms=first_ms[0],
            first_token_high_ms=first_ms[-1],
            lengths=length_rows(found["at"], found["estimated"], self.prompt.shape[0]),
            preparation_s=found["preparation_s"],
            cache_bytes=found["cache_bytes"],
            agreement=agreement_of(found["tokens"], self._tokens, found["chosen"], self._chosen),
            wall_s=outcome.wall_s,
        )

    def _confirm_best(self) -> None:
        """Time the fastest right ways against the original once more, until one holds."""
        original = self.rows[0]
        for row in self._faster():
            left_s = self.plan.budget.left_s
            if left_s < LEAST_CONFIRM_S:
                self._mark(row, "the budget left no time to confirm it")
                continue
            found = self._confirm(row, original, left_s)
            if isinstance(found, str):
                self._mark(row, f"it could not be confirmed: {found}")
                continue
            self.confirmed = found
            if found.verdict == "better":
                self.winner = next(way for way in self.plan.ways if way.key == row.key)
                return
            self._mark(row, f"confirmed {found.verdict} as the original: {found.speedup:.2f}×")

    def _faster(self) -> list[DecodingRow]:
        """Return the right ways that were faster than the original, the fastest first."""
        found = {row.key: self._gain(self.rows[0], row) for row in self.rows[1:] if right(row)}
        return sorted((row for row in self.rows if found.get(row.key, 0.0) > WORTH), key=lambda row: -found[row.key])

    def _confirm(self, row: DecodingRow, original: DecodingRow, left_s: float) -> DecodingConfirmation | str:
        way = next(way for way in self.plan.ways if way.key == row.key)
        tokens = self._confirmed_length(original, row, left_s)
        arguments = {
            "payload": str(self._payload),
            "original": asdict(self.original),
            "way": asdict(way),
            "tokens": tokens,
            "room": self.room,
            "folder": str(self._folder),
            "cap_s": 0.4 * left_s,
        }
        outcome = self._run("confirm", arguments, CONFIRM_SHARE * left_s, f"confirming {way.name}")
        if outcome.failure is not None:
            return outcome.failure.reason
        before, after = (np.array(outcome.result[name]) for name in ("original", "decoded"))
        estimate = bootstrap_ratio_interval(before, after, np.random.default_rng(0), CAUTIOUS)
        return DecodingConfirmation(
            row.key,
            tokens,
            estimate.ratio,
            estimate.interval,
            original_s=float(np.median(before)),
            decoded_s=float(np.median(after)),
            runs=len(before),
            verdict=verdict_of(estimate.interval),
        )

    def _confirmed_length(self, original: DecodingRow, row: DecodingRow, left_s: float) -> int:
        """Return the longest length of which three runs of both sides take at most 40 % of the time left."""
        both = [
            (one.tokens, one.seconds + other.seconds)
            for one in original.lengths
            for other in row.lengths
            if one.tokens == other.tokens and not one.estimated and not other.estimated
        ]
        fitting = [tokens for tokens, seconds in both if 3 * seconds <= 0.4 * left_s]
        return fitting[-1] if fitting else both[0][0]

    def _gain(self, original: DecodingRow, row: DecodingRow) -> float:
        """Return the speedup of ``row`` at the longest length that both reached in whole runs; 0 at none."""
        for length in reversed(self.plan.lengths):
            one, other = (rate_at(side, length, whole=True) for side in (original, row))
            if one is not None and other is not None:
                return other / one
        return 0.0

    def _mark(self, row: DecodingRow, reason: str) -> None:
        self.rows[self.rows.index(row)] = replace(row, reason=reason)

    def _reason(self) -> str:
        found = self.confirmed
        if self.winner is not None and found is not None:
            return (
                f"{self.winner.name} makes {found.tokens} tokens {found.speedup:.2f}× as fast as the original "
                f"({found.interval.low:.2f}–{found.interval.high:.2f}×)"
            )
        if self._unloaded and found is not None:
            return f"{found.key} was faster, but {self._unloaded}"
        if self.interrupted:
            return "it was stopped before a faster way was confirmed"
        if found is not None:
            return f"the fastest way came out {found.verdict} when it was timed against the original in turn"
        tried = [row for row in self.rows[1:] if row.status != "skipped"]
        if tried and len(tried) == len(self._stopped_after):
            each = f"each of {len(tried)} other ways was" if len(tried) > 1 else "the one other way was"
            return f"nothing else could be timed: {each} stopped when its time was over; {self._more_time}"
        if any(row.status == "rejected" for row in self.rows) and not any(map(right, self.rows[1:])):
            return "no other way made the original's tokens"
        return "no way that makes the original's tokens is faster"

    def _tell(self, message: str) -> None:
        steps = len(self._others()) + 3
        left_s = self.plan.budget.seconds_left(max(0, steps - self._done))
        done = min(1.0, self._done / steps)
        events.emit(events.Progress("decode", message, done, left_s))


def _bare(way: Way, status: Any, reason: str) -> DecodingRow:
    return DecodingRow(way.key, way.name, way.cache, way.compiled, way.precision, status, reason)
