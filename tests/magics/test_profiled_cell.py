"""``%%tauto_profile``: the cell runs as it would without it."""

from __future__ import annotations

from typing import Any


def test_the_cell_runs_in_the_namespace_and_its_value_is_displayed_before_the_report(shell: Any, engine: Any) -> None:
    result = shell.run("%%tauto_profile\nimport math\nx = 3\nprint('seen')\nx * 7")
    assert result.success
    assert shell.ip.user_ns["x"] == 3
    assert shell.out.index("seen") < shell.out.index("21") < shell.out.index("<profile report>")
    assert result.result is engine.sessions[0].result
    assert engine.keywords["names"] is shell.ip.user_ns


def test_a_cell_of_one_expression(shell: Any, engine: Any) -> None:
    assert shell.run("%%tauto_profile\n'only' 'this'").success
    assert "onlythis" in shell.out


def test_a_semicolon_in_the_cell_hides_its_value_and_one_on_the_line_the_report(shell: Any, engine: Any) -> None:
    shell.run("%%tauto_profile\n40 + 2;")
    assert "42" not in shell.out
    assert "<profile report>" in shell.out
    shell.run("%%tauto_profile ;\n40 + 2")
    assert "42" in shell.out
    assert "report" not in shell.out


def test_magics_inside_the_cell_work(shell: Any, engine: Any) -> None:
    assert shell.run("%%tauto_profile\n%env TAUTO_X=5\nimport os\nvalue = os.environ['TAUTO_X']").success
    assert shell.ip.user_ns["value"] == "5"


def test_an_error_of_the_cell_rises_with_its_own_lines_after_the_partial_report(shell: Any, engine: Any) -> None:
    result = shell.run("%%tauto_profile\ndone = 1\ndef inner():\n    return done / 0\ninner()\nnever = 1")
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    assert engine.sessions[0].raised is result.error_in_exec
    assert shell.out.index("<profile report>") < shell.out.index("ZeroDivisionError")
    assert "return done / 0" in shell.out
    assert "tauto_magics" not in shell.out
    assert shell.ip.user_ns["done"] == 1
    assert "never" not in shell.ip.user_ns


def test_an_error_of_the_engine_raised_by_the_users_own_code_keeps_its_traceback(shell: Any, engine: Any) -> None:
    result = shell.run("%%tauto_profile\nfrom tauto.errors import ModelError\nraise ModelError('mine')")
    assert type(result.error_in_exec).__name__ == "ModelError"
    assert "raise ModelError('mine')" in shell.out


def test_an_interrupt_in_the_cell_rises(shell: Any, engine: Any) -> None:
    result = shell.run("%%tauto_profile\nraise KeyboardInterrupt")
    assert isinstance(result.error_in_exec, KeyboardInterrupt)
    assert "<profile report>" in shell.out


def test_an_error_of_the_profile_itself_is_one_line(shell: Any, engine: Any, monkeypatch: Any) -> None:
    import tauto
    from tauto.errors import InvalidArgument

    class Refusing:
        def __enter__(self) -> Refusing:
            return self

        def __exit__(self, *_: object) -> None:
            raise InvalidArgument("profile: another profile runs already.")

    monkeypatch.setitem(vars(tauto), "profile", lambda **_: Refusing())
    assert shell.fails("%%tauto_profile\n1") == "profile: another profile runs already."


def test_a_syntax_error_is_the_cells_own_and_nothing_is_profiled(shell: Any, engine: Any) -> None:
    result = shell.run("%%tauto_profile\nx = = 1")
    assert isinstance(result.error_in_exec, SyntaxError)
    assert not engine.calls


def test_a_top_level_await_is_refused_by_name(shell: Any, engine: Any) -> None:
    for cell in ("await thing()", "async with a: pass", "[x async for x in y]", "async for x in y:\n    pass"):
        assert "top-level await" in shell.fails(f"%%tauto_profile\n{cell}")
    assert not engine.calls
    assert shell.run("%%tauto_profile\nasync def fine():\n    await thing()").success
