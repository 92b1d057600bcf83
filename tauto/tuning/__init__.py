"""Choosing by measuring: candidates from rules, tried in isolation, judged, confirmed."""

from tauto.tuning.autotuner import Plan, Tuned, tune
from tauto.tuning.budget import Budget
from tauto.tuning.destination import Destination, destination, expected_space
from tauto.tuning.objective import Goal, Objective
from tauto.tuning.proposals import proposing_space
from tauto.tuning.ratios import RatioSearch, is_trained
from tauto.tuning.space import Space, chosen_techniques, legal_space
from tauto.tuning.target import Target, targets_of

__all__ = [
    "Budget",
    "Destination",
    "Goal",
    "Objective",
    "Plan",
    "RatioSearch",
    "Space",
    "Target",
    "Tuned",
    "chosen_techniques",
    "destination",
    "expected_space",
    "is_trained",
    "legal_space",
    "proposing_space",
    "targets_of",
    "tune",
]
