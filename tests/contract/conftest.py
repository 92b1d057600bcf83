"""Cases are built once: what tests one of them stays in one of the processes that share the suite."""

import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        case = getattr(item, "callspec", None) and item.callspec.params.get("case")
        item.add_marker(pytest.mark.xdist_group(str(case or item.path)))
