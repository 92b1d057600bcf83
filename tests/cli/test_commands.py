"""The command line as a shell sees it: what it prints where, its files, its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from reports_by_hand import tuning

ROOT = Path(__file__).resolve().parents[2]
MAIN = "from tauto.cli import main; main()"

TRAIN = """\
import torch
from torch import nn
torch.manual_seed(0)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU())
    def forward(self, images):
        return self.body(images)
model = Net().eval()
images = torch.randn(2, 3, 16, 16)
batches = [torch.randn(2, 3, 16, 16) for _ in range(3)]
def accuracy(model):
    return 1.0
def raises(model):
    raise RuntimeError("no test set\\nhere")
if __name__ == "__main__":
    raise SystemExit("trained again")
"""


@dataclass(frozen=True)
class Done:
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def folder(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    # the ceilings of this machine are measured once for the whole session
    places = {"STORE": tmp_path / "store", "WORK": tmp_path / "work", "CACHE": tmp_path_factory.getbasetemp() / "cache"}
    for name, place in places.items():
        monkeypatch.setenv(f"TAUTO_{name}", str(place))
    (tmp_path / "train.py").write_text(TRAIN)
    yield tmp_path
    sys.modules.pop("train", None)


@pytest.fixture
def tauto(folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    def command(*arguments: str) -> Done:
        from tauto.cli import main

        monkeypatch.setattr(sys, "argv", ["tauto", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return Done(int(ended.value.code or 0), *capfd.readouterr())

    return command


Tauto = Callable[..., Done]


def test_help_imports_no_torch(folder: Path) -> None:
    code = (
        f"import sys\ntry:\n    {MAIN.replace('; ', chr(10) + '    ')}\nfinally:\n    assert 'torch' not in sys.modules"
    )
    for line in (["-c", code, "--help"], ["-c", code, "autotune", "--help"], ["-c", code], ["-m", "tauto", "--help"]):
        done = subprocess.run(
            [sys.executable, *line],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "Usage: tauto" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["quantise"], "No such command 'quantise'."),
        (["quantize"], "Missing argument 'MODEL'"),
        (["quantize", "train.py:model", "--budgt", "3s"], "No such option: --budgt"),
        (["quantize", "train.py:modle"], "Did you mean 'model'?"),
        (["quantize", "trian.py:model"], "Did you mean 'train.py'?"),
        (["quantize", "train.py:accuracy", "--inputs", "images"], "is not a torch.nn.Module"),
        (["quantize", "train.py:model"], "inputs: none are known"),
        (
            ["quantize", "train.py:model", "--inputs", "images", "--method", "static", "--bits", "4"],
            "4 are for weights alone",
        ),
        (["quantize", "train.py:model", "--inputs", "images", "--engine", "tvm"], "engine: there is no 'tvm'"),
        (["quantize", "train.py:model", "--inputs", "images", "--method", "qat"], "method: 'qat' trains"),
        (["quantize", "train.py:model", "--inputs", "imges"], "inputs: there is no 'imges'"),
        (["autotune", "train.py:model", "--inputs", "images", "--budget", "soon"], "'soon' is not a time"),
        (["autotune", "train.py:model", "--inputs", "images", "--evaluate", "raises"], "no test set here"),
        (["autotune", "train.py:model", "--inputs", "images", "--max-memory", "much"], "max_memory: 'much' is no size"),
        (
            ["autotune", "train.py:model", "--inputs", "images", "--objective", "speed"],
            "objective: there is no 'speed'",
        ),
        (
            ["autotune", "train.py:model", "--inputs", "images", "--script", "no/such.py"],
            "--script: there is no folder",
        ),
        (["apply", "absent.yaml", "train.py:model", "--inputs", "images"], "absent.yaml"),
        (["distill", "half"], "Missing option '--teacher'"),
        (["distill", "modle", "--teacher", "train.py:model"], "student: there is no 'modle'"),
        (["distill", "half", "--teacher", "train.py:model", "--inputs", "images"], "data: there is nothing to learn"),
        (["runs", "--limit", "0"], "--limit"),
    ],
)
def test_a_mistake_is_one_line_on_stderr_and_exit_code_2(tauto: Tauto, arguments: list[str], says: str) -> None:
    done = tauto(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == ""
    *progress, line = done.stderr.splitlines()
    assert line.startswith("tauto: ")
    assert says in line
    # where stderr is a file, what took seconds was told line by line; nothing else was
    assert all(" · " in told for told in progress), done.stderr


def test_autotune_writes_what_is_asked_for_and_its_recipe_applies(
    folder: Path, tauto: Tauto, monkeypatch: pytest.MonkeyPatch
) -> None:
    # comparisons as brief as within half a minute, and minutes for what else a slow machine does
    monkeypatch.setattr("tauto.tuning.allowance.Allowance.timing_s", 2.5)
    quick = ["--inputs", "images", "--data", "batches", "--budget", "5min"]
    files = ["--report", "report.json", "--script", "again.py", "--recipe", "recipe.yaml"]
    done = tauto("autotune", "train.py:model", *quick, "--only", "fold_batchnorm,threads", *files)
    assert done.returncode == 0, done.stderr
    report = json.loads((folder / "report.json").read_text())
    assert (report["kind"], report["verb"], report["model"]) == ("tuning", "autotune", "model")
    compile((folder / "again.py").read_text(), "again.py", "exec")
    assert (folder / "recipe.yaml").is_file() == (report["winner"] is not None)
    (folder / "fold.yaml").write_text("recipe: 1\nsteps:\n- technique: fold_batchnorm\n")
    applied = tauto("apply", "fold.yaml", "train.py:model", *quick, "--report", "applied.html")
    assert applied.returncode == 0, applied.stderr
    assert "fold_batchnorm" in applied.stdout
    assert (folder / "applied.html").read_text().lstrip().startswith("<!")
    listed = tauto("runs")
    assert listed.returncode == 0, listed.stderr
    assert "autotune" in listed.stdout
    assert "apply" in listed.stdout


def test_profile_prints_the_report(folder: Path, tauto: Tauto) -> None:
    done = tauto("profile", "train:model", "--inputs", "images", "--report", "report.md")
    assert done.returncode == 0, done.stderr
    assert "Conv2d" in done.stdout
    assert "model" in (folder / "report.md").read_text()


def test_profile_in_another_order_and_against_an_earlier_one(folder: Path, tauto: Tauto) -> None:
    assert tauto("profile", "train:model", "--inputs", "images", "--report", "first.json").returncode == 0
    done = tauto("profile", "train:model", "--inputs", "images", "--sort", "self", "--depth", "1")
    assert done.returncode == 0, done.stderr
    assert "body" in done.stdout
    assert "Conv2d" not in done.stdout.partition("Time by module")[2].partition("Time by operator")[0]
    done = tauto("profile", "train:model", "--inputs", "images", "--against", "first.json")
    assert done.returncode == 0, done.stderr
    assert "Conv2d" in done.stdout


def test_profile_says_how_the_model_grows(folder: Path, tauto: Tauto) -> None:
    done = tauto("profile", "train:model", "--inputs", "images", "--scale", "batch=1..16", "--budget", "2min")
    assert done.returncode == 0, done.stderr
    assert "16" in done.stdout
    wrong = tauto("profile", "train:model", "--inputs", "images", "--scale", "batch")
    assert wrong.returncode == 2
    assert "scale" in wrong.stderr


def test_hardware_without_ceilings(tauto: Tauto) -> None:
    done = tauto("hardware", "--quick")
    assert done.returncode == 0, done.stderr
    assert "core" in done.stdout


def test_a_stop_shows_the_best_so_far_and_ends_with_130(tauto: Tauto, monkeypatch: pytest.MonkeyPatch) -> None:
    import tauto as engine
    from tauto.errors import Interrupted
    from tauto.results import TuningResult

    def stopped(error: BaseException) -> Callable[..., None]:
        def verb(*_: object, **__: object) -> None:
            raise error

        return verb

    monkeypatch.setitem(vars(engine), "autotune", stopped(Interrupted(TuningResult(tuning()))))
    done = tauto("autotune", "train.py:model")
    assert done.returncode == 130
    assert done.stdout.startswith("Autotune of ")
    assert "--recipe FILE" in done.stdout
    assert "%tauto" not in done.stdout
    assert done.stderr == "tauto: stopped; this is what was found until then.\n"
    monkeypatch.setitem(vars(engine), "autotune", stopped(KeyboardInterrupt()))
    done = tauto("autotune", "train.py:model")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "tauto: stopped.\n")
