"""One call of the engine from a magic: progress while it runs, one line when it fails, the best when stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from IPython.display import display

from tauto.errors import Interrupted
from tauto_magics.errors import Stopped, translated
from tauto_magics.magic import Invocation
from tauto_magics.progress import opens_its_cell, shown

__all__ = ["call_engine", "change_model"]


def call_engine(call: Invocation, verb: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
    """Return what ``verb`` returns, with progress shown while it works.

    Raises
    ------
    UsageError
        When the engine says that something was wrong with what it was given.
    Stopped
        When the user stopped it; the best so far has been displayed.
    """

    def work() -> Any:
        with shown(call.shell, alone=opens_its_cell(call.shell)):
            return verb(*args, **keywords)

    try:
        return translated(work)
    except Interrupted as stop:
        result = stop.result
    except KeyboardInterrupt:
        raise Stopped("stopped before anything was found; nothing was changed.") from None
    _bind(call, result)
    display(result)
    raise Stopped("stopped; what was found until then is above, and is tauto.last().")


def change_model(call: Invocation, verb: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
    """As :func:`call_engine`, and write the model into the name that ``--into`` says, and only there."""
    result = call_engine(call, verb, *args, **keywords)
    _bind(call, result)
    return result


def _bind(call: Invocation, result: Any) -> None:
    into = getattr(call.arguments, "into", None)
    model = getattr(result, "model", None)
    if into is not None and model is not None:
        call.shell.push({into: model}, interactive=True)
