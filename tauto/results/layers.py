"""What ``tauto.compare(…, layers=True)`` returns."""

from __future__ import annotations

from typing import ClassVar

from tauto.errors import InvalidArgument, did_you_mean
from tauto.reports import LayerRow, LayersReport
from tauto.results.result import Result

__all__ = ["LayersResult"]


class LayersResult(Result[LayersReport]):
    """Two models layer by layer; ``plot()`` draws how the error grows."""

    noun: ClassVar[str] = "comparison of layers"

    def layer(self, path: str) -> LayerRow:
        """Return the row of one layer.

        Raises
        ------
        InvalidArgument
            When no layer of that name was compared.

        Examples
        --------
        >>> result.layer("fc1").own.snr_db  # doctest: +SKIP
        41.2
        """
        rows = {row.path: row for row in self.report.rows}
        if path not in rows:
            raise InvalidArgument(f"path: no layer {path!r} was compared. {did_you_mean(str(path), rows)}".rstrip())
        return rows[path]
