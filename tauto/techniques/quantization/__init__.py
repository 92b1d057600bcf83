"""Fewer bits in torch itself (by torchao), and what every way to quantize shares."""

from tauto.techniques.quantization import aware, dynamic, weight_only

__all__ = ["aware", "dynamic", "weight_only"]
