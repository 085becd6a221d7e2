import re
from datetime import date
from importlib.resources import files
from itertools import product

import pytest

from inventra_pipelines.portal import pages


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (9949, "9.9 kB"), (9950, "10 kB"), (48_200, "48 kB"),
     (999_499, "999 kB"), (999_500, "1.0 MB"), (2_812_345, "2.8 MB"), (3_000_000_000, "3.0 GB")],
)  # fmt: skip
def test_a_size_reads_as_people_say_it(size: int, words: str) -> None:
    assert pages.size_in_words(size) == words


def test_days_are_grouped_by_month_newest_first() -> None:
    days = [date(2010, 12, 31), date(2011, 12, 1), date(2011, 12, 9), date(2011, 12, 9)]
    months = pages.by_month(days)
    assert [month.name for month in months] == ["December 2011", "December 2010"]
    assert months[0].days == (date(2011, 12, 9), date(2011, 12, 1))


@pytest.mark.parametrize(
    ("day", "before", "after"),
    [(1, None, 3), (3, 1, 9), (5, 3, 9), (9, 3, None), (20, 9, None)],
)
def test_neighbours_are_the_nearest_days_that_have_reports(day: int, before: int | None, after: int | None) -> None:
    days = [date(2011, 12, number) for number in (9, 1, 3)]
    expected = tuple(None if number is None else date(2011, 12, number) for number in (before, after))
    assert pages.neighbours(days, date(2011, 12, day)) == expected


def test_a_file_name_with_quotes_and_umlauts_cannot_break_the_header() -> None:
    header = pages.content_disposition('Tagesbericht "März".pdf')
    assert header == "attachment; filename*=UTF-8''Tagesbericht%20%22M%C3%A4rz%22.pdf"


def test_an_unknown_report_and_format_still_have_a_name() -> None:
    assert pages.report_name("weekly_summary") == "Weekly summary"
    assert pages.file_kind("a.PDF") == "PDF"
    assert pages.file_kind("noextension") == "File"
    assert pages.content_type("a.bin") == "application/octet-stream"


def _luminance(colour: str) -> float:
    channels = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(first: str, second: str) -> float:
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_aa_contrast_on_every_ground_it_stands_on(scheme: str) -> None:
    text = files("inventra_pipelines.portal").joinpath("static/portal.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", text, flags=re.DOTALL)
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", blocks[["light", "dark"].index(scheme)]))
    pairs = [*product(("ink", "soft", "accent", "accent-strong"), ("paper", "card", "wash"))]
    pairs += [("alarm", "alarm-wash"), ("on-accent", "accent"), ("on-accent", "accent-strong")]
    assert {pair: _contrast(*(colours[name] for name in pair)) for pair in pairs if
            _contrast(*(colours[name] for name in pair)) < 4.5} == {}  # fmt: skip
    assert min(_contrast(colours["edge"], colours[ground]) for ground in ("paper", "card")) >= 3


def test_nothing_on_a_page_comes_from_elsewhere() -> None:
    folder = files("inventra_pipelines.portal")
    for place in ("templates", "static"):
        for file in folder.joinpath(place).iterdir():
            text = file.read_text()
            assert not re.search(r"https?://|@import|<script|\sstyle=|url\(", text), file.name
