"""Real searches in a real kernel: what a cell is left with."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager
from notebooks import SETUP, environment, executed

REPORT = "application/vnd.tauto.report+json"
STOPPED = "KeyboardInterrupt: stopped; the best so far is above and is tauto.last()."
SEARCH = "%tauto_autotune model --inputs x --data batches --only threads,channels_last --budget 60s"


def test_the_result_is_the_only_output_and_into_is_the_only_name(tmp_path: Path) -> None:
    names = "before = set(globals())"
    after = (
        "print(sorted(name for name in set(globals()) - before if not name.startswith('_')), type(fast(x)).__name__)"
    )
    noisy = "import warnings\nprint('mine')\nkept = " + SEARCH + "\nkept.verdict"
    _, search, said, kept = executed([names, f"{SEARCH} --into fast", after, noisy], tmp_path, allow_errors=False)
    assert [output.output_type for output in search] == ["execute_result"]
    assert {"text/plain", "text/html", REPORT} <= set(search[0].data)
    assert search[0].data[REPORT]["kind"] == "tuning"
    assert said[0].text == "['before', 'fast'] Tensor\n"
    assert kept[0].text == "mine\n"
    shown = [output for output in kept[1:] if output.get("data")]
    assert [output.data["text/plain"] for output in shown] in (["'improved'"], ["'kept_original'"])


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Any]:
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(tmp_path), env=environment(tmp_path))
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=120)
    yield client, manager
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def messages(client: Any, until: str, limit_s: float = 180) -> list[Any]:
    """Return the messages up to one of the kind ``until``, or the end of the cell."""
    seen: list[Any] = []
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        message = client.get_iopub_msg(timeout=limit_s)
        seen.append(message)
        idle = message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"
        if message["msg_type"] == until or (idle and len(seen) > 2):
            return seen
    raise AssertionError(f"no {until} within {limit_s} s")


def test_stop_shows_and_binds_the_best_so_far_then_run_all_stops(kernel: Any) -> None:
    client, manager = kernel
    client.execute("%load_ext tauto_magics\n" + SETUP)
    messages(client, "idle")
    slow = "def accuracy(model):\n    import time; time.sleep(2)\n    return 1.0"
    client.execute(slow)
    messages(client, "idle")
    client.execute("%tauto_autotune model --inputs x --evaluate accuracy --budget 5min --into fast")
    assert messages(client, "display_data")[-1]["msg_type"] == "display_data", "no progress was shown"
    time.sleep(5)  # into the search: evaluate alone takes longer
    manager.interrupt_kernel()
    rest = messages(client, "error")
    assert rest[-1]["msg_type"] == "error"
    assert rest[-1]["content"]["traceback"] == [STOPPED]
    results = [message["content"]["data"] for message in rest if message["msg_type"] == "display_data"]
    assert any(data.get(REPORT, {}).get("interrupted") for data in results)
    messages(client, "idle")
    client.execute("import tauto\nprint(tauto.last().interrupted, fast(x).shape == model(x).shape)")
    assert messages(client, "stream")[-1]["content"]["text"] == "True True\n"
