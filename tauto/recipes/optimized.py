"""The model that a recipe returns."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tauto.errors import ModelError
from tauto.recipes.recipe import Recipe
from tauto.reports import RecipeReport
from tauto.serialization import Skeleton

__all__ = ["OptimizedModel"]

_PLAIN = (str, int, float, bool, type(None))


class OptimizedModel(nn.Module):
    """An inference-only model that takes and returns what the original did.

    Parameters
    ----------
    module : torch.nn.Module
        What the last step of the recipe returned.
    recipe : Recipe
        How it was made.
    original : torch.nn.Module
        Only its class name, plain attributes (``config`` and the like) and what it is made of are kept, never the
        model.
    """

    def __init__(self, module: nn.Module, recipe: Recipe, original: nn.Module) -> None:
        super().__init__()
        self.module = module
        self.recipe = recipe
        self.original_kind = type(original).__name__
        self.skeleton = Skeleton.of(original)
        """What the original was made of, without its weights, so that ``tauto.save`` can tell what was changed."""
        self.files: object | None = None
        """The folder of the files it was loaded from, kept for as long as the model lives."""
        self._kept = _plain_attributes(original)
        super().train(False)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the original would have returned, without gradients."""
        module = self._modules["module"]  # a small network notices the microsecond that the attribute takes
        assert module is not None
        if not torch.is_grad_enabled():
            return module(*args, **kwargs)
        with torch.no_grad():
            return module(*args, **kwargs)

    def train(self, mode: bool = True) -> OptimizedModel:
        """Refuse training mode: this copy is for inference."""
        if mode:
            raise ModelError(
                f"{self.original_kind} optimized by {self.recipe.title} is for inference and cannot be trained. "
                "Train the original, then apply its recipe again: tauto.apply(fast.recipe, model, inputs=…)."
            )
        super().train(False)
        return self

    @property
    def shipped_bytes(self) -> int | None:
        """Bytes of the artefact that must be shipped, where that is not the weights."""
        return getattr(self.module, "shipped_bytes", None)

    @property
    def report(self) -> RecipeReport:
        """The recipe as it stands in a report."""
        return self.recipe.report()

    def __getattr__(self, name: str) -> Any:
        kept = self.__dict__.get("_kept", {})
        if name in kept:
            return kept[name]
        try:
            return super().__getattr__(name)
        except AttributeError:
            # methods of the user's own class, such as generate, where that is what was changed
            module = self.__dict__.get("_modules", {}).get("module")
            if name.startswith("_") or type(module).__name__ != self.__dict__.get("original_kind"):
                raise
            return getattr(module, name)

    def __repr__(self) -> str:
        return f"OptimizedModel({self.original_kind}: {self.recipe.title})"


def _plain_attributes(model: nn.Module) -> dict[str, Any]:
    """Return ``config`` objects and plain values: nothing that could keep the model or its weights alive."""
    internals = set(vars(nn.Module()))
    kept = {}
    for name, value in vars(model).items():
        if name.startswith("_") or name in internals:
            continue
        if isinstance(value, _PLAIN) or (name.endswith("config") and not isinstance(value, nn.Module)):
            kept[name] = value
    return kept
