"""The made-up side of the simulation: suppliers, what they supply, terms, costs and delivery noise.

Belongs here: everything that is drawn by chance, from generators passed in. The rule that orders is `replay.py`.
"""

import re
from datetime import date, timedelta

import numpy as np
import polars as pl

from inventra_pipelines.domain.simulation.replay import DeliveryNoise, FloatArray, IntArray, SupplyTerms

MONEY = pl.Decimal(18, 4)

_SUPPLIER_NAMES = (
    "Alder Row Giftware", "Bramble Yard Ceramics", "Copperbeck Metalware", "Dapplewood Toys", "Easterly Paper Goods",
    "Fernhollow Textiles", "Gullwing Imports", "Hazelmoor Candles", "Inkwell Lane Stationery", "Juniper Dock Trading",
    "Kestrel Quay Homeware", "Larkmead Glass", "Mistral Row Lighting", "Nettlefold Bags", "Oxbow Seasonal Goods",
    "Pebbleford Kitchenware", "Quillmarsh Cards", "Rookery Lane Crafts", "Saltern Wharf Imports", "Thistledown Linens",
    "Umberside Woodware", "Vellum Court Papers", "Willowgate Baskets", "Yarrow Field Garden", "Zephyr Dock Novelties",
)  # fmt: skip

# First match wins, so the narrow words stand before the broad ones ("T-LIGHT" is a candle, "LIGHT" is lighting).
_CATEGORY_WORDS: tuple[tuple[str, str], ...] = (
    ("SEASONAL", "CHRISTMAS|XMAS|ADVENT|SANTA|REINDEER|BAUBLES?|SNOWFLAKES?|EASTER|EGGS?|BUNNY|RABBITS?"),
    ("CANDLE", "CANDLES?|T-?LIGHTS?|TEA ?LIGHTS?|VOTIVES?|INCENSE"),
    ("BAG", "(?:HAND|WASH)?BAGS?|SHOPPERS?|PURSES?|WALLETS?|RUCKSACKS?|UMBRELLAS?"),
    ("MUG", "MUGS?|CUPS?|BEAKERS?|TEAPOTS?|SAUCERS?|TEA COSY"),
    ("LIGHT", "LIGHTS?|LANTERNS?|LAMPS?|LAMPSHADES?|CHANDELIERS?"),
    ("CARD", "CARDS?|WRAP|STICKERS?|(?:NOTE)?BOOKS?|PENCILS?|PENS?|PAPER|TAGS?|STAMPS?|RIBBONS?|TAPE|TISSUES?|PAD"),
    ("JEWELLERY", "NECKLACES?|BRACELETS?|EARRINGS?|RINGS?|BROOCH|CHARMS?|HAIR|DIAMANTE|TRINKET"),
    ("KITCHEN", "CAKE|BOWLS?|PLATES?|JARS?|TINS?|KITCHEN|APRONS?|CUTLERY|SPOONS?|TRAYS?|BAKING|LUNCH|BOTTLES?|GLASS"),
    ("KITCHEN", "DISH|PAN|PANTRY|ENAMEL|FOOD|HEN|SLATE|JUG|OVEN"),
    ("TOY", "TOYS?|GAMES?|DOLLS?|DOLLY|PUZZLES?|SKITTLES|PLAYHOUSE|JIGSAW|DOMINOES|SPACEBOY|PARTY|BALL|SEWING|KIT"),
    ("TEXTILE", "CUSHIONS?|TOWELS?|QUILTS?|BLANKETS?|FABRIC|DOORMATS?|RUGS?|SLIPPERS|BUNTING|CURTAINS?|FELT|COVERS?"),
    ("GARDEN", "GARDEN|PLANTERS?|WATERING|PARASOLS?|BIRDS?|FLOWERS?|TROWELS?"),
    ("STORAGE", "BOX(?:ES)?|BASKETS?|RACKS?|HOLDERS?|STORAGE|BINS?|DRAWERS?|CABINETS?|HANGERS?"),
    ("DECORATION", "HEARTS?|SIGNS?|FRAMES?|CLOCKS?|HOOKS?|MIRRORS?|HANGING|DECORATIONS?|WREATHS?|ART|MAGNETS|GARLAND"),
    ("DECORATION", "DOORSTOP|LETTERS?|TILES?|PHOTO|NUMBER"),
)
_PACKS = np.array([1, 2, 4, 6, 12, 24, 48], dtype=np.int64)
# Chances of each pack for an item that costs 5 or more, 1 to 5, and less than 1.
_PACK_CHANCES = np.array(
    [
        [0.55, 0.20, 0.15, 0.10, 0.00, 0.00, 0.00],
        [0.20, 0.10, 0.20, 0.25, 0.20, 0.05, 0.00],
        [0.05, 0.00, 0.05, 0.20, 0.40, 0.25, 0.05],
    ]
)
_EARLY_DAYS = 42
_OPENING_MARGIN_DAYS = 7


def category_of(name: str) -> str:
    """The first category one of whose words stands in the name, or OTHER."""
    upper = name.upper()
    return next((category for category, words in _CATEGORY_WORDS if re.search(rf"\b({words})\b", upper)), "OTHER")


def draw_suppliers(generator: np.random.Generator) -> pl.DataFrame:
    """25 suppliers.

    Returns:
        supplier_code, name, lead_time_days (7 to 35), minimum_order_value (50 to 250), review_weekday (0 is Monday),
        confirmation_days (0 or 1), late_chance (the supplier's chance to be late), weight (its share of the items).
    """
    count = len(_SUPPLIER_NAMES)
    return pl.DataFrame(
        {
            "supplier_code": [f"S{number:03d}" for number in range(1, count + 1)],
            "name": _SUPPLIER_NAMES,
            "lead_time_days": generator.integers(7, 36, count).astype(np.int32),
            "minimum_order_value": generator.integers(1, 6, count) * 50,
            "review_weekday": np.arange(count, dtype=np.int64) % 5,
            "confirmation_days": generator.integers(0, 2, count),
            "late_chance": generator.uniform(0.05, 0.22, count),
            "weight": generator.dirichlet(np.full(count, 4.0)),
        }
    ).with_columns(pl.col("minimum_order_value").cast(MONEY))


def draw_items(
    profiles: pl.DataFrame, suppliers: pl.DataFrame, first_day: date, generator: np.random.Generator
) -> pl.DataFrame:
    """Master data for each item sold.

    Args:
        profiles: item_code, name, units, median_price, first_sold_on and landed_on, sorted by item_code.
        suppliers: As from `draw_suppliers`.
        first_day: Items that land on it were in the range before; their launch is drawn from the three years before.
        generator: Source of chance.

    Returns:
        The items contract's columns with `landed_on`, and `supplier`, the supplier's position.
    """
    items = profiles.height
    # Variants share the digits that their code begins with (85123A, 85123B), and so their supplier.
    family = profiles["item_code"].str.extract(r"^(\d+)").fill_null(profiles["item_code"]).rank("dense").to_numpy() - 1
    of_family = generator.choice(suppliers.height, size=items, p=suppliers["weight"].to_numpy())
    supplier = of_family[family]
    price = profiles["median_price"].to_numpy()
    cost = np.maximum(np.round(price * generator.uniform(0.40, 0.65, items), 4), 0.0001)
    pack = _draw_packs(price, profiles["units"].to_numpy(), generator)
    lead_time = np.maximum(suppliers["lead_time_days"].to_numpy()[supplier] + generator.integers(-3, 4, items), 5)
    age_days = generator.integers(60, 1096, items)
    landed = profiles["landed_on"].to_list()
    launched = [
        day - timedelta(days=int(age)) if day == first_day else day for day, age in zip(landed, age_days, strict=True)
    ]
    return pl.DataFrame(
        {
            "landed_on": landed,
            "item_code": profiles["item_code"],
            "name": profiles["name"],
            "category": [category_of(name) for name in profiles["name"].to_list()],
            "unit_cost": cost,
            "unit_price": np.maximum(np.round(price, 2), 0.01),
            "supplier_code": suppliers["supplier_code"].gather(supplier),
            "lead_time_days": lead_time.astype(np.int32),
            "minimum_order_quantity": pack * generator.choice([1, 2, 3], size=items, p=[0.7, 0.2, 0.1]),
            "pack_quantity": pack,
            "launched_on": launched,
            "supplier": supplier.astype(np.int64),
        },
        schema_overrides={"landed_on": pl.Date, "launched_on": pl.Date, "name": pl.String, "category": pl.String},
    ).with_columns(pl.col("unit_cost", "unit_price").cast(MONEY))


def _draw_packs(price: FloatArray, units: IntArray, generator: np.random.Generator) -> IntArray:
    chances = _PACK_CHANCES[np.where(price >= 5, 0, np.where(price >= 1, 1, 2))].cumsum(axis=1)
    picked = (generator.random(len(price))[:, None] >= chances).sum(axis=1)
    # A buyer takes no pack that is more than about two weeks' sales: slow sellers come in small packs.
    sensible = np.searchsorted(_PACKS, np.maximum(units / 26, 1), side="right") - 1
    packs: IntArray = _PACKS[np.minimum(np.minimum(picked, sensible), len(_PACKS) - 1)]
    return packs


def draw_terms(
    items: pl.DataFrame,
    suppliers: pl.DataFrame,
    demand: IntArray,
    generator: np.random.Generator,
    *,
    launch_day: IntArray,
    first_sold_day: IntArray,
) -> SupplyTerms:
    """Terms of the replay: the master's figures, and the stock a buyer lays in when an item enters the range.

    The opening stock is the average daily demand of the item's own first 42 days, over its lead time plus 7 days, times
    a lognormal misjudgement (sigma 0.4), in whole packs.
    """
    days, count = demand.shape
    totals = np.vstack([np.zeros((1, count), dtype=np.int64), demand.cumsum(axis=0)])
    until = np.minimum(first_sold_day + _EARLY_DAYS, days)
    position = np.arange(count)
    early = totals[until, position] - totals[first_sold_day, position]
    rate = early / _EARLY_DAYS
    lead_time = items["lead_time_days"].to_numpy().astype(np.int64)
    pack = items["pack_quantity"].to_numpy()
    judged = rate * (lead_time + _OPENING_MARGIN_DAYS) * generator.lognormal(0.0, 0.4, count)
    opening = np.ceil(judged / pack).astype(np.int64) * pack
    return SupplyTerms(
        supplier=items["supplier"].to_numpy(),
        lead_time_days=lead_time,
        pack=pack,
        minimum=items["minimum_order_quantity"].to_numpy(),
        unit_cost=items["unit_cost"].cast(pl.Float64).to_numpy(),
        launch_day=launch_day,
        opening=opening,
        expected_rate=rate,
        review_weekday=suppliers["review_weekday"].to_numpy(),
        minimum_value=suppliers["minimum_order_value"].cast(pl.Float64).to_numpy(),
    )


def draw_noise(days: int, items: int, suppliers: pl.DataFrame, generator: np.random.Generator) -> DeliveryNoise:
    """Delivery noise per day ordered: each supplier late by 3 to 14 days at its own chance (5 to 22 %),
    else on the day or a day early; 3 % of lines come in two parts, the rest 5 to 12 days after.
    """
    shape = (days, suppliers.height)
    is_late = generator.random(shape) < suppliers["late_chance"].to_numpy()
    is_partial = generator.random((days, items)) < 0.03
    return DeliveryNoise(
        delay_days=np.where(is_late, generator.integers(3, 15, shape), -generator.integers(0, 2, shape)),
        first_share=np.where(is_partial, generator.uniform(0.4, 0.8, (days, items)), 1.0),
        rest_delay_days=generator.integers(5, 13, shape),
    )
