"""What a recipe may still bring, by what was measured of its parts."""

from __future__ import annotations

import math

import pytest

from tauto.recipes import Recipe
from tauto.tuning.outlook import Outlook

FOLD, LAST = Recipe.of("fold_batchnorm"), Recipe.of("channels_last")
BOTH = Recipe.of("fold_batchnorm", "channels_last")
EAGER = ("compile", {"freezing": False})
COMPILED, FOLDED = Recipe.of(EAGER), Recipe.of("fold_batchnorm", EAGER)
HALF, HALF_COMPILED = Recipe.of("bfloat16"), Recipe.of("bfloat16", EAGER)


def test_parts_that_were_measured_alone_bound_the_whole():
    outlook = Outlook([(FOLD, 1.2), (LAST, 0.6)])
    assert outlook.bound(BOTH) == pytest.approx(0.6 * 1.2)
    assert Outlook([(FOLD, 1.2), (LAST, 1.5)]).bound(BOTH) == pytest.approx(1.8)


def test_what_was_never_seen_may_bring_anything():
    assert math.isinf(Outlook([]).bound(FOLD))
    assert math.isinf(Outlook([(FOLD, 1.2)]).bound(BOTH))


def test_a_step_counts_by_what_it_brought_in_the_same_engine():
    """Half precision may lose in PyTorch as it is and win once compiled: the one says nothing of the other."""
    alone = [(HALF, 0.5), (COMPILED, 1.6)]
    assert math.isinf(Outlook(alone).bound(HALF_COMPILED))
    with_fold = [*alone, (FOLDED, 1.7)]
    folded = Recipe.of("fold_batchnorm", ("compile", {"freezing": False, "shapes": "any"}))
    assert math.isinf(Outlook(with_fold).bound(folded))  # this way to compile was not seen
    both = Outlook([*with_fold, (HALF_COMPILED, 1.0)])
    three = Recipe.of("fold_batchnorm", "bfloat16", EAGER)
    assert both.bound(three) == pytest.approx(1.0 * 1.7 / 1.6)


def test_the_tightest_bound_counts():
    outlook = Outlook([(FOLD, 2.0), (LAST, 1.1), (BOTH, 1.05)])
    assert outlook.bound(BOTH) == pytest.approx(1.05)
