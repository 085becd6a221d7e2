"""Simulated supply for sales that come without stock: master data, orders, receipts and counts, from one seed.

Belongs here: the entry point, which joins `master.py` (chance), `replay.py` (the rule) and `feeds.py` (the rows).
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from inventra_pipelines.domain.simulation.feeds import order_versions, stock_counts
from inventra_pipelines.domain.simulation.master import draw_items, draw_noise, draw_suppliers, draw_terms
from inventra_pipelines.domain.simulation.replay import IntArray, ReorderPolicy, replay_demand


@dataclass(frozen=True)
class SimulatedSupply:
    """Four datasets with their contracts' columns, and `landed_on`: in which day's drop the row goes."""

    items: pl.DataFrame
    suppliers: pl.DataFrame
    purchase_orders: pl.DataFrame
    stock: pl.DataFrame


def simulate_supply(
    sales: pl.DataFrame, *, first_day: date, last_day: date, seed: int, policy: ReorderPolicy | None = None
) -> SimulatedSupply:
    """Replay real sales against a plain reorder rule; the same sales and seed give the same rows.

    What makes it plausible: 25 suppliers with lead times of 7 to 35 days, each reviewed once a week; a rate that is
    half the average of the last 56 days and half that of the next 42, since a buyer knows the season; safety of 1.5
    standard deviations, at most 28 days; orders for 14 days beyond the reorder point (`ReorderPolicy`); about 15 % of
    order lines 3 to 14 days late and 3 % in two deliveries (`draw_noise`). On the real sales of the demo's year it ends
    with 5 % of items out of stock, 7 % selling but with more than 180 days of cover, and 15 % with stock and no sale in
    91 days, for 17 % of the items really stopped selling. Returned goods do not go back on the shelf, and demand above
    the stock is lost.

    Args:
        sales: sold_on, item_code (normalized), quantity (whole units, positive), unit_price (positive), and optionally
            description; product lines only.
        first_day: First day of the calendar; what is sold in its first week is in the range from then.
        last_day: Last day of the calendar.
        seed: Seed of all chance.
        policy: The reorder rule, by default the one above.

    Raises:
        ValueError: There are no sales, or some lie outside the calendar or are not positive.
    """
    _check(sales, first_day, last_day)
    supplier_chance, item_chance, terms_chance, noise_chance = (
        np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence(seed).spawn(4)
    )
    profiles = item_profiles(sales, first_day)
    days = (last_day - first_day).days + 1
    demand = demand_matrix(sales, profiles, first_day, days)
    launch_day = _day_numbers(profiles["landed_on"], first_day)
    suppliers = draw_suppliers(supplier_chance)
    items = draw_items(profiles, suppliers, first_day, item_chance)
    first_sold_day = _day_numbers(profiles["first_sold_on"], first_day)
    terms = draw_terms(items, suppliers, demand, terms_chance, launch_day=launch_day, first_sold_day=first_sold_day)
    noise = draw_noise(days, items.height, suppliers, noise_chance)
    replay = replay_demand(demand, terms, noise, first_weekday=first_day.weekday(), policy=policy)
    return SimulatedSupply(
        items=items.drop("supplier").sort("landed_on", "item_code"),
        suppliers=suppliers.select(
            pl.lit(first_day).alias("landed_on"), "supplier_code", "name", "lead_time_days", "minimum_order_value"
        ),
        purchase_orders=order_versions(replay.orders, items, suppliers, days, first_day),
        stock=stock_counts(replay, items, launch_day, demand.sum(axis=1) > 0, first_day),
    )


def item_profiles(sales: pl.DataFrame, first_day: date) -> pl.DataFrame:
    """What the sales say of each item, sorted by item_code.

    Returns:
        item_code, name (the most frequent description, the first in alphabetical order among equals, or the code),
        units, median_price, first_sold_on, landed_on (the first day for what sells in the first week, then the Monday
        of the week in which it first sells).
    """
    if "description" not in sales.columns:
        sales = sales.with_columns(pl.lit(None, dtype=pl.String).alias("description"))
    tidy = pl.col("description").str.replace_all(r"\s+", " ").str.strip_chars()
    names = (
        sales.with_columns(tidy)
        .filter(pl.col("description").str.len_chars() > 0)
        .group_by("item_code", "description")
        .len()
        .sort("item_code", "len", "description", descending=[False, True, False])
        .unique("item_code", keep="first", maintain_order=True)
    )
    monday = pl.max_horizontal(pl.col("first_sold_on").dt.truncate("1w"), pl.lit(first_day))
    is_first_week = pl.col("first_sold_on") < pl.lit(first_day + timedelta(days=7))
    return (
        sales.group_by("item_code")
        .agg(
            pl.col("quantity").cast(pl.Int64).sum().alias("units"),
            pl.col("unit_price").cast(pl.Float64).median().alias("median_price"),
            pl.col("sold_on").min().alias("first_sold_on"),
        )
        .join(names.select("item_code", pl.col("description").alias("name")), on="item_code", how="left")
        .with_columns(
            pl.col("name").fill_null(pl.col("item_code")),
            pl.when(is_first_week).then(pl.lit(first_day)).otherwise(monday).alias("landed_on"),
        )
        .sort("item_code")
    )


def demand_matrix(sales: pl.DataFrame, profiles: pl.DataFrame, first_day: date, days: int) -> IntArray:
    """Units sold by day and item, items in the order of the profiles."""
    daily = (
        sales.group_by("sold_on", "item_code")
        .agg(pl.col("quantity").cast(pl.Int64).sum())
        .join(profiles.select("item_code").with_row_index("position"), on="item_code")
    )
    demand = np.zeros((days, profiles.height), dtype=np.int64)
    demand[_day_numbers(daily["sold_on"], first_day), daily["position"].to_numpy()] = daily["quantity"].to_numpy()
    return demand


def _day_numbers(dates: pl.Series, first_day: date) -> IntArray:
    numbers: IntArray = (dates - first_day).dt.total_days().to_numpy().astype(np.int64)
    return numbers


def _check(sales: pl.DataFrame, first_day: date, last_day: date) -> None:
    if sales.is_empty():
        raise ValueError("there are no sales to replay")
    outside = sales.filter(~pl.col("sold_on").is_between(first_day, last_day))
    if outside.height:
        raise ValueError(f"{outside.height} sales lie outside {first_day} to {last_day}, {outside['sold_on'][0]} first")
    negative = sales.filter((pl.col("quantity") <= 0) | (pl.col("unit_price") <= 0))
    if negative.height:
        raise ValueError(f"{negative.height} sales have a quantity or price that is not positive")
