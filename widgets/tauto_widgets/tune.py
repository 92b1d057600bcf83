"""The panel of a search: its trials as they finish, a button that ends it, and any trial's recipe to take away."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import traitlets

from tauto.errors import InvalidArgument, TautoError
from tauto.events import Progress, StopSwitch, listening, stoppable
from tauto.rendering import headline
from tauto.reports import StudyReport, TuningReport
from tauto.results import Result, StudyResult, TuningResult
from tauto_widgets.feed import SearchFeed
from tauto_widgets.namespace import Namespace
from tauto_widgets.panel import Panel, front_end
from tauto_widgets.subshells import answer_where_asked

__all__ = ["TunePanel"]

_EVERY_S = 0.2
"""Seconds between two updates: a browser is not to be flooded."""

AnySearch = Result[TuningReport] | Result[StudyReport]


class TunePanel(Panel):
    """Shows a search while it runs, and what can be done with its trials afterwards.

    Parameters
    ----------
    result : TuningResult or StudyResult, optional
        A search that has ended; without one the panel waits for :meth:`watching`.
    names : mutable mapping, optional
        Where *Use this one* writes; default the user's names.

    Examples
    --------
    >>> panel = TunePanel()  # doctest: +SKIP
    >>> with panel.watching():  # doctest: +SKIP
    ...     panel.ended(tauto.autotune(model, inputs=x))
    """

    _esm = front_end("tune")
    trials: traitlets.List[Any] = traitlets.List().tag(sync=True)
    """Of a search under way, appended to in place; of one that has ended they stand in the report."""
    under_way: traitlets.List[Any] = traitlets.List().tag(sync=True)
    best = traitlets.Int(None, allow_none=True).tag(sync=True)
    progress = traitlets.Dict().tag(sync=True)
    phase = traitlets.Enum(("waiting", "running", "stopping", "ended"), "waiting").tag(sync=True)
    search = traitlets.Int(0).tag(sync=True)
    """Number of the search that is shown, so that a message to an earlier one is known as such."""
    use = traitlets.Dict().tag(sync=True)
    """What *Use this one* is doing or did."""

    def __init__(self, result: AnySearch | None = None, *, names: MutableMapping[str, Any] | None = None) -> None:
        super().__init__(result)
        self._names = Namespace(names)
        self._feed, self._switch, self._told_at = SearchFeed(), StopSwitch(), 0.0
        self._places: dict[int, int] = {}
        self._worker: threading.Thread | None = None
        self._use_switch = StopSwitch()
        answer_where_asked(self.comm)
        self.on_msg(self._heard)
        if result is not None:
            self.ended(result)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Show the search that runs inside the ``with`` block, and let the panel's button end it."""
        self._feed, self._switch, self._told_at = SearchFeed(), StopSwitch(), 0.0
        self.result, self._places = None, {}
        with self.hold_sync():
            self.search += 1
            self.phase, self.progress, self.report = "running", {}, {}
            self.trials, self.under_way, self.best, self.use = [], [], None, {}
        with listening(self._hear), stoppable(self._switch):
            yield

    def ended(self, result: AnySearch) -> None:
        """Show a search that has ended."""
        self.result = result
        report = result.report
        best = report.winner if isinstance(report, TuningReport) else report.best
        with self.hold_sync():
            self.show(report)
            self.trials, self.under_way, self.best = [], [], best
            self.progress, self.phase = {}, "ended"

    def _hear(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._told_at < _EVERY_S:
            return
        self._told_at = now
        change = self._feed.hear(progress.standing()) if progress.standing is not None else None
        with self.hold_sync():
            if self._switch.pressed:
                self.phase = "stopping"
            self.progress = {
                "message": progress.message,
                "done": progress.done,
                "seconds_left": progress.seconds_left,
            }
            if change is not None:
                self.report, self.under_way, self.best = change.head, change.under_way, change.best
        if change is not None and change.trials:
            self._keep(change.trials)
            self.send({"kind": "trials", "search": self.search, "trials": change.trials})

    def _keep(self, trials: list[dict[str, Any]]) -> None:
        """Keep ``trials`` for a page that is opened later, without sending all of them again."""
        for trial in trials:
            place = self._places.setdefault(trial["number"], len(self.trials))
            self.trials[place : place + 1] = [trial]

    # what follows may run on a subshell, a thread beside the search: it sets no trait while one is under way

    def _heard(self, _: object, content: dict[str, Any], buffers: object) -> None:
        del buffers
        match content:
            case {"kind": "ping", "id": word}:
                self.send({"kind": "pong", "id": word, "phase": self.phase})
            case {"kind": "stop", "search": int(number)}:
                if number == self.search and self.phase in {"running", "stopping"}:
                    self._switch.press()
                    self.send({"kind": "stopping", "search": number})
            case {"kind": "choose", "number": int(number)}:
                self.send({"kind": "chosen", "number": number, **self._chosen(number)})
            case {"kind": "use", "number": int(number), "name": str(name)}:
                self._use(number, name.strip(), over=bool(content.get("over")))
            case {"kind": "cancel"}:
                self._use_switch.press()

    def _known(self) -> TuningResult | StudyResult:
        """Return what is known by now, as a result."""
        if isinstance(self.result, TuningResult | StudyResult):
            return self.result
        report = self._feed.report
        if report is None:
            raise InvalidArgument("trial: nothing was tried yet.")
        return TuningResult(report) if isinstance(report, TuningReport) else StudyResult(report)

    def _chosen(self, number: int) -> dict[str, Any]:
        """Return the recipe and the script of a trial, or why there is none."""
        try:
            known = self._known()
            if isinstance(known, StudyResult):
                return {"recipe": json.dumps(known.params_of(number), indent=2), "script": known.script(number)}
            return {"recipe": known.recipe_of(number)[0].to_yaml(), "script": known.script(number)}
        except TautoError as error:
            return {"trouble": str(error)}

    def _use(self, number: int, name: str, *, over: bool) -> None:
        if self._worker is not None and self._worker.is_alive():
            return  # the button was pressed twice
        told = {"number": number, "name": name}
        if refusal := self._names.refusal(name, over=over):
            self.use = {**told, "state": "refused", "taken": name in self._names.names, "message": refusal}
            return
        known = self.result
        try:
            if isinstance(known, StudyResult):
                self._names.write(name, known.params_of(number))
                words = f"{name} holds the values of trial {number}: with tauto.suggest.fixed({name}): …"
                self.use = {**told, "state": "done", "message": words}
                return
            if not isinstance(known, TuningResult):
                raise InvalidArgument("use: the search has not ended yet.")
            if number == known.report.winner and known.has_model:
                self._names.write(name, known.model)
                self.use = {**told, "state": "done", "message": f"{name} is the model of trial {number}."}
                return
        except TautoError as error:
            self.use = {**told, "state": "failed", "message": str(error)}
            return
        self.use = {**told, "state": "working", "message": "starting"}
        self._use_switch = StopSwitch()
        self._worker = threading.Thread(target=self._make, args=(known, told), name="tauto-use", daemon=True)
        self._worker.start()

    def _make(self, known: TuningResult, told: dict[str, Any]) -> None:
        """Make another trial's model again, measure it, and write it into the namespace."""

        def hear(progress: Progress) -> None:
            step = {"message": progress.message, "done": progress.done, "seconds_left": progress.seconds_left}
            self.use = {**told, "state": "working", **step}

        number, name = told["number"], told["name"]
        try:
            with listening(hear), stoppable(self._use_switch):
                made = known.apply(number)
        except Exception as error:  # nobody else hears of it: this thread is the panel's own
            kind = "" if isinstance(error, TautoError) else f"{type(error).__name__}: "
            self.use = {**told, "state": "failed", "message": f"{kind}{error}"}
            return
        if made.recipe is None:
            self.use = {**told, "state": "failed", "message": f"{name} was not written: {headline(made.report)}"}
            return
        self._names.write(name, made.model)
        self.use = {**told, "state": "done", "message": f"{name} is the model of trial {number}: {made.report.reason}"}
