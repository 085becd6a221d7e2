"""What the simulated frames promise to whoever reads them."""

from dataclasses import fields
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from inventra_pipelines.domain.contracts import CONTRACTS
from inventra_pipelines.domain.simulation.master import category_of
from inventra_pipelines.domain.simulation.supply import SimulatedSupply, item_profiles, simulate_supply

FIRST, LAST = date(2010, 12, 1), date(2011, 4, 20)


def made_up_sales() -> pl.DataFrame:
    chance = np.random.default_rng(5)
    rows = []
    for item in range(40):
        start = 0 if item % 2 else int(chance.integers(0, 100))
        rows += [
            (FIRST + timedelta(days=day), f"{10000 + item}", int(chance.integers(1, 30)), 0.5 + item, f"CARD {item}")
            for day in range(start, (LAST - FIRST).days + 1)
            if (FIRST + timedelta(days=day)).weekday() != 5 and chance.random() < 0.4
        ]
    names = ["sold_on", "item_code", "quantity", "unit_price", "description"]
    return pl.DataFrame(rows, schema=names, orient="row")


@pytest.fixture(scope="module")
def sales() -> pl.DataFrame:
    return made_up_sales()


@pytest.fixture(scope="module")
def supply(sales: pl.DataFrame) -> SimulatedSupply:
    return simulate_supply(sales, first_day=FIRST, last_day=LAST, seed=7)


def test_the_same_sales_in_any_order_and_seed_give_the_same_rows(sales: pl.DataFrame, supply: SimulatedSupply) -> None:
    shuffled = sales.sample(fraction=1.0, shuffle=True, seed=3)
    again = simulate_supply(shuffled, first_day=FIRST, last_day=LAST, seed=7)
    for dataset in fields(supply):
        assert_frame_equal(getattr(again, dataset.name), getattr(supply, dataset.name))


def test_another_seed_gives_other_rows(sales: pl.DataFrame, supply: SimulatedSupply) -> None:
    other = simulate_supply(sales, first_day=FIRST, last_day=LAST, seed=8)
    assert not other.stock.equals(supply.stock)


@pytest.mark.parametrize("dataset", ["items", "suppliers", "purchase_orders", "stock"])
def test_frames_follow_their_contract(supply: SimulatedSupply, dataset: str) -> None:
    frame, contract = getattr(supply, dataset), CONTRACTS[dataset]
    known = {column.name: column for column in contract.columns}
    assert set(frame.columns) <= {"landed_on", *known}
    for column in known.values():
        if column.required:
            assert frame[column.name].null_count() == 0
        if column.name in frame.columns and column.minimum is not None:
            assert frame[column.name].min() >= column.minimum
    key = [name for name in contract.key if name in frame.columns]
    assert not frame.select("landed_on", *key).is_duplicated().any()
    assert frame["landed_on"].is_between(FIRST, LAST).all()


def test_a_row_holds_nothing_that_is_later_than_its_landing(supply: SimulatedSupply) -> None:
    orders = supply.purchase_orders
    for column in ("ordered_on", "confirmed_on", "received_on"):
        assert orders.filter(pl.col(column) > pl.col("landed_on")).is_empty()
    assert (supply.stock["counted_on"] == supply.stock["landed_on"]).all()


def test_items_land_before_they_sell_and_only_once(sales: pl.DataFrame, supply: SimulatedSupply) -> None:
    sold = sales.group_by("item_code").agg(pl.col("sold_on").min())
    items = supply.items.join(sold, on="item_code", how="full", coalesce=True)
    assert items.height == sold.height
    assert items.filter(pl.col("landed_on") > pl.col("sold_on")).is_empty()
    later = items.filter(pl.col("landed_on") > FIRST)
    assert later.height > 5
    assert set(later["landed_on"].dt.weekday()) == {1}
    assert (later["launched_on"] == later["landed_on"]).all()
    assert items["supplier_code"].is_in(supply.suppliers["supplier_code"].implode()).all()


def test_costs_are_40_to_65_percent_of_the_price(supply: SimulatedSupply) -> None:
    share = supply.items.select(pl.col("unit_cost").cast(pl.Float64) / pl.col("unit_price").cast(pl.Float64))
    assert share.to_series().is_between(0.39, 0.66).all()


def test_every_receipt_has_an_order_that_landed_before(supply: SimulatedSupply) -> None:
    orders = supply.purchase_orders
    key = ["order_id", "line_number"]
    received = orders.filter(pl.col("quantity_received") > 0)
    placed = orders.filter(pl.col("landed_on") == pl.col("ordered_on")).select(*key, "item_code", "ordered_on")
    matched = received.join(placed, on=[*key, "item_code"], suffix="_placed")
    assert matched.height == received.height > 50
    assert (matched["landed_on"] > matched["ordered_on_placed"]).all()
    assert orders.filter(pl.col("quantity_received") > pl.col("quantity_ordered")).is_empty()
    complete = pl.col("quantity_received") == pl.col("quantity_ordered")
    assert orders.filter(pl.col("received_on").is_not_null() != complete).is_empty()
    packs = orders.join(supply.items, on="item_code")
    assert (packs["quantity_ordered"] % packs["pack_quantity"] == 0).all()
    assert (packs["quantity_ordered"] >= packs["minimum_order_quantity"]).all()


def test_on_hand_follows_from_counts_receipts_and_sales(sales: pl.DataFrame, supply: SimulatedSupply) -> None:
    """Between two counts of an item: on hand plus receipts less sales, or empty where sales were more."""
    orders = supply.purchase_orders.sort("landed_on")
    came = orders.select(
        pl.col("landed_on").alias("day"),
        "item_code",
        (pl.col("quantity_received").diff().over("order_id", "line_number").fill_null(0)).alias("came"),
    )
    daily = pl.concat(
        [
            came.group_by("day", "item_code").agg(pl.col("came").sum(), pl.lit(0, pl.Int64).alias("sold")),
            sales.group_by(pl.col("sold_on").alias("day"), "item_code").agg(
                pl.lit(0, pl.Int64).alias("came"), pl.col("quantity").sum().alias("sold")
            ),
        ]
    )
    flows = dict.fromkeys(daily.select("day", "item_code").unique().iter_rows(), (0, 0))
    for day, code, received, sold in daily.iter_rows():
        flows[day, code] = (flows[day, code][0] + received, flows[day, code][1] + sold)
    count = ["counted_on", "item_code", "quantity_on_hand"]
    counts = {(day, code): hand for day, code, hand in supply.stock.select(count).iter_rows()}
    for code in supply.items["item_code"]:
        days = sorted(day for day, item in counts if item == code)
        hand = counts[days[0], code]
        for offset in range(1, (LAST - days[0]).days + 1):
            day = days[0] + timedelta(days=offset)
            received, sold = flows.get((day, code), (0, 0))
            hand = max(hand + received - sold, 0)
            assert counts.get((day, code), hand) == hand


def test_counts_hold_what_moved_and_everything_on_a_months_first_drop(supply: SimulatedSupply) -> None:
    stock = supply.stock.sort("item_code", "counted_on").with_columns(
        pl.col("quantity_on_hand").diff().over("item_code").alias("hand_moved"),
        pl.col("quantity_on_order").diff().over("item_code").alias("order_moved"),
    )
    drops = made_up_sales()["sold_on"].unique().sort()
    full = drops.to_frame().group_by(pl.col("sold_on").dt.truncate("1mo")).agg(pl.col("sold_on").min().alias("d"))["d"]
    idle = stock.filter(pl.col("hand_moved") == 0, pl.col("order_moved") == 0)
    assert idle.filter(~pl.col("counted_on").is_in(full.implode())).is_empty()
    for day in full:
        in_range = supply.items.filter(pl.col("landed_on") <= day)["item_code"].sort()
        assert stock.filter(pl.col("counted_on") == day)["item_code"].sort().equals(in_range)


def test_the_last_count_agrees_with_the_open_orders(supply: SimulatedSupply) -> None:
    last = supply.stock.sort("counted_on").unique("item_code", keep="last")
    lines = supply.purchase_orders.sort("landed_on").unique(["order_id", "line_number"], keep="last")
    still_open = lines.group_by("item_code").agg((pl.col("quantity_ordered") - pl.col("quantity_received")).sum())
    joined = last.join(still_open, on="item_code", how="left").with_columns(pl.col("quantity_ordered").fill_null(0))
    assert (joined["quantity_on_order"] == joined["quantity_ordered"]).all()


def test_stock_is_never_negative(supply: SimulatedSupply) -> None:
    assert supply.stock["quantity_on_hand"].min() >= 0
    assert supply.stock["quantity_on_order"].min() >= 0


def test_an_item_is_called_what_its_sales_call_it_most_often() -> None:
    sales = pl.DataFrame(
        {
            "sold_on": [FIRST] * 5,
            "item_code": ["1", "1", "1", "2", "2"],
            "quantity": [1] * 5,
            "unit_price": [1.0, 2.0, 9.0, 4.0, 4.0],
            "description": ["?", " RED  MUG", "RED MUG ", None, ""],
        }
    )
    profiles = item_profiles(sales, FIRST)
    assert profiles["name"].to_list() == ["RED MUG", "2"]
    assert profiles["median_price"].to_list() == [2.0, 4.0]


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("WHITE HANGING HEART T-LIGHT HOLDER", "CANDLE"),
        ("JUMBO BAG RED RETROSPOT", "BAG"),
        ("RETRO SPOT MUG", "MUG"),
        ("Star Portable Table Light", "LIGHT"),
        ("BAGATELLE", "OTHER"),
    ],
)
def test_a_category_comes_from_whole_words_of_the_name(name: str, category: str) -> None:
    assert category_of(name) == category


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (pl.col("sold_on").dt.offset_by("1y"), "outside"),
        (pl.col("quantity") * 0, "not positive"),
        (pl.col("unit_price") * -1, "not positive"),
    ],
    ids=["outside the calendar", "no quantity", "negative price"],
)
def test_sales_that_cannot_be_replayed_are_an_error(sales: pl.DataFrame, change: pl.Expr, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        simulate_supply(sales.with_columns(change), first_day=FIRST, last_day=LAST, seed=7)


def test_no_sales_are_an_error(sales: pl.DataFrame) -> None:
    with pytest.raises(ValueError, match="no sales"):
        simulate_supply(sales.clear(), first_day=FIRST, last_day=LAST, seed=7)
