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
STOPPED = "KeyboardInterrupt: stopped; what was found until then is above, and is tauto.last()."
SEARCH = "%tauto_autotune model --inputs x --data batches --only threads,channels_last --budget 60s"


def test_the_result_is_the_only_output_and_into_is_the_only_name(tmp_path: Path) -> None:
    names = "before = set(globals())"
    after = (
        "print(sorted(name for name in set(globals()) - before if not name.startswith('_')), type(fast(x)).__name__)"
    )
    nothing = SEARCH.replace("threads,", "")  # to try: the model has no convolution
    noisy = "import warnings\nprint('mine')\nkept = " + nothing + "\nkept.verdict"
    _, search, said, kept = executed([names, f"{SEARCH} --into fast", after, noisy], tmp_path, allow_errors=False)
    assert [output.output_type for output in search] == ["execute_result"]
    assert {"text/plain", "text/html", REPORT} <= set(search[0].data)
    assert search[0].data[REPORT]["kind"] == "tuning"
    assert said[0].text == "['before', 'fast'] Tensor\n"
    assert kept[0].text == "mine\n"
    shown = [output for output in kept[1:] if output.get("data")]
    assert [output.data["text/plain"] for output in shown] == ["'kept_original'"]


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Any]:
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(tmp_path), env=environment(tmp_path))
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=300)
    yield client, manager
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def messages(client: Any, cell: str, until: str = "") -> list[Any]:
    """Return the messages of the cell of that identifier, up to one of the kind ``until``, or to its end."""
    seen: list[Any] = []
    while True:
        message = client.get_iopub_msg(timeout=500)
        if message["parent_header"].get("msg_id") != cell:
            continue
        seen.append(message)
        ended = message["content"].get("execution_state") == "idle"
        assert not (ended and until), f"no {until} in {[one['msg_type'] for one in seen]}"
        if ended or message["msg_type"] == until:
            return seen


def test_stop_shows_and_binds_the_best_so_far_then_run_all_stops(kernel: Any, tmp_path: Path) -> None:
    client, manager = kernel
    slow = "import time, tauto\nceilings = tauto.Hardware.current().ceilings()\n"
    slow += "def accuracy(model):\n    open('evaluating', 'w').close()\n    time.sleep(900)"
    messages(client, client.execute("%load_ext tauto_magics\n" + SETUP + slow))
    cell = client.execute("%tauto_autotune model --inputs x --evaluate accuracy --budget 30min --into fast")
    messages(client, cell, until="display_data")  # progress
    while not (tmp_path / "evaluating").exists():
        time.sleep(0.05)
    manager.interrupt_kernel()
    rest = messages(client, cell)
    assert [one["content"]["traceback"] for one in rest if one["msg_type"] == "error"] == [[STOPPED]]
    results = [message["content"]["data"] for message in rest if message["msg_type"] == "display_data"]
    assert [data[REPORT]["interrupted"] for data in results if REPORT in data] == [True]
    after = messages(client, client.execute("print(tauto.last().interrupted, fast(x).shape == model(x).shape)"))
    assert [one["content"]["text"] for one in after if one["msg_type"] == "stream"] == ["True True\n"]


PROFILED = """\
%%tauto_profile
for batch in batches:
    out = model(batch)
"seen"
"""


def test_a_profiled_cell_is_remembered_so_that_the_next_magics_need_no_inputs(tmp_path: Path) -> None:
    raising = "%%tauto_profile\nmodel(x)\nraise KeyError('mine')"
    script = "%tauto_script kept"
    _, profiled, tuned, script_shown, raised = executed(
        ["1", PROFILED, "kept = %tauto_autotune --only threads --budget 60s", script, raising], tmp_path
    )
    assert [output.output_type for output in profiled] == ["execute_result", "execute_result"]
    assert profiled[0].data["text/plain"] == "'seen'"
    assert profiled[1].data[REPORT]["roots"][0]["name"] == "model"
    assert profiled[1].data[REPORT]["roots"][0]["calls"] == 3
    assert not tuned, tuned
    assert script_shown[0].data["text/plain"].startswith(("#", '"""', "import"))
    assert [output.output_type for output in raised] == ["display_data", "error"]
    assert raised[0].data[REPORT]["kind"] == "profile"
    assert (raised[1].ename, raised[1].evalue) == ("KeyError", "'mine'")
    assert "tauto_magics" not in "".join(raised[1].traceback)
