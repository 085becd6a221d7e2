"""The forecast stage's own order of days: pieces of a month, and days that are made again where drift came or went."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest

from inventra_pipelines.assets.forecast import _pieces, _Stage
from inventra_pipelines.db.writes import Window


def day(number: int) -> date:
    return date(2024, 3, number)


class Recorded(_Stage):
    """A stage that makes nothing: it tells which windows it was asked for, and sees the drift it is given in turn."""

    def __init__(self, *drifts: list[date]) -> None:
        object.__setattr__(self, "seen", list(drifts))
        object.__setattr__(self, "made", [])
        object.__setattr__(self, "postgres", self)

    @contextmanager
    def connect(self, **_: Any) -> Iterator[None]:
        yield None

    @contextmanager
    def _logged(self, days: list[tuple[str, date]]) -> Iterator[list[Any]]:
        yield []

    def _drifts(self, windows: list[Window]) -> dict[str, Sequence[date]]:
        return {"shop": self.seen.pop(0)}

    def _forecast(self, windows: list[Window], *_: Any) -> list[Any]:
        self.made.append([(window.first, window.last) for window in windows])
        return []

    def _write(self, *_: Any) -> Counter[str]:
        return Counter()


@pytest.fixture(autouse=True)
def no_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inventra_pipelines.assets.forecast.reads.demand", lambda *_: None)


@pytest.mark.parametrize(
    ("drifts", "made"),
    [
        pytest.param([[], []], [(1, 9)], id="none"),
        pytest.param([[], [day(4)], [day(4)], [day(4)]], [(1, 9), (5, 9)], id="comes"),
        pytest.param([[day(4)], [], [], []], [(1, 9), (5, 9)], id="no-longer-there"),
        pytest.param([[day(4)], [day(4)]], [(1, 9)], id="known-before"),
        pytest.param([[], [day(9)]], [(1, 9)], id="on-the-last-day"),
        pytest.param(
            [[], [day(2)], [day(2)], [day(2), day(6)], [day(2), day(6)], [day(2), day(6)]],
            [(1, 9), (3, 9), (7, 9)],
            id="twice",
        ),
    ],
)
def test_days_after_drift_came_or_went_are_made_again(drifts: list[list[date]], made: list[tuple[int, int]]) -> None:
    stage = Recorded(*drifts)
    stage.run([Window("shop", day(1), day(9))])
    assert stage.made == [[(day(first), day(last))] for first, last in made]


def test_no_piece_spans_the_first_of_a_month() -> None:
    windows = [Window("a", date(2024, 1, 25), date(2024, 3, 2)), Window("b", date(2024, 1, 30), date(2024, 2, 1))]
    pieces = list(_pieces(windows))
    assert all(len({(window.first.month, window.last.month)}) == 1 for piece in pieces for window in piece)
    assert all(len({window.first.month for window in piece}) == 1 for piece in pieces)
    assert sum((window.last - window.first).days + 1 for piece in pieces for window in piece) == 38 + 3
