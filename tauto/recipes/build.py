"""A recipe made real: the same code in the trial, in the process that confirms it and in the kernel."""

from __future__ import annotations

from collections.abc import Iterator

from tauto.recipes.optimized import OptimizedModel
from tauto.recipes.recipe import Recipe, Step
from tauto.techniques import Context
from tauto.workload import Workload
from tauto.workload.state import seeded

__all__ = ["build", "placed"]


def build(recipe: Recipe, workload: Workload, context: Context) -> OptimizedModel:
    """Return ``workload.model`` changed by ``recipe``; the model itself stays as it is.

    Parameters
    ----------
    recipe : Recipe
        The steps to apply, in order.
    workload : Workload
        The model with what the steps need (example call, samples to calibrate on).
    context : Context
        Folder of the prepared files of all recipes; whether they may be prepared or only loaded.

    Raises
    ------
    CandidateFailed
        When a step cannot be made; the message says why.
    """
    current = workload
    for step, here in placed(recipe, context):
        # seeded for each: whether those before it were made or only loaded makes no difference
        with seeded(context.seed), here.accounted("step"):
            current = current.with_model(step.technique.apply(current, step.config, here))
    module = current.model if recipe.steps else workload.copy_model()
    return OptimizedModel(module, recipe, workload.model)


def placed(recipe: Recipe, context: Context) -> Iterator[tuple[Step, Context]]:
    """Yield each step with its context: recipes that begin with the same steps find the same folders."""
    start, *digests = recipe.digests
    before = context.step(start, None)
    for step, digest in zip(recipe.steps, digests, strict=True):
        before = context.step(digest, before)
        yield step, before
