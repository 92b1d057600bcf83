"""The panel of past runs: filter, compare two, apply the recipe of one again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

import torch
import traitlets
from torch import nn

import tauto
from tauto.errors import InvalidArgument, TautoError
from tauto.events import Progress, listening
from tauto.rendering import bounded, explain, headline
from tauto.rendering.runs_compared import compared
from tauto.reports import Report
from tauto.results import RunsResult, TuningResult
from tauto_widgets.code import applied_lines
from tauto_widgets.namespace import Namespace
from tauto_widgets.panel import Panel, front_end
from tauto_widgets.subshells import answer_where_asked

__all__ = ["HistoryPanel"]

_SHOWN_BYTES = 300_000
_MOST_NAMES = 200


class HistoryPanel(Panel):
    """Past runs in a table: what ``tauto.runs().panel()`` and ``%tauto_runs --panel`` show.

    A run is opened, compared with another, or its recipe applied to a model of the notebook again: prepared and
    measured in processes of its own, while the kernel stays free.

    Parameters
    ----------
    result : RunsResult
        The runs, latest first.
    names : mutable mapping, optional
        Where models are looked for and results written; default the user's names.

    Examples
    --------
    >>> tauto.runs(500).panel()  # doctest: +SKIP
    """

    _esm = front_end("history")
    opened: Any = traitlets.List().tag(sync=True)
    """The runs that are open, one or two: number, report, sentences, and the recipe where there is one."""
    compared: Any = traitlets.Dict(default_value=None, allow_none=True).tag(sync=True)
    """Of the two that are open: figures side by side."""
    trouble = traitlets.Unicode("").tag(sync=True)
    choices: Any = traitlets.Dict(default_value={"models": [], "values": [], "functions": []}).tag(sync=True)
    """The user's names to apply a recipe with."""
    applied: Any = traitlets.Dict(default_value=None, allow_none=True).tag(sync=True)
    """Where applying stands."""

    def __init__(self, result: RunsResult, *, names: MutableMapping[str, Any] | None = None) -> None:
        super().__init__(result)
        self._runs = result
        self._names = Namespace(names)
        self._worker: threading.Thread | None = None
        answer_where_asked(self.comm)
        self.on_msg(self._heard)
        self._look_for_names()

    def look_at(self, *numbers: int) -> None:
        """Open one run, or two beside each other, by their numbers.

        Raises
        ------
        InvalidArgument
            When there is no such run, or more than two are named.
        """
        if not 0 < len(numbers) <= 2:
            raise InvalidArgument("numbers: one run is opened, or two are compared.")
        results = [self._runs.run(number) for number in numbers]
        reports = [one.report for one in results]
        shown = [_shown(number, one) for number, one in zip(numbers, results, strict=True)]
        found = compared(*reports) if len(reports) == 2 else None
        self.compared = None if found is None else {"rows": list(map(list, found.rows)), "notes": list(found.notes)}
        self.opened = shown
        self.trouble = ""
        self._look_for_names()

    def _heard(self, _: object, content: dict[str, Any], buffers: object) -> None:
        del buffers
        match content:
            case {"kind": "open", "numbers": list(numbers)} if all(isinstance(one, int) for one in numbers):
                self._told(lambda: self.look_at(*numbers))
            case {"kind": "close"}:
                self.opened, self.compared, self.trouble = [], None, ""
            case {"kind": "apply", "number": int(number), "model": str(), "into": str()}:
                self._apply(
                    number, {key: str(content.get(key) or "") for key in _FIELDS}, over=bool(content.get("over"))
                )

    def _told(self, do: Callable[[], None]) -> None:
        try:
            do()
        except TautoError as error:
            self.trouble = str(error)

    def _look_for_names(self) -> None:
        names = self._names.names
        self.choices = {
            "models": _names(names, lambda value: isinstance(value, nn.Module)),
            "values": _names(names, _is_input),
            "functions": _names(names, lambda value: callable(value) and not isinstance(value, type | nn.Module)),
        }

    def _apply(self, number: int, given: dict[str, str], *, over: bool) -> None:
        """Apply the recipe of a run in a thread, and write the result's model into a name."""
        if self._worker is not None and self._worker.is_alive():
            return  # the button was pressed twice
        name, names = given["into"].strip(), self._names.names
        if refusal := self._names.refusal(name, over=over):
            self._tell(number, "refused", refusal, taken=name in names)
            return
        try:
            recipe = self._recipe(number)
            keywords = {key: names[given[key]] for key in _KEYWORDS if given[key]}
            model = names[given["model"]]
        except KeyError as error:
            self._tell(number, "failed", f"There is no name {error} any more.")
            return
        except TautoError as error:
            self._tell(number, "failed", str(error))
            return
        words = {key: given[key] for key in _KEYWORDS if given[key]}
        lines = applied_lines(recipe, given["model"], words, name)
        self._tell(number, "running", "starting", lines=lines)

        def work() -> None:
            start = time.monotonic()

            def hear(progress: Progress) -> None:
                self._tell(number, "running", progress.message, lines=lines, seconds=time.monotonic() - start)

            try:
                with listening(hear), self.signs_of_life():
                    made = tauto.apply(recipe, model, name=given["model"], **keywords)
            except Exception as error:  # nobody else hears of it: this thread is the panel's own
                kind = "" if isinstance(error, TautoError) else f"{type(error).__name__}: "
                self._tell(number, "failed", f"{kind}{error}", lines=lines)
                return
            self._deliver(number, name, made, lines)

        self._worker = threading.Thread(target=work, name="tauto-apply", daemon=True)
        self._worker.start()

    def _deliver(self, number: int, name: str, made: TuningResult, lines: str) -> None:
        if made.recipe is None:
            self._tell(number, "failed", f"{name} was not written: {headline(made.report)}", lines=lines)
            return
        self._names.write(name, made.model)
        self._tell(number, "done", f"{name} is the model. {headline(made.report)}", lines=lines)

    def _recipe(self, number: int) -> Any:
        found = self._runs.run(number)
        if not isinstance(found, TuningResult) or found.recipe is None:
            raise InvalidArgument(f"run {number}: it has no recipe to apply.")
        return found.recipe

    def _tell(
        self, number: int, state: str, words: str, *, lines: str = "", seconds: float = 0.0, taken: bool = False
    ) -> None:
        told = {"number": number, "state": state, "words": words, "lines": lines, "seconds": seconds, "taken": taken}
        self.applied = told


_KEYWORDS = ("inputs", "data", "evaluate")
_FIELDS = ("model", "into", *_KEYWORDS)


def _shown(number: int, result: Any) -> dict[str, Any]:
    report: Report = result.report
    recipe = result.recipe.title if isinstance(result, TuningResult) and result.recipe is not None else None
    return {
        "number": number,
        "report": bounded(report, _SHOWN_BYTES),
        "sentences": explain(report),
        "recipe": recipe,
    }


def _names(names: MutableMapping[str, Any], accepts: Callable[[object], bool]) -> list[str]:
    found = [name for name, value in list(names.items()) if not name.startswith("_") and accepts(value)]
    return sorted(set(found) - _NOT_THE_USERS)[:_MOST_NAMES]


def _is_input(value: object) -> bool:
    """Whether a model may be called with it, or a loader of it be read: nothing is read to find out."""
    if isinstance(value, torch.Tensor | torch.utils.data.DataLoader):
        return True
    parts: Iterable[Any] = ()
    if isinstance(value, list | tuple):
        parts = value
    elif isinstance(value, dict):
        parts = value.values()
    return any(isinstance(part, torch.Tensor | list | tuple) for part in parts)


_NOT_THE_USERS = {"In", "Out", "get_ipython", "exit", "quit", "open"}
