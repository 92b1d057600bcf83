"""Hyperparameters: knobs in the user's own code, turned by a study, each trial in a process of its own."""

from tauto.tuning.hyperparameters.goal import Constraint, Goal
from tauto.tuning.hyperparameters.knobs import Knob
from tauto.tuning.hyperparameters.subject import Subject
from tauto.tuning.hyperparameters.suggest import report_progress, suggest

__all__ = ["Constraint", "Goal", "Knob", "Subject", "report_progress", "suggest"]
