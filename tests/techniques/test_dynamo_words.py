"""What torch's compiler says, in plain words: real models traced with a backend that builds nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import dynamo_models as models
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from tauto.techniques.engines.dynamo import Break, HeardBreaks, break_of, failure_of, guard_in_words, user_line
from tauto.techniques.quiet import quiet


def traced(model: nn.Module) -> tuple[Break, ...]:
    torch._dynamo.reset()
    with quiet(), HeardBreaks() as heard, torch.no_grad():
        torch.compile(model, backend="eager")(torch.ones(4, 8))
    torch._dynamo.reset()
    return heard.breaks


@pytest.mark.parametrize(
    ("kind", "code", "reason", "advice"),
    [
        (models.Prints, 'print(end="")', "print() writes", "take it out of forward"),
        (models.TakesANumber, "scale = self.layer(x).sum().item()", "a number is taken out", "the tensor itself"),
        (models.Branches, "if y.sum() > 0:", "asks for a tensor's value", "torch.where"),
        (models.Selects, "rows = torch.nonzero(x[:, 0] > 0)", "the size of a result depends", "keep the size"),
        (models.CallsC, "time.sleep(0)", "written in C cannot be looked into: time.sleep()", "custom_op"),
        (models.Warns, 'warnings.warn("seen", stacklevel=1)', "a log record or a warning", "is_compiling"),
        (models.IsMarked, "return self.layer(self.apart(self.layer(x)))", "marked torch.compiler.disable", "mark off"),
        (models.UsesNumPy, 'found = np.busday_count("2024-01", "2024-02")', "NumPy", "torch's own"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.filterwarnings("ignore:seen")
def test_a_cut_names_the_users_line_why_and_what_to_change(
    kind: type[nn.Module], code: str, reason: str, advice: str
) -> None:
    (found,) = traced(kind())
    assert found.line is not None
    assert found.line.place.startswith("dynamo_models.py:")
    assert found.line.code == code
    assert reason in found.reason
    assert advice in found.advice
    assert not found.whole_function


def test_a_cut_inside_a_loop_leaves_the_whole_function_uncompiled() -> None:
    (found,) = traced(models.BranchesInALoop())
    assert found.whole_function
    assert found.line.code == "if x.sum() > 0:"


def test_a_with_block_is_told_beside_what_opens_it() -> None:
    reasons = [found.reason for found in traced(models.OpensAFile())]
    assert any("reads or writes a file" in reason for reason in reasons)
    assert any("a `with` block" in reason for reason in reasons)


def test_what_is_not_cut_is_not_told() -> None:
    assert traced(models.IsWhole()) == ()


def test_torchs_log_is_as_before() -> None:
    logger = logging.getLogger("torch._dynamo.symbolic_convert.__graph_breaks")
    before = (logger.level, logger.propagate, list(logger.handlers))
    traced(models.Prints())
    assert (logger.level, logger.propagate, list(logger.handlers)) == before


def test_what_is_not_in_the_table_is_told_in_torchs_own_words() -> None:
    text = (
        "Graph break in user code at /me/net.py:7\nGraph Break Reason: Quantum state collapsed\n"
        '  Explanation: no.\n\nUser code traceback:\n  File "/me/net.py", line 9, in forward\n    x\n'
    )
    found = break_of(text)
    assert (found.reason, found.advice) == ("torch's own words: Quantum state collapsed", "")
    assert found.line.place == "net.py:9"
    assert break_of("something else") is None


def test_the_users_line_is_the_innermost_of_the_users() -> None:
    torchs, library = torch.__file__, "/x/site-packages/transformers/bert.py"
    stack = [("/me/run.py", 1), (torchs, 2), ("/me/net.py", 3), (library, 4), (torchs, 5)]
    lines = [f'  File "{file}", line {line}, in call' for file, line in stack]
    assert user_line("\n".join(lines)).place == "net.py:3"
    assert user_line("\n".join(lines[3:])).place == "bert.py:4"
    assert user_line(lines[1]) is None


@pytest.mark.parametrize(
    ("guard", "words"),
    [
        ("0/0: tensor 'x' size mismatch at index 0. expected 4, actual 8", "dimension 0 of x is 8, and it was compi"),
        ("0/1: tensor 'L['args'][1]' size mismatch at index 2. expected 1, actual 3", "(a size of 1 is always taken"),
        ("tensor 'L['kwargs']['mask']' rank mismatch. expected 2, actual 3", "mask has 3 dimensions, and it was comp"),
        ("0/0: tensor 'x' dtype mismatch. expected Float, actual BFloat16", "x is bfloat16, and it was compiled for f"),
        ("0/0: GLOBAL_STATE changed: grad_mode", "torch's own state changed"),
        (
            "1/0: y.size()[1] == y.size()[0]  # duck sizing: because these variables had the same size 4 (…)",
            "two sizes that were both 4 differ now",
        ),
        ("0/0: L['n'] == 3  # in forward", "n was 3 when it was compiled, and is another value now (plain Python"),
        ("0/0: self.calls == 1  # in forward", "self.calls was 1 when it was compiled"),
        ("0/0: L['self'].sizes[0] == 4", "self.sizes[0] was 4 when it was compiled"),
    ],
)
def test_a_guard_in_plain_words(guard: str, words: str) -> None:
    assert words in guard_in_words(guard)


@given(st.text())
def test_any_guard_has_one_line(text: str) -> None:
    assert len(guard_in_words(text).splitlines()) <= 1


class _Broken(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x @ torch.ones(3, 5)


def _refuses(graph: Any, inputs: Any) -> Any:
    raise ValueError("no such kernel\nframe one\nframe two")


@pytest.mark.parametrize(
    ("model", "options", "says"),
    [
        (
            _Broken(),
            {"backend": "eager"},
            (
                "an operator refused its inputs while the model was traced at test_dynamo_words.py:",
                "(return x @ torch.ones(3, 5)): RuntimeError: a and b must have same reduction dim",
            ),
        ),
        (models.IsWhole(), {"backend": _refuses}, ("the compiler failed: ValueError: no such kernel",)),
        (
            models.Prints(),
            {"backend": "eager", "fullgraph": True},
            ("cannot follow the model's Python at dynamo_models.py:", "print() writes", "To try: take it out"),
        ),
    ],
    ids=["operator", "backend", "python"],
)
def test_a_failure_is_one_line_with_the_users_place(
    model: nn.Module, options: dict[str, Any], says: tuple[str, ...]
) -> None:
    torch._dynamo.reset()
    compiled: Callable[..., Any] = torch.compile(model, **options)
    with quiet(), pytest.raises(Exception) as caught:  # noqa: PT011 - of any kind
        compiled(torch.ones(2, 8))
    words = failure_of(caught.value).words
    assert all(part in words for part in says)
    assert len(words.splitlines()) == 1
    assert len(words) < 600
    assert "site-packages" not in words
