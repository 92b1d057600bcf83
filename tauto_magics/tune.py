"""``%tauto_tune fn`` and ``%%tauto_tune``."""

from __future__ import annotations

from typing import Any

import tauto
from tauto_magics.arguments import Parser
from tauto_magics.cell import compile_cell
from tauto_magics.engine import call_engine
from tauto_magics.errors import UsageError
from tauto_magics.magic import Invocation, Magic
from tauto_magics.names import CALLABLE, NEW
from tauto_magics.options import add_panel

__all__ = ["TUNE"]

_SAMPLERS = ("tpe", "random")
_PRUNERS = ("median", "hyperband", "wilcoxon", "none")
_GIVEN = (
    "direction",
    "study",
    "storage",
    "sampler",
    "pruner",
    "trial_limit",
    "warm_start",
    "trials",
    "seeds",
    "seed",
    "executor",
    "workers",
)


def _options(parser: Parser) -> None:
    parser.takes("objective", CALLABLE, "a function without arguments that returns the figure", optional=True)
    parser.add_argument(
        "--budget", metavar="TIME", help="time that the study may take in all, such as 90s or '20 trials'; default 5min"
    )
    parser.add_argument("--trials", metavar="N", type=int, help="trials that it may have in all")
    parser.add_argument("--direction", metavar="WAY", help="maximize (default), minimize, or acc=maximize,ms=minimize")
    parser.add_argument(
        "--constraint", metavar="LIMIT", action="append", help="of a figure by name, such as 'size_mb <= 5'; repeatable"
    )
    parser.add_argument("--study", metavar="NAME", help="the study; default made of the objective's code")
    parser.add_argument("--storage", metavar="URL", help="a database's URL or an SQLite file; default TAUTO_STORAGE")
    parser.add_argument("--resume", action="store_true", help="the study must be there already")
    parser.add_argument("--seeds", metavar="N", type=int, help="run each trial under so many seeds; the mean counts")
    parser.add_argument("--sampler", choices=_SAMPLERS, help="how values are chosen; default tpe")
    parser.add_argument("--pruner", choices=_PRUNERS, help="early stopping by tauto.report_progress; default median")
    parser.add_argument("--trial-limit", metavar="TIME", help="time that one run may take")
    parser.add_argument("--warm-start", metavar="STUDY", help="a new study tries the best of this one first")
    parser.add_argument("--seed", metavar="N", type=int, help="of the sampler and the runs; default 0")
    parser.add_argument("--workers", metavar="N", type=int, help="trials at once, each with its share of the cores")
    parser.add_argument("--executor", metavar="WHERE", help="where trials run: local (default), ray or ray:ADDRESS")
    parser.takes("--into", NEW, "write the result into this name")
    add_panel(parser)


def _run(call: Invocation) -> Any:
    arguments = call.arguments
    if arguments.into is not None:
        call.names.check_new(arguments.into, [arguments.objective])
    keywords = {key: value for key in _GIVEN if (value := getattr(arguments, key)) is not None}
    if arguments.constraint:
        keywords["constraints"] = arguments.constraint
    if arguments.resume:
        keywords["resume"] = True
    if budget := arguments.budget or (call.settings.budget if arguments.trials is None else None):
        keywords["budget"] = budget
    return call_engine(call, tauto.tune, _objective(call), **keywords, kept=lambda result: result, live=True)


def _objective(call: Invocation) -> Any:
    name = call.arguments.objective
    if call.cell is None:
        if name is None:
            raise UsageError(
                "%tauto_tune: no function is named. Write %tauto_tune objective, or %%tauto_tune above a cell that "
                "ends in the figure to optimize."
            )
        return call.names.find(name, CALLABLE)
    if name is not None:
        raise UsageError("%%tauto_tune takes no function: the cell is tuned. %tauto_tune objective tunes one.")
    compiled = compile_cell(call.shell, call.cell, TUNE.name, "tuned")
    if compiled.last is None:
        raise UsageError("%%tauto_tune: the cell does not end in a value. End it with the figure to optimize.")
    from tauto.workload.cell import Cell  # loading the extension imports no torch

    if "tauto" not in call.shell.user_ns and Cell(compiled.source, {"tauto": tauto}).reads:
        raise UsageError("%%tauto_tune: the cell reads tauto, which is not imported here. Run: import tauto")
    return Cell(compiled.source, call.shell.user_ns)


TUNE = Magic("tauto_tune", "Search for hyperparameters, by a function or the cell below it.", _options, _run, cell=True)
