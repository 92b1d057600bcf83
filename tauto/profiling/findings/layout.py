"""How weights and feature maps lie in memory, and what need not be computed apart."""

from __future__ import annotations

from collections.abc import Iterator

from tauto.profiling.facts import Facts
from tauto.profiling.findings._base import (
    amdahl,
    called,
    inferring,
    model_name,
    model_share,
    own_share,
    worth,
)
from tauto.profiling.fixes import fix, fix_line, recipe_fix
from tauto.reports.profile import Finding, Gain, ProfileReport

__all__ = ["memory_format", "unfolded_norms"]


def unfolded_norms(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find batch norms that could be part of the convolution before them."""
    for index, root in inferring(facts):
        if not root.foldable_norms or root.training_calls or root.opaque:
            continue
        norms = own_share(report, index, "BatchNorm")
        gain = Gain(
            amdahl(norms, 1e6), None, f"batch norms take {norms:.0%} of the model's time, measured; all of it goes"
        )
        if worth(gain):
            yield Finding(
                "unfolded_norms",
                f"Batch norms of {root.title} can be folded into the convolutions before them",
                f"Convolutions with a batch norm of as many channels after them: {root.foldable_norms}. In eval mode "
                "each batch norm is a pass over its input that the convolution's weights can hold.",
                fix_line("unfolded_norms"),
                "conv = torch.nn.utils.fusion.fuse_conv_bn_eval(conv, norm)  # each pair, norm = nn.Identity()",
                cause="layout",
                expected=gain,
                fix=recipe_fix(root.name, "fold_batchnorm"),
            )


def memory_format(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find convolutions in the default layout, where channels last is faster here."""
    for index, root in called(facts):
        if not root.convolutions or root.channels_last or root.opaque:
            continue
        gain = _layout_gain(report, facts, index)
        if worth(gain):
            twin = f"{model_name(root)} = {model_name(root)}.to(memory_format=torch.channels_last)"
            yield Finding(
                "memory_format",
                f"{root.title} keeps its convolutions in the default memory format",
                f"{root.convolutions} two-dimensional convolutions, none with channels last, the layout that many "
                "convolution kernels work in.",
                fix_line("memory_format"),
                f"{twin}\nimages = images.to(memory_format=torch.channels_last)",
                cause="layout",
                expected=gain,
                fix=fix("memory_format", root.name) if facts.trains else recipe_fix(root.name, "channels_last"),
            )


def _layout_gain(report: ProfileReport, facts: Facts, index: int) -> Gain:
    measured = facts.roots[index].channels_last_gain
    if measured is None:
        return Gain(None, None, "its convolutions were not measured in both layouts")
    whole = sum(row.self_ms for row in report.operators)
    share = sum(row.self_ms for row in report.operators if "conv" in row.name) / whole if whole else 0.0
    return Gain(
        amdahl(model_share(report, facts, index) * share, max(measured, 1e-3)),
        None,
        f"its heaviest convolutions are {measured:.2f} × as fast with channels last, measured here; convolutions take "
        f"{share:.0%} of operator time",
    )
