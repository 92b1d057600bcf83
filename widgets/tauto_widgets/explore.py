"""The panel of an exploration: turn a knob, see it measured, never in the way of the notebook."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

import traitlets

from tauto.errors import TautoError
from tauto.events import Progress, StopRequested, StopSwitch, listening, stoppable
from tauto.results import ExplorationResult
from tauto_widgets.panel import Panel, front_end
from tauto_widgets.subshells import answer_where_asked

__all__ = ["ExplorePanel"]

_MOST_WAITING = 200
_SIZES = {"batch", "size", "seq"}


class ExplorePanel(Panel):
    """Knobs, what was measured of them, and a map that fills in: what ``%tauto_explore model`` shows.

    Settings are measured one after the other, each in a process of its own, while a thread of this panel waits for
    them: the notebook stays free.

    Parameters
    ----------
    result : ExplorationResult
        What measures.

    Examples
    --------
    >>> tauto.explore(model, inputs).panel()  # doctest: +SKIP
    """

    _esm = front_end("explore")
    result: ExplorationResult
    waiting: traitlets.List[Any] = traitlets.List().tag(sync=True)
    """Settings that are still to be measured; the first is being measured."""
    progress = traitlets.Dict().tag(sync=True)
    trouble = traitlets.Unicode().tag(sync=True)
    """Why nothing is measured, in one sentence."""

    def __init__(self, result: ExplorationResult) -> None:
        super().__init__(result)
        self._queue: deque[dict[str, Any]] = deque()
        self._lock = threading.Lock()
        self._worker: threading.Thread | None = None
        self._switch = StopSwitch()
        answer_where_asked(self.comm)
        self.on_msg(self._heard)

    def _heard(self, _: object, content: dict[str, Any], buffers: object) -> None:
        del buffers
        match content:
            case {"kind": "measure", "settings": list(settings)}:
                self._ask([one for one in settings if isinstance(one, dict)])
            case {"kind": "cancel"}:
                with self._lock:
                    self._queue.clear()
                self._switch.press()
            case {"kind": "code", "setting": dict(setting)}:
                self.send({"kind": "code", "setting": setting, **self._code(setting)})

    def _ask(self, settings: list[dict[str, Any]]) -> None:
        with self._lock:
            known = [one.setting for one in self.result.report.settings]
            if any(one in known for one in settings):
                self.show(self.result.report)  # another panel of it measured that, or a line of Python
            new = [one for one in settings if one not in self._queue and one not in known]
            self._queue.extend(new[: _MOST_WAITING - len(self._queue)])
            self.waiting = list(self._queue)
            if not self._queue or (self._worker is not None and self._worker.is_alive()):
                return
            self._switch = StopSwitch()
            self._worker = threading.Thread(target=self._work, name="tauto-explore", daemon=True)
        self.trouble = ""
        self._worker.start()

    def _work(self) -> None:
        """Measure what waits, until nothing does."""
        while True:
            with self._lock:
                if not self._queue:
                    self._worker = None  # whoever asks from now on starts another
                    break
                setting = self._queue[0]
            try:
                with listening(self._hear), stoppable(self._switch):
                    self.result.measure(**setting)
            except StopRequested:
                pass
            except Exception as error:  # nobody else hears of it: this thread is the panel's own
                kind = "" if isinstance(error, TautoError) else f"{type(error).__name__}: "
                self.trouble = f"{kind}{error}"
            with self._lock:
                if self._queue and self._queue[0] is setting:
                    self._queue.popleft()
                if self._switch.obeyed:  # what is asked for from now on is another matter
                    self._switch = StopSwitch()
                waiting = list(self._queue)
            with self.hold_sync():
                self.show(self.result.report)
                self.waiting = waiting
            self.renew()
        with self.hold_sync():
            self.progress, self.waiting = {}, list(self._queue)

    def _hear(self, progress: Progress) -> None:
        self.progress = {"message": progress.message}

    def _code(self, setting: dict[str, Any]) -> dict[str, str]:
        """Return the lines that make a setting's model, or why there are none."""
        try:
            recipe = self.result.recipe(**setting)
        except TautoError as error:
            return {"trouble": str(error)}
        found = next((one for one in self.result.report.settings if one.setting == setting), None)
        words = f"  # {found.reason}" if found is not None and found.comparison is not None else ""
        report = self.result.report
        sizes = [
            f"{one.label.lower()} {setting[one.name]}" for one in report.knobs if one.name in _SIZES & set(setting)
        ]
        steps = ", ".join(f"({step.technique!r}, {step.config!r})" for step in recipe.report().steps)
        model = report.model if report.model.isidentifier() else "model"
        lines = ["import tauto", f"# measured at {', '.join(sizes)}" if words and sizes else ""]
        if recipe.steps:
            lines += [
                f"recipe = tauto.Recipe.of({steps})",
                f"fast = tauto.apply(recipe, {model}, inputs=inputs).model{words}",
            ]
        else:
            lines += [f"fast = {model}  # as it is"]
        return {"code": "\n".join(filter(None, lines)) + "\n"}
