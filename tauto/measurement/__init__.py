"""How fast, how big, how right, and how sure."""

from tauto.measurement.agreement import check_outputs, compare_outputs, outputs_of
from tauto.measurement.allocator import LONG_LIVED, keep_freed_memory
from tauto.measurement.comparison import compare, comparison_of, conditions_of, time_models
from tauto.measurement.deviation import Deviation
from tauto.measurement.latency import measure, time_alone
from tauto.measurement.layers import compare_layers
from tauto.measurement.memory import PrivateMemory, footprint_bytes, private_bytes, steady_memory
from tauto.measurement.quality import Judgement, evaluate_model, judge_pair, judge_quality
from tauto.measurement.size import parameter_count, size_bytes
from tauto.measurement.timing import PairTiming, time_pair, verdict_of

__all__ = [
    "LONG_LIVED",
    "Deviation",
    "Judgement",
    "PairTiming",
    "PrivateMemory",
    "check_outputs",
    "compare",
    "compare_layers",
    "compare_outputs",
    "comparison_of",
    "conditions_of",
    "evaluate_model",
    "footprint_bytes",
    "judge_pair",
    "judge_quality",
    "keep_freed_memory",
    "measure",
    "outputs_of",
    "parameter_count",
    "private_bytes",
    "size_bytes",
    "steady_memory",
    "time_alone",
    "time_models",
    "time_pair",
    "verdict_of",
]
