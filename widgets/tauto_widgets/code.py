"""Lines of Python that do what a panel did, with the user's own names."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from tauto.recipes import Recipe, Step
from tauto.workload import Workload

__all__ = ["applied_lines", "lines_of"]


def lines_of(recipe: Recipe, workload: Workload, names: Mapping[str, Any]) -> str:
    """Return the lines that apply ``recipe`` to the model of ``workload``.

    Parameters
    ----------
    recipe : Recipe
        Written as a literal, so that the lines need nothing of the panel.
    workload : Workload
        What it is applied to.
    names : mapping
        The user's own: those of the model, the inputs and ``evaluate`` are found there. What is not found has the name
        that it has in TAuto's own calls.
    """
    given = [_name(names, workload.model, "model")]
    inputs = workload.example.args[0] if len(workload.example.args) == 1 and not workload.example.kwargs else None
    if (found := _found(names, inputs)) is not None:
        given.append(f"inputs={found}")
    elif len(workload.samples) <= 1:
        given.append("inputs=inputs")
    if len(workload.samples) > 1:
        given.append("data=data")
    if workload.evaluate is not None:
        given.append(f"evaluate={_name(names, workload.evaluate, 'evaluate')}")
    return f"import tauto\n\nrecipe = {_written(recipe)}\nresult = tauto.apply(recipe, {', '.join(given)})\n"


def applied_lines(recipe: Recipe, model: str, keywords: Mapping[str, str], into: str) -> str:
    """Return the lines that apply ``recipe`` to what the user calls ``model``, with keywords that are names, too."""
    given = ", ".join([model, *(f"{key}={name}" for key, name in keywords.items())])
    return f"import tauto\n\nrecipe = {_written(recipe)}\n{into} = tauto.apply(recipe, {given}).model\n"


def _written(recipe: Recipe) -> str:
    steps = "".join(f"    {_step(step)},\n" for step in recipe.steps)
    return f"tauto.Recipe.of(\n{steps})" if steps else "tauto.Recipe.of()"


def _step(step: Step) -> str:
    """Return one step as it is written, without what it has by default."""
    config = {
        field.name: getattr(step.config, field.name)
        for field in dataclasses.fields(step.config)
        if getattr(step.config, field.name) != field.default
    }
    return repr((step.name, config)) if config else repr(step.name)


def _found(names: Mapping[str, Any], value: object) -> str | None:
    if value is None:
        return None
    own = (name for name, one in list(names.items()) if one is value and not name.startswith("_"))
    return next(own, None)


def _name(names: Mapping[str, Any], value: object, otherwise: str) -> str:
    return _found(names, value) or otherwise
