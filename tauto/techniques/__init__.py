"""Ways to make a model better, one file per family, under one contract."""

from tauto.techniques import fusion, layout, precision, runtime
from tauto.techniques.registry import register, technique, techniques
from tauto.techniques.technique import Applicability, Config, Context, Family, Script, Technique

__all__ = [
    "Applicability",
    "Config",
    "Context",
    "Family",
    "Script",
    "Technique",
    "fusion",
    "layout",
    "precision",
    "register",
    "runtime",
    "technique",
    "techniques",
]
