from __future__ import annotations

import pytest

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
