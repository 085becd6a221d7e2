"""The fold over days, against a loop that walks them one by one."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.alerts.conditions import CONDITIONS
from inventra_pipelines.domain.alerts.life_cycle import ALERTS, alert_id, fold_alerts, open_before
from inventra_pipelines.errors import PermanentError

FIRST = date(2011, 12, 1)
NOTHING = pl.DataFrame(schema=ALERTS)


def on(day: int) -> date:
    return FIRST + timedelta(days=day)


def conditions(*seen: tuple[int, str, str]) -> pl.DataFrame:
    rows = [
        {
            "tenant_id": "gifts",
            "as_of_on": on(day),
            "kind": kind,
            "item_id": item,
            "severity": "high" if day % 2 else "low",
            "money_at_risk": float(day) if day % 3 else None,
            "message": f"seen on day {day}",
        }
        for day, kind, item in seen
    ]
    return pl.DataFrame(rows, schema=CONDITIONS)


def fold(seen: pl.DataFrame, days: list[int], carried: pl.DataFrame = NOTHING) -> pl.DataFrame:
    return fold_alerts(carried, seen, [on(day) for day in days], tenant_id="gifts")


def dates(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    return frame.select("state", "opened_on", "last_seen_on", "resolved_on").rows()


def test_an_alert_opens_lasts_and_is_resolved() -> None:
    got = fold(conditions((1, "no_feed", ""), (2, "no_feed", "")), [0, 1, 2, 3, 4])
    assert dates(got) == [("resolved", on(1), on(2), on(3))]
    assert got.select("severity", "money_at_risk", "message").row(0) == ("low", 2, "seen on day 2")


def test_a_condition_that_comes_back_is_a_new_alert() -> None:
    got = fold(conditions((0, "no_feed", ""), (2, "no_feed", "")), [0, 1, 2])
    assert dates(got) == [("resolved", on(0), on(0), on(1)), ("open", on(2), on(2), None)]
    assert got["alert_id"].n_unique() == 2


def test_days_that_were_not_evaluated_say_nothing() -> None:
    got = fold(conditions((0, "no_feed", ""), (7, "no_feed", "")), [0, 7])
    assert dates(got) == [("open", on(0), on(7), None)]


def test_a_carried_alert_keeps_its_name_and_opening_day() -> None:
    before = fold(conditions((0, "no_feed", "")), [0])
    after = fold(conditions((1, "no_feed", "")), [1], carried=before)
    assert dates(after) == [("open", on(0), on(1), None)]
    assert after["alert_id"].to_list() == before["alert_id"].to_list()


def test_a_carried_alert_without_its_condition_is_resolved_as_it_was_last_seen() -> None:
    got = fold(conditions(), [3], carried=fold(conditions((1, "no_feed", "")), [1]))
    assert dates(got) == [("resolved", on(1), on(1), on(3))]
    assert got.item(0, "message") == "seen on day 1"


def test_no_evaluated_day_changes_nothing() -> None:
    carried = fold(conditions((1, "no_feed", "")), [1])
    assert fold(conditions(), [], carried=carried).equals(carried)
    assert fold(conditions(), []).equals(NOTHING)


def test_the_name_of_an_alert_is_the_same_every_time_and_of_one_tenant_only() -> None:
    got = fold(conditions((0, "no_feed", "A")), [0]).item(0, "alert_id")
    assert got == alert_id("gifts", "no_feed", "A", FIRST) == alert_id("gifts", "no_feed", "A", date(2011, 12, 1))
    assert got != alert_id("gifts-export", "no_feed", "A", FIRST)


def test_a_condition_on_a_day_that_was_not_evaluated_is_an_error() -> None:
    with pytest.raises(PermanentError, match="2011-12-02 is on a day that was not evaluated"):
        fold(conditions((1, "no_feed", "")), [0])


def test_a_condition_that_stands_twice_is_an_error() -> None:
    with pytest.raises(PermanentError, match="condition no_feed of item 'A' stands twice"):
        fold(conditions((0, "no_feed", "A"), (0, "no_feed", "A")), [0])


def test_a_carried_alert_that_was_seen_later_is_an_error() -> None:
    later = fold(conditions((5, "no_feed", "")), [5])
    with pytest.raises(PermanentError, match="was not open just before 2011-12-04"):
        fold(conditions(), [3], carried=later)


def naive(seen: set[tuple[int, str, str]], days: list[int]) -> list[dict[str, Any]]:
    rows = {(row["as_of_on"], row["kind"], row["item_id"]): row for row in conditions(*seen).iter_rows(named=True)}
    alive: dict[tuple[str, str], dict[str, Any]] = {}
    done: list[dict[str, Any]] = []
    for day in map(on, sorted(days)):
        today = {(kind, item): row for (seen_on, kind, item), row in rows.items() if seen_on == day}
        for key in [key for key in alive if key not in today]:
            done.append(alive.pop(key) | {"state": "resolved", "resolved_on": day})
        for key, row in today.items():
            opened_on = alive[key]["opened_on"] if key in alive else day
            alive[key] = {
                "alert_id": alert_id("gifts", *key, opened_on),
                "tenant_id": "gifts",
                "kind": key[0],
                "item_id": key[1],
                "severity": row["severity"],
                "state": "open",
                "opened_on": opened_on,
                "last_seen_on": day,
                "resolved_on": None,
                "money_at_risk": row["money_at_risk"],
                "message": row["message"],
            }
    return sorted([*done, *alive.values()], key=lambda alert: (alert["kind"], alert["item_id"], alert["opened_on"]))


DAYS = st.lists(st.integers(0, 12), unique=True, max_size=10)


@st.composite
def histories(draw: st.DrawFn) -> tuple[set[tuple[int, str, str]], list[int]]:
    days = draw(DAYS)
    kinds, items = st.sampled_from(["no_feed", "out_of_stock"]), st.sampled_from(["", "A", "B"])
    seen = draw(st.sets(st.tuples(st.sampled_from(days), kinds, items), max_size=25)) if days else set()
    return seen, days


@given(histories())
@settings(max_examples=120, deadline=None)
def test_the_fold_equals_walking_the_days(history: tuple[set[tuple[int, str, str]], list[int]]) -> None:
    seen, days = history
    assert fold(conditions(*seen), days).to_dicts() == naive(seen, days)


@given(histories())
@settings(max_examples=40, deadline=None)
def test_folding_day_by_day_equals_folding_all_at_once(history: tuple[set[tuple[int, str, str]], list[int]]) -> None:
    seen, days = history
    carried, closed = NOTHING, NOTHING
    for day in sorted(days):
        folded = fold(conditions(*(row for row in seen if row[0] == day)), [day], carried=carried)
        carried = folded.filter(pl.col("state") == "open")
        closed = pl.concat([closed, folded.filter(pl.col("state") == "resolved")])
    piecewise = pl.concat([closed, carried]).sort("kind", "item_id", "opened_on")
    assert piecewise.equals(fold(conditions(*seen), days))


@given(histories(), st.integers(0, 12))
@settings(max_examples=40, deadline=None)
def test_a_replay_from_any_day_carries_what_was_open_before_it(
    history: tuple[set[tuple[int, str, str]], list[int]], cut: int
) -> None:
    seen, days = history
    every = conditions(*seen)
    carried = open_before(every, [on(day) for day in days], on(cut), tenant_id="gifts")
    tail = fold(every.filter(pl.col("as_of_on") >= on(cut)), [day for day in days if day >= cut], carried=carried)
    whole = fold(every, days)
    touched = whole.filter(pl.col("resolved_on").is_null() | (pl.col("resolved_on") >= on(cut)))
    assert tail.equals(touched)
