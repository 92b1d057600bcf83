"""Keeping a model as data, and giving it back to the user's own class."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from uuid import uuid4

from torch import nn

from tauto.config import Drop
from tauto.decoding import OptimizedDecoder
from tauto.errors import CandidateFailed, InvalidArgument, ModelError, RecipeError, VerificationWarning, a_kind
from tauto.execution.resident import ResidentModule
from tauto.recipes import OptimizedModel, Recipe
from tauto.results import Result
from tauto.serialization import Skeleton, read, write
from tauto.serialization.architecture import FILE, WEIGHTS
from tauto.tuning import Goal
from tauto.verbs.compare import compare
from tauto.workload.state import preserved_rng

__all__ = ["RECIPE", "load", "save"]

RECIPE = "recipe.json"
_MOST_RECIPE_BYTES = 2**20
_RUNNERS = ("engine",)
"""Families whose models run in compiled code that is not data."""


def save(model: nn.Module | Result[Any], path: str | Path, *, original: nn.Module | None = None) -> Path:
    """Write a model into the folder ``path``, as data: weights, what was changed, and the recipe.

    It is a folder, so that each of its files is of a form that others read too: ``weights.safetensors``,
    ``architecture.json`` (with digests), and ``recipe.json`` (that :func:`tauto.apply` takes). Nothing is pickled.

    Parameters
    ----------
    model : torch.nn.Module or result
        An optimized model, a result that has one, or any other model.
    path : str or Path
        A new folder, or one that this function wrote before: it is then replaced as a whole.
    original : torch.nn.Module, optional
        What a model that you changed yourself was made of (its weights do not matter). An optimized model knows it.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ModelError
        When something in the model cannot be kept as data; the message names the layer, and what to do instead.
    InvalidArgument
        When the path is taken by something else, or this is no model.

    Examples
    --------
    >>> tauto.save(result, "small")  # doctest: +SKIP
    >>> small = tauto.load("small", Net)  # doctest: +SKIP
    """
    module, recipe, skeleton = _parts(model, original)
    target = _folder(path)
    _check_target(target)
    part = target.parent / f".{target.name}-{uuid4().hex}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.mkdir()
    except OSError as error:
        raise InvalidArgument(f"path: {str(path)!r} cannot be written ({error.strerror}). Give another.") from None
    try:
        try:
            write(module, skeleton, part)
        except CandidateFailed as error:
            raise ModelError(f"model: it cannot be kept as data: {error}.") from error
        if recipe is not None:
            (part / RECIPE).write_text(recipe.to_json(), encoding="utf-8")
        (part / WEIGHTS).chmod((part / FILE).stat().st_mode)  # safetensors lets nobody else read it
        _replace(target, part)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def load(
    path: str | Path,
    model: nn.Module | Callable[[], nn.Module],
    *,
    verify: bool = False,
    original: nn.Module | None = None,
    inputs: Any = None,
    data: Iterable[Any] | None = None,
    evaluate: Callable[[nn.Module], Any] | None = None,
    max_drop: str | float | Drop | None = None,
) -> nn.Module:
    """Return the model that is kept in the folder ``path``, of the user's own class, in eval mode.

    It runs none of what is in the folder: layers are built from a closed list of kinds, and everything must match the
    class and the digests. A digest tells damage, not who wrote it.

    Parameters
    ----------
    path : str or Path
        Written by :func:`save`.
    model : callable or torch.nn.Module
        The class, or a function that builds the model as the original was built (its weights do not matter); or such a
        model, which stays as it is.
    verify : bool
        Measure what was loaded against ``original`` on this machine, and return ``original``, as it is, where it is
        neither faster nor as fast and smaller here, or does not hold the quality. A warning says so.
    original : torch.nn.Module, optional
        With its own weights; without it ``verify`` can only say that nothing was verified.
    inputs, data, evaluate, max_drop
        For ``verify``, as in :func:`tauto.compare`: ``evaluate`` where one accepted what was kept, since its outputs
        may then be others than the original's.

    Returns
    -------
    torch.nn.Module
        An :class:`~tauto.recipes.OptimizedModel` with its recipe where an optimized one was kept, else the model.

    Warns
    -----
    VerificationWarning
        When the original came back, with the figures; or when nothing could be verified.

    Raises
    ------
    InvalidArgument
        When the files are missing, damaged, or do not match; the message names the layer.
    RecipeError
        When the recipe is malformed or of a newer TAuto.

    Examples
    --------
    >>> small = tauto.load("small", lambda: Net(width=64))  # doctest: +SKIP
    >>> best = tauto.load("small", Net, verify=True, original=net, inputs=x)  # doctest: +SKIP
    """
    given = {"original": original, "inputs": inputs, "data": data, "evaluate": evaluate, "max_drop": max_drop}
    if not verify and (needless := [name for name, value in given.items() if value is not None]):
        raise InvalidArgument(f"{needless[0]}: only verify=True measures anything. Give both, or neither.")
    folder = _folder(path)
    if not (folder / FILE).is_file():
        raise InvalidArgument(f"path: {str(path)!r} holds no model. Give a folder that tauto.save wrote.")
    recipe = _recipe(folder / RECIPE)
    fresh = _fresh(model)
    try:
        kept = read(fresh, folder)
    except CandidateFailed as error:
        raise InvalidArgument(
            f"path: {str(path)!r} does not fit: {error}. Give the class, or a function that builds the model with the "
            "arguments of the one that was optimized."
        ) from error
    loaded = kept.eval() if recipe is None else OptimizedModel(kept.eval(), recipe, fresh)
    return _verified(loaded, original, inputs, data, evaluate, max_drop) if verify else loaded


def _verified(
    loaded: nn.Module,
    original: nn.Module | None,
    inputs: Any,
    data: Iterable[Any] | None,
    evaluate: Callable[[nn.Module], Any] | None,
    max_drop: str | float | Drop | None,
) -> nn.Module:
    """Return ``loaded`` where it is worth it here, else ``original``."""
    if original is None:
        warnings.warn(
            "What was loaded is not verified: its gain was measured where it was saved. Give the model as it was "
            "before, with its weights: tauto.load(…, verify=True, original=model, inputs=…), and evaluate=… where one "
            "judged it.",
            VerificationWarning,
            stacklevel=3,
        )
        return loaded
    found = compare(
        original, loaded, inputs, data=data, evaluate=evaluate, max_drop=max_drop, names=("original", "loaded")
    )
    decision = Goal(or_smaller=True).decide(found.report)
    if decision.improves:
        return loaded
    words = f"The original came back: what was loaded is {decision.reason} here."
    if evaluate is None and found.report.quality_held is False:
        words += (
            " Outputs were compared, as no evaluate was given: if a function of yours accepted it, give that too: "
            "tauto.load(…, verify=True, original=…, evaluate=…)."
        )
    warnings.warn(words, VerificationWarning, stacklevel=3)
    return original


def _parts(model: Any, original: nn.Module | None) -> tuple[nn.Module, Recipe | None, Skeleton]:
    """Return what is to be written, its recipe, and what it was made of."""
    if isinstance(model, Result):
        model = getattr(model, "model", model)
    if isinstance(model, OptimizedDecoder):
        raise ModelError(
            "model: a way to decode is not kept as data. Keep the plain Python of it: "
            "open('decode.py', 'w').write(found.script())."
        )
    if not isinstance(model, nn.Module):
        raise InvalidArgument(f"model: {a_kind(model)} is no model. Give a torch.nn.Module, or a result with one.")
    if original is not None and not isinstance(original, nn.Module):
        raise InvalidArgument(f"original: {a_kind(original)} is no torch.nn.Module. Give an instance of the class.")
    if not isinstance(model, OptimizedModel):
        return model, None, Skeleton.of(model if original is None else original)
    runners = [step.name for step in model.recipe.steps if step.technique.family in _RUNNERS]
    if runners:
        raise ModelError(
            f"model: it runs in {runners[0]}, and compiled code is not kept (nor trusted from elsewhere). Keep its "
            "recipe: open('fast.yaml', 'w').write(fast.recipe.to_yaml()), and make it again where it is to run: "
            "tauto.apply('fast.yaml', model, inputs=…)."
        )
    if isinstance(model.module, ResidentModule):
        raise ModelError(
            "model: it lives in a process of its own. Load it here: tauto.apply(r.recipe, model, inputs=…)."
        )
    return model.module, model.recipe, model.skeleton if original is None else Skeleton.of(original)


def _folder(path: Any) -> Path:
    if not isinstance(path, str | Path) or not str(path):
        raise InvalidArgument(f"path: {path!r} is no folder. Give one such as 'small'.")
    return Path(path).expanduser()


def _check_target(target: Path) -> None:
    if not target.exists() and not target.is_symlink():
        return
    ours = target.is_dir() and {item.name for item in target.iterdir()} <= {FILE, WEIGHTS, RECIPE}
    if target.is_symlink() or not ours:
        raise InvalidArgument(f"path: {str(target)!r} is there and holds something else. Give a new folder.")


def _replace(target: Path, part: Path) -> None:
    if target.exists():
        old = part.with_name(f"{part.name}-old")
        target.rename(old)
        try:
            part.rename(target)
        except OSError:
            old.rename(target)
            raise
        shutil.rmtree(old, ignore_errors=True)
    else:
        part.rename(target)


def _recipe(path: Path) -> Recipe | None:
    if not path.exists():
        return None
    if not path.is_file() or path.stat().st_size > _MOST_RECIPE_BYTES:
        raise RecipeError(f"recipe: {path.name} is no recipe that tauto.save wrote.")
    try:
        return Recipe.parse(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise RecipeError(f"recipe: {path.name} cannot be read: {error}") from None


def _fresh(model: Any) -> nn.Module:
    if isinstance(model, nn.Module):
        return model
    if not callable(model):
        raise InvalidArgument(
            f"model: {a_kind(model)} builds no model. Give your class (Net), or a function: lambda: Net(64)."
        )
    try:
        with preserved_rng():
            built = model()
    except Exception as error:  # the user's own code
        raise InvalidArgument(
            f"model: {getattr(model, '__name__', 'it')}() raised {type(error).__name__}: {error}. Give a function that "
            "builds the model with its arguments: lambda: Net(64)."
        ) from error
    if not isinstance(built, nn.Module):
        raise InvalidArgument(f"model: it returned {a_kind(built)}, not a torch.nn.Module.")
    return built
