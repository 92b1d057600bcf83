"""How scales are written: what parses means what it says, what does not is told in one line."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tauto.config.scale import SCALES, parse_scale
from tauto.errors import InvalidArgument

inputs = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
dimensions = st.lists(st.tuples(inputs, st.integers(0, 9)), min_size=1, max_size=3, unique=True)
targets = st.one_of(st.sampled_from(sorted(SCALES)), dimensions.map(lambda many: "+".join(f"{a}.{b}" for a, b in many)))
lists = st.lists(st.integers(1, 10**6), min_size=1, max_size=20, unique=True)


@given(targets, lists)
def test_a_list_of_sizes_comes_back_sorted(target: str, sizes: list[int]) -> None:
    scale = parse_scale(f"{target}={','.join(map(str, sizes))}")
    assert scale.sizes == tuple(sorted(sizes))
    assert scale.target == target
    assert parse_scale(str(scale)) == scale


@given(st.integers(1, 10**6), st.integers(0, 10**6))
def test_a_range_doubles_from_its_low_end_and_ends_with_its_high(low: int, more: int) -> None:
    sizes = parse_scale(f"batch={low}..{low + more}").sizes
    assert (sizes[0], sizes[-1]) == (low, low + more)
    assert list(sizes) == sorted(set(sizes))
    assert all(size == 2 * before for before, size in pairwise(sizes[:-1]))
    assert all(size <= 2 * before for before, size in pairwise(sizes))


@given(st.text(max_size=20))
def test_any_text_parses_or_is_refused_in_one_line(text: str) -> None:
    try:
        assert parse_scale(text).sizes
    except InvalidArgument as error:
        assert str(error).startswith("scale: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("batch", "does not say what to scale"),
        ("batch=8..2", "is reversed. Write 2..8"),
        ("batch=0..4", "sizes go from 1"),
        ("bach=1..4", "Did you mean 'batch'"),
        ("x=1..4", r"write the dimension's number too: 'x.1=…'"),
        ("batch=a", "are no sizes"),
        ("batch=1..4=3", "does not say what"),
        (".1=3", "names no dimension"),
        ("batch=" + ",".join(map(str, range(1, 100))), "too many"),
    ],
)
def test_a_mistake_is_one_clear_line(text: str, said: str) -> None:
    with pytest.raises(InvalidArgument, match=said):
        parse_scale(text)
