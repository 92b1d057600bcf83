"""What the JupyterLab extension asks of a kernel: each answer is JSON, quick, and changes nothing of the user's.

The extension evaluates ``tauto_magics.lab.form("tauto_quantize")`` and the like as user expressions.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from IPython.core.getipython import get_ipython
from IPython.core.interactiveshell import InteractiveShell

from tauto.errors import InvalidArgument
from tauto_magics.completion import candidates
from tauto_magics.magic import Magic
from tauto_magics.names import MODEL, NEW, Names
from tauto_magics.running import stop_running
from tauto_magics.settings import TautoMagics

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Answer", "form", "loaded", "machine", "script", "stop", "use_defaults"]

LIMIT = 200
"""Names listed of each kind."""


class Answer:
    """JSON for the extension: not shown to anybody, so its text says only what it is."""

    def __init__(self, **data: Any) -> None:
        self.data = data

    def __repr__(self) -> str:
        return "an answer to JupyterLab's TAuto extension"

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {"application/json": self.data}


def form(magic: str) -> Answer:
    """Return what a dialog for ``magic`` asks: its arguments in order, with the names that fit each.

    ``loaded`` says whether the magics are loaded in this kernel; ``models`` are the user's, each with its class, how
    many parameters it has, and whether the inputs it was called with are known from a profile.
    """
    from tauto_magics.extension import MAGICS

    chosen = next(known for known in MAGICS if known.name == magic)
    names = _names()
    return Answer(
        loaded=_settings() is not None,
        summary=chosen.summary,
        models=[_model(name, names.find(name, MODEL)) for name in names.of(MODEL)[:LIMIT]],
        fields=[_field(chosen, action, names) for action in chosen.parser._actions if action.dest != "help"],
    )


def _field(magic: Magic, action: argparse.Action, names: Names) -> dict[str, Any]:
    flag = action.option_strings[0] if action.option_strings else ""
    key = flag or action.dest
    kind = magic.parser.names.get(key)
    if flag and not magic.parser.takes_value(flag):
        asks, choices = "switch", []
    else:
        choices = [] if kind is NEW else _choices(magic, action, flag, names)
        asks = "model" if kind is MODEL else "choice" if action.choices else "text"
    return {
        "key": key,
        "flag": flag,
        "asks": asks,
        "needed": not flag and action.nargs != "?",
        "help": (action.help or "").replace("%%", "%"),
        "choices": choices[:LIMIT],
    }


def _choices(magic: Magic, action: argparse.Action, flag: str, names: Names) -> list[str]:
    if flag:
        return candidates(magic.parser, [flag], "", names)
    before = magic.parser.positionals[: magic.parser.positionals.index(action.dest)]
    return candidates(magic.parser, ["x"] * len(before), "", names)


def _model(name: str, model: nn.Module) -> dict[str, Any]:
    from tauto.workload import seen

    try:
        count: int | None = sum(parameter.numel() for parameter in model.parameters())
    except (RuntimeError, ValueError):  # lazy layers have no sizes before their first call
        count = None
    return {"name": name, "class": type(model).__name__, "parameters": count, "called": bool(seen.calls_of(model))}


def script(report: str) -> Answer:
    """Return the plain script of a result by its report's JSON text, or in words why there is none."""
    from tauto.reports import report_from_dict
    from tauto.results.of import result_of

    try:
        result = result_of(report_from_dict(json.loads(report)))
        if not hasattr(type(result), "script"):
            return Answer(refused=f"A {result.noun} has no script: it changed nothing.")
        return Answer(script=str(result.script()))
    except InvalidArgument as error:
        return Answer(refused=str(error))


def machine() -> Answer:
    """Return this machine with the ceilings that were measured of it before; nothing is measured now."""
    from tauto.config import Settings
    from tauto.hardware import Hardware
    from tauto.hardware.ceilings import load_ceilings
    from tauto.results import MachineResult

    here = Hardware.current()
    return Answer(report=MachineResult.of(here, load_ceilings(Settings.current().cache, here.fingerprint)).to_dict())


def stop() -> Answer:
    """Ask the search that runs for its end; ``asked`` is False where none runs that can be asked."""
    return Answer(asked=stop_running())


def loaded() -> Answer:
    """Return whether the magics are loaded in this kernel."""
    return Answer(loaded=_settings() is not None)


def use_defaults(given: str) -> Answer:
    """Make what the JSON text ``given`` says the magics' defaults; what ``%config TautoMagics`` has set stays.

    Magics that are loaded later find them in the environment, where the extension puts them.
    """
    settings = _settings()
    return Answer(refused=settings.take(json.loads(given)) if settings is not None else [])


def _settings() -> TautoMagics | None:
    shell = get_ipython()
    known = shell.configurables if isinstance(shell, InteractiveShell) else []
    return next((one for one in known if isinstance(one, TautoMagics)), None)


def _names() -> Names:
    shell = get_ipython()
    if not isinstance(shell, InteractiveShell):
        return Names(dict(sys.modules["__main__"].__dict__), {})
    return Names(shell.user_ns, shell.user_ns_hidden)
