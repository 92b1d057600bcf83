"""What a page is made of, before it becomes text, HTML or Markdown.

Each report says once what stands on its page (``rendering/profile.py`` and its siblings); how a table or a bar
looks in each form is said once too (``rendering/plain.py``, ``hypertext.py``, ``markup.py``).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

__all__ = [
    "Block",
    "Cell",
    "Code",
    "Column",
    "Document",
    "Facts",
    "Folded",
    "Items",
    "Mark",
    "Note",
    "Row",
    "Table",
    "cell",
    "clean",
    "clean_code",
    "largest",
    "numeric",
    "shortened",
]

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


@dataclass(frozen=True, slots=True)
class Mark:
    """A figure drawn beside its number on a shared scale from 0 to ``top``: a bar, or a point with its interval.

    ``reference`` is a line that all marks of the column share, such as 1× of a speedup.
    """

    value: float
    top: float
    low: float | None = None
    high: float | None = None
    reference: float | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: what to read, and perhaps what to look at."""

    text: str
    mark: Mark | None = None
    indent: int = 0
    code: bool = False
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column; ``number`` columns are aligned right and never broken, those not ``in_text`` are for wide forms.

    What is too long in a column to ``shorten`` loses its middle, and is never broken over lines.
    """

    title: str
    number: bool = False
    in_text: bool = True
    shorten: bool = False


def numeric(*titles: str) -> tuple[Column, ...]:
    """Return a column of numbers for each title."""
    return tuple(Column(title, number=True) for title in titles)


@dataclass(frozen=True, slots=True)
class Row:
    """One row; where a table must be cut, the rows of largest ``weight`` stay."""

    cells: tuple[Cell, ...]
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption; the first column names its row.

    At most ``limit`` rows are shown. ``more`` names what is left out: ``… and 812 more modules, largest shown``.
    ``legend`` says how to read the marks, where these are drawn.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    more: str = "rows"
    limit: int = 40
    bars_in_text: bool = False
    legend: str = ""

    def cut(self, share: float = 1.0) -> Table:
        """Return the table with no more rows than it may show, or a ``share`` of those (three at least)."""
        return replace(self, rows=largest(self.rows, max(3, int(self.limit * share))))

    def left_out(self, shown: Table) -> str:
        """Return what ``shown`` leaves out of this table, in words; empty when nothing."""
        missing = len(self.rows) - len(shown.rows)
        return f"… and {missing:,} more {self.more}, largest shown" if missing else ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and their values."""

    caption: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Note:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Items:
    """Things in turn: a title, a sentence about it, and lines to run; ``numbers`` where they do not count from 1."""

    caption: str
    items: tuple[tuple[str, str, tuple[str, ...]], ...]
    more: str = "items"
    numbers: tuple[int, ...] = ()

    def number(self, index: int) -> int:
        """Return the number of the item at ``index``."""
        return self.numbers[index] if index < len(self.numbers) else index + 1


@dataclass(frozen=True, slots=True)
class Code:
    """Lines to be read or run as they are."""

    caption: str
    text: str


@dataclass(frozen=True, slots=True)
class Folded:
    """The long part: shut in HTML until opened, left out of text."""

    summary: str
    blocks: tuple[Block, ...]


Block: TypeAlias = Table | Facts | Note | Items | Code | Folded


@dataclass(frozen=True, slots=True)
class Document:
    """One page.

    ``sign`` goes before the headline and ``tone`` colours its edge: the words alone must say it all.
    """

    title: str
    headline: str
    blocks: tuple[Block, ...] = field(default=())
    tone: Literal["good", "neutral", "bad"] = "neutral"

    @property
    def sign(self) -> str:
        """A sign that stands for the tone."""
        return {"good": "✓", "neutral": "•", "bad": "✗"}[self.tone]


def clean(text: str, length: int = 400) -> str:
    """Return ``text`` on one line, at most ``length`` characters, without what a terminal or reader would obey."""
    cut = text if len(text) <= length else text[: length - 1] + "…"
    flat = " ".join(cut.split())
    return "".join("�" if unicodedata.category(letter) in _HIDDEN else letter for letter in flat)


def shortened(text: str, length: int) -> str:
    """Return ``text`` with its middle left out where it is longer than ``length``; what it is indented by stays.

    Examples
    --------
    >>> shortened("encoder.layer.attention", 12)
    'enc…ttention'
    """
    if len(text) <= length:
        return text
    pad = min(len(text) - len(text.lstrip()), max(length - 8, 0))
    words, room = text.strip(), length - pad
    if len(words) > room:
        tail = room * 2 // 3
        words = f"{words[: room - tail - 1]}…{words[-tail:]}" if tail else "…"
    return " " * pad + words


def clean_code(text: str, length: int = 4000) -> str:
    """Return ``text`` with its lines and indentation, otherwise cleaned as :func:`clean` does."""
    cut = text if len(text) <= length else text[: length - 1] + "…"
    return "".join(
        "�" if letter not in "\n\t" and unicodedata.category(letter) in _HIDDEN else letter
        for letter in cut.replace("\r\n", "\n")
    )


def cell(text: str, **more: object) -> Cell:
    """Return a cell of cleaned text."""
    return Cell(clean(text), **more)  # type: ignore[arg-type]


def largest(rows: Sequence[Row], limit: int) -> tuple[Row, ...]:
    """Return the ``limit`` rows of largest weight, in their own order; the earlier of equals."""
    if len(rows) <= limit:
        return tuple(rows)
    ranked = sorted(range(len(rows)), key=lambda index: (-rows[index].weight, index))[:limit]
    return tuple(rows[index] for index in sorted(ranked))
