"""What ``tauto.sensitivity`` returns."""

from __future__ import annotations

from typing import ClassVar

from tauto.errors import InvalidArgument, did_you_mean
from tauto.reports import SensitivityReport, SensitivityRow
from tauto.results.result import Result

__all__ = ["SensitivityResult"]


class SensitivityResult(Result[SensitivityReport]):
    """What each layer costs when quantized alone; ``plot()`` draws it, ``tauto.quantize(sensitivity=)`` takes it."""

    noun: ClassVar[str] = "sensitivity analysis"

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
