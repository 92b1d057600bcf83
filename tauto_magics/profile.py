"""``%tauto_profile model`` and ``%%tauto_profile``."""

from __future__ import annotations

from typing import Any

from IPython.display import display

import tauto
from tauto_magics.arguments import Parser
from tauto_magics.cell import compile_cell, running_cell
from tauto_magics.engine import call_engine
from tauto_magics.errors import UsageError, translated
from tauto_magics.magic import Invocation, Magic
from tauto_magics.names import MODEL, NEW
from tauto_magics.names import PROFILE as PROFILE_RESULT
from tauto_magics.options import add_inputs, add_panel, inputs_keywords
from tauto_magics.progress import shown

__all__ = ["PROFILE"]

PREVIOUS = "previous"
SORTS = ("tree", "total", "self", "flops", "memory", "calls")
"""Those of :mod:`tauto.rendering.view`, whose import loading the extension need not pay."""


def _options(parser: Parser) -> None:
    parser.takes("model", MODEL, "the model to profile (line magic only)", optional=True)
    add_inputs(parser)
    parser.add_argument("--sort", choices=SORTS, help="order of the modules shown; default that of the model")
    parser.add_argument("--depth", metavar="LEVELS", help="how many levels of modules are shown; default all")
    parser.add_argument("--memory", action="store_true", help="show memory over time whole: the peak, who allocates")
    parser.add_argument("--stacks", action="store_true", help="record Python stacks: every allocation has its line")
    parser.add_argument(
        "--scale", metavar="SIZES", help="how it grows: batch=1..64, seq=64..1024, x.2=32,48, tokens=16..256"
    )
    parser.add_argument("--budget", metavar="TIME", help="time that --scale may take, such as 2min; default 60s")
    parser.takes("--against", PROFILE_RESULT, "an earlier profile to set this one against: its name, or previous")
    parser.takes("--into", NEW, "write the profile into this name")
    add_panel(parser)


def _shown(call: Invocation) -> dict[str, Any]:
    """Return what says how the profile is shown, as far as it is given."""
    arguments = call.arguments
    given: dict[str, Any] = {name: True for name in ("memory", "stacks") if getattr(arguments, name)}
    given |= {"sort": arguments.sort} if arguments.sort else {}
    if arguments.depth is not None:
        if not arguments.depth.isdecimal():
            raise UsageError(f"--depth: {arguments.depth!r} is no number of levels. Write a whole number from 0.")
        given["depth"] = int(arguments.depth)
    if (name := arguments.against) is not None:
        known = name.partition(".")[0] in call.names.namespace
        given["against"] = PREVIOUS if name == PREVIOUS and not known else call.names.find(name, PROFILE_RESULT)
    return given


def _scaled(call: Invocation) -> dict[str, Any]:
    """Return what says at which sizes the model is run, as far as it is given."""
    scale, budget = call.arguments.scale, call.arguments.budget
    if scale is None:
        if budget is not None:
            raise UsageError(
                "%tauto_profile: --budget goes with --scale. Write such as --scale batch=1..64 --budget 2min."
            )
        return {}
    if any(_shown(call).values()):
        raise UsageError("%tauto_profile: --scale goes with --inputs and --budget alone; the others show one profile.")
    return {"scale": scale} | ({"budget": budget} if budget is not None else {})


def _run(call: Invocation) -> Any:
    __tracebackhide__ = True
    arguments = call.arguments
    if arguments.into is not None:
        call.names.check_new(arguments.into, [arguments.model, arguments.inputs, arguments.against])
    if call.cell is not None:
        return _profile_cell(call)
    name = call.arguments.model
    if name is None:
        raise UsageError(
            "%tauto_profile: no model is named. Write %tauto_profile model, or %%tauto_profile above a cell."
        )
    model = call.names.model(name)
    keywords = inputs_keywords(call) | (_scaled(call) or _shown(call))
    return _kept(call, call_engine(call, tauto.profile, model, **keywords, name=name, names=call.shell.user_ns))


def _kept(call: Invocation, result: Any) -> Any:
    """Write the profile into the name that ``--into`` says, and return it."""
    if call.arguments.into is not None:
        call.shell.push({call.arguments.into: result}, interactive=True)
    return result


def _profile_cell(call: Invocation) -> Any:
    __tracebackhide__ = True
    if call.arguments.model is not None or call.arguments.inputs is not None:
        raise UsageError(
            "%%tauto_profile takes no model and no inputs: it sees which models the cell calls, and with what."
        )
    if _scaled(call):
        raise UsageError("%%tauto_profile takes no --scale: name a model, %tauto_profile model --scale batch=1..64.")
    cell = compile_cell(call.shell, call.cell or "", PROFILE.name)
    about = {"name": f"cell [{running_cell(call.shell)}]", "names": call.shell.user_ns, "source": cell.source}
    session = translated(lambda: tauto.profile(**about, **_shown(call)))
    own: list[BaseException] = []

    def work() -> Any:
        with shown(call.shell, alone=False), session:
            try:
                return cell.run(call.shell.user_ns)
            except BaseException as error:
                # the user's own: it rises as it is, after the report of what was seen until then
                own.append(error)
                raise

    try:
        value = translated(work)
    except BaseException:
        if not own:
            raise
    if own:
        display(_kept(call, session.result))
        raise own[0].with_traceback(cell.lines_of(own[0]))
    cell.show(value)
    return _kept(call, session.result)


PROFILE = Magic(
    "tauto_profile", "Where time and memory go in a cell or a model, with findings.", _options, _run, cell=True
)
