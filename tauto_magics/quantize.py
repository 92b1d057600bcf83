"""``%tauto_quantize model``."""

from __future__ import annotations

from typing import Any

import tauto
from tauto_magics.arguments import Parser
from tauto_magics.engine import change_model
from tauto_magics.magic import Invocation, Magic
from tauto_magics.names import CALLABLE, MODEL, VALUE
from tauto_magics.options import add_inputs, add_quality, add_search, add_training, search_keywords

__all__ = ["QUANTIZE"]

_PLAIN = ("method", "bits", "group", "engine", "objective", "epochs", "learning_rate", "patience", "checkpoint")


def _options(parser: Parser) -> None:
    parser.takes("model", MODEL, "the model to quantize; it is not changed")
    parser.add_argument(
        "--method",
        metavar="METHOD",
        help="auto (default: the best that keeps the quality), dynamic, static, weight-only, qat, or a technique",
    )
    parser.add_argument("--bits", metavar="N", type=int, help="of the weights: 8 (default), or 4 for weights alone")
    parser.add_argument(
        "--group", metavar="N", type=int, help="weights that share a scale, with weight-only: 32, 64, 128"
    )
    parser.add_argument("--engine", metavar="ENGINE", help="auto (default), torch, onnxruntime or openvino")
    parser.add_argument("--objective", choices=("latency", "size"), help="what to make smaller; default latency")
    parser.takes("--loss", CALLABLE, "for qat: loss(outputs, labels), for the built-in loop over --data")
    parser.takes("--finetune", CALLABLE, "for qat: your own finetune(model) or finetune(model, epoch) in its place")
    parser.add_argument("--epochs", metavar="N", type=int, help="for qat: how long; default 3")
    parser.add_argument("--learning-rate", metavar="RATE", type=float, help="for qat: the highest; default 0.0001")
    parser.takes("--sensitivity", VALUE, "from tauto.sensitivity: which layers to keep in floating point first")
    add_training(parser)
    add_inputs(parser)
    add_quality(parser)
    add_search(parser, budget="3min")


def _run(call: Invocation) -> Any:
    name = call.arguments.model
    model = call.names.model(name)
    keywords = search_keywords(call)
    given = {key: getattr(call.arguments, key) for key in _PLAIN}
    keywords |= {key: value for key, value in given.items() if value is not None}
    for key in ("loss", "finetune"):
        if (text := getattr(call.arguments, key)) is not None:
            keywords[key] = call.names.find(text, CALLABLE)
    if (text := call.arguments.sensitivity) is not None:
        keywords["sensitivity"] = call.names.find(text, VALUE)
    return change_model(call, tauto.quantize, model, **keywords, name=name)


QUANTIZE = Magic(
    "tauto_quantize", "A smaller, faster model in int8 or int4, when it is measured to be so.", _options, _run
)
