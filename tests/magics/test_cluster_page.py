"""docs/cluster.md: every command on it is run, in its order; this machine stands in for those of ssh and schedulers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import optuna
import pytest

from benchmarks.private_postgres import NEEDED, private_postgres

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
DATABASE = "postgresql://me@db.example.org/studies"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = {"python": "train.py", "yaml": "workers.yaml"}

# each stands in for the program of its name, on this machine
PROGRAMS = {
    "tauto": 'exec "$PYTHON" -c "from tauto.cli import main; main()" "$@"',
    "pip": '"$PYTHON" "$STAND_INS" extra "$2"',
    "ssh": 'cd "$HOME"; exec sh -c "$2"',
    "sbatch": 'exec bash "$1"',
    "srun": 'exec "$@"',
    "kubectl": '"$PYTHON" "$STAND_INS" kubectl "$@"',
    "ray": '"$PYTHON" "$STAND_INS" ray "$@"',
}
STAND_INS = """
import os, pathlib, subprocess, sys, tomllib, yaml
kind, *words = sys.argv[1:]
if kind == "extra":
    extras = tomllib.loads(pathlib.Path(os.environ["ROOT"], "pyproject.toml").read_text())["project"]
    assert words[0].removeprefix("tauto[").removesuffix("]") in extras["optional-dependencies"], words
elif kind == "ray":  # its words are read as Ray itself reads them; a real cluster is in tests/tuning/test_ray.py
    from ray.scripts.scripts import cli
    cli.commands[words[0]].make_context(words[0], words[1:])
elif words[:3] == ["create", "secret", "generic"]:
    name, value = words[4].removeprefix("--from-literal=").split("=", 1)
    pathlib.Path(words[3] + "." + name).write_text(value)
else:
    assert words[:2] == ["apply", "-f"], words
    (one,) = yaml.safe_load(pathlib.Path(words[2]).read_text())["spec"]["template"]["spec"]["containers"]
    keys = {item["name"]: item["valueFrom"]["secretKeyRef"] for item in one["env"]}
    secrets = {name: pathlib.Path(key["name"] + "." + key["key"]).read_text() for name, key in keys.items()}
    sys.exit(subprocess.run(one["command"], env={**os.environ, **secrets}).returncode)
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """PostgreSQL where its server is installed, else SQLite in its place."""
    with ExitStack() as stack:
        if NEEDED is not None and find_spec("psycopg") is not None:
            yield stack.enter_context(private_postgres())
        else:
            yield f"sqlite:///{tmp_path_factory.mktemp('database') / 'studies.db'}"


def test_every_command_of_the_page_runs(shell, tmp_path, monkeypatch, database):
    folder, programs = tmp_path / "project", tmp_path / "bin"
    for made in (folder, programs):
        made.mkdir()
    for name, line in PROGRAMS.items():
        (programs / name).write_text(f"#!/bin/sh\n{line}\n")
        (programs / name).chmod(0o755)
    (tmp_path / "stand_ins.py").write_text(STAND_INS)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delenv("TAUTO_STORE")
    environment = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTHON": sys.executable,
        "STAND_INS": str(tmp_path / "stand_ins.py"),
        "HOME": str(tmp_path),
        "ROOT": str(ROOT),
    }
    run = {"magics": 0, "commands": 0}
    for kind, text in BLOCKS:
        text = text.replace(DATABASE, database)
        if kind == "ipython":
            for line in text.splitlines():
                assert shell.run(line).success, shell.out + shell.err
                run["magics"] += line.startswith("%")
        elif text.startswith("#!"):
            (folder / "workers.sbatch").write_text(text)
        elif kind in FILES:
            (folder / FILES[kind]).write_text(text)
        else:
            # that line is run in tests/tuning/test_ray.py
            left_out = "--executor ray" if find_spec("ray") else "ray"
            text = "".join(line for line in text.splitlines(keepends=True) if left_out not in line)
            if "export" in text:
                environment["TAUTO_STORAGE"] = database
            done = subprocess.run(
                ["bash", "-ec", text], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
            )
            assert done.returncode == 0, done.stdout + done.stderr
            run["commands"] += len(text.splitlines())
    assert run == {"magics": 3, "commands": 14 if find_spec("ray") else 11}
    here = optuna.load_study(study_name="digits", storage=f"sqlite:///{folder}/.tauto/studies.db")
    assert [one.state.name for one in here.trials] == ["COMPLETE"] * 8
    asked = {int(count) for count in re.findall(r"--trials\W+(\d+)", PAGE.split("## A Ray cluster")[0])}
    assert f"{max(asked)} before" in done.stdout
    assert database not in done.stdout
