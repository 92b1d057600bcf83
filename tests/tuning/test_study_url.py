"""Where studies are kept: what a URL means, and that no password of it is ever shown."""

from __future__ import annotations

import traceback
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from tauto.errors import InvalidArgument, StudyError, TautoError
from tauto.tuning.study import StorageUrl, explained, open_storage

# longer than any word of the URL around it
passwords = st.text(st.characters(min_codepoint=33, max_codepoint=382, exclude_categories=["Cs", "Cc"]), min_size=9)


@given(passwords)
def test_a_password_is_used_and_not_shown(password: str) -> None:
    where = StorageUrl.parse(f"postgresql://me:{quote(password, safe='')}@host:5432/studies")
    assert make_url(where.connecting()).password == password
    assert where.shown == "postgresql://me:***@host:5432/studies"
    assert password not in repr(where)
    for form in (password, quote(password), quote(password, safe="")):
        assert where.hide(f"could not connect with <{form}>") == "could not connect with <***>"


@given(passwords)
def test_one_in_the_query_is_not_shown_either(password: str) -> None:
    where = StorageUrl.parse(f"postgresql://me@host/studies?sslmode=require&sslpassword={quote(password, safe='')}")
    assert where.shown == "postgresql://me@host/studies?sslmode=require&sslpassword=***"
    assert where.hide(f"<{password}>") == "<***>"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=9))
def test_one_that_is_not_quoted_is_hidden_or_refused_without_being_repeated(password: str) -> None:
    try:
        shown = StorageUrl.parse(f"postgresql://me:{password}@host/studies").shown
    except InvalidArgument as error:
        shown = str(error)
        assert shown.startswith("storage: what is given is no URL")
    assert password not in shown
    assert password[-6:] not in shown or password[-6:] in "postgresql://me:***@host/studies"


def test_a_file_is_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for text in ("mine.db", "sqlite:///mine.db", str(tmp_path / "mine.db"), tmp_path / "mine.db"):
        where = StorageUrl.parse(text)
        assert (where.file, where.shown) == (tmp_path / "mine.db", "mine.db")


def test_the_settings_say_where_when_nothing_else_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("TAUTO_STORAGE", raising=False)
    assert StorageUrl.parse().file == tmp_path / "store" / "studies.db"
    monkeypatch.setenv("TAUTO_STORAGE", "postgresql://me:secret@host/x")
    assert StorageUrl.parse().shown == "postgresql://me:***@host/x"


@pytest.mark.parametrize("given", ["studies", "", 3, "postgresql//host", "postgresql://u:p@ss@host/x"])
def test_what_is_no_url_is_refused(given: object) -> None:
    with pytest.raises(InvalidArgument, match=r"storage: what is given is no URL .* Write such as 'studies.db'"):
        StorageUrl.parse(given)  # type: ignore[arg-type]


def test_a_torn_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "studies.db"
    file.write_bytes(b"not a database at all, but long enough to be read as one" * 40)
    with pytest.raises(StudyError, match=r"studies.db: file is not a database. Move this file away"):
        open_storage(StorageUrl.parse(file))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("")
    with pytest.raises(StudyError, match="Make the folder writable"):
        open_storage(StorageUrl.parse(tmp_path / "in the way" / "studies.db"))


def test_what_the_driver_says_loses_the_password() -> None:
    where = StorageUrl.parse("postgresql://me:opensesame@host/x")
    said = "connection to postgresql://me:opensesame@host/x refused\n\tIs the server running on that host?"
    with pytest.raises(TautoError) as caught, explained(where):
        raise OperationalError("", {}, Exception(said))
    assert "opensesame" not in str(caught.value)
    assert "opensesame" not in "".join(traceback.format_exception(caught.value))
    assert str(caught.value).endswith("refused. Is the server running, and is the URL right?")


@pytest.mark.parametrize("kind", ["mysql", "mysql+pymysql", "oracle", "mariadb"])
def test_another_kind_of_database_is_refused_with_those_that_there_are(kind: str) -> None:
    with pytest.raises(
        InvalidArgument, match=r"^storage: studies are not kept in \w+, only in SQLite and PostgreSQL"
    ) as no:
        StorageUrl.parse(f"{kind}://me:secret@host/studies")
    assert "secret" not in str(no.value)


def test_a_line_to_paste_names_the_storage_unless_it_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAUTO_STORAGE", "mine.db")
    assert StorageUrl.parse().option == ""
    assert StorageUrl.parse("my own.db").option == " --storage 'my own.db'"
    assert StorageUrl.parse("postgresql://me:secret@host/x").option == " --storage URL"
