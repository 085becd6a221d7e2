"""Which proposals, anomalies, feeds and drift become conditions, and how severe they are."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from inventra_pipelines.domain.alerts.anomalies import ANOMALIES
from inventra_pipelines.domain.alerts.conditions import CONDITIONS, conditions
from inventra_pipelines.domain.alerts.feeds import FEEDS
from inventra_pipelines.domain.forecast.frames import DRIFT
from inventra_pipelines.domain.planning.proposals import PROPOSALS
from inventra_pipelines.domain.tenant import AlertConfig

D = date(2011, 12, 9)


def proposal(**values: Any) -> dict[str, Any]:
    return {
        "item_id": "A",
        "location_id": "main",
        "abc_class": "A",
        "status": "out_of_stock",
        "reason": "out of stock: available 0",
        "money_at_risk": 100.0,
        "is_stock_simulated": False,
    } | values


def anomaly(**values: Any) -> dict[str, Any]:
    return {"item_id": "A", "kind": "sales_anomaly", "score": 4.0, "money_at_risk": 9.0, "message": "unusual"} | values


def feed(**values: Any) -> dict[str, Any]:
    return {
        "dataset": "sales",
        "expected_today": True,
        "batches": 1,
        "rows_accepted": 100,
        "rows_rejected": 0,
        "rejected_files": [],
        "median_rows_same_weekday": 100.0,
        "last_business_day": D,
    } | values


def drifting(**values: Any) -> dict[str, Any]:
    return {
        "demand_class": "smooth",
        "ratio": 1.4,
        "is_drifting": True,
        "reason": "forecasts of smooth items missed 42 % of the units sold in the last 4 weeks; 30 % is usual",
    } | values


def judged(
    proposals: list[dict[str, Any]] | None = None,
    anomalies: list[dict[str, Any]] | None = None,
    feeds: list[dict[str, Any]] | None = None,
    drift: list[dict[str, Any]] | None = None,
) -> pl.DataFrame:
    return conditions(
        pl.DataFrame(proposals or [], schema=PROPOSALS),
        pl.DataFrame(anomalies or [], schema=ANOMALIES),
        pl.DataFrame(feeds or [], schema=FEEDS),
        pl.DataFrame(drift or [], schema=DRIFT),
        tenant_id="gifts",
        as_of_on=D,
        config=AlertConfig(),
    )


def brief(frame: pl.DataFrame) -> list[tuple[str, str, str]]:
    return frame.select("kind", "item_id", "severity").rows()


def test_a_day_on_which_all_is_well_has_no_conditions() -> None:
    got = judged([proposal(status="healthy"), proposal(item_id="B", status="order")], [], [feed()])
    assert got.is_empty()
    assert got.schema == pl.Schema(CONDITIONS)


@pytest.mark.parametrize(
    ("status", "abc", "severity"),
    [
        ("out_of_stock", "A", "critical"),
        ("out_of_stock", "B", "high"),
        ("out_of_stock", "C", "medium"),
        ("out_of_stock", None, "high"),
        ("stock_out_risk", "A", "high"),
        ("stock_out_risk", "B", "medium"),
        ("stock_out_risk", "C", "low"),
    ],
)
def test_stock_conditions_are_as_severe_as_the_class_is_important(status: str, abc: str | None, severity: str) -> None:
    assert brief(judged([proposal(status=status, abc_class=abc)])) == [(status, "A", severity)]


def test_locations_of_an_item_are_one_condition_with_their_money_added_up() -> None:
    rows = [proposal(), proposal(location_id="north", money_at_risk=250.0, reason="worse"), proposal(location_id="x")]
    got = judged(rows)
    assert got.height == 1
    assert got.item(0, "money_at_risk") == 450
    assert got.item(0, "message") == "item A at north (of 3 locations): worse"


def test_money_that_is_not_known_stays_null() -> None:
    assert judged([proposal(money_at_risk=None)])["money_at_risk"].to_list() == [None]


def test_simulated_stock_is_said_to_be_simulated() -> None:
    assert judged([proposal(is_stock_simulated=True)]).item(0, "message").endswith("(simulated stock)")


def test_sales_conditions_take_their_severity_from_score_class_and_scope() -> None:
    got = judged(
        [proposal(status="healthy", item_id="B", abc_class="A")],
        [
            anomaly(score=4.0),
            anomaly(item_id="B", score=-7.0),
            anomaly(item_id="", score=3.5),
            anomaly(item_id="B", kind="sales_stopped"),
            anomaly(item_id="C", kind="sales_stopped"),
        ],
    )
    assert brief(got) == [
        ("sales_anomaly", "", "high"),
        ("sales_anomaly", "A", "low"),
        ("sales_anomaly", "B", "medium"),
        ("sales_stopped", "B", "high"),
        ("sales_stopped", "C", "medium"),
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({"batches": 0, "rows_accepted": 0}, [("no_feed", "", "critical")], id="no sales"),
        pytest.param({"batches": 0, "dataset": "items"}, [("no_feed", "", "medium")], id="no items"),
        pytest.param({"batches": 0, "expected_today": False}, [], id="not expected today"),
        pytest.param({"last_business_day": D - timedelta(days=4)}, [("stale_feed", "", "high")], id="stale"),
        pytest.param({"last_business_day": D - timedelta(days=3)}, [], id="just not stale"),
        pytest.param({"last_business_day": None}, [], id="no business days"),
        pytest.param({"rows_accepted": 29}, [("thin_feed", "", "medium")], id="thin"),
        pytest.param({"rows_accepted": 30}, [], id="just not thin"),
        pytest.param({"rows_accepted": 1, "median_rows_same_weekday": None}, [], id="no median yet"),
        pytest.param({"rows_rejected": 2}, [], id="few rejected"),
        pytest.param({"rows_rejected": 3}, [("rejected_rows", "", "medium")], id="rejected"),
        pytest.param({"rows_rejected": 100}, [("rejected_rows", "", "high")], id="half rejected"),
        pytest.param(
            {"rejected_files": ["sales.csv: no column item_code"], "rows_accepted": 0},
            [("rejected_file", "", "high")],
            id="the only file refused",
        ),
    ],
)
def test_feeds_are_judged_by_their_thresholds(values: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    assert brief(judged(feeds=[feed(**values)])) == expected


def test_classes_that_drift_share_one_condition_that_gives_their_reasons() -> None:
    other = drifting(demand_class="lumpy", ratio=2.0, reason="forecasts of lumpy items missed")
    got = judged(drift=[drifting(), other, drifting(demand_class="new", is_drifting=False)])
    assert brief(got) == [("forecast_drift", "", "high")]
    assert got.item(0, "message") == f"forecasts of lumpy items missed; {drifting()['reason']}"
    assert got["money_at_risk"].to_list() == [None]


@pytest.mark.parametrize(("ratio", "severity"), [(1.99, "medium"), (2.0, "high"), (None, "medium")])
def test_a_class_that_errs_twice_as_much_as_usual_is_severe(ratio: float | None, severity: str) -> None:
    assert brief(judged(drift=[drifting(ratio=ratio)])) == [("forecast_drift", "", severity)]


def test_classes_that_do_not_drift_are_no_condition() -> None:
    assert judged(drift=[drifting(is_drifting=False)]).is_empty()


def test_datasets_share_one_condition_per_kind_with_the_worst_severity() -> None:
    got = judged(feeds=[feed(dataset="stock", batches=0), feed(batches=0), feed(dataset="items", batches=0)])
    assert brief(got) == [("no_feed", "", "critical")]
    assert got.item(0, "message") == (
        "no items file landed on 2011-12-09; no sales file landed on 2011-12-09; no stock file landed on 2011-12-09"
    )


def test_refused_files_are_named_and_a_cut_is_said() -> None:
    files = [f"sales_{n}.csv: not a CSV" for n in range(5)]
    message = judged(feeds=[feed(rejected_files=files)]).item(0, "message")
    assert message.startswith("5 sales files refused: sales_0.csv: not a CSV, ")
    assert message.endswith("(3 of 5 shown)")
