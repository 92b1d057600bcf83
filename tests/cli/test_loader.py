from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tauto.cli.loader import Source, load
from tauto.errors import InvalidArgument


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", sys.path.copy())
    (tmp_path / "beside_me.py").write_text("value = 41\n")
    file = tmp_path / "train.py"
    file.write_text(
        "from beside_me import value\n"
        "class Box:\n    net = 'the net'\n"
        "box, model, batch = Box(), 'the model', (1, 2)\n"
        "if __name__ == '__main__':\n    raise SystemExit('trained again')\n"
    )
    return file


def test_a_file_is_imported_once_with_its_folder_and_without_its_main(script: Path) -> None:
    value, name, source = load(f"{script}:model", "model")
    assert (value, name) == ("the model", "model")
    assert load(f"{script}:box", "inputs")[2].module is source.module
    assert "train" not in sys.modules
    assert sys.modules[source.module.__name__] is source.module


def test_dotted_names_and_names_beside(script: Path) -> None:
    source = load(f"{script}:model", "model")[2]
    assert load(f"{script}:box.net", "model")[:2] == ("the net", "box.net")
    assert load("batch", "inputs", source)[0] == (1, 2)
    assert load("math:pi", "inputs", source)[0] == pytest.approx(3.14159, rel=1e-5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("model", "'model' names nothing. Write module:name or file.py:name."),
        (":model", "'' is neither a module nor a .py file"),
        ("math:", "'math:' names nothing"),
        ("math:pie", "there is no 'pie' in math. Did you mean 'pi'"),
        ("no.such.module:x", "there is no module 'no'"),
        ("a b:x", "'a b' is neither a module nor a .py file"),
    ],
)
def test_a_mistake_is_named(text: str, says: str) -> None:
    with pytest.raises(InvalidArgument, match="model: ") as error:
        load(text, "model")
    assert says in str(error.value)


def test_close_matches_of_names_and_files(script: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"no 'modle' in .*train\.py\. Did you mean 'model'\?"):
        load(f"{script}:modle", "model")
    with pytest.raises(InvalidArgument, match=r"no 'nte' in .*train\.py:box\. Did you mean 'net'\?"):
        load(f"{script}:box.nte", "model")
    with pytest.raises(InvalidArgument, match=r"there is no file .*\. Did you mean 'train\.py'\?"):
        load(f"{script.with_name('trian.py')}:model", "model")


def test_a_file_that_raises_is_told_with_its_line_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", sys.path.copy())
    file = tmp_path / "broken.py"
    file.write_text("x = 1\ny = x / 0\n")
    before = set(sys.modules)
    with pytest.raises(InvalidArgument, match=r"ZeroDivisionError: division by zero \(.*broken\.py, line 2\)"):
        Source(str(file), "model")
    assert set(sys.modules) == before
    file.write_text("x = = 1\n")
    with pytest.raises(InvalidArgument, match=r"SyntaxError: .*broken\.py, line 1"):
        Source(str(file), "model")


def test_a_missing_import_of_the_file_is_not_taken_for_a_missing_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "needs_more_of_it.py").write_text("import no_such_library\n")
    with pytest.raises(InvalidArgument, match="needs_more_of_it raised ModuleNotFoundError: No module named"):
        load("needs_more_of_it:model", "model")


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet=st.characters(blacklist_categories=("Cs",)), max_size=20).filter(lambda text: ".." not in text))
def test_any_text_is_found_or_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        load(f"{text}:no_such_name_anywhere", "model")
