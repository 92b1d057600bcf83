"""Kernels that skip weights that are zero."""

from tauto.techniques.sparsity import technique

__all__ = ["technique"]
