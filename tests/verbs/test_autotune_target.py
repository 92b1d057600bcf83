"""``autotune`` for a machine that is not this one: this one held to it, or an estimate."""

from __future__ import annotations

import os

import pytest
import torch
from techniques_by_hand import Refuses, Shortcut, Wasteful, registered

import tauto
from tauto.errors import InvalidArgument
from tauto.techniques import Account
from tauto.tuning import chosen_techniques

pytestmark = pytest.mark.alone

INPUTS = torch.randn(64, 64, generator=torch.Generator().manual_seed(1))
BOARD = "about: a board\ndevice: {device}\ncores: 1\nmemory_gb: 4\ninstruction_sets: []\ngflops: {{float32: 50}}\n"


class Telling(Shortcut):
    """Notes what its process was held to."""

    name = "telling"

    def apply(self, workload, config, context):
        kernels = os.environ.get("ATEN_CPU_CAPABILITY", "as they are")
        seen = f"{len(os.sched_getaffinity(0))} core, {torch.get_num_threads()} thread, {kernels}"
        context.file("seen", lambda path: path.write_text(seen))
        return super().apply(workload, config, context)

    def account(self, config, context):
        return Account(notes=((context.folder / "seen").read_text(),))


@pytest.fixture(autouse=True)
def _own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))


@pytest.fixture
def board(tmp_path):
    def described(device="cpu"):
        file = tmp_path / "board.yaml"
        file.write_text(BOARD.format(device=device))
        return file

    return described


def test_trials_are_held_to_what_the_target_has(board):
    cores, threads = os.sched_getaffinity(0), torch.get_num_threads()
    with registered(Telling):
        result = tauto.autotune(Wasteful(), inputs=INPUTS, target=board(), budget="2min")
    assert result.verdict == "improved"
    assert result.report.trials[0].notes == ("1 core, 1 thread, default",)
    assert result.report.conditions.threads == 1
    assert "For board: measured on this machine held to what it has (1 core, 4.0 GB" in str(result)
    assert (os.sched_getaffinity(0), torch.get_num_threads()) == (cores, threads)


def test_a_machine_that_is_not_at_hand_gets_an_estimate_that_says_so(board):
    with registered(Refuses, Shortcut):
        result = tauto.autotune(Wasteful(), inputs=INPUTS, target=board("cuda"), budget="2min")
    assert result.verdict == "estimated"
    assert result.report.trials[result.report.winner].recipe.title == "shortcut"
    assert result.report.target.elsewhere == "it computes on cuda, and this machine on cpu"
    page = str(result)
    assert "Estimated, not measured: shortcut is expected to be 1.05× as fast on board" in page
    assert "tauto apply recipe.yaml MODEL --inputs INPUTS" in page
    assert "The times below are of this machine, not of board" in page
    assert torch.equal(result.model(INPUTS), result.model(INPUTS))


def test_what_only_the_target_could_answer_is_refused(board):
    limits = tauto.Constraints(max_latency_ms=3)
    for arguments, named in (
        ({"constraints": limits}, "constraints: latency of at most 3 ms cannot be measured for board here"),
        ({"stop_at": "2x"}, "stop_at: 2x cannot be measured for board here"),
        ({"objective": "memory"}, "objective: what is estimated is speed"),
    ):
        with pytest.raises(InvalidArgument, match=f"^{named}"):
            tauto.autotune(Wasteful(), inputs=INPUTS, target=board("cuda"), **arguments)


def test_an_unknown_target_is_told_with_those_that_are_close():
    with pytest.raises(InvalidArgument, match=r"^target: there is no 'edge'. Did you mean 'edge-cpu'"):
        tauto.autotune(Wasteful(), inputs=INPUTS, target="edge")


def test_training_may_change_the_architecture_where_it_is_judged():
    names = {item.name for item in chosen_techniques(structural=True)}
    assert {"prune", "factorize", "distill"} <= names
    assert not {"prune_weights", "qat"} & names
    with pytest.raises(InvalidArgument, match=r"^finetune: nothing that is tried trains.*or give evaluate, too"):
        tauto.autotune(Wasteful(), inputs=INPUTS, finetune=lambda model: None)


def test_constraints_are_written_as_such():
    with pytest.raises(InvalidArgument, match=r"^constraints: a dict is none. Write tauto.Constraints"):
        tauto.autotune(Wasteful(), inputs=INPUTS, constraints={"max_latency_ms": 3})
