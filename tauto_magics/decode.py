"""``%tauto_decode model``."""

from __future__ import annotations

from typing import Any

import tauto
from tauto_magics.arguments import Parser
from tauto_magics.engine import change_model
from tauto_magics.magic import Invocation, Magic
from tauto_magics.names import DECODER, NEW
from tauto_magics.options import add_inputs, inputs_keywords

__all__ = ["DECODE"]


def _options(parser: Parser) -> None:
    parser.takes("model", DECODER, "a model that generates, or a tauto.Decoder; it is not changed")
    add_inputs(parser)
    parser.add_argument("--lengths", metavar="N,N,…", help="numbers of new tokens; default 25,50,100,200")
    parser.add_argument("--ways", metavar="WAY,WAY,…", help="what is tried, such as none,static-compiled; default all")
    parser.add_argument("--target", metavar="X", help="speedup by a cache that is asked after, such as 10x")
    parser.add_argument(
        "--min-agreement", metavar="SHARE", type=float, help="share of equal next tokens; default all greedy tokens"
    )
    parser.add_argument("--budget", metavar="TIME", help="time that it may take, such as 90s; default 5min")
    parser.takes("--into", NEW, "write the decoder to use into this name")


def _run(call: Invocation) -> Any:
    arguments = call.arguments
    model = call.names.find(arguments.model, DECODER)
    if arguments.into is not None:
        call.names.check_new(arguments.into, [arguments.model, arguments.inputs])
    keywords = inputs_keywords(call)
    given = {key: getattr(arguments, key) for key in ("lengths", "ways", "target", "min_agreement")}
    given["budget"] = arguments.budget or call.settings.budget or None
    keywords |= {key: value for key, value in given.items() if value is not None}
    return change_model(call, tauto.decode, model, **keywords, name=arguments.model)


DECODE = Magic("tauto_decode", "How fast a model makes text, and what a key-value cache brings.", _options, _run)
