"""A user's mistake in a real notebook: one readable line, a failed cell, nothing changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from notebooks import ROOT, checked_by, executed

PREPARE = """\
before = {key: value.clone() for key, value in model.state_dict().items()}
broken = nn.Linear(8, 4)
with torch.no_grad(): broken.weight[0, 0] = float("nan")
hollow = nn.ReLU()
meta = nn.Linear(8, 4, device="meta")
import warnings
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    lazy = nn.LazyLinear(4)
wide = torch.randn(4, 9)
text = "eight"
empty = []
odd = [torch.randn(4, 9) for _ in range(3)]
def raises(model): raise RuntimeError("no test set\\nhere")
def nan(model): return float("nan")
def nothing(model): return None
newer = {"recipe": 99, "steps": []}
open("broken.yaml", "w").write("recipe: [1\\n")
names = {"names", *dir()}
"""

MISTAKES = [
    ("%tauto_quantize modle", "Did you mean 'model'?"),
    ("%tauto_quantize batches", "not a torch.nn.Module"),
    ("%tauto_quantize nn.Linear", "is a class"),
    ("%tauto_quantize model", "--inputs NAME"),
    ("%tauto_quantize model --inputs wide", "9"),
    ("%tauto_quantize model --inputs text", "inputs"),
    ("%tauto_quantize model --inputs x --evaluate raises", "no test set here"),
    ("%tauto_quantize model --inputs x --evaluate nan", "evaluate"),
    ("%tauto_quantize model --inputs x --evaluate nothing", "evaluate"),
    ("%tauto_quantize model --inputs x --evaluate x", "evaluate"),
    ("%tauto_quantize model --data empty", "data"),
    ("%tauto_quantize model --inputs x --data odd", "data"),
    ("%tauto_quantize model --inputs x --budget soon", "'soon' is not a time"),
    ("%tauto_quantize model --inputs x --max-drop lots", "'lots' is not a drop"),
    ("%tauto_quantize model --inputs x --method int3", "int3"),
    ("%tauto_autotune model --inputs x --only compil", "compil"),
    ("%tauto_autotune", "model"),
    ("%tauto_autotune model --inputs x --objective speed", "objective: there is no 'speed'"),
    ("%tauto_autotune model --inputs x --max-size big", "max_size: 'big' is no size"),
    ("%tauto_autotune model --inputs x --max-latency 5ms --max-p95 3ms", "no p95 is below its median"),
    ("%tauto_autotune model --inputs x --stop-at soon", "stop_at: 'soon' is nothing to reach"),
    ("%tauto_quantize broken --inputs x", "NaN"),
    ("%tauto_quantize hollow --inputs x", "no parameters"),
    ("%tauto_quantize meta --inputs x", "meta device"),
    ("%tauto_quantize lazy --inputs x", "lazy"),
    ("%tauto_apply newer model --inputs x", "newer"),
    ("%tauto_apply broken.yaml model --inputs x", "recipe"),
    ("%tauto_quantize model --into class", "not a name that Python allows"),
    ("%tauto_script", "none with a recipe yet"),
    ("%%tauto_profile\nawait x", "top-level await"),
]

CORRUPT = """\
import os, pathlib
store = pathlib.Path(os.environ["TAUTO_STORE"])
store.mkdir(exist_ok=True)
written = (store / "runs.db").write_text("not a data base" * 1000)
"""

UNCHANGED = """\
assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
assert model.training
assert not [name for name in dir() if name not in names and not name.startswith("_")]
"""


def test_every_mistake_is_one_line_that_fails_its_cell(tmp_path: Path) -> None:
    cells = [PREPARE, *(cell for cell, _ in MISTAKES), UNCHANGED, CORRUPT, "%tauto_runs"]
    _, *outputs, unchanged, corrupt, runs = executed(cells, tmp_path)
    problems = []
    for (cell, says), shown in zip([*MISTAKES, ("%tauto_runs", "store")], [*outputs, runs], strict=True):
        lines = [line for output in shown for line in output.get("traceback", [])]
        if [output.output_type for output in shown] != ["error"] or len("\n".join(lines).splitlines()) != 1:
            problems.append(f"{cell!r} shows {shown}")
        elif not lines[0].startswith("UsageError: ") or says not in lines[0]:
            problems.append(f"{cell!r} says {lines[0]!r}")
    assert not problems, "\n".join(problems)
    assert (unchanged, corrupt) == ([], [])


NBCONVERT = ["nbconvert", "--to", "notebook", "--execute", "--stdout"]
NBVAL = ["pytest", "--nbval-lax", "--nbval-current-env", "-p", "no:cacheprovider", "-q", "--executed=ran"]


@pytest.mark.parametrize(("tool", "says"), [(NBCONVERT, "CellExecutionError"), (NBVAL, "2 failed, 2 passed")])
def test_both_runners_fail_the_cell_and_pass_a_good_one(tool: list[str], says: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "tutorials" / "conftest.py", tmp_path)  # nbval as it is run over the tutorials
    good, bad, refused = "%tauto_quantize --help", "%tauto_quantize modle", "%no_such_magic"
    done = checked_by(tool, [good, bad, refused], tmp_path)
    shown = done.stdout + done.stderr
    assert done.returncode != 0
    assert says in shown
    assert "Did you mean 'model'?" in shown, "nbconvert stops at the first cell that fails: the good one passed"
    if tool is NBVAL:
        ran = nbformat.read(tmp_path / "ran" / "checked.ipynb", as_version=4).cells
        assert [[one.output_type for one in cell.outputs] for cell in ran] == [[], ["stream"], ["error"], ["stream"]]
        assert "--max-drop" in ran[1].outputs[0].text
