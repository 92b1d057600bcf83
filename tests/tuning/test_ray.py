"""Trials on a Ray cluster: two nodes of this machine, of which one is killed with a trial on it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import optuna
import pytest

import tauto
from benchmarks.private_ray import private_ray
from tauto.errors import InvalidArgument, MissingDependency
from tauto.tuning.hyperparameters.ray_places import cores_each

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
HOW = "Ray is not installed. Run: pip install 'tauto[ray]'"


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("TAUTO_STORAGE", raising=False)


def test_without_the_package_the_line_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependency, match=r"Run: pip install 'tauto\[ray\]'"):
        tauto.tune(lambda: 0.0, trials=1, executor="ray")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere", "127.0.0.1:six"])
def test_where_no_cluster_answers_that_is_told_at_once(address: str) -> None:
    pytest.importorskip("ray", reason=HOW)
    with pytest.raises(InvalidArgument, match=rf"no Ray cluster answers at {address} .*ray start --head"):
        tauto.tune(lambda: 0.0, trials=1, executor=f"ray:{address}")


def test_a_cluster_that_does_not_start_here_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray", reason=HOW)

    def starts_never(**_: object) -> None:
        raise Exception("The current node timed out during startup.")  # noqa: TRY002  # as Ray does

    monkeypatch.setattr(ray, "init", starts_never)
    with pytest.raises(InvalidArgument, match=r"no Ray cluster answers here \(The current node timed out"):
        tauto.tune(lambda: 0.0, trials=1, executor="ray")


@pytest.mark.parametrize(
    ("nodes", "workers", "each"),
    [([4, 4, 4], 2, 4), ([1, 1], 1, 1), ([2], 5, 1), ([8, 2], 2, 4), ([8], 2, 4), ([0, 4], 1, 4), ([], 1, 1)],
)
def test_a_trial_asks_for_no_more_cores_than_a_node_has(nodes: list[int], workers: int, each: int) -> None:
    assert cores_each(nodes, workers) == each


@pytest.mark.filterwarnings("default")  # Ray's own
def test_a_killed_node_costs_no_trial(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason=HOW)
    with private_ray() as (cluster, doomed):

        def objective() -> float:
            x = tauto.suggest.float("x", 0, 1)
            tauto.report_progress(x, 0)
            while not (tmp_path / "go").exists():
                time.sleep(0.05)
            return x

        def trials() -> list[optuna.trial.FrozenTrial]:
            try:
                return optuna.load_study(study_name="ray", storage=f"sqlite:///{tmp_path / 'ray.db'}").trials
            except Exception:  # the file or its tables are not there yet
                return []

        def kill() -> None:
            while sum(bool(one.params) for one in trials()) < 2:
                time.sleep(0.2)
            cluster.remove_node(doomed, allow_graceful=False)
            (tmp_path / "go").touch()

        killer = threading.Thread(target=kill, daemon=True)
        killer.start()
        where = f"ray:{cluster.address}"
        result = tauto.tune(objective, trials=5, executor=where, workers=2, study="ray", storage=tmp_path / "ray.db")
        killer.join(60)
        assert [one.state for one in result.trials].count("complete") == 5
        (lost,) = (one for one in result.trials if one.state == "interrupted")
        assert "was lost with its node" in lost.reason
        (again,) = (one for one in trials() if one.system_attrs.get("failed_trial") == lost.number)
        assert (again.params, again.state.name) == (lost.params, "COMPLETE")
        assert all(one.machine for one in result.trials if one.state == "complete")
        assert any("2 trials at once on 2 nodes, each on 1 core" in note for note in result.notes)
        (line,) = re.findall(r"^tauto (tune .* --executor ray:.*)$", PAGE, re.MULTILINE)
        (tmp_path / "train.py").write_text(re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[0])
        words = line.replace("127.0.0.1:6379", cluster.address).split()
        done = subprocess.run(
            [sys.executable, "-c", "from tauto.cli import main; main()", *words],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert "Ray ran 2 trials at once on 1 node" in done.stdout
