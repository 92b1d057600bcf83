"""``%tauto``: what is loaded, this machine, and the magics."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from html import escape
from typing import Any

import tauto
from tauto_magics.arguments import Parser
from tauto_magics.errors import translated
from tauto_magics.magic import Invocation, Magic

__all__ = ["Overview", "overview_magic"]

LIBRARIES = ("tauto", "torch", "torchao", "openvino", "nncf", "onnxruntime")


@dataclass(frozen=True, slots=True, repr=False)
class Overview:
    """What ``%tauto`` shows."""

    versions: tuple[tuple[str, str], ...]
    machine: str
    magics: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        width = max(len(name) for name, _ in self.magics)
        lines = [
            "Loaded   " + ", ".join(f"{name} {version}" for name, version in self.versions),
            f"Machine  {self.machine}",
            *(f"{name:<{width}}  {summary}" for name, summary in self.magics),
            "Each has --help.",
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th scope="row" style="text-align:left"><code>{escape(name)}</code></th>'
            f'<td style="text-align:left">{escape(summary)}</td></tr>'
            for name, summary in self.magics
        )
        versions = escape(", ".join(f"{name} {version}" for name, version in self.versions))
        return (
            f"<p>{versions}<br>{escape(self.machine)}</p>"
            f"<table><caption>Magics of TAuto; each has <code>--help</code></caption><tbody>{rows}</tbody></table>"
        )


def _versions() -> tuple[tuple[str, str], ...]:
    from importlib.metadata import PackageNotFoundError, version  # 18 ms that loading the extension need not cost

    found = [("Python", platform.python_version())]
    for name in LIBRARIES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            found.append((name, "not installed"))
    return tuple(found)


def _options(parser: Parser) -> None:
    """No options but ``--help``."""


def overview_magic(others: tuple[Magic, ...]) -> Magic:
    """Return ``%tauto``, which lists itself and ``others``."""

    def run(call: Invocation) -> Any:
        machine = translated(lambda: tauto.Hardware.current().summary)
        names = tuple((f"%{'%' if magic.cell else ''}{magic.name}", magic.summary) for magic in (*others, overview))
        return Overview(_versions(), machine, names)

    overview = Magic("tauto", "What is loaded, this machine, and the magics of TAuto.", _options, run)
    return overview
