"""The consensus forecast: what planners' adjustments make of the engine's forecasts.

Belongs here: which adjustments count for a vintage, the share of each week, caps, and what could not be placed. How
much better or worse each step made the forecast is `accuracy/step_accuracy.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from inventra_pipelines.domain.contracts import ADJUSTMENT_STATUSES, ADJUSTMENT_STEPS
from inventra_pipelines.domain.forecast.frames import CONSENSUS, DECIMALS, SERIES_KEY, UNPLACED

STEPS, STATUSES = ADJUSTMENT_STEPS, ADJUSTMENT_STATUSES

_VINTAGE = ["tenant_id", "cutoff_on"]
_SERIES = [*_VINTAGE, *SERIES_KEY]
_WEEK = [*_SERIES, "target_on"]
_PERIOD = ["starts_on", "step"]


@dataclass(frozen=True)
class Consensus:
    """Rows of forecast.consensus, and the adjustments that no forecast could take, with why.

    Attributes:
        rows: A row per forecast whose week an approved adjustment touches, sorted by tenant, cutoff, item, location
            and lag. baseline is the engine's mean, sales, marketing, finance and planner the units that each adds, cap
            the most that the week may be (null where nothing caps it), and consensus is
            max(0, min(cap, baseline + sales + marketing + finance + planner)); units of the week.
        unplaced: A row per vintage and adjustment in force that should have counted and does not: its period, step,
            status, quantity and cap, and `problem`.
    """

    rows: pl.DataFrame
    unplaced: pl.DataFrame


def consensus(
    forecasts: pl.DataFrame, adjustments: pl.DataFrame, cutoffs: Sequence[tuple[str, date]] | None = None
) -> Consensus:
    """Add the adjustments that were in force at each cutoff to the forecasts of its vintage.

    An adjustment's quantity is spread evenly over the days of its period, and a week takes the share of the days that
    they have in common. A cap is a most of forecast and adjustments together over the days of its period: in a week it
    allows the share of their common days, and the week's other days stay what they are. Of several the tightest holds.

    Args:
        forecasts: tenant_id, cutoff_on, item_id, location_id, target_on, lag, mean (units of the seven days that end on
            target_on). Of any tenants and cutoffs.
        adjustments: tenant_id, item_id, location_id, starts_on, ends_on, step, quantity, cap (units of the period; null
            for none), status, landed_on, replaced_on (day the next version landed, null for none). Versions that had
            not landed by a cutoff, or were replaced by then, do not count for it.
        cutoffs: (tenant, cutoff) of the vintages; those of `forecasts` where it is not given. A vintage without a
            single forecast has to be named, for its adjustments to be told as unplaced.

    Returns:
        Rows and what was not placed. An adjustment beyond the last week of a vintage is in neither: it is for a later
        one.
    """
    if adjustments.is_empty():
        # Most tenants on most nights: hundreds of thousands of forecasts are not looked at.
        return Consensus(pl.DataFrame(schema=CONSENSUS), pl.DataFrame(schema=UNPLACED))
    weeks = forecasts.select(*_WEEK, pl.col("lag").cast(pl.Int32), pl.col("mean").cast(pl.Float64))
    known = _in_force(adjustments, _vintages(weeks, cutoffs))
    sound = known.filter(pl.col("problem").is_null())
    parts = _parts(sound, weeks)
    unmet = (
        sound.filter((pl.col("starts_on") <= pl.col("reaches_on")).fill_null(True))
        .join(parts, on=[*_SERIES, *_PERIOD], how="anti")
        .with_columns(problem=pl.lit("the item has no forecast at this location"))
    )
    unplaced = pl.concat([known.filter(pl.col("problem").is_not_null()), unmet])
    return Consensus(
        _rows(parts), unplaced.select(pl.col(name).cast(dtype) for name, dtype in UNPLACED.items()).sort(pl.all())
    )


def _vintages(weeks: pl.DataFrame, cutoffs: Sequence[tuple[str, date]] | None) -> pl.DataFrame:
    """tenant_id, cutoff_on and the last day that the vintage reaches, null where it has no forecast."""
    reached = weeks.group_by(_VINTAGE).agg(reaches_on=pl.col("target_on").max())
    if cutoffs is None:
        return reached
    named = pl.DataFrame(list(cutoffs), schema={"tenant_id": pl.String, "cutoff_on": pl.Date}, orient="row")
    return named.unique().join(reached, on=_VINTAGE, how="left")


def _in_force(adjustments: pl.DataFrame, vintages: pl.DataFrame) -> pl.DataFrame:
    """The versions in force at each cutoff of periods that are not over by then, with what is wrong with them.

    What is proposed or rejected is left out: it is not meant to count.
    """
    return (
        adjustments.join(vintages, on="tenant_id", how="inner")
        .filter(
            pl.col("landed_on") <= pl.col("cutoff_on"),
            pl.col("replaced_on").is_null() | (pl.col("replaced_on") > pl.col("cutoff_on")),
            pl.max_horizontal("starts_on", "ends_on") > pl.col("cutoff_on"),
            ~pl.col("status").is_in(["proposed", "rejected"]),
        )
        .with_columns(
            pl.col("quantity", "cap").cast(pl.Float64),
            problem=pl.when(~pl.col("status").is_in(STATUSES))
            .then(pl.lit(f"the status is none of {', '.join(STATUSES)}"))
            .when(~pl.col("step").is_in(STEPS))
            .then(pl.lit(f"the step is none of {', '.join(STEPS)}"))
            .when(pl.col("ends_on") < pl.col("starts_on"))
            .then(pl.lit("the period ends before it begins")),
        )
    )


def _parts(sound: pl.DataFrame, weeks: pl.DataFrame) -> pl.DataFrame:
    """A row per forecast and adjustment with days in common.

    Columns: those of both, first_on and last_on (the common days), days (how many), units_per_day, cap_per_day.
    """

    def weeks_ahead(day: pl.Expr) -> pl.Expr:
        return ((day - pl.col("cutoff_on")).dt.total_days() + 6) // 7

    last_on = pl.min_horizontal("ends_on", "reaches_on")
    lags = pl.int_ranges(weeks_ahead(pl.col("starts_on")).clip(1), weeks_ahead(last_on) + 1)
    period_days = (pl.col("ends_on") - pl.col("starts_on")).dt.total_days() + 1
    week_begins_on = pl.col("target_on") - pl.duration(days=6)
    # Of six million forecasts, looking for the items first takes a fifth of joining them all on five columns.
    own = weeks.filter(pl.col("item_id").is_in(sound["item_id"].unique().implode()))
    return (
        sound.filter(pl.col("starts_on") <= pl.col("reaches_on"))
        .with_columns(ahead=lags)
        .explode("ahead")
        .with_columns(target_on=pl.col("cutoff_on") + pl.duration(days=7 * pl.col("ahead")))
        .join(own, on=_WEEK, how="inner")
        .with_columns(
            first_on=pl.max_horizontal("starts_on", week_begins_on),
            last_on=pl.min_horizontal("ends_on", "target_on"),
            units_per_day=pl.col("quantity") / period_days,
            cap_per_day=pl.col("cap") / period_days,
        )
        .with_columns(days=_days("first_on", "last_on"))
        .sort([*_WEEK, *_PERIOD])
    )


def _rows(parts: pl.DataFrame) -> pl.DataFrame:
    added = [
        (pl.col("units_per_day") * pl.col("days")).filter(pl.col("step") == step).sum().round(DECIMALS).alias(step)
        for step in STEPS
    ]
    total = pl.sum_horizontal("baseline", *STEPS)
    cap = (total - pl.col("excess")).clip(0)
    return (
        parts.group_by(_WEEK, maintain_order=True)
        .agg(pl.col("lag").first(), pl.col("mean").first().alias("baseline"), *added)
        .join(_excess(parts), on=_WEEK, how="left")
        .with_columns(cap=cap.round(DECIMALS))
        .with_columns(consensus=pl.min_horizontal(total, "cap").clip(0).round(DECIMALS))
        # Adding 0 makes 0 of -0.
        .with_columns(pl.col(*STEPS, "cap", "consensus") + 0.0)
        .select(pl.col(name).cast(dtype) for name, dtype in CONSENSUS.items())
        .sort([*_SERIES, "lag"])
    )


def _excess(parts: pl.DataFrame) -> pl.DataFrame:
    """Units by which each capped week is above what its tightest cap allows; negative where it is below.

    Within the days that a cap has in common with the week, forecast and all adjustments are held against its share.
    """
    others = parts.select(*_WEEK, pl.col("first_on", "last_on", "units_per_day").name.prefix("other_"))
    both_first, both_last = (
        pl.max_horizontal("first_on", "other_first_on"),
        pl.min_horizontal("last_on", "other_last_on"),
    )
    common = ((both_last - both_first).dt.total_days() + 1).clip(0)
    per_cap = (
        parts.filter(pl.col("cap").is_not_null())
        .join(others, on=_WEEK, how="inner")
        .sort([*_WEEK, *_PERIOD])
        .group_by([*_WEEK, *_PERIOD], maintain_order=True)
        .agg(
            excess=(pl.col("other_units_per_day") * common).sum()
            + (pl.col("mean").first() / 7 - pl.col("cap_per_day").first()) * pl.col("days").first()
        )
    )
    return per_cap.group_by(_WEEK, maintain_order=True).agg(pl.col("excess").max())


def _days(first: str, last: str) -> pl.Expr:
    return (pl.col(last) - pl.col(first)).dt.total_days() + 1
