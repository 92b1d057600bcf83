"""Keeps what nbval runs: each tutorial with today's outputs, for nbconvert to render. So each is run once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import output_from_msg
from nbval.plugin import IPyNbCell

OUTPUT_S = 300
"""nbval waits five seconds for what a cell shows, which is little on a machine that stalls."""
SHOWN = {"display_data", "execute_result", "stream", "error"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say where the notebooks that were run go."""
    parser.addoption("--executed", metavar="FOLDER", help="write each notebook that nbval ran, with its outputs")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Take down what the cell shows; what IPython calls a UsageError fails it, as it fails nbconvert."""
    if not isinstance(item, IPyNbCell):
        return (yield)
    messages: list[Any] = []
    read = item.parent.get_kernel_message

    def noted(*args: Any, **options: Any) -> Any:
        messages.append(read(*args, **options))
        return messages[-1]

    item.output_timeout, item.parent.get_kernel_message = OUTPUT_S, noted
    try:
        result = yield
    finally:
        item.parent.get_kernel_message = read
        request = messages[-1]["parent_header"].get("msg_id") if messages else None  # the last is of this cell
        mine = [one for one in messages if one["parent_header"].get("msg_id") == request]
        item.cell.outputs = outputs_of(mine)
        counts = [one["content"]["execution_count"] for one in mine if one["msg_type"] == "execute_input"]
        item.cell.execution_count = counts[0] if counts else None
    for output in item.cell.outputs:
        if output.output_type == "stream" and output.name == "stderr" and output.text.startswith("UsageError"):
            item.raise_cell_error("Cell was refused", output.text)
    return result


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the notebooks."""
    if folder := session.config.getoption("executed"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        for file in {item.parent for item in session.items if isinstance(item, IPyNbCell)}:
            nbformat.write(file.nb, Path(folder) / file.path.name)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how long each notebook took."""
    took: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport) and ".ipynb" in report.nodeid:
                took[report.nodeid.partition("::")[0]] += report.duration
    for name, seconds in sorted(took.items()):
        terminalreporter.write_line(f"{seconds:6.1f} s  {name}")


def outputs_of(messages: list[Any]) -> list[Any]:
    """Return what a cell is left with: what was cleared is gone, what was updated is as it was last."""
    outputs: list[Any] = []
    places: dict[str, int] = {}
    clears = False
    for message in messages:
        kind, content = message["msg_type"], message["content"]
        place = content.get("transient", {}).get("display_id")
        if kind == "clear_output":
            clears = True
        if (kind == "clear_output" and not content["wait"]) or (clears and kind in SHOWN):
            outputs.clear()
            places.clear()
            clears = False
        if kind == "update_display_data" and place in places:
            outputs[places[place]].update(data=content["data"], metadata=content["metadata"])
        elif kind in SHOWN:
            if place is not None:
                places[place] = len(outputs)
            outputs.append(output_from_msg(message))
    return outputs
