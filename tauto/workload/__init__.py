"""What is being optimized: model, inputs, data, and how its quality is judged."""

from tauto.workload.call import Call, call_from_batch, call_from_inputs, label_of
from tauto.workload.check import check_model
from tauto.workload.quality import QualityRule, name_of, run_evaluate
from tauto.workload.training import Training
from tauto.workload.workload import Workload

__all__ = [
    "Call",
    "QualityRule",
    "Training",
    "Workload",
    "call_from_batch",
    "call_from_inputs",
    "check_model",
    "label_of",
    "name_of",
    "run_evaluate",
]
