"""A document as Markdown, for an issue, a pull request or a README."""

from __future__ import annotations

import re
from html import escape

from tauto.rendering.document import (
    Block,
    Code,
    Document,
    Facts,
    Folded,
    Items,
    Note,
    Table,
    clean,
    clean_code,
)

__all__ = ["markdown"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$!&])")


def markdown(document: Document) -> str:
    """Return ``document`` as GitHub-flavoured Markdown; the user's own words cannot become markup."""
    head = f"## {_safe(document.title)}\n\n**{document.sign} {_safe(document.headline)}**"
    return "\n\n".join([head, *filter(None, map(_block, document.blocks))]) + "\n"


def _safe(text: str, length: int = 400) -> str:
    return _SPECIAL.sub(r"\\\1", clean(text, length))


def _block(block: Block) -> str:
    match block:
        case Table():
            return _table(block)
        case Facts():
            lines = [f"- {_safe(name)}: {_safe(value)}" for name, value in block.rows]
            return "\n".join([f"**{_safe(block.caption)}**", "", *lines]) if lines else ""
        case Note():
            return _safe(block.text, 2000)
        case Items():
            return _items(block)
        case Code():
            return f"**{_safe(block.caption)}**\n\n{_fenced(block.text)}"
        case Folded():
            inner = "\n\n".join(filter(None, map(_block, block.blocks)))
            return (
                f"<details><summary>{escape(clean(block.summary))}</summary>\n\n{inner}\n\n</details>" if inner else ""
            )


def _fenced(text: str, indent: str = "") -> str:
    body = clean_code(text)
    longest = max((len(run) for run in re.findall("`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join(indent + line for line in [fence, *body.splitlines(), fence])


def _items(items: Items) -> str:
    if not items.items:
        return ""
    lines = [f"**{_safe(items.caption)}**", ""]
    for index, (title, sentence, code) in enumerate(items.items[:20]):
        lead = f"{items.number(index)}. "
        lines.append(f"{lead}**{_safe(title)}** {_safe(sentence)}".rstrip())
        lines += [part for text in code for part in ("", _fenced(text, " " * len(lead)), "")]
    if len(items.items) > 20:
        lines += ["", f"… and {len(items.items) - 20:,} more {items.more}"]
    return "\n".join(lines)


def _table(table: Table) -> str:
    if not table.rows:
        return ""
    shown = table.cut()
    head = "| " + " | ".join(_safe(column.title) or " " for column in table.columns) + " |"
    rule = "|" + "|".join("---:" if column.number else "---" for column in table.columns) + "|"
    rows = [
        "| " + " | ".join("\u00a0\u00a0" * cell.indent + _safe(cell.text) for cell in row.cells) + " |"
        for row in shown.rows
    ]
    note = [f"\n{left_out}"] if (left_out := table.left_out(shown)) else []
    return "\n".join([f"**{_safe(table.caption)}**", "", head, rule, *rows, *note])
