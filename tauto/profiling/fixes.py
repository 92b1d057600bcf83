"""The closed set of what a finding's fix may do, as data; ``result.apply(finding)`` does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tauto.recipes import Recipe
from tauto.reports.profile import Fix

__all__ = ["ACTIONS", "Action", "ActionName", "Option", "fix", "fix_line", "recipe_fix"]

Option = bool | int | float | str

ActionName = Literal[
    "recipe",
    "loader",
    "cache_dataset",
    "inference",
    "threads",
    "autocast",
    "memory_format",
    "compile",
    "optimizer",
    "freeze",
    "checkpoint",
    "keep_freed_memory",
]


@dataclass(frozen=True, slots=True)
class Action:
    """What one action does."""

    does: str
    target: str
    """What :attr:`Fix.target` names; an empty target always means *all of that kind that the cell uses*."""
    options: Mapping[str, type]
    """The options it takes, all of them optional unless said otherwise in ``does``."""
    same_results: bool = True
    """Whether the cell computes the same as before, rounding apart."""


ACTIONS: Mapping[ActionName, Action] = {
    "recipe": Action(
        "Applies a TAuto recipe (YAML text in ``recipe``, required) to a model that only infers.",
        "the model",
        {"recipe": str},
    ),
    "loader": Action(
        "Loads with a DataLoader of the same dataset, sampler, batch size and collate function, and these arguments.",
        "the DataLoader",
        {"num_workers": int, "persistent_workers": bool, "pin_memory": bool, "prefetch_factor": int},
    ),
    "cache_dataset": Action(
        "Keeps each item of the DataLoader's dataset in memory once it was made; right where items do not change.",
        "the DataLoader",
        {},
        same_results=False,
    ),
    "inference": Action(
        "Runs the cell under ``torch.inference_mode()``, the model in ``eval()`` unless ``eval_mode`` is false. With "
        "``only_eval_calls`` only those calls of the model that are in eval mode already (validation in a training "
        "loop).",
        "the model",
        {"eval_mode": bool, "only_eval_calls": bool},
    ),
    "threads": Action("Runs the cell after ``torch.set_num_threads(count)`` (required).", "nothing", {"count": int}),
    "autocast": Action(
        "Calls the model under ``torch.autocast(device, dtype)``; ``dtype`` is ``bfloat16`` (default) or ``float16``.",
        "the model",
        {"device": str, "dtype": str},
    ),
    "memory_format": Action(
        "Converts the model and the 4-d inputs of its calls to ``torch.channels_last``; it may train.",
        "the model",
        {},
    ),
    "compile": Action(
        "Calls ``torch.compile(model)`` instead of the model; ``dynamic`` and ``mode`` are handed on.",
        "the model",
        {"dynamic": bool, "mode": str},
    ),
    "optimizer": Action(
        "Steps with an optimizer of the same class, parameters and state, and ``fused`` or ``foreach`` switched on.",
        "the optimizer",
        {"fused": bool, "foreach": bool},
    ),
    "freeze": Action(
        "Calls ``requires_grad_(False)`` on the parameters that no optimizer of the cell has.", "the model", {}
    ),
    "checkpoint": Action(
        "Wraps the forward of the named modules in ``torch.utils.checkpoint`` (``modules``, required: their dotted "
        "paths, separated by commas).",
        "the model",
        {"modules": str},
    ),
    "keep_freed_memory": Action(
        "Has the C library keep freed memory: :func:`tauto.measurement.allocator.keep_freed_memory`.", "nothing", {}
    ),
}
"""Every action; :func:`fix` makes no other."""


def fix(action: ActionName, target: str = "", **options: Option) -> Fix:
    """Return a fix of the closed set.

    Parameters
    ----------
    action : str
        One of :data:`ACTIONS`.
    target : str
        What it is done to, by its name in the user's namespace; empty: all of that kind that the cell uses.
    **options
        As the action takes them.

    Raises
    ------
    ValueError
        When the action has no such option, or one of another type.

    Examples
    --------
    >>> fix("threads", count=1)
    Fix(action='threads', target='', options={'count': 1})
    """
    takes = ACTIONS[action].options
    for name, value in options.items():
        if type(value) is not takes.get(name):
            raise ValueError(f"the fix {action!r} takes no {name}={value!r}; it takes {dict(takes)}")
    return Fix(action, target, dict(options))


def recipe_fix(target: str, *steps: str | tuple[str, Mapping[str, Option]]) -> Fix:
    """Return the fix that applies a recipe of ``steps``, as :meth:`tauto.recipes.Recipe.of` takes them."""
    return fix("recipe", target, recipe=Recipe.of(*steps).to_yaml())


def fix_line(rule: str) -> str:
    """Return the magic line that does the fix of the finding of ``rule`` in the profile last made."""
    return f"%tauto_fix {rule}"
