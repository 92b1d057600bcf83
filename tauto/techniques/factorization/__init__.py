"""Layers written as two of low rank."""

from tauto.techniques.factorization import technique

__all__ = ["technique"]
