"""Compilers and engines that run the model in torch's place; those that count in integers too."""

from tauto.techniques.engines import compilation, onnxruntime, openvino, pt2e

__all__ = ["compilation", "onnxruntime", "openvino", "pt2e"]
