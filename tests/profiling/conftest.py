from __future__ import annotations

import signal
import sys
import threading

import pytest
import torch
from torch import nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader
from torch.utils.data.dataloader import _BaseDataLoaderIter

from tauto.config import Settings
from tauto.hardware import Ceilings, Hardware
from tauto.hardware.ceilings import save_ceilings


@pytest.fixture(autouse=True)
def known_ceilings(tmp_path, monkeypatch) -> Ceilings:
    """Ceilings so high that none is passed: nothing is measured in these tests."""
    monkeypatch.setenv("TAUTO_CACHE", str(tmp_path / "cache"))
    fingerprint = Hardware.current().fingerprint
    gflops = {"float32": 1e4, "bfloat16": 4e4, "int8": 8e4}
    ceilings = Ceilings(gflops, 1e4, 1e3, "2026-01-01T00:00:00+00:00", fingerprint)
    save_ceilings(Settings.current().cache, ceilings)
    return ceilings


optimizers = sys.modules[Optimizer.__module__]


class UntouchedTorch:
    """All that a session replaces, as it was before."""

    def __init__(self) -> None:
        self.replaced = self._replaced()
        self.threads = set(threading.enumerate())  # those of the executor stay from test to test
        self.hooks = len(optimizers._global_optimizer_pre_hooks), len(optimizers._global_optimizer_post_hooks)

    def _replaced(self) -> list[object]:
        return [
            nn.Module.__call__,
            torch.autograd._engine_run_backward,
            torch.autograd.profiler.profile._prepare_trace,
            _BaseDataLoaderIter.__next__,
            DataLoader.__iter__,
            Optimizer.zero_grad,
            signal.getsignal(signal.SIGINT),
        ]

    def check(self) -> None:
        assert all(now is before for now, before in zip(self._replaced(), self.replaced, strict=True))
        assert (
            len(optimizers._global_optimizer_pre_hooks), len(optimizers._global_optimizer_post_hooks)
        ) == self.hooks  # fmt: skip
        assert not torch.nn.modules.module._has_any_global_hook()
        assert not torch.autograd.profiler._is_profiler_enabled
        assert not torch._C._autograd._profiler_enabled()
        started = set(threading.enumerate()) - self.threads
        assert not [thread.name for thread in started if thread.name.startswith("tauto")]


@pytest.fixture
def untouched():
    before = UntouchedTorch()
    yield
    before.check()
