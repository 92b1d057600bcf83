"""Arrows run one way (docs/design.md §2)."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = [
    {"errors", "events", "interrupts", "config"},
    {"hardware", "workload", "reports"},
    {"measurement", "conversion", "fitting", "serialization"},
    {"techniques"},
    {"recipes", "decoding"},
    {"profiling", "execution", "store"},
    {"tuning"},
    {"results"},
    {"verbs"},
    {"cli"},
]
RANK = {room: rank for rank, rooms in enumerate(LAYERS) for room in rooms}
# rendering hangs on reports alone; results hang on it
RENDERING_MAY = {"errors", "config", "reports", "rendering"}
FRONT_ENDS = {"IPython", "ipywidgets", "anywidget", "tauto_magics", "tauto_widgets", "jupyterlab"}


def rooms_imported(path: Path) -> set[str]:
    """Return the rooms of tauto that a file imports, also inside functions and for types."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module] if node.module != "tauto" else [f"tauto.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        rooms |= {name.split(".")[1] for name in names if name.startswith("tauto.")}
    return rooms


FILES = sorted(path for path in (ROOT / "tauto").rglob("*.py") if path.parent != ROOT / "tauto")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_room_imports_only_rooms_below_it(path):
    room = path.relative_to(ROOT / "tauto").parts[0]
    if room == "rendering":
        assert rooms_imported(path) <= RENDERING_MAY
        return
    for other in rooms_imported(path) - {"rendering", room}:
        # the two lowest layers are each one room with several doors
        below = RANK[other] < RANK[room] or RANK[other] == RANK[room] <= 1
        assert below, f"{room} imports {other}"
    if "rendering" in rooms_imported(path):
        assert RANK[room] >= RANK["results"] or room == "store", f"{room} imports rendering"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_engine_knows_no_front_end(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not {name.split(".")[0] for name in names} & FRONT_ENDS


INTERRUPTED = """
import signal, sys
class StopsOnce:
    def find_spec(self, name, path, target=None):
        if name == "tauto.config.constraints":
            sys.meta_path.remove(self)
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, StopsOnce())
import tauto
try:
    tauto.Constraints
except KeyboardInterrupt:
    sys.exit(0 if "tauto.config.constraints" in sys.modules else 3)
"""


def test_an_interrupt_while_a_verb_is_loaded_rises_when_it_is_whole():
    """Else half of a library stays behind, and no later cell of the notebook can import it."""
    assert subprocess.run([sys.executable, "-c", INTERRUPTED], check=False).returncode == 0


@pytest.mark.parametrize("module", ["tauto", "tauto_magics", "tauto.errors"])
def test_importing_it_imports_no_torch(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
