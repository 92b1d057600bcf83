"""Apply a known recipe to a model, in isolation, and measure what it is worth here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from tauto.config import Drop, parse_duration
from tauto.errors import RecipeError, a_kind
from tauto.recipes import Recipe, preset
from tauto.recipes.preset import PREFIX
from tauto.results import TuningResult
from tauto.verbs.delivery import apply_recipe
from tauto.workload import Workload
from tauto.workload.training import FineTune, Loss

__all__ = ["apply", "recipe_from"]


def apply(
    recipe: Recipe | TuningResult | Mapping[str, Any] | str | Path,
    model: nn.Module,
    inputs: Any = None,
    *,
    data: Iterable[Any] | None = None,
    evaluate: Callable[[nn.Module], Any] | None = None,
    max_drop: str | float | Drop | None = None,
    metric: str | None = None,
    higher_is_better: bool = True,
    budget: str | float = "10min",
    isolated: bool = False,
    factory: Callable[[], nn.Module] | None = None,
    loss: Loss | None = None,
    finetune: FineTune | None = None,
    name: str | None = None,
) -> TuningResult:
    """Apply ``recipe`` to ``model`` and say what it is worth on this machine.

    The recipe was asked for, so it is kept when its quality holds even if it is no faster; the verdict is then
    ``"applied"``. A model whose quality does not hold is not returned: the original is.

    Parameters
    ----------
    recipe : Recipe, TuningResult, mapping, str or Path
        A recipe, a result that has one, its YAML or JSON text, a file of it, or a preset such as ``"preset:cpu-int8"``.
    model, inputs, data, evaluate, max_drop, metric, higher_is_better, factory, name
        As in :meth:`tauto.Workload.of`; the model stays as it is, bit for bit.
    budget, isolated
        As in :func:`tauto.autotune`.
    loss, finetune : callable, optional
        For a recipe that trains: ``loss(outputs, labels)`` over ``data``, or your own ``finetune(model)``. With
        ``data`` alone the model learns to answer as the original does.

    Raises
    ------
    RecipeError
        When the recipe is malformed, illegal, of a newer version, or names what does not apply here.

    Examples
    --------
    >>> fast = tauto.apply("fast.yaml", model, inputs=x).model  # doctest: +SKIP
    >>> fast = tauto.apply("preset:cpu-int8", model, inputs=x, data=loader).model  # doctest: +SKIP
    """
    chosen = recipe_from(recipe)
    parse_duration(budget)  # what is malformed is told before any work
    workload = Workload.of(
        model,
        inputs=inputs,
        data=data,
        evaluate=evaluate,
        max_drop=max_drop,
        metric=metric,
        higher_is_better=higher_is_better,
        factory=factory,
        name=name,
        loss=loss,
        finetune=finetune,
        trains=any(hasattr(step.config, "learning_rate") for step in chosen.steps),
    )
    return apply_recipe(chosen, workload, budget=budget, isolated=isolated)


def recipe_from(value: Recipe | TuningResult | Mapping[str, Any] | str | Path) -> Recipe:
    """Return the recipe that ``value`` is, has, or is the text or file of."""
    if isinstance(value, Recipe):
        return value
    if isinstance(value, TuningResult):
        if value.recipe is None:
            raise RecipeError("recipe: this result kept the original, so it has none.")
        return value.recipe
    if isinstance(value, Mapping):
        return Recipe.from_dict(value)
    if isinstance(value, Path | str) and str(value).startswith(PREFIX):
        return preset(str(value).removeprefix(PREFIX))
    if isinstance(value, Path) or (isinstance(value, str) and "\n" not in value and ":" not in value):
        return Recipe.parse(_read(Path(value)))
    if isinstance(value, str):
        return Recipe.parse(value)
    raise RecipeError(f"recipe: {a_kind(value)} is no recipe. Give a Recipe, a result, YAML or JSON text, or a file.")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"recipe: {path} cannot be read: {error}") from None
