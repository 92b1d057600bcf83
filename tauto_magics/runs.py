"""``%tauto_runs``."""

from __future__ import annotations

import argparse
from typing import Any

import tauto
from tauto_magics.arguments import Parser
from tauto_magics.errors import translated
from tauto_magics.magic import Invocation, Magic
from tauto_magics.options import add_panel

__all__ = ["RUNS"]

_IN_A_PANEL = 1000


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text[:9]) <= 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of runs, such as 20")
    return int(text)


def _options(parser: Parser) -> None:
    parser.add_argument("--limit", metavar="N", type=_count, help="how many, newest first; default 20, in a panel 1000")
    add_panel(parser)


def _run(call: Invocation) -> Any:
    limit = call.arguments.limit or (_IN_A_PANEL if call.arguments.panel else 20)
    return translated(lambda: tauto.runs(limit=limit))


RUNS = Magic("tauto_runs", "Past runs, newest first.", _options, _run)
