"""Completion after a magic's name: options, techniques, and the names of the right kind."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from typing import Any, cast

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher
from IPython.core.interactiveshell import InteractiveShell

from tauto_magics.arguments import Parser
from tauto_magics.errors import UsageError
from tauto_magics.magic import Magic
from tauto_magics.names import Kind, Names

__all__ = ["LINE", "candidates", "make_matcher"]

LINE = re.compile(r"^\s*(?:[\w.,\s]+=\s*)?%{1,2}(\w+)\s+(.*)$")
"""A line with a magic: its name, and what stands after it."""


def make_matcher(shell: InteractiveShell, magics: Iterable[Magic]) -> Callable[[CompletionContext], Any]:
    """Return the matcher that completes the lines of ``magics`` in ``shell``."""
    known = {magic.name: magic for magic in magics}

    def matcher(context: CompletionContext) -> SimpleMatcherResult:
        found = LINE.match(context.text_until_cursor)
        if found is None or found[1] not in known:
            return {"completions": [], "suppress": False}
        *before, word = found[2].split(" ")
        names = Names(shell.user_ns, shell.user_ns_hidden)
        texts = candidates(known[found[1]].parser, [part for part in before if part], word, names)
        return {
            "completions": [SimpleCompletion(text, type="magic option") for text in texts],
            "matched_fragment": word,
            "suppress": True,
        }

    return cast(Callable[[CompletionContext], Any], context_matcher(identifier="tauto_magics", priority=100)(matcher))


def candidates(parser: Parser, before: list[str], word: str, names: Names) -> list[str]:
    """Return what ``word`` can become, after the words ``before`` it."""
    if before and parser.takes_value(before[-1]):
        return _values(parser, before[-1], word, names)
    if word.startswith("-"):
        return [option for option in parser.options if option.startswith(word) and option not in before]
    place = sum(
        not part.startswith("-") and not (index and parser.takes_value(before[index - 1]))
        for index, part in enumerate(before)
    )
    if place < len(parser.positionals):
        kind = parser.names.get(parser.positionals[place])
        return _findings(word) if kind is None else _named(kind, word, names)
    return [option for option in parser.options if option not in before] if not word else []


def _values(parser: Parser, option: str, word: str, names: Names) -> list[str]:
    if option in parser.names:
        return _named(parser.names[option], word, names)
    if option in {"--only", "--without"}:
        done, comma, last = word.rpartition(",")
        return [f"{done}{comma}{name}" for name in _techniques() if name.startswith(last)]
    if option == "--method":
        return [name for name in _methods() if name.startswith(word)]
    choices = next((action.choices for action in parser._actions if option in action.option_strings), None) or ()
    return [choice for choice in choices if choice.startswith(word)]


def _named(kind: Kind, word: str, names: Names) -> list[str]:
    base, dot, last = word.rpartition(".")
    if not dot:
        return [name for name in names.of(kind) if name.startswith(word)]
    try:
        owner = names.find(base, kind)
    except UsageError:
        return []
    # children of a module are not in dir() of every class; instance attributes are enough and run no property
    public = [*vars(owner), *getattr(owner, "_modules", ())] if hasattr(owner, "__dict__") else []
    return sorted({f"{base}.{name}" for name in public if name.startswith(last) and not name.startswith("_")})


def _findings(word: str) -> list[str]:
    """Return the rules of the last profile whose findings can be tried."""
    results = sys.modules.get("tauto.results")  # not loaded: nothing was profiled
    last = results.last_of(results.ProfileResult) if results else None
    rules = dict.fromkeys(item.rule for item in last.findings if item.fix is not None) if last else {}
    return [rule for rule in rules if rule.startswith(word)]


def _techniques() -> list[str]:
    # the registry needs torch: a key press must not cost its import
    if "torch" not in sys.modules:
        return []
    from tauto.techniques import techniques

    return sorted(technique.name for technique in techniques())


def _methods() -> list[str]:
    if "torch" not in sys.modules:
        return ["auto"]
    from tauto.verbs.quantize import METHODS

    return sorted(METHODS)
