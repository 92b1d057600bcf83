"""A model tried at single settings, one after the other, as somebody turned to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from tauto.reports.comparison import Comparison, Conditions
from tauto.reports.recipe import RecipeReport
from tauto.reports.report import Report

__all__ = ["ExplorationKnob", "ExplorationReport", "ExploredSetting", "KnobValue"]

KnobValue = int | float | str


@dataclass(frozen=True, slots=True)
class ExplorationKnob:
    """Something that can be turned."""

    name: str
    label: str
    values: tuple[KnobValue, ...]
    given: KnobValue
    """As the model runs now."""
    refused: dict[str, str] = field(default_factory=dict)
    """Why a value cannot be had here, by the value as text."""


@dataclass(frozen=True, slots=True)
class ExploredSetting:
    """One setting of all knobs, measured against the model as it is at the same sizes."""

    setting: dict[str, KnobValue]
    recipe: RecipeReport | None
    """What makes it; None where no recipe can."""
    comparison: Comparison | None
    reason: str
    """Why there are no figures, or what came of it in words."""
    wall_s: float


@dataclass(frozen=True, slots=True)
class ExplorationReport(Report):
    """What was measured of a model at the settings that were asked for."""

    kind: ClassVar[str] = "exploration"

    model: str
    conditions: Conditions
    quality_rule: str
    knobs: tuple[ExplorationKnob, ...]
    settings: tuple[ExploredSetting, ...] = ()
