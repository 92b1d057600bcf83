"""``%tauto_autotune [model]``."""

from __future__ import annotations

from typing import Any

import tauto
from tauto_magics.arguments import Parser
from tauto_magics.engine import change_model
from tauto_magics.errors import translated
from tauto_magics.magic import Invocation, Magic
from tauto_magics.names import CALLABLE, MODEL
from tauto_magics.options import add_inputs, add_panel, add_quality, add_search, search_keywords, words

__all__ = ["AUTOTUNE"]

_LIMITS = (
    ("--max-latency", "3ms", "the median of a call at most"),
    ("--max-p95", "5ms", "its 95th percentile at most"),
    ("--min-throughput", "200", "samples a second at least"),
    ("--max-memory", "200MB", "memory in use at most"),
    ("--max-size", "5MB", "bytes to ship at most"),
    ("--max-preparation", "1min", "time to make the model at most"),
)


_AS_THEY_ARE = ("objective", "stop_at", "target", "study", "storage", "resume")


def _options(parser: Parser) -> None:
    parser.takes("model", MODEL, "the model to tune, not changed; default: the one last profiled", optional=True)
    for flag, text in (("--only", "try only these techniques"), ("--without", "do not try these techniques")):
        parser.add_argument(flag, metavar="A,B", type=words, action="extend", default=[], help=text)
    parser.takes("--loss", CALLABLE, "loss(outputs, labels) over --data, for techniques that train")
    parser.takes("--finetune", CALLABLE, "your own finetune(model), for techniques that train")
    parser.add_argument("--objective", metavar="WHAT", help="latency (default), throughput, memory or size")
    for flag, example, text in _LIMITS:
        parser.add_argument(flag, metavar="LIMIT", help=f"{text}, such as {example}")
    parser.add_argument("--stop-at", metavar="FIGURE", help="what is good enough: 2x, 3ms, 5MB or 200/s")
    parser.add_argument("--target", metavar="NAME", help="the machine that it is for: edge-cpu, mobile, or a YAML file")
    parser.add_argument("--study", metavar="NAME", help="the study that keeps the trials; default one of its own")
    parser.add_argument("--storage", metavar="URL", help="a database's URL or an SQLite file; default TAUTO_STORAGE")
    parser.add_argument(
        "--resume", action="store_true", help="go on with the last search of the same, be it at its end"
    )
    parser.add_argument("--workers", metavar="N", type=int, help="candidates prepared at once; each is timed alone")
    add_inputs(parser)
    add_quality(parser)
    add_search(parser, budget="5min", instead=", or how many are tried, such as '20 trials'")
    add_panel(parser)


def _run(call: Invocation) -> Any:
    arguments = call.arguments
    keywords = search_keywords(call)
    if arguments.model is not None:
        keywords |= {"model": call.names.model(arguments.model), "name": arguments.model}
    keywords |= {key: tuple(names) for key in ("only", "without") if (names := getattr(arguments, key))}
    given = {key: getattr(arguments, key) for key in ("loss", "finetune")}
    keywords |= {key: call.names.find(text, CALLABLE) for key, text in given.items() if text is not None}
    keywords |= {key: text for key in _AS_THEY_ARE if (text := getattr(arguments, key))}
    if arguments.workers is not None:
        keywords["workers"] = arguments.workers
    limits = {key: getattr(arguments, key) for key in (flag[2:].replace("-", "_") for flag, *_ in _LIMITS)}
    if any(limits.values()):
        keywords["constraints"] = translated(lambda: tauto.Constraints.parse(**limits))
    return change_model(call, tauto.autotune, live=True, **keywords)


AUTOTUNE = Magic("tauto_autotune", "The best recipe for a model on this machine, chosen by measuring.", _options, _run)
