"""What is kept between runs, and that preparation is told as with nothing in the cache."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tauto.errors import CandidateFailed
from tauto.hardware import Hardware
from tauto.techniques import Context
from tauto.techniques.engines.compilation import account_of
from tauto.techniques.engines.compiler_cache import compiler_folder, prepare, prepared_before
from tauto.workload import Call

HARDWARE = Hardware.current()
CALLS = [Call((torch.zeros(2, 4),))]


def context(root: Path, run: str, may_prepare: bool = True) -> Context:
    return Context(root / run, HARDWARE, may_prepare=may_prepare, cache=root / "cache")


def work(folder: Path, seconds: float, name: str = "kernel.so"):
    def compiling() -> int:
        time.sleep(0 if (folder / name).exists() else seconds)
        (folder / name).touch()
        return 2

    return compiling


@pytest.fixture(autouse=True)
def looked_in(monkeypatch):
    """Where it was looked for what the processor can do: that takes seconds, and is not what is tested here."""
    folders = []
    monkeypatch.setattr(
        "torch._inductor.cpu_vec_isa.valid_vec_isa_list", lambda: folders.append(os.environ["TORCHINDUCTOR_CACHE_DIR"])
    )
    return folders


@pytest.fixture
def folder(tmp_path):
    return compiler_folder(nn.Linear(4, 4), CALLS, {}, context(tmp_path, "any"))


def test_a_second_run_is_from_the_cache_and_counts_what_the_first_took(tmp_path, folder):
    first, second = context(tmp_path, "one"), context(tmp_path, "two")
    cold = prepare(folder, first, work(folder, 0.2))
    assert (cold.begin, cold.graphs, sum(first.spared_s)) == ("cold", 2, 0)
    warm = prepare(folder, second, work(folder, 0.2))
    assert warm.begin == "cached"
    assert warm.took_s + sum(second.spared_s) == pytest.approx(cold.took_s)
    assert prepared_before(second) == warm
    assert account_of(warm).summary.startswith("compiled from the cache in 0.0 s instead of 0.2 s")
    assert "with nothing of it in the cache" in account_of(cold).notes[0]


def test_what_the_processor_can_do_is_found_out_once_for_all_models_and_not_counted(
    tmp_path, folder, looked_in, monkeypatch
):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "the user's own")
    context_of_a_run = context(tmp_path, "one")
    prepare(folder, context_of_a_run, lambda: looked_in.append("compiled") or 1)
    assert looked_in == [str(tmp_path / "cache" / "instruction-sets"), "compiled"]
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == "the user's own"
    prepare(folder, Context(folder, HARDWARE), lambda: 1)
    assert len(looked_in) == 2


def test_what_a_stopped_run_has_left_is_removed_so_that_cold_is_cold(tmp_path, folder):
    (folder / "deep").mkdir()
    (folder / "deep" / "old.so").touch()
    (folder / "compiling-999999999").touch()  # no such process
    found = prepare(folder, context(tmp_path, "one"), work(folder, 0))
    assert found.begin == "cold"
    assert {path.name for path in folder.iterdir()} == {"kernel.so", "cold.json"}


def test_what_another_process_is_at_work_on_is_left_and_not_called_cold(tmp_path, folder):
    (folder / "old.so").touch()
    (folder / f"compiling-{os.getppid()}").touch()
    found = prepare(folder, context(tmp_path, "one"), work(folder, 0))
    assert found.begin == "partly"
    assert "cold it takes longer" in account_of(found).notes[0]
    assert (folder / "old.so").exists()


def test_a_compiler_that_fails_leaves_no_mark(tmp_path, folder):
    def failing() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        prepare(folder, context(tmp_path, "one"), failing)
    assert not list(folder.iterdir())


def test_who_may_only_load_counts_nothing(tmp_path, folder):
    with pytest.raises(CandidateFailed, match="was not prepared"):
        prepare(folder, context(tmp_path, "one", may_prepare=False), work(folder, 0))
    made = prepare(folder, context(tmp_path, "one"), work(folder, 0))
    loading = context(tmp_path, "one", may_prepare=False)
    assert prepare(folder, loading, work(folder, 0)) == made
    assert not loading.spared_s


class _Sum(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + 1


class _Difference(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x - 1


def test_the_folder_is_named_by_code_and_shapes_and_never_by_weights(tmp_path):
    here = context(tmp_path, "any")
    one = compiler_folder(nn.Linear(4, 4), CALLS, {}, here)
    assert compiler_folder(nn.Linear(4, 4), CALLS, {}, here) == one
    others = {
        compiler_folder(nn.Linear(4, 5), CALLS, {}, here),
        compiler_folder(nn.Linear(4, 4).double(), CALLS, {}, here),
        compiler_folder(nn.Linear(4, 4), [Call((torch.zeros(3, 4),))], {}, here),
        compiler_folder(nn.Linear(4, 4), CALLS, {"freezing": True}, here),
        compiler_folder(_Sum(), CALLS, {}, here),
        compiler_folder(_Difference(), CALLS, {}, here),
    }
    assert len(others) == 6
    assert one not in others
    assert one.stat().st_mode & 0o777 == 0o700


def test_without_a_cache_the_files_stay_with_the_step(tmp_path):
    here = Context(tmp_path / "step", HARDWARE)
    assert compiler_folder(nn.Linear(4, 4), CALLS, {}, here) == tmp_path / "step" / "inductor"
