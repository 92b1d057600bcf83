"""The mode of a model: train or eval, with or without gradients."""

from __future__ import annotations

from collections.abc import Iterator

from tauto.profiling.facts import Facts, RootFacts
from tauto.profiling.findings._base import called, inferring, model_name, own_share, top_row
from tauto.profiling.fixes import fix, fix_line
from tauto.reports.profile import Finding, Gain, ProfileReport

__all__ = ["eval_missing", "eval_while_training", "inference_mode_missing", "validation_gradients"]


def eval_missing(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find a model in training mode in a cell that trains nothing."""
    for index, root in inferring(facts):
        if root.training_calls and _mode_matters(report, root):
            dropout = own_share(report, index, "Dropout", "AlphaDropout", "FeatureAlphaDropout")
            yield Finding(
                "eval_missing",
                f"{root.title} ran in training mode, though nothing was trained in this cell",
                f"{root.training_calls} of {root.calls} calls in training mode, 0 backward passes."
                + _consequence(root, inference=True),
                fix_line("eval_missing"),
                f"{model_name(root)}.eval()",
                cause="mode",
                expected=Gain(
                    1 / (1 - min(dropout, 0.95)),
                    None,
                    f"dropout takes {dropout:.0%} of the model's time and does nothing in eval mode",
                ),
                fix=fix("inference", root.name, eval_mode=True),
            )


def inference_mode_missing(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find gradients that were recorded and never used."""
    for index, root in inferring(facts):
        if root.grad_calls and root.trainable:
            kept = _kept_bytes(report, index)
            yield Finding(
                "inference_mode_missing",
                f"{root.title} recorded gradients that nothing used",
                f"{root.grad_calls} of {root.calls} calls recorded a graph for gradients, 0 backward passes. The graph "
                "keeps every activation in memory" + (f", {kept / 1e6:,.1f} MB a call." if kept else "."),
                fix_line("inference_mode_missing"),
                f"with torch.inference_mode():\n    {model_name(root)}(...)",
                cause="mode",
                expected=_no_graph(kept),
                fix=fix("inference", root.name, eval_mode=False),
            )


def eval_while_training(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find a model that is trained in eval mode, dropout and batch norm switched off."""
    if not facts.trains:
        return
    for _, root in called(facts):
        if root.trainable and root.grad_calls and not root.training_calls and root.mode_dependent:
            yield Finding(
                "eval_while_training",
                f"{root.title} was trained in eval mode",
                f"0 of {root.calls} calls in training mode, {facts.backward_calls} backward passes."
                + _consequence(root, inference=False),
                "",
                f"{model_name(root)}.train()",
                cause="mode",
            )


def validation_gradients(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find validation inside a training cell that records gradients."""
    if not facts.trains:
        return
    for index, root in called(facts):
        if root.trainable and root.training_calls and root.eval_grad_calls:
            yield Finding(
                "validation_gradients",
                f"The validation of {root.title} records gradients",
                f"{root.eval_grad_calls} of {root.calls} calls in eval mode under an enabled gradient, beside "
                f"{root.training_calls} in training mode.",
                fix_line("validation_gradients"),
                f"with torch.inference_mode():\n    {model_name(root)}(...)  # in the validation loop",
                cause="mode",
                expected=_no_graph(_kept_bytes(report, index)),
                fix=fix("inference", root.name, only_eval_calls=True),
            )


def _kept_bytes(report: ProfileReport, index: int) -> int:
    row = top_row(report, index)
    return row.activation_bytes if row else 0


def _no_graph(kept: int) -> Gain:
    """Return what calls without a graph for gradients are expected to bring."""
    return Gain(None, kept or None, "what a call keeps until its output is dropped; the time is to be measured")


def _mode_matters(report: ProfileReport, root: RootFacts) -> bool:
    """Whether anything in it computes otherwise in training mode, as a module or as a plain operator."""
    return root.mode_dependent > 0 or any("dropout" in row.name or "bernoulli" in row.name for row in report.operators)


def _consequence(root: RootFacts, *, inference: bool) -> str:
    has = f" Dropout or batch norm modules in it: {root.mode_dependent}." if root.mode_dependent else ""
    if inference:
        return (
            f"{has} Dropout is active and batch norm follows "
            "each batch, so the outputs are not those of the trained model."
        )
    return (
        f"{has} Dropout does nothing and batch norm keeps its old statistics, so it does not learn as it was built to."
    )
