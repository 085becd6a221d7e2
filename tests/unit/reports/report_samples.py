"""Seeded sample days for the report tests: a wholesaler's day at any size, and a day on which nothing is known."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from inventra_pipelines.domain.reports.model import DailyReport

DAY = date(2011, 12, 9)
_NAMES = [
    "Cream hanging heart t-light holder",
    "Regency cakestand 3 tier",
    "Jumbo bag red retrospot",
    "Party bunting",
    "Assorted colour bird ornament",
    "Lunch bag black skull",
    "Set of 3 cake tins pantry design",
    "Wooden frame antique white with a very long description that cannot possibly fit in a column of any report",
    "Crème brûlée dish, façade & <b>bold</b> £5",
    "Příborník šedý 12 kusů",
    "Hand warmer owl design",
]
_STATUSES = ["out_of_stock", "stock_out_risk", "order", "healthy", "excess", "no_demand", "unknown"]


def proposals(generator: np.random.Generator, items: int) -> pl.DataFrame:
    index = np.arange(items)
    status = generator.choice(_STATUSES, items, p=[0.03, 0.07, 0.2, 0.45, 0.15, 0.08, 0.02])
    weekly = np.round(generator.gamma(0.8, 30, items), 2)
    cost = np.round(generator.gamma(2, 1.5, items) + 0.1, 2)
    on_hand = np.where(status == "out_of_stock", 0, np.round(weekly * generator.gamma(2, 3, items)))
    ordered = np.isin(status, ["out_of_stock", "stock_out_risk", "order"])
    quantity = np.where(ordered, np.ceil(weekly * 6 / 12 + 1) * 12, 0.0)
    excess = np.where(status == "excess", np.round(weekly * 20 + 50), 0.0)
    out_on = [
        DAY + timedelta(days=int(d)) if ordered[i] else None for i, d in enumerate(generator.integers(0, 20, items))
    ]
    return pl.DataFrame(
        {
            "item_id": [f"{20000 + i}{'' if i % 7 else 'B'}" for i in index],
            "name": [None if i % 97 == 0 else _NAMES[i % len(_NAMES)] for i in index],
            "location_id": ["main"] * items,
            "supplier_code": [f"S-{i % 23:02d}" for i in index],
            "abc_class": generator.choice(["A", "B", "C"], items, p=[0.2, 0.3, 0.5]),
            "status": status,
            "on_hand": on_hand,
            "reserved": np.zeros(items),
            "on_order": np.where(generator.random(items) < 0.2, 48.0, 0.0),
            "available": on_hand,
            "unit_cost": cost,
            "unit_price": np.round(cost * 1.9, 2),
            "lead_time_days": generator.integers(3, 45, items),
            "review_days": np.full(items, 7),
            "service_level": generator.choice([0.98, 0.95, 0.9], items),
            "demand_mean_weekly": weekly,
            "demand_over_protection": weekly * 3,
            "demand_std_over_protection": weekly * 0.9,
            "safety_stock": np.ceil(weekly * 1.5),
            "reorder_point": np.ceil(weekly * 4.5),
            "order_up_to": np.ceil(weekly * 6),
            "quantity_proposed": quantity,
            "order_value": np.round(quantity * cost, 2),
            "stock_out_on": pl.Series(out_on, dtype=pl.Date),
            "days_of_cover": np.where(weekly > 0.5, np.round(on_hand / np.maximum(weekly, 0.5) * 7, 1), np.nan),
            "excess_units": excess,
            "excess_value": np.round(excess * cost, 2),
            "money_at_risk": np.where(ordered, np.round(weekly * cost * 1.9 * 1.5, 2), 0.0),
            "reason": ["Available and on order cover less than the protection period; order up to the level."] * items,
            "is_stock_simulated": [True] * items,
            "forecast_cutoff_on": [DAY] * items,
        }
    ).with_columns(pl.col("days_of_cover").fill_nan(None))


def item_forecasts(generator: np.random.Generator, orders: pl.DataFrame, lags: int) -> pl.DataFrame:
    items = orders.height
    level = np.repeat(orders["demand_mean_weekly"].to_numpy(), lags)
    mean = np.round(level * generator.normal(1, 0.1, items * lags).clip(0.3), 3)
    lag = np.tile(np.arange(1, lags + 1), items)
    return pl.DataFrame(
        {
            "item_id": np.repeat(orders["item_id"].to_numpy(), lags),
            "name": [name for name in orders["name"].to_list() for _ in range(lags)],
            "location_id": ["main"] * (items * lags),
            "lag": lag,
            "target_on": [DAY + timedelta(days=7 * int(k)) for k in lag],
            "mean": mean,
            "q10": np.round(mean * (0.55 - 0.02 * lag), 3),
            "q50": np.round(mean * 0.97, 3),
            "q90": np.round(mean * (1.5 + 0.03 * lag), 3),
            "model_used": np.repeat(generator.choice(["DOT+CES", "IMAPA", "SES"], items), lags),
            "fallback_reason": np.repeat(generator.choice(["", "", "", "too short"], items), lags),
        }
    )


def alerts(generator: np.random.Generator, rows: int) -> pl.DataFrame:
    state = ["resolved" if i % 6 == 5 else "open" for i in range(rows)]
    return pl.DataFrame(
        {
            "kind": generator.choice(["stock_out_risk", "sales_anomaly", "late_order"], rows),
            "item_id": [f"{20000 + 3 * i}" for i in range(rows)],
            "name": [_NAMES[i % len(_NAMES)] for i in range(rows)],
            "severity": generator.choice(["critical", "warning", "info"], rows),
            "state": state,
            "opened_on": [DAY - timedelta(days=i % 9) for i in range(rows)],
            "last_seen_on": [DAY] * rows,
            "resolved_on": pl.Series([DAY if s == "resolved" else None for s in state], dtype=pl.Date),
            "money_at_risk": np.round(generator.gamma(1.2, 300, rows), 2),
            "message": ["Sold 212 units in the week to 9 Dec 2011, where 61 were expected (3.4 times as many)."] * rows,
        }
    )


def anomalies(generator: np.random.Generator, rows: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "item_id": ["" if i == 0 else f"{21000 + i}" for i in range(rows)],
            "name": [None if i == 0 else _NAMES[i % len(_NAMES)] for i in range(rows)],
            "kind": ["sales_level"] * rows,
            "direction": generator.choice(["up", "down"], rows),
            "observed": np.round(generator.gamma(2, 80, rows)),
            "expected": np.round(generator.gamma(2, 40, rows), 1),
            "score": np.round(generator.normal(0, 4, rows), 2),
            "money_at_risk": np.round(generator.gamma(1.2, 200, rows), 2),
            "message": ["Far from expected."] * rows,
        }
    )


def reject_rows(rows: int) -> pl.DataFrame:
    cases = [
        ("unit_price", "-11062.06", "price_not_positive", "Unit price -11062.06 is not above zero."),
        ("quantity", "twelve", "not_a_number", "Quantity 'twelve' is not a number."),
        ("sold_at", "31/02/2011", "not_a_date", "'31/02/2011' is not a date in the format %d/%m/%Y."),
        ("item_code", "", "required_missing", "The item code is empty."),
    ]
    return pl.DataFrame(
        {
            "dataset": ["sales"] * rows,
            "file_name": ["sales_2011-12-09.csv.gz"] * rows,
            "sheet": pl.Series([None] * rows, dtype=pl.String),
            "row_number": [2 + 3 * i for i in range(rows)],
            "column_name": [cases[i % 4][0] for i in range(rows)],
            "raw_value": [cases[i % 4][1] for i in range(rows)],
            "reason_code": [cases[i % 4][2] for i in range(rows)],
            "message": [cases[i % 4][3] for i in range(rows)],
        }
    )


def rejects(rows: pl.DataFrame) -> pl.DataFrame:
    grouped = rows.group_by("dataset", "reason_code", maintain_order=True)
    return grouped.agg(rows=pl.len(), example=pl.col("message").first())


def daily_sales(generator: np.random.Generator) -> pl.DataFrame:
    days = [DAY - timedelta(days=k) for k in range(90, -1, -1)]
    days = [day for day in days if day.weekday() != 5]
    trend = np.linspace(1, 1.6, len(days))
    revenue = np.round(generator.gamma(12, 2500, len(days)) * trend, 2)
    return pl.DataFrame({"sold_on": days, "revenue": revenue, "units_sold": np.round(revenue / 1.9)})


def kpis() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "revenue_day": [196140.5], "revenue_7d": [384019.41], "revenue_28d": [1358611.04],
            "revenue_previous_28d": [1177490.87], "revenue_mtd": [619450.13], "units_day": [90122.0],
            "units_7d": [203114.0], "units_28d": [680330.0], "units_previous_28d": [702118.0], "orders_7d": [612],
            "orders_28d": [2604], "orders_previous_28d": [2311], "average_order_value_28d": [521.74],
            "active_customers_28d": [1432], "returns_value_28d": [38114.2], "returns_rate_28d": [0.0281],
            "items_sold_28d": [2811], "last_sold_on": [DAY], "stock_value": [412377.15], "stock_units": [198233.0],
            "items_in_stock": [3612], "items_out_of_stock": [131], "items_dead": [207], "dead_stock_value": [18230.4],
            "last_counted_on": [DAY], "open_order_lines": [418], "late_order_lines": [37], "rows_read_day": [2104],
            "rows_rejected_day": [450],
        }
    )  # fmt: skip


def feeds(rejected: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "dataset": ["sales", "stock", "items", "suppliers", "purchase_orders"],
            "files": [1, 1, 0, 0, 1],
            "rows_read": [2104, 1203, 0, 0, 88],
            "rows_accepted": [2104 - rejected, 1203, 0, 0, 88],
            "rows_rejected": [rejected, 0, 0, 0, 0],
            "last_landed_on": [DAY, DAY, date(2010, 12, 1), date(2010, 12, 1), DAY],
            "last_business_on": [DAY, DAY, None, None, DAY - timedelta(days=5)],
        }
    )


def accuracy(lags: int) -> pl.DataFrame:
    nodes = [("tenant", ""), *(("class", name) for name in ("erratic", "intermittent", "lumpy", "new", "smooth"))]
    nodes += [("category", "kitchen"), ("category", "uncategorised"), ("location", "main")]
    rows = [
        {
            "level": level, "node": node, "lag": k, "forecasts": 3200 - 50 * k, "actual_units": 41233.0 - 300 * k,
            "wape": 0.52 + 0.02 * k, "bias": 0.03 - 0.012 * k, "mase": 0.77 + 0.01 * k, "rmsse": 0.81 + 0.01 * k,
            "scaled_crps": 0.41 + 0.01 * k, "coverage_80": 0.81 - 0.01 * k, "coverage_95": 0.95 - 0.002 * k,
            "tracking_signal": 3.2 - 0.5 * k, "baseline_wape": 0.78 + 0.01 * k, "forecast_value_added": 0.3 - 0.045 * k,
        }
        for level, node in nodes
        for k in range(1, lags + 1)
    ]  # fmt: skip
    return pl.DataFrame(rows)


def item_accuracy(generator: np.random.Generator, orders: pl.DataFrame) -> pl.DataFrame:
    items = orders.height
    missed = np.sort(np.round(generator.gamma(1.1, 900, items), 1))[::-1]
    sold = np.round(missed * generator.gamma(6, 0.3, items), 1)
    return orders.select("item_id", "name", "location_id").with_columns(
        demand_class=pl.Series(generator.choice(["smooth", "erratic", "intermittent", "lumpy"], items)),
        forecasts=pl.lit(104),
        actual_units=pl.Series(sold),
        error_units=pl.Series(missed),
        wape=pl.Series(missed / sold),
        bias=pl.Series(generator.normal(0, 0.2, items)),
        mase=pl.Series(generator.gamma(9, 0.1, items)),
        rmsse=pl.Series(generator.gamma(9, 0.1, items)),
        tracking_signal=pl.Series(generator.uniform(-13, 13, items)),
        baseline_wape=pl.Series(missed / sold * 1.2),
        forecast_value_added=pl.Series(missed / sold * 0.2),
        worst_rank=pl.Series(np.arange(1, items + 1)),
    )


def full_report(items: int = 4000, lags: int = 8, rejected: int = 450, seed: int = 7, **changes: object) -> DailyReport:
    generator = np.random.default_rng(seed)
    orders = proposals(generator, items)
    ahead = item_forecasts(generator, orders, lags)
    bad = reject_rows(rejected)
    frames: dict[str, object] = {
        "kpis": kpis(),
        "daily_sales": daily_sales(generator),
        "proposals": orders,
        "forecasts_weekly": ahead.group_by("lag", "target_on").agg(pl.col("mean").sum()),
        "item_forecasts": ahead,
        "accuracy": accuracy(lags),
        "item_accuracy": item_accuracy(generator, orders),
        "alerts": alerts(generator, 140),
        "anomalies": anomalies(generator, 60),
        "feeds": feeds(rejected),
        "rejects": rejects(bad),
        "reject_rows": bad,
        "stock": orders.with_columns(
            counted_on=pl.lit(DAY), stock_value=(pl.col("on_hand") * pl.col("unit_cost")).round(2)
        ),
    }
    return empty_report(**{"is_stock_simulated": True, **frames, **changes})


def empty_report(**changes: object) -> DailyReport:
    plain: dict[str, object] = {
        "tenant_id": "gifts",
        "tenant_name": "Gifts & Co. Wholesale",
        "currency": "GBP",
        "day": DAY,
        "config_version": "3f9a1c0be214",
        "is_stock_simulated": False,
    }
    return DailyReport(**{**plain, **changes})  # type: ignore[arg-type]
