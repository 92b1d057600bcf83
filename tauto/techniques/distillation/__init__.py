"""A smaller student, taught by the model."""

from tauto.techniques.distillation import technique

__all__ = ["technique"]
