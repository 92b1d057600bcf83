"""The options that magics share, always spelled the same, and the keywords of the engine they mean."""

from __future__ import annotations

from typing import Any

from tauto_magics.arguments import Parser
from tauto_magics.magic import Invocation
from tauto_magics.names import CALLABLE, ITERABLE, NEW, VALUE

__all__ = [
    "add_inputs",
    "add_panel",
    "add_quality",
    "add_search",
    "add_training",
    "found",
    "inputs_keywords",
    "quality_keywords",
    "search_keywords",
    "words",
]


def add_inputs(parser: Parser) -> None:
    """Add ``--inputs``."""
    parser.takes("--inputs", VALUE, "a tensor, a tuple of arguments or a dict of keyword arguments")


def add_panel(parser: Parser) -> None:
    """Add ``--panel``: the magic returns the panel of its result in place of the result."""
    parser.add_argument("--panel", action="store_true", help="show it live, to look at and to turn: result.panel()")


def add_quality(parser: Parser) -> None:
    """Add what judges the quality."""
    parser.takes("--data", ITERABLE, "batches to compare outputs over, to calibrate on, and to train on")
    parser.takes("--evaluate", CALLABLE, "evaluate(model) -> float or dict of floats; higher is better")
    parser.add_argument(
        "--max-drop", metavar="DROP", help="what may be lost of what evaluate returns: 1%% (default) or 0.01"
    )
    parser.add_argument("--metric", metavar="METRIC", help="which figure of the dict counts; default all")
    parser.add_argument("--lower-is-better", action="store_true", help="the metric is better when lower")


def add_training(parser: Parser) -> None:
    """Add when a training stops early, and where an interrupted one is taken up from."""
    parser.add_argument("--patience", metavar="N", type=int, help="stop after N epochs in turn that bring nothing")
    words = "a folder that the same line goes on from where its training was cut off"
    parser.add_argument("--checkpoint", metavar="FOLDER", help=words)


def add_search(parser: Parser, budget: str, instead: str = "") -> None:
    """Add what a search takes, and where its model goes; ``instead`` of a time it may take."""
    words = f"time that it may take, such as 90s{instead}; default {budget}"
    parser.add_argument("--budget", metavar="TIME", help=words)
    parser.takes("--into", NEW, "write the optimized model into this name")
    parser.takes("--factory", CALLABLE, "builds the model anew, where it cannot be sent to a trial")
    parser.add_argument("--isolated", action="store_true", help="keep the optimized model in a process of its own")


def words(text: str) -> list[str]:
    """Return the names of a list such as ``a,b``."""
    return [word.strip() for word in text.split(",") if word.strip()]


def inputs_keywords(call: Invocation) -> dict[str, Any]:
    """Return ``inputs`` when given."""
    return found(call, {"inputs": VALUE})


def quality_keywords(call: Invocation) -> dict[str, Any]:
    """Return what judges the quality, as far as it is given."""
    arguments = call.arguments
    keywords = found(call, {"data": ITERABLE, "evaluate": CALLABLE})
    if arguments.max_drop:
        keywords["max_drop"] = arguments.max_drop
    elif "evaluate" in keywords:  # a default of the session is no word about a cell that judges nothing by it
        keywords["max_drop"] = call.settings.max_drop
    if arguments.metric:
        keywords["metric"] = arguments.metric
    if arguments.lower_is_better:
        keywords["higher_is_better"] = False
    return keywords


def search_keywords(call: Invocation) -> dict[str, Any]:
    """Return all that a verb which changes a model takes; checks ``--into`` before any work is done."""
    arguments = call.arguments
    if arguments.into is not None:
        read = [getattr(arguments, name, None) for name in ("recipe", "model", "inputs", "data", "evaluate", "factory")]
        call.names.check_new(arguments.into, read)
    keywords = inputs_keywords(call) | quality_keywords(call) | found(call, {"factory": CALLABLE})
    if budget := arguments.budget or call.settings.budget:
        keywords["budget"] = budget
    if arguments.isolated:
        keywords["isolated"] = True
    return keywords


def found(call: Invocation, kinds: dict[str, Any]) -> dict[str, Any]:
    """Return what the options of these names name, of these kinds, as far as they are given."""
    given = {name: getattr(call.arguments, name) for name in kinds}
    return {name: call.names.find(text, kinds[name]) for name, text in given.items() if text is not None}
