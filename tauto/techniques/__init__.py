"""Ways to make a model better, one file per family, under one contract."""

from tauto.techniques import (
    compilation,
    distillation,
    factorization,
    fusion,
    layout,
    onnxruntime,
    openvino,
    precision,
    pruning,
    quantization,
    quantization_aware,
    runtime,
    weight_only,
)
from tauto.techniques.registry import register, technique, techniques
from tauto.techniques.technique import STRUCTURAL, Account, Applicability, Config, Context, Family, Script, Technique

__all__ = [
    "STRUCTURAL",
    "Account",
    "Applicability",
    "Config",
    "Context",
    "Family",
    "Script",
    "Technique",
    "compilation",
    "distillation",
    "factorization",
    "fusion",
    "layout",
    "onnxruntime",
    "openvino",
    "precision",
    "pruning",
    "quantization",
    "quantization_aware",
    "register",
    "runtime",
    "technique",
    "techniques",
    "weight_only",
]
