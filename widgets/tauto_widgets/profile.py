"""The panel of a profile: its findings can be tried."""

from __future__ import annotations

import contextlib
import ctypes
import threading
import time
from typing import Any

import traitlets

import tauto
from tauto import rendering
from tauto.errors import Interrupted, TautoError
from tauto.events import Progress, listening
from tauto.results import ProfileResult, Result
from tauto_widgets.panel import Panel, front_end

__all__ = ["ProfilePanel"]

EVERY_S = 0.2
"""Seconds between two messages of a trial: a browser is not to be flooded."""
NO_TRIAL = {"finding": 0, "state": "none", "words": "", "done": None, "seconds_left": None, "stoppable": False}

_KERNELS_STOP = "the kernel is busy with it: to stop it, interrupt the kernel"

_one_at_a_time = threading.Lock()
"""Two trials at once, of whatever panels, would time each other."""


class ProfilePanel(Panel):
    """Where time and memory go, to look at and to try: what ``profile.panel()`` returns.

    *Try it* does what :func:`tauto.fix` does, in a thread beside the kernel's own work: cells run meanwhile, though
    what they compute disturbs the timing. A fix that is a recipe keeps the kernel busy, since it is judged on the model
    itself. What it brought is shown beside what was expected.

    Parameters
    ----------
    result : ProfileResult
        What is shown; its findings note what was tried.
    budget : str or float, optional
        Time that a trial may take, such as ``"30s"``; default that of :func:`tauto.fix`.

    Examples
    --------
    >>> tauto.profile(model, inputs).panel()  # doctest: +SKIP
    """

    _esm = front_end("profile")
    result: ProfileResult

    trial = traitlets.Dict(NO_TRIAL).tag(sync=True)
    """The trial that runs, or the last one: number of its finding, state, words, share done, seconds left."""
    hindrance = traitlets.Unicode().tag(sync=True)
    """Why nothing can be tried, in words; empty when it can."""

    def __init__(self, result: Result[Any], budget: str | float | None = None) -> None:
        super().__init__(result)
        self._budget = budget
        self._thread: threading.Thread | None = None
        self._stoppable = True
        if self.result.cell is None and any(finding.fix for finding in self.result.findings):
            self.hindrance = "This is a past profile, with no code to run: profile it again to try its findings."
        self.on_msg(self._asked)

    def _asked(self, _: object, content: dict[str, Any], __: object) -> None:
        match content:
            case {"do": "try", "finding": int(number)}:
                self.try_finding(number)
            case {"do": "stop"}:
                self.stop()

    def try_finding(self, number: int) -> None:
        """Try the finding of this ``number``, from 1; one that is being tried goes on."""
        if self._thread is not None and self._thread.is_alive():
            return
        if not 1 <= number <= len(self.result.findings):
            return
        fix = self.result.findings[number - 1].fix
        if fix is not None and fix.action == "recipe":
            self._try_here(number)
            return
        self._tell(number, "waiting", "waiting for a trial of another panel" if _one_at_a_time.locked() else "starting")
        self._thread = threading.Thread(target=self._try, args=(number,), name="tauto-try", daemon=True)
        self._thread.start()

    def _try_here(self, number: int) -> None:
        """Try a recipe on the kernel's own thread: no cell is to use the model meanwhile."""
        if _one_at_a_time.locked():
            self._tell(number, "ended", "another trial runs: try this one when it has ended")
            return
        self._stoppable = False
        self._tell(number, "running", f"starting; {_KERNELS_STOP}")
        try:
            self._try(number)
        finally:
            self._stoppable = True

    def stop(self) -> None:
        """End the trial that runs: what was measured until then is told."""
        thread = self._thread
        if thread is not None and thread.is_alive() and thread.ident is not None:
            # as Ctrl-C does on the main thread: the trial ends its processes on the way out
            stopped = ctypes.py_object(KeyboardInterrupt)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), stopped)

    def wait(self) -> None:
        """Return when the trial that runs has ended; at once when there is none."""
        if self._thread is not None:
            self._thread.join()

    def _try(self, number: int) -> None:
        words = "stopped before anything was measured"
        # a stop that arrives later than the trial ends has nothing to end
        with contextlib.suppress(KeyboardInterrupt):
            words = self._tried(number)
        self.show(self.result.report)
        self.renew()
        self._tell(number, "ended", words)

    def _tried(self, number: int) -> str:
        """Try it, and return in a line what came of it."""
        try:
            with self.signs_of_life(), _one_at_a_time, listening(self._progress(number)):
                return rendering.headline(tauto.fix(number, self.result, budget=self._budget).report)
        except Interrupted as stopped:
            result: Any = stopped.result
            return rendering.headline(result.report)
        except TautoError as error:
            return str(error)
        except Exception as error:  # a thread has nobody else to tell
            return f"It could not be tried: {type(error).__name__}: {error}"

    def _progress(self, number: int) -> Any:
        shown_at = -EVERY_S

        def listen(progress: Progress) -> None:
            nonlocal shown_at
            if (now := time.monotonic()) - shown_at >= EVERY_S:
                shown_at = now
                words = progress.message if self._stoppable else f"{progress.message}; {_KERNELS_STOP}"
                self._tell(number, "running", words, progress.done, progress.seconds_left)

        return listen

    def _tell(
        self, number: int, state: str, words: str, done: float | None = None, seconds_left: float | None = None
    ) -> None:
        told = {"finding": number, "state": state, "words": words, "done": done, "seconds_left": seconds_left}
        self.trial = {**told, "stoppable": state == "running" and self._stoppable}
