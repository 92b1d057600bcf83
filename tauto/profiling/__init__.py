"""Where time and memory go in a cell or a model, and what the figures suggest to try."""

from tauto.profiling.flops import count_flops
from tauto.profiling.operator import Operator
from tauto.profiling.session import ProfileSession, profile_model

__all__ = ["Operator", "ProfileSession", "count_flops", "profile_model"]
