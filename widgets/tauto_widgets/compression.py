"""The panel of layers chosen for one by one: estimated at once, measured in isolation when they are let go."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import traitlets

from tauto.errors import InvalidArgument, TautoError
from tauto.recipes import Recipe, script_of
from tauto.reports import LayerChoice
from tauto.results import SensitivityResult
from tauto.tuning.bench import Attempt
from tauto.tuning.layer_bench import LayerBench
from tauto_widgets.code import lines_of
from tauto_widgets.namespace import Namespace
from tauto_widgets.panel import Panel, front_end
from tauto_widgets.subshells import answer_where_asked

__all__ = ["CompressionPanel"]

_SETTLES_S = 0.5
"""Choices that change within that time of each other are measured once."""


class _SupersededError(Exception):
    """Something else was chosen while this was measured."""


class CompressionPanel(Panel):
    """Layers switched one by one between int8, bfloat16 and float32, with a slider for the zeros of each.

    What is chosen is estimated at once in the browser; when it is let go it is measured in processes of its own, and
    kept. The kernel stays free meanwhile.

    Parameters
    ----------
    result : SensitivityResult
        Of ``tauto.sensitivity``; of a past run, which has no model, the analysis alone is shown.

    Examples
    --------
    >>> panel = tauto.sensitivity(model, data=loader, evaluate=accuracy).panel()  # doctest: +SKIP
    >>> panel  # doctest: +SKIP
    >>> tauto.apply(panel.recipe, model, data=loader).model  # doctest: +SKIP
    """

    _esm = front_end("compression")
    options: Any = traitlets.Dict(default_value=None, allow_none=True).tag(sync=True)
    """What there is to choose from; None of a past run."""
    asked: Any = traitlets.Dict(default_value={"number": 0, "engine": "", "choices": {}}).tag(sync=True)
    """What is chosen; each change has the next number."""
    answer: Any = traitlets.Dict(default_value=None, allow_none=True).tag(sync=True)
    """Where the measuring stands, and of which number."""
    looked = traitlets.Unicode(None, allow_none=True).tag(sync=True)
    """The layer whose weights are shown."""
    picture: Any = traitlets.Dict(default_value=None, allow_none=True).tag(sync=True)
    code: Any = traitlets.Dict(default_value=None, allow_none=True).tag(sync=True)

    def __init__(self, result: SensitivityResult) -> None:
        super().__init__(result)
        self._bench = _bench_of(result)
        self._names = Namespace()
        self._wanted: tuple[int, Recipe] | None = None
        self._lock = threading.Lock()
        self._worker: threading.Thread | None = None
        answer_where_asked(self.comm)
        self.on_msg(self._heard)
        if self._bench is not None:
            options = self._bench.options
            self.options = asdict(options)
            first = next((one.name for one in options.engines if not one.lacking), "")
            self.asked = {"number": 0, "engine": first, "choices": {}}
            self.looked = options.layers[0].path if options.layers else None
        self._follow()
        self.observe(self._changed, ["asked", "looked"])

    @property
    def choices(self) -> dict[str, LayerChoice]:
        """What is chosen, by the layers' names."""
        return {str(path): _choice(one) for path, one in self.asked["choices"].items()}

    @property
    def recipe(self) -> Recipe:
        """The recipe of what is chosen, for ``tauto.apply``.

        Raises
        ------
        InvalidArgument
            When this is of a past run, or the engine does not compute what was chosen.
        """
        if self._bench is None:
            raise InvalidArgument("recipe: this is a past run, without its model: nothing can be chosen for it.")
        return self._bench.recipe(self.choices, str(self.asked["engine"]))

    def choose(self, choices: Mapping[str, LayerChoice], engine: str | None = None) -> None:
        """Choose for layers by their names, as the switches do, and have that measured.

        Parameters
        ----------
        choices : mapping of str to LayerChoice
            Layers that are not in it stay as they are.
        engine : str, optional
            What computes them; default the one chosen now.

        Raises
        ------
        InvalidArgument
            When there is no such layer or engine, or the engine does not compute a layer in what was chosen.
        """
        name = engine or str(self.asked["engine"])
        if self._bench is not None:
            self._bench.recipe(choices, name)
        data = {path: {"precision": one.precision, "sparsity": one.sparsity} for path, one in choices.items()}
        self.asked = {"number": self.asked["number"] + 1, "engine": name, "choices": data}

    def _changed(self, change: Any) -> None:
        self._follow()
        if change["name"] == "asked":
            self._measure()

    def _follow(self) -> None:
        """Have the code and the picture be of what is chosen."""
        if self._bench is None:
            return
        try:
            recipe = self.recipe
            lines = lines_of(recipe, self._bench.workload, self._names.names)
            self.code = {"lines": lines, "script": script_of(recipe)}
            chosen = self.choices.get(self.looked or "", LayerChoice())
            self.picture = None if self.looked is None else asdict(self._bench.picture(self.looked, chosen))
        except TautoError as error:
            self.code = self.picture = None
            self._tell("failed", str(error))

    def _measure(self) -> None:
        """Have what is chosen measured, in a thread, unless it was before."""
        if self._bench is None:
            return
        try:
            recipe = self.recipe
        except TautoError:
            return  # told already
        number = int(self.asked["number"])
        if not recipe.steps:
            self._want(None)
            self._tell("idle", "The model as it is: there is nothing to measure.")
            return
        if (known := self._bench.known(recipe)) is not None:
            self._want(None)
            self._told(known)
            return
        self._tell("running", "Measuring in a process of its own.")
        self._want((number, recipe))

    def _want(self, wanted: tuple[int, Recipe] | None) -> None:
        with self._lock:
            self._wanted = wanted
            if wanted is None or (self._worker is not None and self._worker.is_alive()):
                return
            self._worker = threading.Thread(target=self._work, name="tauto-compression", daemon=True)
            self._worker.start()

    def _work(self) -> None:
        """Measure what is wanted until nothing is."""
        while True:
            with self._lock:
                wanted = self._wanted
                if wanted is None:
                    self._worker = None
                    return
            with self.signs_of_life():
                self._measure_one(*wanted)
            with self._lock:
                if self._wanted == wanted:
                    self._wanted = None

    def _measure_one(self, number: int, recipe: Recipe) -> None:
        start = time.monotonic()

        def tick(words: str) -> None:
            if self._wanted is None or self._wanted[0] != number:
                raise _SupersededError
            self._tell("running", f"Measuring: {words}.", number, time.monotonic() - start)

        bench = self._bench
        if bench is None:
            return
        try:
            while time.monotonic() < start + _SETTLES_S:
                tick("about to begin")
                time.sleep(0.1)
            self._told(bench.measure(recipe, tick), number)
        except _SupersededError:
            return
        except TautoError as error:
            self._tell("failed", str(error), number)

    def _told(self, attempt: Attempt, number: int | None = None) -> None:
        if attempt.comparison is not None:
            held = attempt.comparison.quality_held
            quality = {True: "the quality holds", False: "the quality does not hold", None: "its quality is unproved"}
            self._tell("done", f"Measured: {quality[held]}.", number, attempt.wall_s, attempt.comparison.to_dict())
            return
        reason = attempt.rejected or attempt.failure or "nothing came of it"
        self._tell("failed", f"Not measured: {reason}.", number, attempt.wall_s)

    def _tell(
        self,
        state: str,
        words: str,
        number: int | None = None,
        seconds: float = 0.0,
        comparison: dict[str, Any] | None = None,
    ) -> None:
        of = int(self.asked["number"]) if number is None else number
        if of != self.asked["number"]:
            return  # what was chosen since is what counts
        self.answer = {"number": of, "state": state, "words": words, "seconds": seconds, "comparison": comparison}

    def _heard(self, _: object, content: dict[str, Any], buffers: object) -> None:
        del buffers
        if content.get("kind") == "stop":
            self._want(None)
            self._tell("stopped", "Stopped; nothing was measured of this choice.")

    def close(self) -> None:
        """Stop measuring, and close the widget."""
        self._want(None)
        super().close()


def _bench_of(result: SensitivityResult) -> LayerBench | None:
    """Return what chooses for the layers of ``result``; None of a past run."""
    try:
        return result.by_hand()
    except InvalidArgument:
        return None


def _choice(data: Any) -> LayerChoice:
    """Return a choice as the front end wrote it; what it could not have written is refused later, by name."""
    if not isinstance(data, dict):
        return LayerChoice()
    sparsity = data.get("sparsity", 0.0)
    known = isinstance(sparsity, int | float) and not isinstance(sparsity, bool)
    return LayerChoice(data.get("precision", "float32"), float(sparsity) if known else -1.0)
