"""Loading and unloading: the magics, their completion, and their settings."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

from IPython.core.interactiveshell import InteractiveShell

from tauto.config.front_end import FrontEnd, front_end, use_front_end
from tauto_magics.apply import APPLY
from tauto_magics.autotune import AUTOTUNE
from tauto_magics.cell import number_of
from tauto_magics.compare import COMPARE
from tauto_magics.compile import COMPILE
from tauto_magics.completion import make_matcher
from tauto_magics.decode import DECODE
from tauto_magics.distill import DISTILL
from tauto_magics.explore import EXPLORE
from tauto_magics.factorize import FACTORIZE
from tauto_magics.fix import FIX
from tauto_magics.magic import Magic
from tauto_magics.overview import overview_magic
from tauto_magics.profile import PROFILE
from tauto_magics.prune import PRUNE
from tauto_magics.quantize import QUANTIZE
from tauto_magics.runs import RUNS
from tauto_magics.script import SCRIPT
from tauto_magics.sensitivity import SENSITIVITY
from tauto_magics.settings import TautoMagics
from tauto_magics.studies import STUDIES
from tauto_magics.tooltips import leave_tooltips, use_tooltips
from tauto_magics.tune import TUNE

__all__ = ["MAGICS", "load_ipython_extension", "unload_ipython_extension"]

_CHANGES = (QUANTIZE, PRUNE, FACTORIZE, DISTILL, COMPILE, DECODE, AUTOTUNE, APPLY)
_VERBS = (PROFILE, FIX, COMPARE, SENSITIVITY, EXPLORE, *_CHANGES, TUNE, STUDIES, SCRIPT, RUNS)

MAGICS: tuple[Magic, ...] = (*_VERBS, overview_magic(_VERBS))


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics with ``shell``; loading twice is loading once. Prints nothing, imports no torch."""
    unload_ipython_extension(shell)
    settings = TautoMagics(shell)
    configurables: list[Any] = shell.configurables
    configurables.append(settings)
    for magic in MAGICS:
        kind: Literal["line_cell", "line"] = "line_cell" if magic.cell else "line"
        shell.magics_manager.register_function(magic.bound(shell, settings), kind, magic.name)
    use_front_end(FrontEnd("notebook", partial(number_of, shell)))
    if shell.Completer is not None:
        shell.Completer.custom_matchers.append(make_matcher(shell, MAGICS))
    use_tooltips(shell, MAGICS)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take away all that :func:`load_ipython_extension` added."""
    if front_end().kind == "notebook":
        use_front_end(FrontEnd())
    leave_tooltips(shell)
    for magic in MAGICS:
        for table in shell.magics_manager.magics.values():
            table.pop(magic.name, None)
    shell.configurables[:] = [known for known in shell.configurables if type(known).__name__ != TautoMagics.__name__]
    if shell.Completer is not None:
        matchers = shell.Completer.custom_matchers
        matchers[:] = [known for known in matchers if getattr(known, "matcher_identifier", "") != "tauto_magics"]
