"""What the verbs return: thin objects over reports, with the model, the recipe, and ways to show themselves."""

from tauto.results.comparison import ComparisonResult
from tauto.results.decoding import DecodingResult
from tauto.results.distillation import DistillationResult
from tauto.results.exploration import ExplorationResult
from tauto.results.fitting import FittingResult
from tauto.results.fix import FixResult
from tauto.results.last import last, last_of, set_last
from tauto.results.layers import LayersResult
from tauto.results.machine import MachineResult
from tauto.results.measurement import MeasurementResult
from tauto.results.of import result_of
from tauto.results.profile import ProfileResult
from tauto.results.profile_comparison import ProfileComparisonResult
from tauto.results.result import REPORT_MIME, Result
from tauto.results.runs import RunsResult
from tauto.results.scaling import ScalingResult
from tauto.results.sensitivity import SensitivityResult
from tauto.results.studies import StudiesResult
from tauto.results.study import StudyResult
from tauto.results.summary import FootprintResult, SummaryResult
from tauto.results.tuning import TuningResult
from tauto.results.weights import WeightsResult

__all__ = [
    "REPORT_MIME",
    "ComparisonResult",
    "DecodingResult",
    "DistillationResult",
    "ExplorationResult",
    "FittingResult",
    "FixResult",
    "FootprintResult",
    "LayersResult",
    "MachineResult",
    "MeasurementResult",
    "ProfileComparisonResult",
    "ProfileResult",
    "Result",
    "RunsResult",
    "ScalingResult",
    "SensitivityResult",
    "StudiesResult",
    "StudyResult",
    "SummaryResult",
    "TuningResult",
    "WeightsResult",
    "last",
    "last_of",
    "result_of",
    "set_last",
]
