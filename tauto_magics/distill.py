"""``%tauto_distill student --teacher model``."""

from __future__ import annotations

from typing import Any

import tauto
from tauto_magics.arguments import Parser
from tauto_magics.engine import change_model
from tauto_magics.errors import UsageError
from tauto_magics.magic import Invocation, Magic
from tauto_magics.names import CALLABLE, MODEL
from tauto_magics.options import add_inputs, add_quality, add_search, add_training, search_keywords

__all__ = ["DISTILL"]

_SHAPES = ("half", "half-depth", "half-width", "quarter-width")
_TRAINING = ("epochs", "steps", "learning_rate", "patience", "checkpoint", "seed")
_GIVEN = ("method", "temperature", "mixing", "objective", *_TRAINING)


def _options(parser: Parser) -> None:
    parser.takes("student", MODEL, f"your smaller model; or made of the teacher: {', '.join(_SHAPES)}")
    parser.takes("--teacher", MODEL, "the model that it learns from; neither is changed")
    parser.takes("--loss", CALLABLE, "loss(outputs, labels), mixed in")
    parser.add_argument("--method", metavar="HOW", help="logits (default), features, attention or relational")
    parser.add_argument("--temperature", metavar="T", type=float, help="softens scores of classes; default 4")
    parser.add_argument("--mixing", metavar="SHARE", type=float, help="of the teacher beside --loss; default 0.9")
    parser.add_argument("--epochs", metavar="N", type=int, help="how long; default 10")
    parser.add_argument("--steps", metavar="N", type=int, help="how long, in place of epochs")
    parser.add_argument("--learning-rate", metavar="RATE", type=float, help="the highest; default 0.001")
    parser.add_argument("--objective", choices=("latency", "size"), help="what to make smaller; default latency")
    parser.add_argument("--seed", metavar="N", type=int, help="of all that is drawn; default 0")
    add_training(parser)
    add_inputs(parser)
    add_quality(parser)
    add_search(parser, budget="10min")


def _run(call: Invocation) -> Any:
    arguments = call.arguments
    if arguments.teacher is None:
        raise UsageError("--teacher: name the model that the student learns from.")
    own = arguments.student not in _SHAPES
    student = call.names.model(arguments.student) if own else arguments.student
    teacher = call.names.model(arguments.teacher)
    keywords = search_keywords(call)
    if arguments.into is not None:
        call.names.check_new(arguments.into, (arguments.student, arguments.teacher, arguments.loss))
    keywords |= {key: value for key in _GIVEN if (value := getattr(arguments, key)) is not None}
    if arguments.loss is not None:
        keywords["loss"] = call.names.find(arguments.loss, CALLABLE)
    names = (arguments.student, arguments.teacher)
    return change_model(call, tauto.distill, student, teacher, **keywords, names=names)


DISTILL = Magic("tauto_distill", "A smaller student, taught by a model, when it may take its place.", _options, _run)
