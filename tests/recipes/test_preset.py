"""Recipes by name."""

from __future__ import annotations

import pytest

from tauto.errors import RecipeError
from tauto.recipes import Recipe, preset, presets


@pytest.mark.parametrize("name", presets())
def test_each_is_a_legal_recipe_with_a_line_on_what_it_is_for(name):
    recipe = preset(name)
    assert recipe.steps
    assert Recipe.parse(recipe.to_yaml()) == recipe
    assert presets()[name].endswith(".")
    assert presets()[name][0].isupper()


def test_an_unknown_one_is_told_with_close_matches():
    with pytest.raises(RecipeError, match=r"^recipe: there is no preset 'cpu-int'\. Did you mean 'cpu-int8'"):
        preset("cpu-int")
