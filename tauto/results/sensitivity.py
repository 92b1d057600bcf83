"""What ``tauto.sensitivity`` returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from tauto.errors import InvalidArgument, did_you_mean
from tauto.reports import SensitivityReport, SensitivityRow
from tauto.results.result import Result

if TYPE_CHECKING:
    from tauto.tuning.layer_bench import LayerBench

__all__ = ["SensitivityResult"]


class SensitivityResult(Result[SensitivityReport]):
    """What each layer costs when quantized alone; ``plot()`` draws it, ``tauto.quantize(sensitivity=)`` takes it.

    Parameters
    ----------
    report : SensitivityReport
        What was measured.
    bench : callable, optional
        Makes what chooses for single layers of the model; None for a run of the past.
    """

    noun: ClassVar[str] = "sensitivity analysis"

    def __init__(self, report: SensitivityReport, bench: Callable[[], LayerBench] | None = None) -> None:
        super().__init__(report)
        self._bench = bench

    def by_hand(self) -> LayerBench:
        """Return what chooses for single layers: it estimates, writes the recipe, and measures it in isolation.

        Raises
        ------
        InvalidArgument
            When this is a past run, or the model is gone.

        Examples
        --------
        >>> from tauto.reports import LayerChoice
        >>> bench = result.by_hand()  # doctest: +SKIP
        >>> choices = {"fc1": LayerChoice("int8"), "fc2": LayerChoice("bfloat16")}
        >>> bench.measure(bench.recipe(choices, "torch")).comparison.speedup  # doctest: +SKIP
        1.62
        """
        if self._bench is None:
            raise InvalidArgument(
                "by_hand: this is a past run, without its model. Analyse the model: tauto.sensitivity(model, …)."
            )
        return self._bench()

    def layer(self, path: str) -> SensitivityRow:
        """Return the row of one layer.

        Raises
        ------
        InvalidArgument
            When no layer of that name was measured.

        Examples
        --------
        >>> result.layer("fc1").error.snr_db  # doctest: +SKIP
        38.2
        """
        rows = {row.path: row for row in self.report.rows}
        if path not in rows:
            raise InvalidArgument(f"path: no layer {path!r} was measured. {did_you_mean(str(path), rows)}".rstrip())
        return rows[path]
