"""Knobs where they are used: ``lr = tauto.suggest.float("lr", 1e-5, 1e-1, log=True)``.

In a trial the search answers; under :meth:`Suggest.fixed` the values that are given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias

from tauto.errors import InvalidArgument, a_kind, did_you_mean
from tauto.tuning.hyperparameters.knobs import Choice, Knob

__all__ = ["Source", "Suggest", "answering", "report_progress", "suggest"]

# in the class below, the names of its methods stand before those of the types
_Float: TypeAlias = float
_Int: TypeAlias = int


class Source(Protocol):
    """Who answers a knob."""

    def ask(self, knob: Knob) -> Any:
        """Return a value that ``knob`` may take."""

    def report(self, value: float, step: int | None) -> None:
        """Hear how far the trial is; a trial that is stopped early does not come back from it."""


_source: Source | None = None


@contextmanager
def answering(source: Source) -> Iterator[None]:
    """Have ``source`` answer the knobs inside the block, in every thread."""
    global _source
    before, _source = _source, source
    try:
        yield
    finally:
        _source = before


class Suggest:
    """Asks for the values of knobs; there is one of it, ``tauto.suggest``."""

    def float(self, name: str, low: _Float, high: _Float, *, step: _Float | None = None, log: bool = False) -> _Float:
        """Return a number from ``low`` to ``high``, both included; ``log`` where ratios matter.

        Raises
        ------
        InvalidArgument
            When the range is none, or no search is running.

        Examples
        --------
        >>> lr = tauto.suggest.float("lr", 1e-5, 1e-1, log=True)  # doctest: +SKIP
        """
        return _Float(_ask(Knob.ranged("float", name, low, high, step=step, log=log)))

    def int(self, name: str, low: _Int, high: _Int, *, step: _Int | None = None, log: bool = False) -> _Int:
        """Return a whole number from ``low`` to ``high``, both included.

        Raises
        ------
        InvalidArgument
            When the range is none, or no search is running.
        """
        return _Int(_ask(Knob.ranged("int", name, low, high, step=step, log=log)))

    def categorical(self, name: str, choices: Sequence[Choice]) -> Any:
        """Return one of ``choices``: plain values (None, bool, numbers, text), the same in every trial.

        Raises
        ------
        InvalidArgument
            When a choice is no plain value, or no search is running.
        """
        return _ask(Knob.chosen(name, choices))

    @contextmanager
    def fixed(self, params: Mapping[str, Any]) -> Iterator[None]:
        """Have the knobs take these values inside the block: to run the objective once, without a search.

        Examples
        --------
        >>> with tauto.suggest.fixed(result.params):  # doctest: +SKIP
        ...     model = train()
        """
        with answering(_Fixed(params)):
            yield

    def __repr__(self) -> str:
        return "tauto.suggest: knobs for tauto.tune, .float(name, low, high), .int(…), .categorical(name, choices)"

    def __reduce__(self) -> str:
        return "suggest"


class _Fixed:
    def __init__(self, params: Mapping[str, Any]) -> None:
        self._params = dict(params)

    def ask(self, knob: Knob) -> Any:
        if knob.name not in self._params:
            raise InvalidArgument(
                f"suggest: {knob.name!r} has no value. {did_you_mean(knob.name, self._params)}".rstrip()
            )
        value = self._params[knob.name]
        if not knob.holds(value):
            raise InvalidArgument(f"suggest: {value!r} is no value of {knob.name!r} ({knob.words}).")
        return value

    def report(self, value: float, step: int | None) -> None:
        """Nothing is stopped early here."""


def _ask(knob: Knob) -> Any:
    if _source is None:
        raise InvalidArgument(
            f"suggest: no search is running that could answer {knob.name!r}. Search: tauto.tune(objective); or run it "
            f"once with values: with tauto.suggest.fixed({{{knob.name!r}: …}})."
        )
    return _source.ask(knob)


def report_progress(value: float, step: int | None = None) -> None:
    """Tell how good a trial is so far, so that one without hope is stopped early.

    Outside a search nothing happens.

    Parameters
    ----------
    value : float
        The objective's, as of now; a tensor with one element is fine.
    step : int, optional
        Such as the epoch, from 0; default one more than the last.

    Raises
    ------
    InvalidArgument
        When ``value`` is no number, or ``step`` no whole number from 0.

    Examples
    --------
    >>> for epoch in range(10):  # doctest: +SKIP
    ...     tauto.report_progress(validate(model), epoch)
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InvalidArgument(f"value: {a_kind(value)} is no number. Report the objective's figure.") from None
    if step is not None and (isinstance(step, bool) or not hasattr(step, "__index__") or step < 0):
        raise InvalidArgument(f"step: {step!r} is no whole number from 0, such as the epoch.")
    if _source is not None:
        _source.report(number, None if step is None else int(step))


suggest = Suggest()
