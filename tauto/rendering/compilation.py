"""What compiling met: graphs and cuts, a second shape, the cache."""

from __future__ import annotations

from tauto.rendering.document import Block, Facts, Items
from tauto.rendering.numbers import data_size, plural, ratio
from tauto.reports import Compilation, GraphBreak, ShapeTrial

__all__ = ["compilation_blocks", "compilation_sentences"]


def compilation_blocks(found: Compilation | None) -> list[Block]:
    """Return the blocks of a page; none where nothing was compiled."""
    if found is None:
        return []
    facts = [("Graphs", _graphs(found)), ("Another shape", _second(found)), ("Dynamic shapes", _dynamic(found))]
    if found.cache:
        facts.append(("Cache", _cache(found)))
    rows = tuple((name, words) for name, words in facts if words)
    cuts = tuple((_where(cut), _why(cut), ()) for cut in found.breaks)
    return [Facts("What the compiler met", rows), Items("Where the graph is cut", cuts, more="cuts")]


def compilation_sentences(found: Compilation | None) -> list[str]:
    """Return the same in sentences."""
    if found is None:
        return []
    lines = [f"The compiler: {_graphs(found)}."]
    lines += [f"Cut at {_where(cut)}: {_why(cut)}" for cut in found.breaks]
    if words := _second(found):
        lines.append(f"Another shape: {words}.")
    if words := _dynamic(found):
        lines.append(f"Dynamic shapes: {words}.")
    if found.cache:
        lines.append(f"The compiler's cache: {_cache(found)}.")
    return lines


def _graphs(found: Compilation) -> str:
    if found.failure:
        return f"not known, since {found.failure.rstrip('.')}"
    if found.graphs == 0:
        return "nothing in it can be compiled"
    pieces = "one graph" if found.graphs == 1 else f"{found.graphs} graphs"
    if not found.breaks:
        return f"{pieces}, cut nowhere" if found.graphs == 1 else pieces
    return f"{pieces}, cut at {plural(len(found.breaks), 'place')}: nothing is merged across a cut"


def _where(cut: GraphBreak) -> str:
    if not cut.place:
        return "a line that torch does not name"
    return f"{cut.place} ({cut.code})" if cut.code else cut.place


def _why(cut: GraphBreak) -> str:
    whole = "; the whole function around it runs uncompiled" if cut.whole_function else ""
    return f"{cut.reason}{whole}." + (f" To change: {cut.advice}." if cut.advice else "")


def _second(found: Compilation) -> str:
    """Return what the second shape did to the code for the first."""
    if found.failure or found.graphs == 0:  # there is no code that another shape could fit
        return ""
    if not found.second_shapes:
        return f"none was tried, since {found.second_missing}" if found.second_missing else ""
    origin = "from data" if found.second_from == "data" else "the batch doubled, as data has no other shape"
    by = {trial.dynamic: trial for trial in found.shapes}
    words = f"{', '.join(found.second_shapes)} after {', '.join(found.first_shapes)} ({origin}): "
    return words + _again(by.get("automatic"), by.get("yes"))


def _again(usual: ShapeTrial | None, dynamic: ShapeTrial | None) -> str:
    if usual is None or usual.failure:
        return f"it could not be traced: {usual.failure}" if usual else "it was not traced"
    if usual.restless:
        return f"not known, as even the same call is compiled again each time, since {'; '.join(usual.restless)}"
    if not usual.recompiled:
        return "the same code took it"
    again = f"{plural(usual.recompiled, 'graph')} compiled again"
    why = f", since {'; '.join(usual.guards)}" if usual.guards else ""
    if dynamic is None:
        return f"{again}{why}"
    if dynamic.failure:
        return f"{again}{why}; dynamic=True fails: {dynamic.failure.rstrip('.')}"
    if not dynamic.recompiled:
        return f"{again}{why}; with dynamic=True none is"
    return f"{again}{why}; dynamic=True does not avoid it ({'; '.join(dynamic.guards) or 'torch gives no reason'})"


def _dynamic(found: Compilation) -> str:
    chosen = ""
    if found.dynamic is not None:
        kind = "sizes that vary" if found.dynamic else "the example's shapes alone"
        why = "as asked" if found.asked is not None else _reason(found)
        chosen = f"compiled for {kind}, {why}"
    price = ""
    if found.price is not None:
        price = f"code for varying sizes takes {ratio(found.price, found.price_interval)} the time at the example's"
    return "; ".join(part for part in (chosen, price) if part)


def _reason(found: Compilation) -> str:
    if found.varies:
        return "as data has calls of several shapes" if found.dynamic else "as nothing for varying sizes was better"
    return "which measured fastest" if found.dynamic or found.price is not None else "the only shapes in data"


def _cache(found: Compilation) -> str:
    return (
        f"{data_size(found.cache_bytes)} in {found.cache}, kept between runs and open to you alone; preparation and "
        "the calls after which it pays are told as with nothing in it"
    )
