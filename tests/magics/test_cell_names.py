"""What a cell is called in reports: the number that stands beside it in the notebook."""

from __future__ import annotations

import linecache
from pathlib import Path
from typing import Any

import pytest
from notebooks import executed

from tauto.config import FrontEnd, front_end, use_front_end
from tauto.workload.user_lines import title
from tauto_magics.cell import compile_cell

FILE = "/tmp/ipykernel_4711/1234567.py"


def test_a_file_of_a_kernel_has_the_number_that_the_shell_knows(shell: Any) -> None:
    shell.ip.compile._filename_map[FILE] = 7
    assert title(FILE) == "cell [7]"
    shell.ip.compile._filename_map[FILE] = 9  # the same code, run again
    assert title(FILE) == "cell [9]"
    assert title("/tmp/ipykernel_4711/other.py") == "cell"
    assert title("/project/train.py") == "train.py"


def test_a_shell_writes_the_number_into_the_name(shell: Any) -> None:
    assert title("<ipython-input-12-0a1b2c>") == "cell [12]"
    assert title("<ipython-input-odd>") == "cell"


def test_unloading_leaves_no_front_end_behind(shell: Any) -> None:
    assert front_end().kind == "notebook"
    shell.ip.run_line_magic("unload_ext", "tauto_magics")
    assert front_end() == FrontEnd()
    use_front_end(FrontEnd("terminal"))
    shell.ip.run_line_magic("load_ext", "tauto_magics")
    assert front_end().kind == "notebook"


def test_a_front_end_that_is_not_the_notebooks_stays(shell: Any) -> None:
    use_front_end(FrontEnd("terminal"))
    shell.ip.run_line_magic("unload_ext", "tauto_magics")
    assert front_end().kind == "terminal"
    use_front_end(FrontEnd())


def test_the_profiled_cell_is_called_by_its_number(shell: Any, engine: Any) -> None:
    shell.ip.run_cell("1", store_history=True)
    result = shell.ip.run_cell("%%tauto_profile\n1 + 1", store_history=True)
    assert result.success
    assert result.execution_count == 2
    assert engine.keywords["name"] == "cell [2]"


def test_in_a_kernel_the_number_is_the_one_beside_the_cell(tmp_path: Path) -> None:
    loop = "for _ in range(400):\n    y = model(x)\n    z = torch.stack([torch.randn(40, 40).exp() for _ in range(40)])"
    lines = "print({(row.file, row.line) for row in p.report.lines} & {('cell [2]', 4)}, p.subject)"
    _, told = executed([f"%%tauto_profile --into p\n{loop}", lines], tmp_path)
    assert told[0]["text"] == "{('cell [2]', 4)} cell [2]\n"


def test_the_magic_is_the_first_line_of_its_cell(shell: Any) -> None:
    cell = compile_cell(shell.ip, "a = 1\nb = 2\n", "tauto_profile")
    assert [line for _, _, line in cell.body.co_lines() if line][-1] == 3
    assert linecache.getline(cell.body.co_filename, 3) == "b = 2\n"
    assert cell.source == "a = 1\nb = 2\n"


@pytest.mark.parametrize("text", ["x = 1\n\ndef f():\n    return y\nf()"])
def test_a_traceback_counts_as_the_notebook_does(shell: Any, engine: Any, text: str) -> None:
    shell.run(f"%%tauto_profile\n{text}")
    assert "----> 5" in shell.out, shell.out
