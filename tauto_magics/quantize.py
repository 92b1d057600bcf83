"""``%tauto_quantize model``."""

from __future__ import annotations

from typing import Any

import tauto
from tauto_magics.arguments import Parser
from tauto_magics.engine import change_model
from tauto_magics.magic import Invocation, Magic
from tauto_magics.names import MODEL
from tauto_magics.options import add_inputs, add_quality, add_search, search_keywords

__all__ = ["QUANTIZE"]


def _options(parser: Parser) -> None:
    parser.takes("model", MODEL, "the model to quantize; it is not changed")
    parser.add_argument(
        "--method", metavar="METHOD", help="auto (default: the best that keeps the quality) or a technique"
    )
    parser.add_argument("--objective", choices=("latency", "size"), help="what to make smaller; default latency")
    add_inputs(parser)
    add_quality(parser)
    add_search(parser, budget="3min")


def _run(call: Invocation) -> Any:
    name = call.arguments.model
    model = call.names.model(name)
    keywords = search_keywords(call)
    keywords |= {key: value for key in ("method", "objective") if (value := getattr(call.arguments, key))}
    return change_model(call, tauto.quantize, model, **keywords, name=name)


QUANTIZE = Magic("tauto_quantize", "A smaller, faster model in int8, when it is measured to be so.", _options, _run)
