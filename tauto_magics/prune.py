"""``%tauto_prune model``."""

from __future__ import annotations

from typing import Any

import tauto
from tauto_magics.arguments import Parser
from tauto_magics.engine import change_model
from tauto_magics.errors import UsageError
from tauto_magics.magic import Invocation, Magic
from tauto_magics.names import CALLABLE, MODEL
from tauto_magics.options import add_inputs, add_quality, add_search, add_training, search_keywords, words

__all__ = ["PRUNE"]

_WORDS = ("sparsity", "speedup", "latency", "size", "structure", "importance", "spread", "schedule")
_STRUCTURES = "channels (default), heads, heads+channels, blocks, weights or 2:4"
_TRAINING = ("steps", "epochs", "learning_rate", "patience", "checkpoint")


def _options(parser: Parser) -> None:
    parser.takes("model", MODEL, "the model to prune; it is not changed")
    parser.add_argument("--sparsity", metavar="SHARE", help="what goes: 50%% or 0.5; default half, without a target")
    parser.add_argument("--speedup", metavar="FACTOR", help="a measured target in its place: 2x")
    parser.add_argument("--latency", metavar="TIME", help="a measured target in its place: 3ms")
    parser.add_argument("--size", metavar="SIZE", help="a target in its place: 5MB")
    parser.add_argument(
        "--structure", metavar="WHAT", help="channels (default), heads, heads+channels, blocks, weights, 2:4"
    )
    parser.add_argument("--importance", metavar="HOW", help="l2 (default), l1, taylor or bn_scale")
    parser.add_argument("--spread", metavar="HOW", help="over the layers: uniform, global or sensitivity")
    parser.add_argument("--ratios", metavar="LIST", help="the share of some layers: conv1=0.2,fc=0.7")
    parser.add_argument("--steps", metavar="N", type=int, help="cut and train so often; default once")
    parser.add_argument("--schedule", metavar="HOW", help="one-shot, linear, cubic or rewind")
    parser.add_argument("--epochs", metavar="N", type=int, help="of training after each step; default 3; 0 trains none")
    parser.add_argument("--learning-rate", metavar="RATE", type=float, help="of the built-in loop; default 0.001")
    parser.takes("--loss", CALLABLE, "loss(outputs, labels), for the built-in loop over --data")
    parser.takes("--finetune", CALLABLE, "your own finetune(model) or finetune(model, epoch) in its place")
    add_training(parser)
    add_inputs(parser)
    add_quality(parser)
    add_search(parser, budget="10min")


def _run(call: Invocation) -> Any:
    name = call.arguments.model
    model = call.names.model(name)
    keywords = search_keywords(call)
    given = {key: getattr(call.arguments, key) for key in (*_WORDS, *_TRAINING)}
    keywords |= {key: value for key, value in given.items() if value is not None}
    if call.arguments.ratios:
        keywords["ratios"] = dict(map(_ratio, words(call.arguments.ratios)))
    for key in ("loss", "finetune"):
        if (text := getattr(call.arguments, key)) is not None:
            keywords[key] = call.names.find(text, CALLABLE)
    return change_model(call, tauto.prune, model, **keywords, name=name)


def _ratio(text: str) -> tuple[str, float]:
    layer, _, number = text.rpartition("=")
    try:
        return layer, float(number)
    except ValueError:
        raise UsageError(f"--ratios: {text!r} is no layer and share. Write such as conv1=0.2.") from None


PRUNE = Magic("tauto_prune", "A smaller model without what matters least, measured.", _options, _run)
