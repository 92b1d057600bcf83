"""Tooltips on a magic's line."""

from __future__ import annotations

import asyncio
from typing import Any

from tauto_magics.extension import MAGICS
from tauto_magics.tooltips import leave_tooltips, tooltip, use_tooltips


def told(code: str) -> str | None:
    """Return the tooltip at the ``|`` in ``code``."""
    return tooltip(MAGICS, code.replace("|", ""), code.index("|"))


def test_an_option_is_told_by_its_own_words() -> None:
    words = told("r = %tauto_quantize model --max-d|rop 2%")
    assert words is not None
    assert words.startswith("--max-drop DROP\n\n")
    assert "1% (default)" in words
    words = told("%tauto_quantize model --objective|")
    assert words == "--objective {latency,size}\n\nwhat to make smaller; default latency"


def test_the_magic_itself_is_told_by_its_help() -> None:
    words = told("x = 1\n%%tauto_pro|file\nmodel(x)")
    assert words is not None
    assert "--stacks" in words
    assert told("%tauto_aut|otune") == told("%tauto_autotune| model")


def test_all_else_is_left_to_the_kernel() -> None:
    assert told("%tauto_quantize mod|el") is None
    assert told("%%tauto_profile\nmod|el(x)") is None
    assert told("%timeit mod|el") is None
    assert told("print(--max|)") is None


def test_the_kernel_answers_until_it_is_unloaded(shell: Any) -> None:
    class Kernel:
        async def do_inspect(self, code: str, cursor_pos: int, *rest: Any) -> dict[str, Any]:
            return {"found": False}

    shell.ip.kernel = kernel = Kernel()
    use_tooltips(shell.ip, MAGICS)
    answer = asyncio.run(kernel.do_inspect("%tauto_quantize model --bits 4", 24, 0, set()))
    assert answer["found"]
    assert answer["data"]["text/plain"].startswith("--bits N")
    assert asyncio.run(kernel.do_inspect("model", 2)) == {"found": False}
    leave_tooltips(shell.ip)
    assert asyncio.run(kernel.do_inspect("%tauto_quantize model --bits 4", 24)) == {"found": False}
    del shell.ip.kernel
