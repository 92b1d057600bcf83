"""Recipes that begin alike share what their first steps made, and what an engine reads is exported once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch
from torch import nn

from tauto.errors import CandidateFailed
from tauto.hardware import Hardware
from tauto.recipes import Recipe, build, placed
from tauto.techniques import Context
from tauto.workload import Workload

HARDWARE = Hardware.current("cpu")
X = torch.randn(4, 8)


def workload() -> Workload:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3)).eval()
    return Workload.of(model, inputs=X)


def test_the_folders_of_a_common_beginning_are_the_same(tmp_path: Path) -> None:
    short, long = Recipe.of("fold_batchnorm"), Recipe.of("fold_batchnorm", "channels_last")
    context = Context(tmp_path, HARDWARE)
    [(_, alone)] = placed(short, context)
    [(_, first), (_, second)] = placed(long, context)
    assert alone.folder == first.folder
    assert second.folder.name == long.digest
    assert second.before is not None
    assert second.before.folder == first.folder
    assert long.digests == (Recipe(()).digest, short.digest, long.digest)


def test_what_is_found_counts_as_preparation_as_if_it_had_been_made(tmp_path: Path) -> None:
    first, second = (next(here for _, here in placed(Recipe.of(name), Context(tmp_path, HARDWARE))) for name in NAMES)
    made = []

    def slow(path: Path) -> None:
        made.append(path)
        time.sleep(0.2)
        path.write_text("made")

    assert first.shared("thing", slow) == second.shared("thing", slow)
    assert len(made) == 1
    assert first.spared_s == []
    assert sum(second.spared_s) > 0.15
    third = Context(tmp_path, HARDWARE, may_prepare=False)
    with pytest.raises(CandidateFailed, match="other was not prepared"):
        next(here for _, here in placed(Recipe.of("threads"), third)).shared("other", slow)


NAMES = ("fold_batchnorm", "channels_last")


def test_time_that_others_spent_is_handed_on(tmp_path: Path) -> None:
    """What a step was spared belongs to its own account: a third that finds this step is spared both."""
    for seconds in (0.2, 0.1, 0.0):
        context = Context(tmp_path, HARDWARE)
        if seconds == 0.1:
            context.spared_s.append(0.0)
        with context.accounted("step" if seconds != 0.2 else "first"):
            time.sleep(seconds)
            if seconds == 0.1:
                context.spared_s.append(0.2)
    assert 0.25 < sum(context.spared_s) < 1.0


def test_two_engines_read_one_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("openvino")
    exports = []
    export = torch.onnx.export
    monkeypatch.setattr(torch.onnx, "export", lambda *args, **kwargs: exports.append(1) or export(*args, **kwargs))
    given = workload()
    for technique, precision in (("onnxruntime", "float32"), ("onnxruntime", "int8_dynamic"), ("openvino", "float32")):
        context = Context(tmp_path, HARDWARE)
        made = build(Recipe.of((technique, {"precision": precision})), given, context)
        torch.testing.assert_close(made(X), given.model(X).detach(), rtol=0.1, atol=0.1)
        assert (len(exports), bool(context.spared_s)) == (1, technique == "openvino" or precision != "float32")


def test_what_cannot_be_built_fails_for_the_others_at_once(tmp_path: Path) -> None:
    first, second = (next(here for _, here in placed(Recipe.of(name), Context(tmp_path, HARDWARE))) for name in NAMES)
    tried = []

    def refused(path: Path) -> None:
        tried.append(path)
        raise CandidateFailed("the model branches on its data")

    for context in (first, second):
        with pytest.raises(CandidateFailed, match="the model branches on its data"):
            context.shared("thing", refused)
    assert len(tried) == 1
