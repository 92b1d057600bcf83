"""A document as text for a terminal, at most :data:`WIDTH` columns wide."""

from __future__ import annotations

import io
import textwrap
import tokenize
from contextlib import suppress
from itertools import pairwise

from tauto.rendering.document import (
    Block,
    Cell,
    Code,
    Document,
    Facts,
    Folded,
    Items,
    Note,
    Table,
    clean,
    clean_code,
    shortened,
)

__all__ = ["WIDTH", "plain"]

WIDTH = 100
_GAP = "  "
_BAR = 10
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LABEL = 30
_LONGEST_CODE = 32


def plain(document: Document) -> str:
    """Return ``document`` as aligned text; what is folded in HTML is left out."""
    blocks = [part for block in document.blocks if (part := _block(block))]
    head = [clean(document.title, WIDTH), _wrap(f"{document.sign} {document.headline}", after="  ")]
    return "\n\n".join(["\n".join(head), *blocks])


def _block(block: Block) -> str:
    match block:
        case Table():
            return _table(block)
        case Facts():
            return _facts(block)
        case Note():
            return _wrap(block.text)
        case Items():
            return _items(block)
        case Code():
            return "\n".join([clean(block.caption, WIDTH), *_code_lines(block.text)])
        case Folded():
            return ""


def _wrap(text: str, first: str = "", after: str = "", width: int = WIDTH) -> str:
    return textwrap.fill(clean(text, 2000), width, initial_indent=first, subsequent_indent=after)


def _code_lines(code: str, pad: str = "    ") -> list[str]:
    return [part for line in clean_code(code).splitlines() for part in _code_line(pad + line.expandtabs(4))]


def _code_line(line: str) -> list[str]:
    """Return a line of code, broken where it is too long: after commas in brackets, so that it still runs."""
    if len(line) <= WIDTH:
        return [line.rstrip()]
    pad = " " * (len(line) - len(line.lstrip()) + 4)
    lines = [""]
    for start, end in pairwise((0, *_breaks(line), len(line))):
        piece = line[start:end]
        if lines[-1] and len((lines[-1] + piece).rstrip()) > WIDTH:
            lines.append(pad)
        lines[-1] += piece
    # what has no comma is cut where it must be: nothing of it is lost
    return [one[at : at + WIDTH].rstrip() for one in lines for at in range(0, len(one.rstrip()), WIDTH)]


def _breaks(line: str) -> list[int]:
    """Return where a line of Python may be broken: after each comma in brackets, with the blank that follows."""
    found, depth = [], 0
    with suppress(tokenize.TokenError, SyntaxError):  # of a statement that goes on, or of what is no Python
        for token in tokenize.generate_tokens(io.StringIO(line.lstrip()).readline):
            depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token.string, 0)
            if token.string == "," and depth > 0:
                found.append(token.end[1])
    before = len(line) - len(line.lstrip())
    return [before + end + (line[before + end : before + end + 1] == " ") for end in found]


def _facts(facts: Facts) -> str:
    if not facts.rows:
        return ""
    label = min(max(len(name) for name, _ in facts.rows), _LABEL)
    lines = [
        _wrap(value, first=f"  {clean(name, label):<{label}}{_GAP}", after=" " * (label + 4))
        for name, value in facts.rows
    ]
    return "\n".join([facts.caption, *lines])


def _items(items: Items) -> str:
    if not items.items:
        return ""
    lines = [items.caption]
    for index, (title, sentence, code) in enumerate(items.items[:20]):
        lines.append(_wrap(title, first=f"  {items.number(index)}. ", after="     "))
        if sentence:
            lines.append(_wrap(sentence, first="     ", after="     "))
        lines += [line for text in code for line in _code_lines(text, "       ")]
    if len(items.items) > 20:
        lines.append(f"  … and {len(items.items) - 20:,} more {items.more}")
    return "\n".join(lines)


def _table(table: Table) -> str:
    if not table.rows:
        return ""
    shown = table.cut()
    chosen = [index for index, column in enumerate(shown.columns) if column.in_text]
    columns = [shown.columns[index] for index in chosen]
    head = [column.title for column in columns]
    body = [
        [_cell(row.cells[index], table.bars_in_text, shown.columns[index].shorten) for index in chosen]
        for row in shown.rows
    ]
    numeric = [column.number for column in columns]
    widths = _widths([head, *body], numeric)
    rule = _GAP.join("─" * width for width in widths)
    lines = [table.caption, *_lines(head, widths, numeric), rule]
    short = [column.shorten for column in columns]
    for row in body:
        fitted = [shortened(text, width) if cut else text for text, width, cut in zip(row, widths, short, strict=True)]
        lines += _lines(fitted, widths, numeric)
    if note := table.left_out(shown):
        lines.append(note)
    return "\n".join(line[:WIDTH].rstrip() for line in lines)


def _cell(cell: Cell, bars: bool, short: bool) -> str:
    text = (" " if short else "  ") * cell.indent + clean(cell.text)
    if cell.code and not short and len(text) > _LONGEST_CODE:
        text = f"{text[: _LONGEST_CODE - 1]}…"
    if bars and cell.mark and cell.mark.low is None:
        return f"{text} {_bar(cell.mark.value / cell.mark.top if cell.mark.top else 0)}"
    return text


def _bar(part: float) -> str:
    eighths = round(min(max(part, 0.0), 1.0) * _BAR * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(_BAR)


def _widths(rows: list[list[str]], numeric: list[bool]) -> list[int]:
    """Return the widths of the columns: words give way, the widest first, until the line fits."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(numeric))]
    room = WIDTH - len(_GAP) * (len(widths) - 1)
    while sum(widths) > room:
        words = [index for index, number in enumerate(numeric) if not number and widths[index] > 12]
        # the first column names the row: it gives way last
        widest = max(words or range(len(widths)), key=lambda index: widths[index] * (1.0 if index else 0.6))
        widths[widest] -= 1
    return widths


def _lines(row: list[str], widths: list[int], numeric: list[bool]) -> list[str]:
    """Return one row as lines; a cell that is too long goes on below itself."""
    wrapped = []
    for text, width in zip(row, widths, strict=True):
        pad = " " * min(len(text) - len(text.lstrip()), max(width - 8, 0))
        # bars keep their trailing blanks, so only what is too long is wrapped
        fits = len(text) <= width
        wrapped.append(
            [text] if fits else textwrap.wrap(text.strip(), width, initial_indent=pad, subsequent_indent=pad)
        )
    height = max((len(cell) for cell in wrapped), default=1)
    lines = []
    for line in range(height):
        parts = [cell[line] if line < len(cell) else "" for cell in wrapped]
        aligned = [
            part.rjust(width) if number else part.ljust(width)
            for part, width, number in zip(parts, widths, numeric, strict=True)
        ]
        lines.append(_GAP.join(aligned))
    return lines
