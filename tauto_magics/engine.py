"""One call of the engine from a magic: progress while it runs, one line when it fails, the best when stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from IPython.display import display

from tauto.errors import Interrupted
from tauto_magics.errors import Stopped, translated
from tauto_magics.live import live_panel, watched
from tauto_magics.magic import Invocation
from tauto_magics.progress import opens_its_cell, shown
from tauto_magics.running import can_be_stopped

__all__ = ["call_engine", "change_model"]

Kept = Callable[[Any], Any]


def call_engine(
    call: Invocation,
    verb: Callable[..., Any],
    *args: Any,
    kept: Kept | None = None,
    live: bool = False,
    **keywords: Any,
) -> Any:
    """Return what ``verb`` returns, with progress shown while it works.

    What is ``live``, a search, shows and returns its panel with ``--panel``: that is there from its start.

    What is ``kept`` of the result is written into the name that ``--into`` says, and only there; of a partial result,
    too.

    Raises
    ------
    UsageError
        When the engine says that something was wrong with what it was given.
    Stopped
        When the user stopped it; the best so far has been displayed.
    """
    panel = translated(lambda: live_panel(call.shell)) if live and call.arguments.panel else None

    def work() -> Any:
        alone = opens_its_cell(call.shell)
        showing = shown(call.shell, alone=alone) if panel is None else watched(call.shell, panel, alone=alone)
        with can_be_stopped(), showing:
            return verb(*args, **keywords)

    try:
        result, stopped = translated(work), False
    except Interrupted as stop:
        result, stopped = stop.result, True
    except KeyboardInterrupt:
        raise Stopped("stopped before anything was found; nothing was changed.") from None
    if kept is not None:
        _bind(call, kept(result))
    if panel is not None:
        panel.ended(result)
    if stopped:
        display(result if panel is None else panel)
        raise Stopped("stopped; what was found until then is above, and is tauto.last().")
    return result if panel is None else panel


def change_model(call: Invocation, verb: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
    """As :func:`call_engine`, where the model is what ``--into`` names."""
    return call_engine(call, verb, *args, kept=lambda result: getattr(result, "model", None), **keywords)


def _bind(call: Invocation, value: Any) -> None:
    into = getattr(call.arguments, "into", None)
    if into is not None and value is not None:
        call.shell.push({into: value}, interactive=True)
