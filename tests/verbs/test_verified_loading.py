"""What is loaded is measured here against the original, which comes back where nothing is gained."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn

import tauto
from tauto.errors import InvalidArgument, VerificationWarning
from tauto.recipes import Recipe

X = torch.randn(64, 512)


def wide() -> nn.Module:
    return nn.Sequential(nn.Linear(512, 2048), nn.ReLU(), nn.Linear(2048, 8))


@pytest.fixture
def net():
    torch.manual_seed(0)
    return wide().eval()


@pytest.fixture
def kept(net, tmp_path):
    """A smaller model, as its user would have pruned it: faster everywhere, and its answers are its own."""
    small = nn.Sequential(nn.Linear(512, 128), nn.ReLU(), nn.Linear(128, 8)).eval()
    return tauto.save(small, tmp_path / "small")


def narrow() -> nn.Module:
    return nn.Sequential(nn.Linear(512, 128), nn.ReLU(), nn.Linear(128, 8))


def test_what_is_better_here_is_returned(net, kept):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = tauto.load(kept, narrow, verify=True, original=net, inputs=X, evaluate=lambda model: 1.0)
    assert loaded is not net
    assert loaded[0].out_features == 128


def test_the_original_comes_back_where_the_quality_is_lost(net, kept):
    with pytest.warns(VerificationWarning, match=r"The original came back: .* quality does not hold.*evaluate=…"):
        assert tauto.load(kept, narrow, verify=True, original=net, inputs=X) is net


def test_the_original_comes_back_where_nothing_is_gained(net, tmp_path):
    original = net_of_images()
    applied = tauto.apply(Recipe.of("channels_last"), original, inputs=IMAGES, budget="2min")
    same = tauto.save(applied, tmp_path / "same")
    with pytest.warns(VerificationWarning, match="The original came back"):
        assert tauto.load(same, net_of_images, verify=True, original=original, inputs=IMAGES) is original


IMAGES = torch.randn(1, 3, 4, 4)


def net_of_images() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten(), nn.Linear(64, 2)).eval()


def test_without_the_original_it_says_that_nothing_was_verified(kept):
    with pytest.warns(VerificationWarning, match=r"is not verified: .* original=model.*evaluate=…"):
        loaded = tauto.load(kept, narrow, verify=True)
    assert loaded(X).shape == (64, 8)


def test_what_only_verifying_needs_is_refused_without_it(net, kept):
    with pytest.raises(InvalidArgument, match=r"^original: only verify=True measures anything"):
        tauto.load(kept, narrow, original=net)
