"""The HTML of every report: whole, small, safe, and readable where colours and pictures are not."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from reports_by_hand import HOSTILE, everything, hostile, modules, profile, trials, tuning

from tauto import rendering
from tauto.rendering.hypertext import LIMIT_BYTES
from tauto.reports import Report, TrialReport, TuningReport

ALLOWED = {"div", "table", "caption", "thead", "tbody", "tr", "th", "td", "strong", "code", "pre", "span"}
ALLOWED |= {"svg", "g", "line", "details", "summary", "p", "ol", "li", "br"}
VOID = {"br", "line", "meta"}


class Reader(HTMLParser):
    """Checks that tags balance, and keeps what it met."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).replace("\u00a0", " ").split())


ALL = [*everything(), *hostile()]


@pytest.mark.parametrize("report", ALL, ids=lambda report: report.kind)
def test_it_is_whole_safe_and_small(report: Report) -> None:
    html = rendering.html(report)
    read = Reader(html)
    assert {tag for tag, _ in read.tags} <= ALLOWED
    assert {name for _, attributes in read.tags for name in attributes} & {
        "id",
        "class",
        "href",
        "src",
        "onclick",
    } == set()
    assert "url(" not in html
    assert len(html.encode()) < LIMIT_BYTES


@pytest.mark.parametrize("report", everything(), ids=lambda report: report.kind)
def test_nothing_points_outside(report: Report) -> None:
    assert not re.search(r"https?:|//|@import|javascript:", rendering.page(report))


@pytest.mark.parametrize("report", everything(), ids=lambda report: report.kind)
def test_colours_suit_a_light_and_a_dark_page(report: Report) -> None:
    colours = set(re.findall(r"(?:color|background|stroke|fill)[:=]\"?([^;\"]+)", rendering.html(report)))
    assert colours <= {
        "inherit",
        "currentColor",
        "#4c8bd6",
        "rgba(128,128,128,.22)",
        "rgba(128,128,128,.12)",
        "collapse",
    }


@pytest.mark.parametrize("report", everything(), ids=lambda report: report.kind)
def test_every_table_has_a_caption_and_its_headings_a_scope(report: Report) -> None:
    tags = Reader(rendering.html(report)).tags
    names = [tag for tag, _ in tags]
    assert names.count("caption") == names.count("table")
    assert all(attributes.get("scope") in {"row", "col"} for tag, attributes in tags if tag == "th")


@pytest.mark.parametrize("report", hostile(), ids=lambda report: report.kind)
def test_a_hostile_name_is_shown_and_does_nothing(report: Report) -> None:
    read = Reader(rendering.html(report))
    assert "<script>alert('x')</script>" in read.text
    assert "\x1b" not in read.text
    assert "\u202e" not in read.text


def test_five_thousand_modules_stay_under_the_limit_and_say_what_is_left_out() -> None:
    html = rendering.html(profile(5000))
    assert len(html.encode()) < LIMIT_BYTES
    assert re.search(r"… and 4,9\d\d more modules, largest shown", html)


def test_what_is_cut_is_the_smallest() -> None:
    rows = tuple(
        replace(row, total_ms=5000.0 if row.path == "stage99.conv3" else row.total_ms) for row in modules(2000)
    )
    assert "5.00\u00a0s" in rendering.html(replace(profile(), modules=rows))


def test_endless_names_and_trials_stay_under_the_limit() -> None:
    endless = HOSTILE * 2000
    tried: tuple[TrialReport, ...] = tuple(
        replace(trial, number=number, reason=endless, output_tail=endless, recipe=replace(trial.recipe, title=endless))
        for number, trial in enumerate(trials() * 200)
    )
    report: TuningReport = replace(tuning(), trials=tried, model=endless, quality_rule=endless)
    for page in (rendering.html(report), rendering.page(report)):
        assert len(page.encode()) < LIMIT_BYTES
        Reader(page.partition("<main>")[2].partition("</main>")[0] or page)


def test_the_winner_is_never_cut() -> None:
    many = tuple(replace(trial, number=number) for number, trial in enumerate(trials() * 100))
    late = replace(many[-1], number=900, status="kept", reason="the very last was the best")
    html = rendering.html(replace(tuning(), trials=(*many, late), winner=900))
    assert "the very last was the best" in html


def test_numbers_keep_to_their_units() -> None:
    assert "8.42\u00a0ms" in rendering.html(tuning())


def test_a_page_stands_alone() -> None:
    page = rendering.page(tuning())
    assert page.startswith("<!doctype html>")
    assert '<meta charset="utf-8">' in page
    assert "color-scheme: light dark" in page
    assert "<script" not in page


def test_several_reports_stand_on_one_page():
    page = rendering.page(profile(), tuning())
    assert page.count("<html") == 1
    assert rendering.headline(tuning()).split(":")[0].split(",")[0] in page
    assert len(page) > len(rendering.page(tuning()))
