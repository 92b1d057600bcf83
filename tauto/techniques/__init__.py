"""Ways to make a model better, one file or folder per family, under one contract."""

from tauto.techniques import (
    batching,
    distillation,
    engines,
    factorization,
    fusion,
    layout,
    precision,
    pruning,
    quantization,
    runtime,
    sparsity,
)
from tauto.techniques.registry import register, technique, techniques
from tauto.techniques.technique import (
    SHARED,
    STRUCTURAL,
    Account,
    Applicability,
    Config,
    Context,
    Family,
    Script,
    Technique,
)

__all__ = [
    "SHARED",
    "STRUCTURAL",
    "Account",
    "Applicability",
    "Config",
    "Context",
    "Family",
    "Script",
    "Technique",
    "batching",
    "distillation",
    "engines",
    "factorization",
    "fusion",
    "layout",
    "precision",
    "pruning",
    "quantization",
    "register",
    "runtime",
    "sparsity",
    "technique",
    "techniques",
]
