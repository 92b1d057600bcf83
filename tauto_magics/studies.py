"""``%tauto_studies``."""

from __future__ import annotations

from typing import Any

import tauto
from tauto_magics.arguments import Parser
from tauto_magics.errors import UsageError, translated
from tauto_magics.magic import Invocation, Magic

__all__ = ["STUDIES"]

_ACTIONS = ("list", "show", "delete", "export")


def _options(parser: Parser) -> None:
    parser.add_argument("action", nargs="?", choices=_ACTIONS, default="list", help="what to do; default list")
    parser.add_argument("study", nargs="?", help="the study to show, delete or export")
    parser.add_argument("--to", metavar="FILE", help="where to export it: .csv for its trials, .json, .html, .md, .txt")
    parser.add_argument("--storage", metavar="URL", help="a database's URL or an SQLite file; default TAUTO_STORAGE")


def _run(call: Invocation) -> Any:
    arguments = call.arguments
    action, name, storage = arguments.action, arguments.study, arguments.storage
    if (action == "list") != (name is None):
        raise UsageError("%tauto_studies: list takes no name, the others take one: %tauto_studies show NAME.")
    if (action == "export") != (arguments.to is not None):
        raise UsageError("%tauto_studies: --to goes with export: %tauto_studies export NAME --to trials.csv.")
    if action in ("list", "show"):
        return translated(lambda: tauto.studies(name, storage=storage))
    from tauto.verbs.studies import delete, export  # loading the extension imports no torch

    if action == "delete":
        count = translated(lambda: delete(name, storage))
        print(f"Deleted {name} with {count:,} {'trial' if count == 1 else 'trials'}.")
    else:
        print(f"Wrote {translated(lambda: export(name, arguments.to, storage))}.")
    return None


STUDIES = Magic("tauto_studies", "Studies that are there: list, show, delete or export them.", _options, _run)
