"""Ordered lists of configured techniques: data, the models they make, and the script that does the same."""

from tauto.recipes.build import build, placed
from tauto.recipes.optimized import OptimizedModel
from tauto.recipes.preset import preset, presets
from tauto.recipes.recipe import Recipe, Step
from tauto.recipes.script import script_of

__all__ = ["OptimizedModel", "Recipe", "Step", "build", "placed", "preset", "presets", "script_of"]
