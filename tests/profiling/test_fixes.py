"""The closed set of fixes, and the small measurements that gains rest on."""

from __future__ import annotations

import sys
from typing import get_args

import pytest
import torch

from tauto.profiling import ProfileSession
from tauto.profiling.compiler_log import compiler_facts
from tauto.profiling.fixes import ACTIONS, ActionName, fix, recipe_fix
from tauto.profiling.operator import Operator
from tauto.profiling.operator_probes import can_be_probed, measured_gain
from tauto.profiling.probes import operator_us, page_fault_us
from tauto.recipes import Recipe

CONVOLUTION = Operator(
    "aten::convolution",
    ((2, 8, 16, 16), (8, 8, 3, 3), ()),
    ("float", "float", ""),
    (None, None, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1),
)
LINEAR = Operator("aten::addmm", ((32,), (16, 64), (64, 32)), ("float", "float", "float"))


def test_every_action_is_described():
    assert set(ACTIONS) == set(get_args(ActionName))


def test_a_fix_takes_only_its_options():
    assert fix("threads", count=1).options == {"count": 1}
    with pytest.raises(ValueError, match="takes no workers=2"):
        fix("loader", "loader", workers=2)
    with pytest.raises(ValueError, match="count=True"):
        fix("threads", count=True)


def test_a_recipe_fix_is_a_legal_recipe():
    made = recipe_fix("net", "channels_last", ("threads", {"count": 1}))
    assert Recipe.parse(str(made.options["recipe"])) == Recipe.of("channels_last", ("threads", {"count": 1}))


def test_costs_are_measured_and_plausible():
    assert 0.01 < page_fault_us() < 1000
    assert 0.1 < operator_us() < 1000


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("variant", ["bfloat16", "channels_last", "one_thread"])
def test_products_are_measured_otherwise(variant, backward):
    random, threads = torch.get_rng_state(), torch.get_num_threads()
    gain = measured_gain([(CONVOLUTION, 5), (LINEAR, 3)], variant, backward=backward, threads=threads)
    assert 0.001 < gain < 1000
    assert torch.equal(torch.get_rng_state(), random)
    assert torch.get_num_threads() == threads


def test_what_cannot_be_run_again_is_not_measured():
    assert can_be_probed(CONVOLUTION)
    assert not can_be_probed(Operator("aten::relu", ((2, 8),), ("float",)))
    assert not can_be_probed(Operator("aten::mm", ((2, 8), (8, 2)), ("long int", "long int")))
    assert measured_gain([(LINEAR, 3)], "channels_last", backward=False, threads=1) is None


def test_nothing_compiled_says_nothing():
    assert compiler_facts([], []).compiled == 0


def test_the_switch_interval_is_given_back():
    before = sys.getswitchinterval()
    with ProfileSession():
        assert sys.getswitchinterval() < before
    assert sys.getswitchinterval() == before
    with ProfileSession():
        sys.setswitchinterval(0.01)
    assert sys.getswitchinterval() == pytest.approx(0.01), "the cell's own choice"
    sys.setswitchinterval(before)
