"""``%tauto_compare a b``."""

from __future__ import annotations

from typing import Any

import tauto
from tauto_magics.arguments import Parser
from tauto_magics.engine import call_engine
from tauto_magics.magic import Invocation, Magic
from tauto_magics.names import MODEL
from tauto_magics.options import add_inputs, add_panel, add_quality, inputs_keywords, quality_keywords

__all__ = ["COMPARE"]


def _options(parser: Parser) -> None:
    parser.takes("a", MODEL, "the original")
    parser.takes("b", MODEL, "the model compared with it")
    add_inputs(parser)
    add_quality(parser)
    parser.add_argument("--layers", action="store_true", help="layer by layer: where an error starts and how it grows")
    add_panel(parser)


def _run(call: Invocation) -> Any:
    names = call.arguments.a, call.arguments.b
    a, b = map(call.names.model, names)
    keywords = inputs_keywords(call) | quality_keywords(call)
    if call.arguments.layers:
        keywords["layers"] = True
    return call_engine(call, tauto.compare, a, b, **keywords, names=names)


COMPARE = Magic("tauto_compare", "Two models measured interleaved, with a confidence interval.", _options, _run)
