"""What the verbs return: thin objects over reports, with the model, the recipe, and ways to show themselves."""

from tauto.results.comparison import ComparisonResult
from tauto.results.last import last, set_last
from tauto.results.machine import MachineResult
from tauto.results.measurement import MeasurementResult
from tauto.results.of import result_of
from tauto.results.profile import ProfileResult
from tauto.results.result import REPORT_MIME, Result
from tauto.results.runs import RunsResult
from tauto.results.tuning import TuningResult

__all__ = [
    "REPORT_MIME",
    "ComparisonResult",
    "MachineResult",
    "MeasurementResult",
    "ProfileResult",
    "Result",
    "RunsResult",
    "TuningResult",
    "last",
    "result_of",
    "set_last",
]
