"""What torch.compile did while a cell ran, read from its own log; nothing is imported that the user did not load."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from tauto.profiling.facts import CompilerFacts

__all__ = ["CompilerLog", "compiler_facts"]

_RESUME = "torch_dynamo_resume_in_"
_SHOWN = 3


class CompilerLog:
    """The compiler's log between :meth:`begin` and :meth:`facts`."""

    def __init__(self) -> None:
        self._before: frozenset[int] = frozenset()
        self._reasons: frozenset[str] = frozenset()

    def begin(self) -> None:
        """Take note of what is there already."""
        self._before = frozenset(map(id, _metrics()))
        self._reasons = frozenset(_break_reasons())

    def facts(self) -> CompilerFacts:
        """Return what has come since."""
        since = [one for one in _metrics() if id(one) not in self._before]
        return compiler_facts(since, [one for one in _break_reasons() if one not in self._reasons])


def compiler_facts(metrics: Sequence[Any], break_reasons: Sequence[str]) -> CompilerFacts:
    """Return what ``torch._dynamo.utils.CompilationMetrics`` and the reasons of graph breaks tell, in short."""
    first = [one for one in metrics if not one.recompile_reason]
    again = [one for one in metrics if one.recompile_reason]
    breaks = [one for one in first if str(one.co_name).startswith(_RESUME)]
    failures = [str(one.fail_reason).splitlines()[0] for one in metrics if one.fail_reason]
    places = dict.fromkeys(f"{PurePath(str(one.co_filename)).name}:{one.co_firstlineno}" for one in breaks)
    return CompilerFacts(
        compiled=len(metrics),
        recompiled=len(again),
        recompile_ms=1000 * sum(one.entire_frame_compile_time_s or 0.0 for one in again),
        recompile_reasons=tuple(dict.fromkeys(_plain(str(one.recompile_reason)) for one in again))[:_SHOWN],
        breaks=len(places),
        break_places=tuple(places)[:_SHOWN],
        break_reasons=tuple(dict.fromkeys(reason.splitlines()[0].strip(". ") for reason in break_reasons))[:_SHOWN],
        failed=tuple(dict.fromkeys(failures))[:_SHOWN],
    )


def _plain(reason: str) -> str:
    """Return the first of the guards that failed, without its number."""
    first = reason.strip().splitlines()[0]
    number, colon, rest = first.partition(": ")
    return rest if colon and "/" in number and number.replace("/", "").isdigit() else first


def _metrics() -> list[Any]:
    utils = sys.modules.get("torch._dynamo.utils")
    return list(utils.get_compilation_metrics()) if utils is not None else []


def _break_reasons() -> list[str]:
    utils = sys.modules.get("torch._dynamo.utils")
    if utils is None:
        return []
    return [reason for kind in ("graph_break", "unimplemented") for reason in list(utils.counters[kind])]
