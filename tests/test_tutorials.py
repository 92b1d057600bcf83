"""What the tutorials promise that can be read without running them."""

import json
import re
from pathlib import Path

import pytest

from tauto.config import parse_duration

TUTORIALS = Path(__file__).parents[1] / "tutorials"
SHORT = ("03_quantization", "04_pruning", "05_distillation")
BUDGETS_S = 110
"""Of all cells of one: what is left of two minutes is for training the network that it is about."""


def sources(name, kind):
    cells = json.loads((TUTORIALS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == kind]


@pytest.mark.parametrize("name", SHORT)
def test_it_takes_two_minutes_by_its_budgets(name):
    lines = [line for cell in sources(name, "code") for line in cell.splitlines()]
    searches = [line for line in lines if re.match(r"%tauto_(quantize|prune|distill|sensitivity)", line)]
    budgets = [parse_duration(found[1]) for line in searches if (found := re.search(r"--budget (\S+)", line))]
    assert len(budgets) == len(searches) > 1, "every search says how long it may take"
    assert sum(budgets) <= BUDGETS_S


@pytest.mark.parametrize("name", SHORT)
def test_it_measures_discovers_applies_and_validates(name):
    headings = [found for text in sources(name, "markdown") for found in re.findall(r"^## (\w+):", text, re.MULTILINE)]
    assert list(dict.fromkeys(headings)) == ["Measure", "Discover", "Apply", "Validate"]
