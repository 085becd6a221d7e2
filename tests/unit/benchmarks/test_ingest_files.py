"""The benchmark's files hold what they are said to hold, counted without the code that made them."""

import csv
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pytest

from benchmarks.ingest_files import HEADERS, land_history, real_lines, repetitions, write_sales, write_workbook
from benchmarks.report import Figure

ROWS = 1_000


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    assert tuple(header) == HEADERS
    return rows


@pytest.mark.parametrize(("lines", "rows"), [(7, 3), (7, 7), (7, 20), (536_641, 1_000_000)])
def test_repetitions_add_up_and_differ_by_one_at_most(lines: int, rows: int) -> None:
    found = list(repetitions(lines, rows))

    assert len(found) == lines
    assert sum(found) == rows
    assert max(found) - min(found) <= 1


def test_a_clean_file_has_distinct_rows_in_the_order_of_days_and_the_sums_it_claims(tmp_path: Path) -> None:
    rows = real_lines().height + ROWS
    content = write_sales(tmp_path / "sales.csv", rows)
    found = read(tmp_path / "sales.csv")

    assert len(found) == len(set(map(tuple, found))) == content.rows == rows
    assert [row[4][:10] for row in found] == sorted(row[4][:10] for row in found)
    assert content.quantity == sum(Decimal(row[3]) for row in found)
    assert content.price == sum(Decimal(row[5]) for row in found)
    assert content.faulty_rows == 0


def is_right(row: list[str]) -> bool:
    try:
        Decimal(row[3])
    except InvalidOperation:
        return False
    return len(row) == len(HEADERS) and row[1] != "" and not row[4].startswith("2011-02-30")


def test_a_faulty_file_has_four_kinds_of_faults_in_every_twentieth_row(tmp_path: Path) -> None:
    content = write_sales(tmp_path / "sales.csv", ROWS, is_faulty=True)
    found = read(tmp_path / "sales.csv")
    right = [row for row in found if is_right(row)]
    faulty = [place for place, row in enumerate(found) if not is_right(row)]

    assert faulty == list(range(19, ROWS, 20))
    assert (content.rows, content.faulty_rows) == (len(right), len(faulty))
    assert content.quantity == sum(Decimal(row[3]) for row in right)
    kinds = [
        sum(len(row) == len(HEADERS) + 1 for row in found),
        sum(row[1] == "" for row in found),
        sum(row[3] == "six" for row in found),
        sum(row[4].startswith("2011-02-30") for row in found),
    ]
    assert sorted(kinds) == [12, 12, 13, 13]


def test_a_workbook_has_the_first_real_lines(tmp_path: Path) -> None:
    content = write_workbook(tmp_path / "sales.xlsx", ROWS)
    lines = real_lines().head(ROWS)

    assert content.rows == ROWS
    assert content.quantity == sum(map(Decimal, lines["Quantity"]))


def test_a_day_of_history_is_the_same_file_whenever_history_begins(tmp_path: Path) -> None:
    last = date(2011, 12, 10)
    land_history(tmp_path / "short", date(2011, 12, 8), last)
    content = land_history(tmp_path / "long", date(2011, 11, 1), last)
    files = {path.parent.name: path.read_bytes() for path in (tmp_path / "long").rglob("*.csv")}

    for path in (tmp_path / "short").rglob("*.csv"):
        assert path.read_bytes() == files[path.parent.name]
    assert len(files) == 34
    assert "2011-12-10" not in files
    assert content.rows == sum(text.count(b"\n") - 1 for text in files.values())


@pytest.mark.parametrize(
    ("value", "bound", "holds"),
    [(2.0, "at most", True), (4.0, "at most", False), (2.0, "at least", False), (4.0, "at least", True)],
)
def test_a_goal_is_an_upper_or_a_lower_bound(value: float, bound: str, holds: bool) -> None:
    assert Figure("figure", value, "x", 3, bound).holds is holds  # type: ignore[arg-type]
