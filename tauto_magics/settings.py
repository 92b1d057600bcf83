"""Defaults that a user may set for a session: ``%config TautoMagics``."""

from __future__ import annotations

import os
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from traitlets import TraitError, Unicode, observe, validate
from traitlets.config import Configurable

from tauto.errors import InvalidArgument

__all__ = ["TautoMagics"]


class TautoMagics(Configurable):
    """Defaults of the magics of TAuto; an option on the line goes before them."""

    budget: Any = Unicode(
        None, allow_none=True, help="Time that a search may take, such as '2min'; default: as each magic says."
    ).tag(config=True)
    max_drop: Any = Unicode("1%", help="Quality that may be lost: '1%' relative, '0.01' in the metric's unit.").tag(
        config=True
    )
    store: Any = Unicode(
        None, allow_none=True, help="Folder of past runs; default: .tauto in the working folder (or TAUTO_STORE)."
    ).tag(config=True)

    storage: Any = Unicode(
        None, allow_none=True, help="Where studies are kept: a URL or an SQLite file; default TAUTO_STORAGE."
    ).tag(config=True)

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(parent=shell)

    @validate("budget")
    def _check_budget(self, proposal: Any) -> Any:
        from tauto.config import parse_duration

        return _checked(parse_duration, proposal.value)

    @validate("max_drop")
    def _check_drop(self, proposal: Any) -> Any:
        from tauto.config import parse_drop

        return _checked(parse_drop, proposal.value)

    @observe("store")
    def _move_store(self, change: Any) -> None:
        if change.new is None:
            os.environ.pop("TAUTO_STORE", None)
        else:
            os.environ["TAUTO_STORE"] = change.new

    @observe("storage")
    def _move_storage(self, change: Any) -> None:
        if change.new is None:
            os.environ.pop("TAUTO_STORAGE", None)
        else:
            os.environ["TAUTO_STORAGE"] = change.new


def _checked(parse: Any, value: Any) -> Any:
    try:
        if value is not None:
            parse(value)
    except InvalidArgument as error:
        raise TraitError(str(error)) from None
    return value
