"""Defaults that a user may set for a session: ``%config TautoMagics``, or JupyterLab's settings page of TAuto."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from traitlets import Dict, Enum, TraitError, Unicode, observe, validate
from traitlets.config import Configurable

from tauto.errors import InvalidArgument

__all__ = ["DEFAULTS", "TautoMagics"]

DEFAULTS = "TAUTO_MAGICS_DEFAULTS"
"""Environment variable with the defaults that JupyterLab's settings page gave, as a JSON object."""

FROM_LAB = ("budget", "max_drop", "figures", "options")
"""What the settings page has."""

_VARIABLES = {"store": "TAUTO_STORE", "storage": "TAUTO_STORAGE", "figures": "TAUTO_FIGURES"}


class TautoMagics(Configurable):
    """Defaults of the magics of TAuto; an option on the line goes before them."""

    budget: Any = Unicode(
        None, allow_none=True, help="Time that a search may take, such as '2min'; default: as each magic says."
    ).tag(config=True)
    max_drop: Any = Unicode("1%", help="Quality that may be lost: '1%' relative, '0.01' in the metric's unit.").tag(
        config=True
    )
    figures: Any = Enum(
        ("light", "dark"), None, allow_none=True, help="Theme of the figures that r.plot() draws; default light."
    ).tag(config=True)
    options: Any = Dict(
        help="Default options of a magic by its name, such as {'tauto_autotune': '--objective size'}."
    ).tag(config=True)
    store: Any = Unicode(
        None, allow_none=True, help="Folder of past runs; default: .tauto in the working folder (or TAUTO_STORE)."
    ).tag(config=True)

    storage: Any = Unicode(
        None, allow_none=True, help="Where studies are kept: a URL or an SQLite file; default TAUTO_STORAGE."
    ).tag(config=True)

    def __init__(self, shell: InteractiveShell) -> None:
        self._own: set[str] = set()
        self._taking = False
        super().__init__(parent=shell)
        for words in self.take(_remembered()):
            warnings.warn(words, UserWarning, stacklevel=2)

    def take(self, given: Mapping[str, Any]) -> list[str]:
        """Make ``given`` the defaults of all that the user has not set here, and return in words what does not fit."""
        refused = []
        with self._as_default():
            for name in (name for name in FROM_LAB if name not in self._own):
                try:
                    setattr(self, name, given.get(name, self.trait_defaults(name)))
                except TraitError as error:
                    refused.append(f"JupyterLab's settings page of TAuto: {name}: {error}")
        return refused

    @contextmanager
    def _as_default(self) -> Iterator[None]:
        self._taking = True
        try:
            yield
        finally:
            self._taking = False

    @observe("budget", "max_drop", "figures", "options", "store", "storage")
    def _note(self, change: Any) -> None:
        if not self._taking:
            self._own.add(change.name)

    @validate("budget")
    def _check_budget(self, proposal: Any) -> Any:
        from tauto.config import parse_duration

        return _checked(parse_duration, proposal.value)

    @validate("max_drop")
    def _check_drop(self, proposal: Any) -> Any:
        from tauto.config import parse_drop

        return _checked(parse_drop, proposal.value)

    @validate("options")
    def _check_options(self, proposal: Any) -> Any:
        for magic, text in proposal.value.items():
            if not (isinstance(text, str) and (not text.strip() or text.lstrip().startswith("-"))):
                raise TraitError(f"{magic}: {text!r} are no options. Write such as '--objective size'.")
        return proposal.value

    @observe(*_VARIABLES)
    def _move(self, change: Any) -> None:
        if change.new is None:
            os.environ.pop(_VARIABLES[change.name], None)
        else:
            os.environ[_VARIABLES[change.name]] = change.new


def _remembered() -> dict[str, Any]:
    given = json.loads(os.environ.get(DEFAULTS) or "{}")
    return given if isinstance(given, dict) else {}


def _checked(parse: Callable[[Any], object], value: Any) -> Any:
    try:
        if value is not None:
            parse(value)
    except InvalidArgument as error:
        raise TraitError(str(error)) from None
    return value
