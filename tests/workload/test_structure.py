from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers.modeling_outputs import BaseModelOutput

from tauto.workload.structure import describe, flatten, map_tensors, rebuild, tensors_of

Point = namedtuple("Point", "x y")


@dataclass(frozen=True)
class Frozen:
    hidden: torch.Tensor
    extra: object = None


LEAVES = st.one_of(
    st.integers(), st.text(max_size=3), st.none(), st.builds(lambda n: torch.arange(n), st.integers(1, 3))
)
NESTED = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.text(max_size=2), inner, max_size=3),
        st.builds(Point, inner, inner),
        st.builds(Frozen, st.just(torch.ones(2)), inner),
    ),
    max_leaves=12,
)


def same(a, b):
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, Frozen):
        return type(b) is Frozen and same(a.hidden, b.hidden) and same(a.extra, b.extra)
    if isinstance(a, dict):
        return type(a) is type(b) and list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return a == b


@given(NESTED)
def test_any_nesting_is_put_together_as_it_was(value):
    tensors, skeleton = flatten(value)
    assert not tensors_of(skeleton)
    assert same(rebuild(skeleton, tensors), value)


def test_model_outputs_keep_their_class_and_missing_fields():
    output = BaseModelOutput(last_hidden_state=torch.ones(2, 3), hidden_states=(torch.zeros(1), torch.zeros(2)))
    tensors, skeleton = flatten(output)
    assert len(tensors) == 3
    again = rebuild(skeleton, [tensor + 1 for tensor in tensors])
    assert type(again) is BaseModelOutput
    assert again.attentions is None
    assert torch.equal(again.last_hidden_state, torch.full((2, 3), 2.0))
    assert torch.equal(output.last_hidden_state, torch.ones(2, 3)), "the original stays as it was"


def test_mapping_changes_a_copy_only():
    value = OrderedDict(a=[torch.ones(1)], b=Frozen(torch.ones(1)))
    doubled = map_tensors(lambda tensor: tensor * 2, value)
    assert type(doubled) is OrderedDict
    assert doubled["a"][0].item() == doubled["b"].hidden.item() == 2
    assert value["a"][0].item() == value["b"].hidden.item() == 1


def test_shapes_are_described_with_their_types():
    assert describe((torch.zeros(1, 3), {"ids": torch.zeros(2, dtype=torch.int64)})) == ("float32[1, 3]", "int64[2]")


def test_a_failing_function_rises():
    with pytest.raises(RuntimeError, match="no"):
        map_tensors(lambda _: (_ for _ in ()).throw(RuntimeError("no")), torch.ones(1))
