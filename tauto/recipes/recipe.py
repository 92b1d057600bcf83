"""An ordered list of configured techniques: only data, so that a stranger's recipe is safe to read."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, get_origin, get_type_hints

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, create_model

from tauto.errors import InvalidArgument, RecipeError, a_kind
from tauto.reports import RecipeReport, StepReport
from tauto.techniques import STRUCTURAL, Config, Technique, technique

__all__ = ["VERSION", "Recipe", "Step"]

VERSION = 1
"""Version of the written form; raised when a step changes its meaning."""


@dataclass(frozen=True, slots=True)
class Step:
    """One technique with its configuration."""

    name: str
    config: Config

    @property
    def technique(self) -> Technique:
        """The registered technique."""
        return technique(self.name)

    def __str__(self) -> str:
        return self.technique.describe(self.config)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Ordered steps, legal by the techniques' own data.

    Examples
    --------
    >>> recipe = Recipe.of("fold_batchnorm", "channels_last")
    >>> recipe.title
    'fold_batchnorm → channels_last'
    """

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        _check_legal(self.steps)

    @classmethod
    def of(cls, *steps: str | tuple[str, Mapping[str, Any]] | tuple[str, Config]) -> Recipe:
        """Return a recipe of technique names, or pairs of a name and its configuration.

        Raises
        ------
        RecipeError
            When a technique or a value is unknown, or the order is not legal.
        """
        return cls(tuple(_step(item) if isinstance(item, str) else _step(*item) for item in steps))

    @property
    def title(self) -> str:
        """The steps in words."""
        return " → ".join(map(str, self.steps)) or "the original"

    @property
    def engine(self) -> Step | None:
        """The step that says what the model runs in; None where that is PyTorch as it is."""
        return next((step for step in self.steps if step.technique.family == "engine"), None)

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that name this recipe."""
        return self.digests[-1]

    @property
    def digests(self) -> tuple[str, ...]:
        """The digest of no step, of the first, of the first two and so on, up to that of the recipe."""
        steps = self.to_dict()["steps"]
        return tuple(_digest(steps[:count]) for count in range(len(steps) + 1))

    @property
    def exported(self) -> str | None:
        """The digest of the steps before the one that needs the model exported; None where no step does."""
        found = (before for step, before in zip(self.steps, self.digests, strict=False) if step.technique.exports)
        return next(found, None)

    @property
    def structure(self) -> tuple[Step, ...]:
        """The steps that change the architecture."""
        return tuple(step for step in self.steps if step.technique.family in STRUCTURAL)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON data with the version of its form."""
        steps = [{"technique": step.name, "config": _written(step.config)} for step in self.steps]
        return {"recipe": VERSION, "steps": steps}

    @classmethod
    def from_dict(cls, data: Any) -> Recipe:
        """Return the recipe that ``data`` describes.

        Raises
        ------
        RecipeError
            When it is malformed, of a newer version, or names what TAuto does not know.
        """
        if not isinstance(data, Mapping) or "recipe" not in data:
            raise RecipeError("recipe: it must be a mapping of 'recipe' (its version) and 'steps' (a list).")
        version = data["recipe"]
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise RecipeError(f"recipe: version {version!r} is not a version number.")
        if version > VERSION:
            raise RecipeError(f"recipe: version {version} is newer than this TAuto reads ({VERSION}). Upgrade tauto.")
        if set(data) != {"recipe", "steps"} or not isinstance(data["steps"], list):
            raise RecipeError("recipe: it must be a mapping of 'recipe' (its version) and 'steps' (a list).")
        return cls(tuple(_step_from(item) for item in data["steps"]))

    def to_json(self) -> str:
        """Return the recipe as JSON text."""
        return json.dumps(self.to_dict(), indent=2)

    def to_yaml(self) -> str:
        """Return the recipe as YAML text."""
        text: str = yaml.safe_dump(self.to_dict(), sort_keys=False)
        return text

    @classmethod
    def parse(cls, text: str) -> Recipe:
        """Return the recipe written in ``text`` as YAML or JSON (which is YAML)."""
        try:
            data = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise RecipeError(f"recipe: it is neither YAML nor JSON: {error}") from None
        return cls.from_dict(data)

    def report(self) -> RecipeReport:
        """Return the recipe as it stands in a report."""
        steps = tuple(StepReport(item["technique"], item["config"]) for item in self.to_dict()["steps"])
        return RecipeReport(steps, self.digest, self.title)

    @classmethod
    def from_report(cls, report: RecipeReport) -> Recipe:
        """Return the recipe that a report carries."""
        return cls.of(*((step.technique, step.config) for step in report.steps))


def _digest(steps: list[dict[str, Any]]) -> str:
    canonical = json.dumps({"recipe": VERSION, "steps": steps}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


@cache
def _form(config: type[Config]) -> type[BaseModel]:
    # strict: "yes" is not a bool and 2.0 not an int; forbid: a misspelt field is an error, not a default
    hints = {name: _or_list(hint) for name, hint in get_type_hints(config).items()}
    fields: dict[str, Any] = {field.name: (hints[field.name], _default(field)) for field in dataclasses.fields(config)}
    return create_model(config.__name__, __config__=ConfigDict(extra="forbid", strict=True), **fields)


def _or_list(hint: Any) -> Any:
    """A tuple is a list in JSON and YAML, and comes back as one."""
    if get_origin(hint) is not tuple:
        return hint
    return Annotated[hint, BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)]


def _written(config: Config) -> dict[str, Any]:
    """Return the fields as they are read back from JSON."""
    values = dataclasses.asdict(config)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _default(field: dataclasses.Field[Any]) -> Any:
    return ... if field.default is dataclasses.MISSING else field.default


def _step(name: str, config: Mapping[str, Any] | Config | None = None) -> Step:
    try:
        known = technique(name)
    except InvalidArgument as error:
        raise RecipeError(f"recipe: {error}") from None
    data = {} if config is None else config
    if isinstance(data, Config):
        if type(data) is not known.config:
            raise RecipeError(f"recipe: {name} takes a {known.config.__name__}, not {a_kind(data)}.")
        data = {field: getattr(data, field) for field in data.__dataclass_fields__}
    try:
        checked = _form(known.config).model_validate(dict(data))  # type: ignore[arg-type]
        return Step(name, known.config(**dict(checked)))
    except (ValidationError, TypeError, ValueError) as error:
        detail = error.errors()[0] if isinstance(error, ValidationError) else None
        where = ".".join(map(str, detail["loc"])) if detail else "config"
        what = detail["msg"] if detail else str(error)
        raise RecipeError(f"recipe: {name}.{where}: {what.rstrip('.')}. Fields: {_fields(known)}.") from None


def _step_from(item: Any) -> Step:
    if not isinstance(item, Mapping) or not set(item) <= {"technique", "config"} or "technique" not in item:
        raise RecipeError("recipe: each step must be a mapping of 'technique' and, if it has one, 'config'.")
    name, config = item["technique"], item.get("config") or {}
    if not isinstance(name, str) or not isinstance(config, Mapping):
        raise RecipeError("recipe: 'technique' must be a name and 'config' a mapping.")
    return _step(name, config)


def _fields(known: Technique) -> str:
    return ", ".join(known.config.__dataclass_fields__) or "none"


def _check_legal(steps: Iterable[Step]) -> None:
    known = [step.technique for step in steps]
    for index, later in enumerate(known):
        for earlier in known[:index]:
            if later.name == earlier.name:
                raise RecipeError(f"recipe: {later.name} stands twice.")
            for one, other in ((later, earlier), (earlier, later)):
                if one.cannot_be_with & {other.name, other.family}:
                    raise RecipeError(f"recipe: {one.name} cannot be with {other.name}.")
            if earlier.comes_after & {later.name, later.family}:
                raise RecipeError(f"recipe: {earlier.name} must come after {later.name}.")
            if later.family in STRUCTURAL and earlier.family not in STRUCTURAL:
                raise RecipeError(
                    f"recipe: {later.name} must come before {earlier.name}: it changes the layers that {earlier.name} "
                    "works on."
                )
