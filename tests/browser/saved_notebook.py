"""Notebooks with reports in their outputs, as they are saved; made without a kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from lab_server import JupyterServer
from notebook_page import NotebookPage

from tauto.reports import Report
from tauto.results.of import result_of

__all__ = ["REPORT_MIME", "bundle_of", "open_without_kernel", "save_notebook"]

REPORT_MIME = "application/vnd.tauto.report+json"


def bundle_of(report: Report, **changes: Any) -> dict[str, Any]:
    """Return what a notebook keeps of a result; ``changes`` are made to the report's JSON."""
    bundle = result_of(report)._repr_mimebundle_()
    return {**bundle, REPORT_MIME: {**bundle[REPORT_MIME], **changes}}


def save_notebook(path: Path, bundles: list[dict[str, Any]], kernel: str = "no-such-kernel") -> None:
    """Write a notebook whose cells have the outputs ``bundles``; its kernel is one that nobody has."""
    made = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": kernel, "display_name": kernel}})
    for number, bundle in enumerate(bundles, 1):
        cell = nbformat.v4.new_code_cell(f"# cell {number}\nr{number}", execution_count=number)
        cell.outputs = [nbformat.v4.new_output("execute_result", data=bundle, execution_count=number)]
        made.cells.append(cell)
        made.cells.append(nbformat.v4.new_markdown_cell("Words between.\n\n" * 12))
    nbformat.write(made, path)


def open_without_kernel(page: NotebookPage, server: JupyterServer, bundles: list[dict[str, Any]], name: str) -> None:
    """Save a notebook whose cells have the outputs ``bundles``, and open it with no kernel."""
    save_notebook(server.notebooks / name, bundles)
    page.visit(name)
    page.page.locator(".jp-Dialog").get_by_role("button", name="No Kernel").click()
