"""How alike two layers' outputs are: values, attention, relations between samples."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # torch's own name for it
from torch import Tensor

__all__ = ["attention_distance", "feature_distance", "relation_distance"]

ATTENTION_WEIGHT = 1000.0
DISTANCE_WEIGHT, ANGLE_WEIGHT = 25.0, 50.0
MOST_OF_ANGLES = 64
"""Samples between which angles are measured: there are as many as the cube of it."""
_TINY = 1e-12


def feature_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the mean squared difference over the teacher's mean square.

    References
    ----------
    Romero et al. (2015), FitNets, arXiv:1412.6550; the division makes layers of any scale count alike.
    """
    return F.mse_loss(student, teacher) / teacher.square().mean().clamp_min(_TINY)


def attention_distance(student: Tensor, teacher: Tensor, channels: int) -> Tensor:
    """Return the mean squared difference of the maps of squared activations, summed over ``channels``, times 1000.

    References
    ----------
    Zagoruyko, Komodakis (2017), Paying More Attention to Attention, arXiv:1612.03928; weight as in their code.
    """
    mine, its = (F.normalize(each.square().mean(channels).flatten(1), dim=1) for each in (student, teacher))
    return ATTENTION_WEIGHT * F.mse_loss(mine, its)


def relation_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Return how far distances and angles between a batch's samples differ; zero for a batch of one.

    References
    ----------
    Park et al. (2019), Relational Knowledge Distillation, arXiv:1904.05068, with their weights 25 and 50.
    """
    mine, its = student.flatten(1), teacher.flatten(1)
    distances = F.smooth_l1_loss(_distances(mine), _distances(its))
    few = slice(MOST_OF_ANGLES)
    return DISTANCE_WEIGHT * distances + ANGLE_WEIGHT * F.smooth_l1_loss(_angles(mine[few]), _angles(its[few]))


def _distances(samples: Tensor) -> Tensor:
    """Return the distances between all pairs of rows, over their mean."""
    squares = samples.square().sum(1)
    squared = squares[:, None] + squares[None] - 2 * samples @ samples.T
    others = 1 - torch.eye(len(samples), device=samples.device, dtype=samples.dtype)
    distances = squared.clamp_min(_TINY).sqrt() * others
    return distances / (distances.sum() / others.sum().clamp_min(1)).clamp_min(_TINY)


def _angles(samples: Tensor) -> Tensor:
    """Return the cosine of the angle at each row between each two others."""
    towards = F.normalize(samples[None] - samples[:, None], dim=2)
    return torch.bmm(towards, towards.transpose(1, 2))
