import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from report_samples import DAY, alerts, empty_report, full_report, kpis, proposals

from inventra_pipelines.domain.reports.actions import first_actions, ranked_actions
from inventra_pipelines.domain.reports.kpis import key_figures
from inventra_pipelines.domain.reports.model import ReportInputError, conform, empty
from inventra_pipelines.domain.reports.series import daily_series, weekly_series

SCRIPT = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
from report_samples import full_report
from inventra_pipelines.domain.reports.pdf import render_pdf
from inventra_pipelines.domain.reports.workbook import render_workbook
report = full_report(items=80, rejected=10)
print(hashlib.sha256(render_pdf(report)).hexdigest(), hashlib.sha256(render_workbook(report)).hexdigest())
"""


def test_two_processes_with_other_hash_seeds_write_the_same_bytes() -> None:
    folder = str(Path(__file__).parent)
    running = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, folder],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "4242")
    ]
    digests = [process.communicate(timeout=60)[0].split() for process in running]
    assert len(digests[0]) == 2
    assert digests[0] == digests[1]


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ReportInputError, match="daily_sales has no column units_sold"):
        empty_report(daily_sales=pl.DataFrame({"sold_on": [DAY], "revenue": [1.0]}))


def test_a_wrong_type_is_an_error() -> None:
    with pytest.raises(ReportInputError, match="daily_sales has a wrong type"):
        empty_report(daily_sales=pl.DataFrame({"sold_on": [DAY], "revenue": ["much"], "units_sold": [1.0]}))


def test_decimals_integers_and_nulls_become_the_stated_types() -> None:
    frame = pl.DataFrame(
        {"sold_on": [DAY, DAY], "revenue": [Decimal("1.2500"), Decimal("2.5")], "units_sold": [3, 4], "more": [1, 2]}
    )
    assert conform("daily_sales", frame).schema == empty("daily_sales").schema
    assert conform("daily_sales", frame)["revenue"].to_list() == [1.25, 2.5]
    nulls = pl.DataFrame({name: [None] for name in empty("alerts").columns})
    assert conform("alerts", nulls).schema == empty("alerts").schema


def test_two_rows_of_kpis_are_an_error() -> None:
    with pytest.raises(ReportInputError, match="2 rows of KPIs"):
        empty_report(kpis=pl.concat([kpis(), kpis()]))


def test_actions_are_ranked_by_money_and_those_without_come_last() -> None:
    money = [action.money for action in ranked_actions(full_report(items=300))]
    known = [amount for amount in money if amount is not None]
    assert known == sorted(known, reverse=True)
    assert all(amount is None for amount in money[len(known) :])


def test_a_stock_alert_of_an_item_with_a_proposal_is_no_second_action() -> None:
    report = full_report(items=40)
    short = report.proposals.filter(pl.col("status").is_in(["out_of_stock", "stock_out_risk", "order"])).head(1)
    alert = report.alerts.filter(pl.col("state") == "open").head(1).with_columns(item_id=pl.lit(short["item_id"][0]))
    twice = empty_report(proposals=short, alerts=alert.with_columns(kind=pl.lit("stock_out_risk")))
    other = empty_report(proposals=short, alerts=alert.with_columns(kind=pl.lit("sales_anomaly")))
    assert len(ranked_actions(twice)) == 1
    assert len(ranked_actions(other)) == 2


@pytest.mark.parametrize(("excess", "orders", "shown"), [(50, 50, 6), (50, 4, 16), (3, 50, 3), (0, 50, 0), (50, 0, 20)])
def test_excess_takes_at_most_three_places_in_ten_while_orders_wait(excess: int, orders: int, shown: int) -> None:
    rows = full_report(items=2000).proposals
    surplus = rows.filter(pl.col("status") == "excess").head(excess)
    short = rows.filter(pl.col("status") == "order").head(orders)
    top = first_actions(ranked_actions(empty_report(proposals=pl.concat([surplus, short]))), 20)
    assert len(top) == min(20, excess + orders)
    assert sum(action.tone == "excess" for action in top) == shown


@pytest.mark.parametrize("kind", ["no_feed", "rejected_file", "stale_feed"])
def test_a_feed_that_failed_is_the_first_action_though_no_money_is_known(kind: str) -> None:
    report = full_report(items=2000)
    alert = report.alerts.filter(pl.col("state") == "open").head(1)
    failed = alert.with_columns(
        kind=pl.lit(kind), item_id=pl.lit(""), name=pl.lit(None, pl.String), money_at_risk=pl.lit(None, pl.Float64)
    )
    whole = empty_report(proposals=report.proposals, alerts=pl.concat([report.alerts, failed]))
    assert first_actions(ranked_actions(whole), 20)[0].what == f"Check {kind.replace('_', ' ')}"


def test_unusual_sales_take_at_most_three_places_in_ten_while_orders_wait() -> None:
    short = full_report(items=2000).proposals.filter(pl.col("status") == "order").head(50)
    items = [f"U{number}" for number in range(40)]
    unusual = full_report(items=30).anomalies.head(1)
    anomalies = pl.concat([unusual.with_columns(item_id=pl.lit(item), kind=pl.lit("sales_anomaly")) for item in items])
    alert = full_report(items=30).alerts.filter(pl.col("state") == "open").head(1)
    alerts = pl.concat(
        [
            alert.with_columns(item_id=pl.lit(item), kind=pl.lit("sales_anomaly"), money_at_risk=pl.lit(1e9))
            for item in items
        ]
    )
    top = first_actions(ranked_actions(empty_report(proposals=short, alerts=alerts, anomalies=anomalies)), 20)
    assert [action.limited for action in top] == ["unusual sales"] * 6 + [""] * 14
    assert "usual" in top[0].why


def test_key_figures_never_show_zero_for_unknown() -> None:
    unknown = kpis().with_columns(pl.lit(None).alias("stock_value"), pl.lit(None).alias("last_counted_on"))
    figure = next(f for f in key_figures(empty_report(kpis=unknown)) if f.label == "Stock value")
    assert figure.written("GBP") == "not available"
    assert figure.reason == "no stock count has been landed yet"


def test_a_change_on_nothing_is_no_change() -> None:
    first = kpis().with_columns(pl.lit(0.0).alias("revenue_previous_28d"))
    assert key_figures(empty_report(kpis=first))[0].change is None


def test_samples_are_seeded() -> None:
    assert full_report(items=20).proposals.equals(full_report(items=20).proposals)
    assert proposals.__module__ == alerts.__module__


def test_the_average_begins_with_the_first_sale_and_takes_days_without_as_zero() -> None:
    days = [DAY - timedelta(days=k) for k in (9, 8, 2, 0)]
    sales = pl.DataFrame({"sold_on": days, "revenue": [7.0, 7.0, 7.0, 14.0], "units_sold": [1.0] * 4})
    series = daily_series(empty_report(daily_sales=sales))
    assert series["average_7d"].null_count() == 91 - 4
    assert series["average_7d"].tail(4).to_list() == [2.0, 2.0, 1.0, 3.0]


def test_weeks_end_on_the_day_and_are_whole() -> None:
    sales = pl.DataFrame({"sold_on": [DAY, DAY - timedelta(days=7)], "revenue": [3.0, 5.0], "units_sold": [1.0, 2.0]})
    weeks = weekly_series(empty_report(daily_sales=sales), DAY)
    assert weeks.height == 13
    assert weeks["week_ends_on"].to_list()[-2:] == [DAY - timedelta(days=7), DAY]
    assert weeks["revenue"].to_list()[-2:] == [5.0, 3.0]
    shifted = weekly_series(empty_report(daily_sales=sales), DAY - timedelta(days=3))
    assert shifted.height == 12
    assert shifted["revenue"].to_list()[-1] == 5.0


def test_the_average_and_the_week_of_a_day_of_unknown_revenue_are_not_known() -> None:
    days = [DAY - timedelta(days=k) for k in (20, 9, 8, 0)]
    sales = pl.DataFrame({"sold_on": days, "revenue": [7.0, None, 7.0, 14.0], "units_sold": [1.0] * 4})
    report = empty_report(daily_sales=sales)
    series = daily_series(report)
    assert series["average_7d"].tail(10).to_list() == [None] * 7 + [1.0, 0.0, 2.0]
    weeks = weekly_series(report, DAY)
    assert weeks["revenue"].to_list()[-3:] == [7.0, None, 14.0]
    assert weeks["units_sold"].to_list()[-3:] == [1.0, 2.0, 1.0]
    assert weeks["days_with_sales"].to_list()[-3:] == [1, 2, 1]


def test_money_of_unknown_price_is_not_available_and_says_why() -> None:
    money = ["revenue_day", "revenue_7d", "revenue_28d", "revenue_mtd", "average_order_value_28d", "returns_rate_28d"]
    report = empty_report(kpis=kpis().with_columns(pl.lit(None).alias(name) for name in money))
    figures = {figure.label: figure for figure in key_figures(report)}
    unknown = {label for label, figure in figures.items() if figure.value is None}
    assert unknown == {
        "Revenue, 28 days",
        "Revenue, 7 days",
        "Revenue, month to date",
        "Average order value, 28 days",
        "Returns, share of revenue",
    }
    assert {figures[label].reason for label in unknown} == {"sales in a currency without a rate"}
    assert {figures[label].written("GBP") for label in unknown} == {"not available"}
    assert all(figures[label].change is None for label in unknown)


def test_an_item_in_two_places_says_which() -> None:
    rows = full_report(items=300).proposals.filter(pl.col("status") == "out_of_stock").head(1)
    both = pl.concat([rows, rows.with_columns(location_id=pl.lit("north"))])
    items = [action.item for action in ranked_actions(empty_report(proposals=both))]
    assert items == [rows["item_id"][0], f"{rows['item_id'][0]} north"]
