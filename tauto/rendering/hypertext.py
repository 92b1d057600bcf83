"""A document as self-contained HTML: no scripts, no ids, no addresses, under :data:`LIMIT_BYTES` always."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from tauto.rendering.document import (
    Block,
    Code,
    Document,
    Facts,
    Folded,
    Items,
    Mark,
    Table,
    clean,
    clean_code,
    shortened,
)

__all__ = ["LIMIT_BYTES", "hypertext", "standalone"]

LIMIT_BYTES = 100_000
_SHARES = (
    (1.0, 1.0),
    (1.0, 0.5),
    (1.0, 0.25),
    (1.0, 0.1),
    (0.6, 0.35),
    (0.35, 0.2),
    (0.2, 0.2),
    (0.1, 0.1),
    (0.05, 0.05),
)
"""Of the rows and words that are shown, and of those that are folded away: these give way first."""
_SHAPES = {kind.__name__: kind.__name__.lower() for kind in (Table, Facts, Items, Code, Folded)} | {"Note": "note"}


def hypertext(document: Document) -> str:
    """Return ``document`` as an HTML fragment that reads well in a light and in a dark notebook."""
    return _fitted("fragment.html.jinja", document)


def standalone(*documents: Document) -> str:
    """Return ``documents``, one below the other, as a whole HTML page, to be saved and sent."""
    return _fitted("page.html.jinja", *documents)


def _fitted(template: str, *documents: Document) -> str:
    """Render with fewer rows and shorter words until the page is small enough."""
    page = ""
    for share, folded in _SHARES:
        cut = [_less_folded(document, folded / share) for document in documents]
        page = _environment().get_template(template).render(document=cut[0], documents=cut, share=share)
        if len(page.encode()) < LIMIT_BYTES * len(documents):
            break
    return page


def _less_folded(document: Document, part: float) -> Document:
    return replace(document, blocks=tuple(_cut(block, part, False) for block in document.blocks))


def _cut(block: Block, part: float, inside: bool) -> Block:
    if isinstance(block, Folded):
        return replace(block, blocks=tuple(_cut(inner, part, True) for inner in block.blocks))
    if isinstance(block, Table) and inside:
        return replace(block, limit=max(int(block.limit * part), 3))
    return block


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("tauto.rendering"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {"words": _words, "middle": _middle, "code": _code, "unbroken": _unbroken}
    environment.globals |= {"shape": _shape, "places": _places}
    return environment


def _words(text: str, share: float) -> str:
    return clean(text, max(int(400 * share), 60))


def _middle(text: str, share: float) -> str:
    return shortened(clean(text), max(int(60 * share), 40))


def _code(text: str, share: float) -> str:
    return clean_code(text, max(int(4000 * share), 200))


def _unbroken(text: str) -> str:
    return text.replace(" ", "\u00a0")


def _shape(block: Block) -> str:
    return _SHAPES[type(block).__name__]


def _places(mark: Mark, width: int) -> Mark:
    """Return ``mark`` in pixels of a drawing ``width`` wide, kept inside it."""

    def place(value: float) -> float:
        share = value / mark.top if mark.top > 0 else 0.0
        return round(min(max(share, 0.0), 1.0) * width, 1)

    low, high, reference = (None if value is None else place(value) for value in (mark.low, mark.high, mark.reference))
    return replace(mark, value=place(mark.value), top=float(width), low=low, high=high, reference=reference)
