"""``%tauto_compile model``."""

from __future__ import annotations

from typing import Any

import tauto
from tauto_magics.arguments import Parser
from tauto_magics.engine import change_model
from tauto_magics.magic import Invocation, Magic
from tauto_magics.names import MODEL
from tauto_magics.options import add_inputs, add_quality, add_search, search_keywords

__all__ = ["COMPILE"]


def _options(parser: Parser) -> None:
    parser.takes("model", MODEL, "the model to compile; it is not changed")
    parser.add_argument(
        "--mode",
        metavar="MODE",
        help="auto (default: what measures fastest), default, freezing, reduce-overhead or max-autotune",
    )
    shapes = parser.add_mutually_exclusive_group()
    shapes.add_argument("--dynamic", action="store_true", help="one code for sizes that vary; default chosen by trying")
    shapes.add_argument("--static", action="store_true", help="code for the shapes of the inputs alone")
    add_inputs(parser)
    add_quality(parser)
    add_search(parser, budget="10min")


def _run(call: Invocation) -> Any:
    name = call.arguments.model
    model = call.names.model(name)
    keywords = search_keywords(call)
    if call.arguments.mode is not None:
        keywords["mode"] = call.arguments.mode
    if call.arguments.dynamic or call.arguments.static:
        keywords["dynamic"] = call.arguments.dynamic
    return change_model(call, tauto.compile, model, **keywords, name=name)


COMPILE = Magic(
    "tauto_compile", "The model compiled the way that measures fastest, and what that costs.", _options, _run
)
