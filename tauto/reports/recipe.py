"""A recipe as it stands in a report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["RecipeReport", "StepReport"]


@dataclass(frozen=True, slots=True)
class StepReport:
    """One technique and its configuration as JSON data."""

    technique: str
    config: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecipeReport:
    """Ordered steps, and the digest that names them."""

    steps: tuple[StepReport, ...]
    digest: str
    title: str
    """Steps in words, such as ``fold_batchnorm → openvino (int8)``."""
