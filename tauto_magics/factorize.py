"""``%tauto_factorize model``."""

from __future__ import annotations

from typing import Any

import tauto
from tauto_magics.arguments import Parser
from tauto_magics.engine import change_model
from tauto_magics.magic import Invocation, Magic
from tauto_magics.names import CALLABLE, MODEL
from tauto_magics.options import add_inputs, add_quality, add_search, add_training, search_keywords, words

__all__ = ["FACTORIZE"]

_PLAIN = ("energy", "speedup", "latency", "size", "epochs", "learning_rate", "objective", "patience", "checkpoint")


def _options(parser: Parser) -> None:
    parser.takes("model", MODEL, "the model to factorize; it is not changed")
    parser.add_argument(
        "--energy", metavar="SHARE", type=float, help="of each layer to keep: 0.9; default tries several"
    )
    parser.add_argument("--speedup", metavar="FACTOR", help="a measured target in its place: 1.5x")
    parser.add_argument("--latency", metavar="TIME", help="a measured target in its place: 3ms")
    parser.add_argument("--size", metavar="SIZE", help="a target in its place: 5MB")
    parser.add_argument("--keep", metavar="LAYERS", help="layers to leave as they are: conv1,head")
    parser.add_argument("--epochs", metavar="N", type=int, help="of training afterwards; default 3; 0 trains none")
    parser.add_argument("--learning-rate", metavar="RATE", type=float, help="of the built-in loop; default 0.001")
    parser.takes("--loss", CALLABLE, "loss(outputs, labels), for the built-in loop over --data")
    parser.takes("--finetune", CALLABLE, "your own finetune(model) or finetune(model, epoch) in its place")
    parser.add_argument("--objective", choices=("latency", "size"), help="what to make smaller; default latency")
    add_training(parser)
    add_inputs(parser)
    add_quality(parser)
    add_search(parser, budget="10min")


def _run(call: Invocation) -> Any:
    name = call.arguments.model
    model = call.names.model(name)
    keywords = search_keywords(call)
    given = {key: getattr(call.arguments, key) for key in _PLAIN}
    keywords |= {key: value for key, value in given.items() if value is not None}
    if call.arguments.keep:
        keywords["keep"] = words(call.arguments.keep)
    for key in ("loss", "finetune"):
        if (text := getattr(call.arguments, key)) is not None:
            keywords[key] = call.names.find(text, CALLABLE)
    return change_model(call, tauto.factorize, model, **keywords, name=name)


FACTORIZE = Magic(
    "tauto_factorize", "Layers written as two of low rank, where that is measured to pay.", _options, _run
)
