"""``%tauto_fix finding``."""

from __future__ import annotations

from typing import Any

import tauto
from tauto_magics.arguments import Parser
from tauto_magics.engine import call_engine
from tauto_magics.magic import Invocation, Magic
from tauto_magics.names import CALLABLE, PROFILE

__all__ = ["FIX"]


def _options(parser: Parser) -> None:
    parser.add_argument("finding", help="a finding of the last profile: its number there, or the name of its rule")
    parser.takes("--of", PROFILE, "the profile that has it, by its name here; default: the last one")
    parser.takes("--step", CALLABLE, "for a profiled with block: a function that runs the loop, or one step of it")
    parser.add_argument("--budget", metavar="TIME", help="time that it may take; default 60s, for a recipe 3min")


def _run(call: Invocation) -> Any:
    arguments = call.arguments
    finding = int(arguments.finding) if arguments.finding.isdecimal() else arguments.finding
    keywords: dict[str, Any] = {}
    if arguments.of is not None:
        keywords["profile"] = call.names.find(arguments.of, PROFILE)
    if arguments.step is not None:
        keywords["step"] = call.names.find(arguments.step, CALLABLE)
    if budget := arguments.budget or call.settings.budget:
        keywords["budget"] = budget
    return call_engine(call, tauto.fix, finding, **keywords)


FIX = Magic("tauto_fix", "Try what a finding of the profile proposes, and measure what it brings.", _options, _run)
