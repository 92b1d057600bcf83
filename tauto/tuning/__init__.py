"""Choosing by measuring: candidates from rules, tried in isolation, judged, confirmed."""

from tauto.tuning.autotuner import Plan, Tuned, tune
from tauto.tuning.budget import Budget
from tauto.tuning.objective import Goal
from tauto.tuning.space import Space, chosen_techniques, legal_space

__all__ = ["Budget", "Goal", "Plan", "Space", "Tuned", "chosen_techniques", "legal_space", "tune"]
