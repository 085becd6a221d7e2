"""What the forecast stage keeps and reads again: selections, coverage, drift, past vintages, spells without stock."""

from datetime import date, timedelta

import polars as pl
import psycopg

from inventra_pipelines.db import forecast_log, tables
from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.reads import forecast as reads
from inventra_pipelines.db.reads import planning, selections
from inventra_pipelines.db.writes import Window, replace_window
from inventra_pipelines.domain.forecast.selection.stored_selections import backtest_rows, booster_rows, model_rows
from inventra_pipelines.domain.forecast.tenant_forecasts import ForecastRequest, Inputs, forecast_tenants
from inventra_pipelines.domain.tenant import ForecastConfig, TenantConfig
from tests.forecast_demand import CUTOFF, shop_items, weekly_demand
from tests.integration.dbt_data import copy_into
from tests.integration.warehouse import MONDAY, Warehouse, day

TENANT = "kept"
FIRST = date(2011, 12, 1)
CONFIG = ForecastConfig(horizon_weeks=4)


def forecast(known: dict | None = None) -> tuple:
    request = ForecastRequest(TENANT, CUTOFF, FIRST, CONFIG, "v1")
    inputs = Inputs(weekly_demand(shop_items(), tenant_id=TENANT))
    (vintage,) = forecast_tenants({TENANT: inputs}, [request], known or {})
    return vintage.selection, vintage.forecasts


def test_a_selection_that_was_kept_gives_the_same_forecasts_as_when_it_was_made(
    connection: psycopg.Connection,
) -> None:
    made, before = forecast()
    assert made.is_fresh and made.booster.text is not None
    window = [Window(TENANT, FIRST, FIRST)]
    for table, frame in (
        (tables.models, model_rows(made, tenant_id=TENANT, config_version="v1")),
        (tables.boosters, booster_rows(made, tenant_id=TENANT)),
        (tables.backtests, backtest_rows(made, tenant_id=TENANT)),
    ):
        replace_window(connection, table, frame, windows=window, window_column="selected_on", run_id="r")
    kept = selections.selections(
        connection, [(TENANT, FIRST, "v1"), (TENANT, FIRST, "another"), ("other", FIRST, "v1")]
    )
    assert set(kept) == {(TENANT, FIRST)}
    read, after = forecast(kept)
    assert not read.is_fresh
    assert after.equals(before)


def test_what_came_true_is_that_of_the_last_measured_day_before_the_selection(connection: psycopg.Connection) -> None:
    rows = [
        (FIRST - timedelta(9), "lumpy", 1, 900, 0.1, 0.1),
        (FIRST - timedelta(2), "lumpy", 1, 300, 0.9, 0.98),
        (FIRST - timedelta(2), "lumpy", 2, 100, 0.5, 0.94),
        (FIRST, "lumpy", 1, 900, 0.1, 0.1),
    ]
    connection.cursor().executemany(
        "insert into forecast.accuracy (tenant_id, as_of_on, level, node, lag, forecasts, coverage_80, coverage_95)"
        f" values ('{TENANT}', %s, 'class', %s, %s, %s, %s, %s)",
        rows,
    )
    (lumpy,) = selections.realised(connection, TENANT, FIRST).values()
    assert (lumpy.forecasts, round(lumpy.coverage_80, 6), round(lumpy.coverage_95, 6)) == (400, 0.8, 0.97)
    assert selections.realised(connection, TENANT, FIRST + timedelta(90)) == {}


def test_drift_begins_on_the_day_on_which_a_class_drifts_that_did_not_before(connection: psycopg.Connection) -> None:
    for offset, is_drifting in enumerate([False, True, True, False, True]):
        connection.execute(
            "insert into forecast.drift (tenant_id, as_of_on, demand_class, forecasts, is_drifting, reason)"
            " values (%s, %s, 'smooth', 1, %s, '')",
            (TENANT, FIRST + timedelta(offset), is_drifting),
        )
    seen = selections.drifted_on(connection, TENANT, FIRST, FIRST + timedelta(30))
    assert list(seen) == [FIRST + timedelta(1), FIRST + timedelta(4)]
    assert list(selections.drifted_on(connection, TENANT, FIRST + timedelta(2), FIRST + timedelta(3))) == []


def test_past_vintages_are_three_whose_horizon_is_over_four_weeks_apart(connection: psycopg.Connection) -> None:
    cutoffs = [FIRST - timedelta(weeks=weeks) for weeks in range(3, 20)]
    for cutoff_on in cutoffs:
        connection.execute(
            "insert into forecast.runs (run_id, tenant_id, cutoff_on, state, items, fallbacks, corrections,"
            " horizon_weeks, data_fingerprint, config_version) values ('r', %s, %s, 'completed', 1, 0, 0, 4, '', 'v')",
            (TENANT, cutoff_on),
        )
        connection.execute(
            "insert into forecast.forecasts (tenant_id, item_id, location_id, cutoff_on, target_on, lag, mean,"
            " model_used, run_id, config_version) values (%s, 'A', 'main', %s, %s, 1, 2, 'SES', 'r', 'v')",
            (TENANT, cutoff_on, cutoff_on + timedelta(7)),
        )
    past = selections.past_vintages(connection, TENANT, FIRST, 4)
    assert past["cutoff_on"].to_list() == [FIRST - timedelta(weeks=weeks) for weeks in (12, 8, 4)]
    assert selections.past_vintages(connection, TENANT, FIRST, 8).is_empty()


def test_each_attempt_at_a_forecast_is_on_record_with_how_it_ended(migrated_url: str) -> None:
    days = [("logged", FIRST), ("logged", CUTOFF)]
    with connect(migrated_url) as connection:
        forecast_log.enter(connection, days, run_id="r", state="running")
        forecast_log.enter(connection, days, run_id="r", state="completed", seconds=2.5, counts=[(3, 0), (4, 1)])
        forecast_log.enter(connection, days[:1], run_id="s", state="failed", seconds=0.1, error="ValueError: no")
    with connect(migrated_url, read_only=True) as connection:
        rows = connection.execute(
            "select cutoff_on, run_id, state, items, fallbacks, error from forecast.run_log"
            " where tenant_id = 'logged' order by entry_id"
        ).fetchall()
    assert rows[2:] == [
        (FIRST, "r", "completed", 3, 0, None),
        (CUTOFF, "r", "completed", 4, 1, None),
        (FIRST, "s", "failed", None, None, "ValueError: no"),
    ]


def test_what_a_killed_attempt_left_open_has_failed_once_another_one_begins(migrated_url: str) -> None:
    killed, done, other = ("killed", FIRST), ("killed", CUTOFF), ("not killed", FIRST)
    with connect(migrated_url) as connection:
        forecast_log.queue(connection, [killed, done, other], run_id="a")
        forecast_log.enter(connection, [killed, done], run_id="a", state="running")
        forecast_log.enter(connection, [done], run_id="a", state="completed", seconds=1.0, counts=[(1, 0)])
        forecast_log.queue(connection, [killed, done], run_id="b")
        forecast_log.queue(connection, [killed], run_id="c")
    with connect(migrated_url, read_only=True) as connection:
        rows = connection.execute(
            "select tenant_id, cutoff_on, run_id, state, error like 'still open when another attempt began%%'"
            " from forecast.run_log where tenant_id like '%%killed' order by entry_id"
        ).fetchall()
    assert rows[6:] == [
        (*killed, "a", "failed", True),
        (*killed, "b", "queued", None),
        (*done, "b", "queued", None),
        (*killed, "b", "failed", True),
        (*killed, "c", "queued", None),
    ]


def test_an_attempt_that_fails_leaves_none_of_its_days_open(migrated_url: str) -> None:
    days = [("fails", FIRST), ("fails", CUTOFF), ("fails", CUTOFF + timedelta(1))]
    with connect(migrated_url) as connection:
        forecast_log.queue(connection, days, run_id="a")
        forecast_log.enter(connection, days[:2], run_id="a", state="running")
        forecast_log.enter(connection, days[:1], run_id="a", state="completed", seconds=1.0, counts=[(1, 0)])
        forecast_log.fail(connection, days, run_id="a", error=ValueError("no"))
        forecast_log.queue(connection, days, run_id="b")
    with connect(migrated_url, read_only=True) as connection:
        rows = connection.execute(
            "select cutoff_on, run_id, state, error, seconds >= 0 from forecast.run_log"
            " where tenant_id = 'fails' order by entry_id offset 6"
        ).fetchall()
    assert rows[:2] == [(day, "a", "failed", "ValueError: no", True) for _, day in days[1:]]
    assert [row[1:3] for row in rows[2:]] == [("b", "queued")] * 3


def test_a_spell_without_stock_ends_before_the_next_count_or_sale(warehouse: Warehouse) -> None:
    tenant = warehouse.tenant("emptied")
    counts = {"A": {0: 0, 10: 5}, "B": {0: 0}, "C": {0: 4, 5: 0, 6: 9}, "D": {0: 0, 20: 0}}
    warehouse.add(
        tenant,
        "stock",
        *(
            {"item_code": item, "counted_on": day(number), "quantity_on_hand": units}
            for item, of in counts.items()
            for number, units in of.items()
        ),
    )
    warehouse.add(
        tenant,
        "sales",
        {"item_code": "A", "sold_on": day(4), "quantity": 2},
        {"item_code": "C", "sold_on": day(9), "quantity": 2},
    )
    window = [Window(tenant, MONDAY, day(30))]
    warehouse.build(window)
    config = TenantConfig(tenant_id=tenant, name="Shop")
    with connect(warehouse.url, read_only=True) as connection:
        spells = reads.stock_outs(connection, tenant, window, {tenant: config})
    assert sorted(spells.rows()) == [
        ("A", "main", day(1), day(3)),
        ("B", "main", day(1), day(30)),
        ("D", "main", day(1), day(19)),
        ("D", "main", day(21), day(30)),
    ]


def test_a_dormant_item_is_planned_only_where_planners_adjusted_it(warehouse: Warehouse) -> None:
    tenant = warehouse.tenant("asleep-items")
    keys = {"tenant_id": tenant, "location_id": "main", "cutoff_on": MONDAY, "target_on": day(7), "lag": 1}
    forecasts = pl.DataFrame(
        [
            {**keys, "item_id": item, "mean": mean, "cumulative_mean": mean, "cumulative_std": 1.0}
            | {"demand_class": name, "model_used": "SES", "run_id": "r", "config_version": "v"}
            for item, mean, name in (("A", 3.0, "smooth"), ("B", 0.0, "dormant"), ("C", 0.0, "dormant"))
        ]
    )
    consensus = pl.DataFrame([{**keys, "item_id": "C", "baseline": 0.0, "sales": 5.0, "consensus": 5.0}])
    with connect(warehouse.url) as connection:
        copy_into(connection, "forecast.forecasts", forecasts)
        copy_into(connection, "forecast.consensus", consensus)
        connection.execute(
            "insert into forecast.runs (run_id, tenant_id, cutoff_on, state, items, fallbacks, corrections,"
            f" horizon_weeks, data_fingerprint, config_version) values ('r', '{tenant}', '{MONDAY}', 'completed',"
            " 3, 0, 0, 8, '', 'v')"
        )
    with connect(warehouse.url, read_only=True) as connection:
        planned = planning.planning_inputs(connection, tenant, MONDAY).forecasts
    assert sorted(planned.select("item_id", "mean").rows()) == [("A", 3.0), ("C", 5.0)]
