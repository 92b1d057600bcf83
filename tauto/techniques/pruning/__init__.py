"""Leaving out what matters least: channels, heads, blocks, weights."""

from tauto.techniques.pruning import technique

__all__ = ["technique"]
