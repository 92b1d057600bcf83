"""Ways to make a model better, one file per family, under one contract."""

from tauto.techniques import compilation, fusion, layout, onnxruntime, openvino, precision, quantization, runtime
from tauto.techniques.registry import register, technique, techniques
from tauto.techniques.technique import STRUCTURAL, Applicability, Config, Context, Family, Script, Technique

__all__ = [
    "STRUCTURAL",
    "Applicability",
    "Config",
    "Context",
    "Family",
    "Script",
    "Technique",
    "compilation",
    "fusion",
    "layout",
    "onnxruntime",
    "openvino",
    "precision",
    "quantization",
    "register",
    "runtime",
    "technique",
    "techniques",
]
