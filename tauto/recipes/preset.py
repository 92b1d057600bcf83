"""Recipes that are known to be good for a kind of machine, by name; each is a YAML file in ``presets/``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from tauto.errors import RecipeError, did_you_mean
from tauto.recipes.recipe import Recipe

__all__ = ["PREFIX", "preset", "presets"]

PREFIX = "preset:"
"""What a preset's name begins with where a recipe is asked for."""


@cache
def presets() -> dict[str, str]:
    """Return what each preset is for, by name.

    Examples
    --------
    >>> presets()["cpu-float32"]
    'Float32 in ONNX Runtime: exact, quick to prepare, and good for small networks.'
    """
    found = sorted(file.name for file in files(__package__).joinpath("presets").iterdir())
    return {
        name.removesuffix(".yaml"): _text(name).splitlines()[0].lstrip("# ") for name in found if name.endswith(".yaml")
    }


def preset(name: str) -> Recipe:
    """Return the recipe of this name.

    Raises
    ------
    RecipeError
        When there is none; the message has close matches.

    Examples
    --------
    >>> preset("cpu-int8").title
    'openvino (int8)'
    """
    if name not in presets():
        raise RecipeError(f"recipe: there is no preset {name!r}. {did_you_mean(name, presets())}".rstrip())
    return Recipe.parse(_text(f"{name}.yaml"))


def _text(name: str) -> str:
    return files(__package__).joinpath("presets", name).read_text(encoding="utf-8")
