"""``%tauto_autotune [model]``."""

from __future__ import annotations

from typing import Any

import tauto
from tauto_magics.arguments import Parser
from tauto_magics.engine import change_model
from tauto_magics.magic import Invocation, Magic
from tauto_magics.names import CALLABLE, MODEL
from tauto_magics.options import add_inputs, add_quality, add_search, search_keywords, words

__all__ = ["AUTOTUNE"]


def _options(parser: Parser) -> None:
    parser.takes("model", MODEL, "the model to tune, not changed; default: the one last profiled", optional=True)
    for flag, text in (("--only", "try only these techniques"), ("--without", "do not try these techniques")):
        parser.add_argument(flag, metavar="A,B", type=words, action="extend", default=[], help=text)
    parser.takes("--loss", CALLABLE, "loss(outputs, labels) over --data, for techniques that train")
    parser.takes("--finetune", CALLABLE, "your own finetune(model), for techniques that train")
    add_inputs(parser)
    add_quality(parser)
    add_search(parser, budget="5min")


def _run(call: Invocation) -> Any:
    arguments = call.arguments
    keywords = search_keywords(call)
    if arguments.model is not None:
        keywords |= {"model": call.names.model(arguments.model), "name": arguments.model}
    keywords |= {key: tuple(names) for key in ("only", "without") if (names := getattr(arguments, key))}
    given = {key: getattr(arguments, key) for key in ("loss", "finetune")}
    keywords |= {key: call.names.find(text, CALLABLE) for key, text in given.items() if text is not None}
    return change_model(call, tauto.autotune, **keywords)


AUTOTUNE = Magic("tauto_autotune", "The best recipe for a model on this machine, chosen by measuring.", _options, _run)
