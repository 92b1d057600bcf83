"""The one small training loop: fine-tuning after pruning, quantization-aware training, distillation."""

from tauto.fitting.distilling import distilled
from tauto.fitting.fitted import Fitted, Fitter
from tauto.fitting.imitating import Method, imitating
from tauto.fitting.loop import fit
from tauto.fitting.objective import Loss, Objective, supervised
from tauto.fitting.optimizer import OptimizerFactory
from tauto.fitting.own import fit_with, fitter
from tauto.fitting.plan import Plan, Schedule
from tauto.fitting.recovery import epochs_of, recovery, scored, told_of_data, trainable
from tauto.fitting.words import length_words, state_words

__all__ = [
    "Fitted",
    "Fitter",
    "Loss",
    "Method",
    "Objective",
    "OptimizerFactory",
    "Plan",
    "Schedule",
    "distilled",
    "epochs_of",
    "fit",
    "fit_with",
    "fitter",
    "imitating",
    "length_words",
    "recovery",
    "scored",
    "state_words",
    "supervised",
    "told_of_data",
    "trainable",
]
