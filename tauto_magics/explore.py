"""``%tauto_explore model``."""

from __future__ import annotations

from typing import Any

import tauto
from tauto_magics.arguments import Parser
from tauto_magics.engine import call_engine
from tauto_magics.errors import translated
from tauto_magics.magic import Invocation, Magic
from tauto_magics.names import MODEL
from tauto_magics.options import add_inputs, inputs_keywords

__all__ = ["EXPLORE"]


def _options(parser: Parser) -> None:
    parser.takes("model", MODEL, "the model to explore, not changed")
    add_inputs(parser)


def _run(call: Invocation) -> Any:
    name = call.arguments.model
    keywords = {"model": call.names.model(name), "name": name, **inputs_keywords(call)}
    result = call_engine(call, tauto.explore, **keywords)
    return translated(result.panel)


EXPLORE = Magic(
    "tauto_explore", "Turn a knob of a model (batch, engine, precision …), see it measured.", _options, _run
)
"""The panel is what it returns; ``.result`` is that of ``tauto.explore``."""
