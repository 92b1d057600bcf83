"""The panel of two models that were compared."""

from __future__ import annotations

from typing import Any

import traitlets

from tauto.errors import TautoError
from tauto.rendering import bounded
from tauto.results import ComparisonResult, Result
from tauto_widgets.panel import LIMIT_BYTES, Panel, front_end

__all__ = ["ComparePanel"]

NO_LAYERS = {"state": "none", "words": "", "report": {}}


class ComparePanel(Panel):
    """Before and after: latencies, size, memory, quality, and layer by layer where an error starts.

    What ``comparison.panel()`` returns, also for a comparison of layers. The layers of a comparison are compared when
    they are asked for: on the kernel's own thread between two cells, since a cell may be using the models.

    Parameters
    ----------
    result : ComparisonResult or LayersResult
        What is shown.

    Examples
    --------
    >>> tauto.compare(model, fast, inputs).panel()  # doctest: +SKIP
    """

    _esm = front_end("compare")

    layers = traitlets.Dict(NO_LAYERS).tag(sync=True)
    """The comparison layer by layer: state, words, and the report as JSON."""

    def __init__(self, result: Result[Any]) -> None:
        super().__init__(result)
        if isinstance(result, ComparisonResult) and result.has_layers:
            self.layers = {**NO_LAYERS, "state": "offered"}
        self.on_msg(self._asked)

    def _asked(self, _: object, content: dict[str, Any], __: object) -> None:
        if content.get("do") == "layers" and self.layers["state"] in ("offered", "failed"):
            self.compare_layers()

    def compare_layers(self) -> None:
        """Compare the two layer by layer, and show it below."""
        self.layers = {**NO_LAYERS, "state": "busy", "words": "running both models, layer by layer"}
        try:
            with self.signs_of_life():
                made = self.result.layers()
        except TautoError as error:
            self.layers = {**NO_LAYERS, "state": "failed", "words": str(error)}
        except BaseException:
            self.layers = {**NO_LAYERS, "state": "offered"}
            raise
        else:
            self.layers = {"state": "made", "words": "", "report": bounded(made.report, LIMIT_BYTES)}
