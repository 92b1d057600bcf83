"""What a line becomes: the keywords of the engine, help, or one clear line."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tauto.errors import InvalidArgument, ModelError
from tauto_magics.extension import MAGICS

EVERY = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
IDENTIFIERS = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)


@pytest.fixture
def ready(shell: Any, engine: Any) -> Any:
    shell.engine = engine
    shell.ip.push(
        {
            "model": torch.nn.Linear(2, 2),
            "teacher": torch.nn.Sequential(torch.nn.Linear(2, 2)),
            "loader": [torch.zeros(1, 2)],
            "batch": torch.zeros(1, 2),
            "accuracy": lambda model: 1.0,
            "recipe": {"recipe": 1, "steps": []},
            "make": lambda: torch.nn.Linear(2, 2),
        }
    )
    return shell


def test_every_shared_option_reaches_the_engine_under_its_keyword(ready: Any) -> None:
    line = (
        "%tauto_quantize model --inputs batch --data loader --evaluate accuracy --max-drop 0.02 --metric top1 "
        "--lower-is-better --budget 90s --factory make --isolated --method openvino --objective size --into small"
    )
    assert ready.run(line).success
    names = ready.ip.user_ns
    verb, args, keywords = ready.engine.calls[-1]
    assert (verb, args) == ("quantize", (names["model"],))
    assert keywords == {
        "inputs": names["batch"],
        "data": names["loader"],
        "evaluate": names["accuracy"],
        "max_drop": "0.02",
        "metric": "top1",
        "higher_is_better": False,
        "budget": "90s",
        "factory": names["make"],
        "isolated": True,
        "method": "openvino",
        "objective": "size",
        "name": "model",
    }
    assert names["small"] is ready.engine.optimized


def test_what_is_not_given_is_left_to_the_engine(ready: Any) -> None:
    assert ready.run("%tauto_autotune").success
    assert ready.engine.calls == [("autotune", (), {})]


def test_lists_of_techniques(ready: Any) -> None:
    assert ready.run("%tauto_autotune model --only compile,openvino --only threads --without bfloat16").success
    assert ready.engine.keywords["only"] == ("compile", "openvino", "threads")
    assert ready.engine.keywords["without"] == ("bfloat16",)


def test_constraints_are_read_with_their_units(ready: Any) -> None:
    import tauto

    line = "%tauto_autotune model --objective size --max-latency 3ms --max-size 5MB --min-throughput 200 --stop-at 1MB"
    assert ready.run(f"{line} --workers 2").success
    given = ready.engine.keywords
    assert given["constraints"] == tauto.Constraints(max_latency_ms=3, max_size_bytes=5e6, min_throughput=200)
    assert (given["objective"], given["stop_at"], given["workers"]) == ("size", "1MB", 2)


def test_compare_names_both_sides(ready: Any) -> None:
    assert ready.run("%tauto_compare model teacher --inputs batch").success
    verb, args, keywords = ready.engine.calls[-1]
    assert (verb, args) == ("compare", (ready.ip.user_ns["model"], ready.ip.user_ns["teacher"]))
    assert keywords["names"] == ("model", "teacher")


def test_compare_layer_by_layer(ready: Any) -> None:
    assert ready.run("%tauto_compare model teacher --data loader --layers").success
    keywords = ready.engine.keywords
    assert keywords["layers"] is True
    assert keywords["data"] is ready.ip.user_ns["loader"]


def test_dotted_names_are_followed(ready: Any) -> None:
    ready.run("class Box: pass\nbox = Box(); box.net = model")
    assert ready.run("%tauto_profile box.net --inputs batch").success
    assert ready.engine.calls[-1][1] == (ready.ip.user_ns["model"],)
    assert ready.engine.keywords["name"] == "box.net"


def test_a_recipe_may_be_a_name_or_a_file(ready: Any, tmp_path: Any) -> None:
    assert ready.run("%tauto_apply recipe model").success
    assert ready.engine.calls[-1][1][0] is ready.ip.user_ns["recipe"]
    (tmp_path / "my recipe.yaml").write_text("recipe: 1\nsteps: []\n")
    assert ready.run("%tauto_apply 'my recipe.yaml' model").success
    assert str(ready.engine.calls[-1][1][0]) == "my recipe.yaml"
    assert ready.run("%tauto_apply preset:cpu-int8 model").success
    assert ready.engine.calls[-1][1][0] == "preset:cpu-int8"
    assert "no recipe file 'other.yaml'" in ready.fails("%tauto_apply other.yaml model")


@pytest.mark.parametrize("magic", MAGICS, ids=lambda magic: magic.name)
def test_help_is_printed_and_is_no_error(ready: Any, magic: Any) -> None:
    assert ready.run(f"%{magic.name} --help").success
    assert ready.out.startswith(f"usage: %{magic.name}")
    assert magic.summary in ready.out
    assert not ready.engine.calls


def test_the_result_is_returned_shown_kept_or_hidden(ready: Any) -> None:
    assert ready.run("%tauto_quantize model").result.verb == "quantize"
    assert "<quantize report>" in ready.out
    ready.run("kept = %tauto_quantize model")
    assert ready.ip.user_ns["kept"].verb == "quantize"
    assert ready.out == ""
    hidden = ready.run("%tauto_quantize model ;")
    assert (hidden.success, hidden.result, ready.out) == (True, None, "")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("%tauto_quantize modle", "no name 'modle' here. Did you mean 'model'?"),
        ("%tauto_quantize", "model. See %tauto_quantize --help"),
        ("%tauto_quantize loader", "'loader' is a list, not a torch.nn.Module. There is: model, teacher."),
        ("%tauto_quantize torch.nn.Linear", "no name 'torch'"),
        ("%tauto_quantize model.wieght", "'model' has no attribute 'wieght'. Did you mean 'weight'?"),
        ("%tauto_quantize model[0]", "'model[0]' is not a name"),
        ("%tauto_quantize model teacher", "'teacher' is one word too many"),
        ("%tauto_quantize model --budgte 3s", "no option --budgte. Did you mean '--budget'"),
        ("%tauto_quantize model --budget", "--budget: expected one argument"),
        ("%tauto_quantize model --evaluate acuracy", "Did you mean 'accuracy'?"),
        ("%tauto_quantize model --data laoder", "Did you mean 'loader'"),
        ("%tauto_quantize 'model", "no closing quotation"),
        ("%tauto_quantize model --objective speed", "invalid choice: 'speed'"),
        ("%tauto_quantize model --into model", "'model' is read by this line"),
        ("%tauto_quantize model --data loader --into loader", "'loader' is read by this line"),
        ("%tauto_quantize model --into class", "not a name that Python allows"),
        ("%tauto_quantize model --into 2fast", "not a name that Python allows"),
        ("%tauto_quantize model --into list", "Python's or IPython's own"),
        ("%tauto_quantize model --into Out", "Python's or IPython's own"),
        ("%tauto_profile", "no model is named"),
        ("%tauto_runs --limit none", "not a number of runs"),
        ("%%tauto_profile model\n1", "takes no model"),
        ("%%tauto_profile\n  ", "nothing to run"),
    ],
)
def test_a_mistake_is_one_line_and_calls_nothing(ready: Any, line: str, says: str) -> None:
    before = dict(ready.ip.user_ns)
    assert says in ready.fails(line)
    assert not ready.engine.calls
    after = ready.ip.user_ns
    assert {name for name in after if not name.startswith("_")} == {name for name in before if not name.startswith("_")}


def test_an_attribute_that_raises_is_one_line(ready: Any) -> None:
    ready.run("class Bad:\n    @property\n    def net(self): raise OSError('disk\\nis gone')\nbad = Bad()")
    assert ready.fails("%tauto_profile bad.net") == "bad.net raised OSError: disk is gone"


@pytest.mark.parametrize("error", [InvalidArgument("budget: 'x' is\nnot a time."), ModelError("model: it said\n\n no")])
def test_an_error_of_the_engine_is_one_line(ready: Any, error: Exception) -> None:
    def fail() -> None:
        raise error

    ready.engine.then = fail
    assert ready.fails("%tauto_quantize model --into small") == " ".join(str(error).split())
    assert "small" not in ready.ip.user_ns


def test_a_bug_keeps_its_traceback(ready: Any) -> None:
    def fail() -> None:
        raise ZeroDivisionError("a bug")

    ready.engine.then = fail
    assert isinstance(ready.run("%tauto_quantize model").error_in_exec, ZeroDivisionError)
    assert "Traceback" in ready.out


def test_a_stop_shows_and_binds_the_best_and_still_rises(ready: Any) -> None:
    ready.engine.then = ready.engine.stop
    result = ready.run("%tauto_autotune model --into fast\nafter = 1")
    assert isinstance(result.error_in_exec, KeyboardInterrupt)
    assert "<partial report>" in ready.out
    assert ready.ip.user_ns["fast"] is ready.engine.optimized
    assert "after" not in ready.ip.user_ns


def test_nothing_is_bound_but_what_into_names(ready: Any) -> None:
    before = {name for name in ready.ip.user_ns if not name.startswith("_")}
    ready.run("%tauto_quantize model --into small")
    assert {name for name in ready.ip.user_ns if not name.startswith("_")} - before == {"small"}


def test_the_defaults_of_the_session_are_used_and_an_option_goes_before_them(ready: Any) -> None:
    ready.run("%config TautoMagics.budget = '20s'")
    ready.run("%config TautoMagics.max_drop = '0.5%'")
    ready.run("%tauto_autotune model --evaluate accuracy")
    assert (ready.engine.keywords["budget"], ready.engine.keywords["max_drop"]) == ("20s", "0.5%")
    ready.run("%tauto_autotune model")
    assert "max_drop" not in ready.engine.keywords, "of what nothing evaluates no drop is spoken"
    ready.run("%tauto_autotune model --budget 1min --max-drop 2% --evaluate accuracy")
    assert (ready.engine.keywords["budget"], ready.engine.keywords["max_drop"]) == ("1min", "2%")


def test_a_default_that_does_not_parse_is_refused(ready: Any) -> None:
    ready.run("%config TautoMagics.budget = 'soon'")
    ready.run("%tauto_autotune model")
    assert "budget" not in ready.engine.keywords


def test_the_store_of_the_session_moves(ready: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    from tauto.config import Settings

    monkeypatch.delenv("TAUTO_STORE")
    ready.run(f"%config TautoMagics.store = {str(tmp_path / 'elsewhere')!r}")
    assert Settings.current().store == tmp_path / "elsewhere"
    ready.run("%config TautoMagics.store = None")
    assert Settings.current().store == tmp_path / ".tauto"


@EVERY
@given(line=st.text(alphabet=st.characters(blacklist_categories=("Cs",)), max_size=60))
def test_any_text_is_followed_or_refused_as_usage(ready: Any, line: str) -> None:
    _only_usage_errors(ready, line)


WORDS = st.sampled_from(
    ["model", "loader", "teacher", "batch", "model.weight", "--inputs", "--into", "--only", "--budget", "--", "-", "=",
     "--isolated", "--help", "--limit", ";", "''", "'", "\\", "--inputs=", "--to", "\0", "--into=fast", "%", "{model}"]
)  # fmt: skip


@EVERY
@given(words=st.lists(WORDS, max_size=7))
def test_any_words_are_followed_or_refused_as_usage(ready: Any, words: list[str]) -> None:
    _only_usage_errors(ready, " ".join(words))


def _only_usage_errors(ready: Any, line: str) -> None:
    from tauto_magics.errors import UsageError
    from tauto_magics.settings import TautoMagics

    settings = TautoMagics(ready.ip)
    for magic in MAGICS:
        try:
            magic.call(ready.ip, settings, line)
        except UsageError as error:
            assert len(error._render_traceback_()[0].splitlines()) == 1


@EVERY
@given(
    budget=st.sampled_from(["90s", "2min", "1h30min", "5"]),
    max_drop=st.sampled_from(["1%", "0.01", "0.5 %"]),
    metric=st.text(alphabet="abc %';\"#- é", min_size=1, max_size=8).filter(lambda text: not text.startswith("-")),
    into=IDENTIFIERS,
    flags=st.sets(st.sampled_from(["--isolated", "--lower-is-better"])),
    order=st.randoms(use_true_random=False),
)
def test_options_round_trip_in_any_order(
    ready: Any, budget: str, max_drop: str, metric: str, into: str, flags: set[str], order: Any
) -> None:
    from tauto_magics.autotune import AUTOTUNE

    given = {"--budget": budget, "--max-drop": max_drop, "--metric": metric, "--into": into}
    pieces = [["model"], *([flag] for flag in sorted(flags)), *([flag, text] for flag, text in given.items())]
    order.shuffle(pieces)
    arguments = AUTOTUNE.parser.parse_line(" ".join(shlex.quote(word) for piece in pieces for word in piece))
    assert (arguments.model, arguments.budget, arguments.max_drop) == ("model", budget, max_drop)
    assert (arguments.metric, arguments.into) == (metric, into)
    assert arguments.isolated == ("--isolated" in flags)
    assert arguments.lower_is_better == ("--lower-is-better" in flags)
