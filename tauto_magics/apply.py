"""``%tauto_apply recipe model``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tauto
from tauto_magics.arguments import Parser
from tauto_magics.engine import change_model
from tauto_magics.errors import UsageError
from tauto_magics.magic import Invocation, Magic
from tauto_magics.names import CALLABLE, MODEL, RESULT
from tauto_magics.options import add_inputs, add_quality, add_search, search_keywords

__all__ = ["APPLY"]

_PRESET = "preset:"


def _options(parser: Parser) -> None:
    parser.takes(
        "recipe",
        RESULT,
        "a result or a recipe by its name here, a YAML or JSON file, or a preset such as preset:cpu-int8",
    )
    parser.takes("model", MODEL, "the model to apply it to; it is not changed")
    parser.takes("--loss", CALLABLE, "loss(outputs, labels), for a recipe that trains over --data")
    parser.takes("--finetune", CALLABLE, "your own finetune(model), for a recipe that trains")
    add_inputs(parser)
    add_quality(parser)
    add_search(parser, budget="10min")


def _run(call: Invocation) -> Any:
    name = call.arguments.model
    recipe = _recipe(call, call.arguments.recipe)
    model = call.names.model(name)
    given = {key: getattr(call.arguments, key) for key in ("loss", "finetune")}
    training = {key: call.names.find(text, CALLABLE) for key, text in given.items() if text is not None}
    return change_model(call, tauto.apply, recipe, model, **search_keywords(call), **training, name=name)


def _recipe(call: Invocation, text: str) -> Any:
    if text.startswith(_PRESET):
        return text
    if text not in call.shell.user_ns and _is_file(text):
        return Path(text)
    if text.endswith((".yaml", ".yml", ".json")):
        raise UsageError(f"there is no recipe file {text!r} here.")
    return call.names.find(text, RESULT)


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long, or holds a null character: no file's name
        return False


APPLY = Magic("tauto_apply", "Apply a recipe to a model, and prove what it gains.", _options, _run)
