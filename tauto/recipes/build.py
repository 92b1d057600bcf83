"""A recipe made real: the same code in the trial, in the process that confirms it and in the kernel."""

from __future__ import annotations

from tauto.recipes.optimized import OptimizedModel
from tauto.recipes.recipe import Recipe
from tauto.techniques import Context
from tauto.workload import Workload
from tauto.workload.state import seeded

__all__ = ["build"]


def build(recipe: Recipe, workload: Workload, context: Context) -> OptimizedModel:
    """Return ``workload.model`` changed by ``recipe``; the model itself stays as it is.

    Parameters
    ----------
    recipe : Recipe
        The steps to apply, in order.
    workload : Workload
        The model with what the steps need (example call, samples to calibrate on).
    context : Context
        Folder of the prepared files; whether they may be prepared or only loaded.

    Raises
    ------
    CandidateFailed
        When a step cannot be made; the message says why.
    """
    current = workload
    with seeded(context.seed):
        for index, step in enumerate(recipe.steps):
            here = context.step(index, step.name)
            current = current.with_model(step.technique.apply(current, step.config, here))
        module = current.model if recipe.steps else workload.copy_model()
    return OptimizedModel(module, recipe, workload.model)
