"""Compilers and engines that run the model in torch's place; those that count in integers too."""

from tauto.techniques.engines import ahead_of_time, compilation, onnxruntime, openvino, pt2e

__all__ = ["ahead_of_time", "compilation", "onnxruntime", "openvino", "pt2e"]
