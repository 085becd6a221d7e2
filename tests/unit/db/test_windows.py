"""Windows: the days in them, and the pieces of a long backfill."""

from datetime import date, timedelta

import pytest

from inventra_pipelines.db.writes import Window, days_of, split_windows

DAY = date(2026, 1, 30)
YEAR = [Window("a", DAY, DAY + timedelta(364)), Window("b", DAY, DAY), Window("c", DAY, DAY + timedelta(9))]


def test_the_days_of_windows_are_every_day_of_each_tenant_in_order():
    assert days_of([Window("a", DAY, DAY + timedelta(2)), Window("b", DAY, DAY)]) == [
        ("a", date(2026, 1, 30)),
        ("a", date(2026, 1, 31)),
        ("a", date(2026, 2, 1)),
        ("b", date(2026, 1, 30)),
    ]


@pytest.mark.parametrize("most", [1, 4, 16, 365, 1000])
def test_pieces_hold_the_same_days_in_order_and_never_too_many(most: int):
    pieces = list(split_windows(YEAR, most))
    assert [day for piece in pieces for day in days_of(piece)] == days_of(YEAR)
    assert all(len(days_of(piece)) <= most for piece in pieces)
    assert all(len(days_of(piece)) == most for piece in pieces[:-1])


def test_no_windows_make_no_pieces():
    assert list(split_windows([], 8)) == []
