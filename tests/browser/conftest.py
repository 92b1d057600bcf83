"""One JupyterLab and one Chromium for all tests of this folder; a new page for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bare_page import BarePage
from chromium import FLAGS, chromium_path
from lab_server import JupyterServer
from notebook_page import NotebookPage
from playwright.sync_api import Browser, sync_playwright

ENDS_WITHIN_S = 240
"""Of one test: a page that waits for an answer has no limit of its own."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(ENDS_WITHIN_S))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium_path(playwright), args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    server = JupyterServer(tmp_path_factory.mktemp("jupyter"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def new_page(browser: Browser, server: JupyterServer) -> Iterator[Callable[..., NotebookPage]]:
    """Return what opens a page: ``new_page(width=400)``. Every page must end without errors and stay on its server."""
    pages: list[NotebookPage] = []
    contexts = []

    def opened(width: int = 1280, height: int = 900, **options: Any) -> NotebookPage:
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **options))
        pages.append(NotebookPage(server, contexts[-1]))
        return pages[-1]

    yield opened
    for context in contexts:
        context.close()
    server.forget()
    for page in pages:
        assert page.errors == []
        assert page.elsewhere == []


@pytest.fixture
def bare(browser: Browser) -> Iterator[Callable[..., BarePage]]:
    """Return what opens a page without JupyterLab: ``bare(width=400, dark=True)``. Each must end without errors."""
    pages: list[BarePage] = []
    contexts = []

    def opened(width: int = 1000, height: int = 800, *, dark: bool = False) -> BarePage:
        scheme: Any = "dark" if dark else "light"
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme))
        pages.append(BarePage(contexts[-1]))
        return pages[-1]

    yield opened
    for context in contexts:
        context.close()
    for page in pages:
        assert page.errors == []


@pytest.fixture
def page(new_page: Callable[..., NotebookPage]) -> NotebookPage:
    """A page of usual size."""
    return new_page()
