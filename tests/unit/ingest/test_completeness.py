"""Which files are held back because they are far too small."""

from datetime import date, timedelta

import pytest

from inventra_pipelines.domain.ingest.batches import Batch, batch_id_of
from inventra_pipelines.domain.ingest.completeness import held_batches
from inventra_pipelines.domain.ingest.rejects import FileReason
from inventra_pipelines.domain.tenant import Feed

MONDAY = date(2024, 3, 4)
FEEDS = {"sales": Feed()}


def batch(day: date, rows: int = 0, name: str = "sales.csv", content: str = "x", dataset: str = "sales") -> Batch:
    key = batch_id_of(1, "shop", dataset, day, name, f"{content}{rows}")
    state = "loaded" if rows else "received"
    return Batch(key, "shop", dataset, day, name, f"{content}{rows}", state, rows, rows, 0, 0, 9, "v1", "r1")


def history(*rows: int) -> list[Batch]:
    """Mondays before, the last one first."""
    return [batch(MONDAY - timedelta(weeks=week), count) for week, count in enumerate(rows, start=1)]


def held(rows: int, recorded: list[Batch], feeds=FEEDS, landed: Batch | None = None, released=()) -> list[str]:
    landed = landed or batch(MONDAY)
    return list(held_batches([landed], {landed.batch_id: rows}, recorded, feeds, released))


def test_a_feed_below_a_tenth_of_the_same_weekdays_median_is_held():
    recorded = history(1000, 900, 1100, 1000)
    assert held(99, recorded) == [batch(MONDAY).batch_id]
    assert held(100, recorded) == []


def test_other_weekdays_do_not_count_and_four_of_the_same_are_needed():
    tuesdays = [batch(MONDAY - timedelta(weeks=week, days=-1), 1000) for week in range(1, 6)]
    assert held(1, tuesdays) == []
    assert held(1, history(1000, 1000, 1000)) == []


def test_one_odd_week_does_not_move_the_median():
    assert held(60, history(1000, 5, 1000, 1000, 1000)) == [batch(MONDAY).batch_id]


def test_small_feeds_and_feeds_without_weekdays_are_never_held():
    assert held(0, history(19, 19, 19, 19)) == []
    assert held(1, history(*[1000] * 4), {"sales": Feed(weekdays=[])}) == []
    assert held(1, history(*[1000] * 4), {}) == []


def test_the_tenant_may_turn_it_off_or_name_a_floor():
    assert held(1, history(*[1000] * 4), {"sales": Feed(least_share=0)}) == []
    assert held(49, [], {"sales": Feed(least_rows=50)}) == [batch(MONDAY).batch_id]


def test_the_files_of_a_day_count_together():
    recorded = history(*[1000] * 4)
    north, south = batch(MONDAY, name="sales_north.csv"), batch(MONDAY, name="sales_south.csv")
    rows = {north.batch_id: 95, south.batch_id: 6}
    assert held_batches([north, south], rows, recorded, FEEDS, ()) == {}
    rows[south.batch_id] = 4
    assert set(held_batches([north, south], rows, recorded, FEEDS, ())) == {north.batch_id, south.batch_id}


def test_days_of_one_run_are_judged_by_the_days_before_them_and_held_ones_do_not_count():
    landed = [batch(MONDAY + timedelta(weeks=week), content=f"{week}") for week in range(6)]
    rows = dict(zip((one.batch_id for one in landed), (1000, 1000, 1000, 1000, 10, 1000), strict=True))
    assert list(held_batches(landed, rows, [], FEEDS, ())) == [landed[4].batch_id]


def test_what_is_recorded_later_does_not_judge_an_earlier_day():
    later = [batch(MONDAY + timedelta(weeks=week), 1000) for week in range(1, 6)]
    assert held(1, later) == []


@pytest.mark.parametrize("feeds", [FEEDS, {}])
def test_a_short_file_does_not_replace_a_long_one_of_its_name(feeds):
    long, short = batch(MONDAY, 500), batch(MONDAY, content="y")
    (failure,) = held_batches([short], {short.batch_id: 49}, [long], feeds, ()).values()
    assert failure.reason_code == FileReason.INCOMPLETE_FEED
    assert "49 rows and would replace 500" in str(failure)
    assert f"inventra batches release {short.batch_id}" in str(failure)
    assert held(50, [long], feeds, short) == []


def test_a_correction_of_a_few_rows_replaces_a_few_rows():
    assert held(1, [batch(MONDAY, 19)], landed=batch(MONDAY, content="y")) == []


def test_what_was_released_is_taken():
    landed = batch(MONDAY)
    assert held(1, history(*[1000] * 4), landed=landed, released={landed.batch_id}) == []


def test_lists_of_changes_are_never_held():
    orders = batch(MONDAY, dataset="purchase_orders")
    recorded = [
        batch(MONDAY - timedelta(weeks=week), 1000, dataset="purchase_orders", name="po.csv") for week in range(1, 6)
    ]
    assert held(1, recorded, {"purchase_orders": Feed()}, orders) == []
