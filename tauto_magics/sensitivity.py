"""``%tauto_sensitivity model``."""

from __future__ import annotations

from typing import Any

import tauto
from tauto_magics.arguments import Parser
from tauto_magics.engine import call_engine
from tauto_magics.magic import Invocation, Magic
from tauto_magics.names import CALLABLE, MODEL, NEW
from tauto_magics.options import add_inputs, add_panel, add_quality, found, inputs_keywords, quality_keywords

__all__ = ["SENSITIVITY"]

_ACTIVATIONS = ("static", "dynamic", "none")


def _options(parser: Parser) -> None:
    parser.takes("model", MODEL, "the model to look into; it is not changed")
    parser.add_argument("--bits", metavar="N", type=int, help="of the weights: 8 (default) or 4")
    parser.add_argument("--activations", choices=_ACTIVATIONS, help="how the inputs of layers are rounded")
    add_inputs(parser)
    add_quality(parser)
    add_panel(parser)
    parser.add_argument("--budget", metavar="TIME", help="time that it may take, such as 90s; default 1min")
    parser.takes("--into", NEW, "write the result into this name, for %%tauto_quantize --sensitivity")
    parser.takes("--factory", CALLABLE, "builds the model anew, where it cannot be copied")


def _run(call: Invocation) -> Any:
    arguments = call.arguments
    name = arguments.model
    model = call.names.model(name)
    if arguments.into is not None:
        read = [name, arguments.inputs, arguments.data, arguments.evaluate, arguments.factory]
        call.names.check_new(arguments.into, read)
    keywords = inputs_keywords(call) | quality_keywords(call) | found(call, {"factory": CALLABLE})
    given = {key: getattr(arguments, key) for key in ("bits", "activations")}
    given["budget"] = arguments.budget or call.settings.budget or None
    keywords |= {key: value for key, value in given.items() if value is not None}
    return call_engine(call, tauto.sensitivity, model, **keywords, name=name, kept=lambda result: result)


SENSITIVITY = Magic(
    "tauto_sensitivity", "Which layers suffer when they are quantized, the worst first.", _options, _run
)
