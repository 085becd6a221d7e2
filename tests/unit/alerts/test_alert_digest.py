"""The notification of a day."""

from datetime import date, timedelta
from typing import Any

import polars as pl

from inventra_pipelines.domain.alerts.conditions import CONDITIONS
from inventra_pipelines.domain.alerts.digest import digest
from inventra_pipelines.domain.alerts.life_cycle import ALERTS, fold_alerts
from inventra_pipelines.domain.tenant import TenantConfig

D = date(2011, 12, 9)
TENANT = TenantConfig(tenant_id="gifts", name="Gifts Ltd", currency="GBP")


def alert(item: str, money: float | None = None, **values: Any) -> dict[str, Any]:
    return {
        "alert_id": f"id-{item}",
        "tenant_id": "gifts",
        "kind": "out_of_stock",
        "item_id": item,
        "severity": "medium",
        "state": "open",
        "opened_on": D,
        "last_seen_on": D,
        "resolved_on": None,
        "money_at_risk": money,
        "message": f"item {item}: gone",
    } | values


def alerts(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=ALERTS)


def lines(frame: pl.DataFrame) -> list[str]:
    note = digest(frame, as_of_on=D, config=TENANT)
    assert note is not None
    return note.body.splitlines()


def test_a_day_without_news_sends_nothing() -> None:
    old = alert("A", opened_on=D - timedelta(days=1))
    assert digest(alerts(old), as_of_on=D, config=TENANT) is None
    assert digest(alerts(), as_of_on=D, config=TENANT) is None


def test_the_subject_counts_what_is_new_critical_and_resolved() -> None:
    gone = alert("C", opened_on=D - timedelta(days=3), resolved_on=D, state="resolved")
    note = digest(alerts(alert("A", severity="critical"), alert("B"), gone), as_of_on=D, config=TENANT)
    assert note is not None
    assert note.subject == "Gifts Ltd, 2011-12-09: 2 new alerts (1 critical), 1 resolved"


def test_the_worst_comes_first_by_money_and_unknown_sums_last() -> None:
    got = lines(alerts(alert("A", 5.0), alert("B"), alert("C", 1234.5)))
    assert got[-3:] == [
        "- medium, out of stock [1,234.50 GBP]: item C: gone",
        "- medium, out of stock [5.00 GBP]: item A: gone",
        "- medium, out of stock: item B: gone",
    ]


def test_feeds_come_before_items_whatever_the_money() -> None:
    got = lines(alerts(alert("A", 1e9), alert("", kind="no_feed", message="no sales file")))
    assert got.index("- medium, no feed: no sales file") < got.index("New alerts on items: 1")


def test_feeds_are_sorted_by_severity_before_money() -> None:
    revenue = alert("", 1e6, kind="sales_anomaly", severity="high", message="revenue")
    feed = alert("", kind="no_feed", severity="critical", message="no sales file")
    assert [line for line in lines(alerts(revenue, feed)) if line.startswith("- ")] == [
        "- critical, no feed: no sales file",
        "- high, sales anomaly [1,000,000.00 GBP]: revenue",
    ]


def test_drift_is_said_in_a_sentence_before_items() -> None:
    reason = "forecasts of smooth items missed 42 % of the units sold in the last 4 weeks; 30 % is usual"
    got = lines(alerts(alert("A", 1e9), alert("", kind="forecast_drift", message=reason)))
    assert got.index(f"- medium, forecast drift: {reason}") < got.index("New alerts on items: 1")


def test_the_message_of_a_day_is_the_same_when_later_days_are_known() -> None:
    def seen(day: date, items: str) -> pl.DataFrame:
        row = {"tenant_id": "gifts", "as_of_on": day, "kind": "out_of_stock", "severity": "low"}
        figures = {"money_at_risk": float(day.day), "message": f"as of {day}"}
        return pl.DataFrame([row | figures | {"item_id": item} for item in items], schema=CONDITIONS)

    days = [D - timedelta(days=1), D, D + timedelta(days=1), D + timedelta(days=2)]
    history = pl.concat([seen(days[0], "AC"), seen(days[1], "AB"), seen(days[2], "AB"), seen(days[3], "AC")])
    then = fold_alerts(alerts(), history.filter(pl.col("as_of_on") <= D), days[:2], tenant_id="gifts")
    later = fold_alerts(alerts(), history, days, tenant_id="gifts")
    known_then = digest(then, as_of_on=D, config=TENANT)
    assert known_then is not None
    assert f"as of {D}" in known_then.body
    assert digest(later, as_of_on=D, config=TENANT, conditions=history) == known_then
    assert digest(later, as_of_on=D, config=TENANT) != known_then


def test_a_cut_list_says_of_how_many() -> None:
    got = lines(alerts(*(alert(f"I{n:03}", float(n)) for n in range(33))))
    assert "New alerts on items, worst by money first: 20 of 33" in got
    assert sum(line.startswith("- ") for line in got) == 20


def test_a_line_break_in_a_name_or_message_cannot_break_the_lines() -> None:
    tenant = TENANT.model_copy(update={"name": "Gifts\r\nBcc: x@example.com"})
    note = digest(alerts(alert("A", message="one\n- critical, two")), as_of_on=D, config=tenant)
    assert note is not None
    assert "\n" not in note.subject
    assert "\r" not in note.subject
    assert "- medium, out of stock: one - critical, two" in note.body.splitlines()


def test_the_same_alerts_in_another_order_are_the_same_message() -> None:
    rows = [alert(f"I{n}", float(n % 3)) for n in range(9)]
    first = digest(alerts(*rows), as_of_on=D, config=TENANT)
    second = digest(alerts(*reversed(rows)), as_of_on=D, config=TENANT)
    assert first is not None
    assert first == second
    assert first.fingerprint == second.fingerprint
