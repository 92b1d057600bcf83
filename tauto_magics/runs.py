"""``%tauto_runs``."""

from __future__ import annotations

import argparse
from typing import Any

import tauto
from tauto_magics.arguments import Parser
from tauto_magics.errors import translated
from tauto_magics.magic import Invocation, Magic

__all__ = ["RUNS"]


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text[:9]) <= 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of runs, such as 20")
    return int(text)


def _options(parser: Parser) -> None:
    parser.add_argument("--limit", metavar="N", type=_count, default=20, help="how many, newest first; default 20")


def _run(call: Invocation) -> Any:
    return translated(lambda: tauto.runs(limit=call.arguments.limit))


RUNS = Magic("tauto_runs", "Past runs, newest first.", _options, _run)
