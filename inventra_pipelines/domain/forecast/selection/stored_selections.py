"""Selections as rows of forecast.models, boosters and backtests, and back.

Belongs here: the two directions. A selection that is read is the one that was written, number for number.
"""

import json
from datetime import date

import numpy as np
import polars as pl

from inventra_pipelines.domain.forecast.frames import BACKTESTS, BOOSTERS, DECIMALS, MODELS
from inventra_pipelines.domain.forecast.methods.pooled import Booster
from inventra_pipelines.domain.forecast.methods.registry import LIGHTGBM
from inventra_pipelines.domain.forecast.selection.choice import Choice, Selection
from inventra_pipelines.domain.forecast.selection.ranges import Spread


def model_rows(selection: Selection, *, tenant_id: str, config_version: str) -> pl.DataFrame:
    """Rows of forecast.models, a row per class."""
    rows = [
        {
            "tenant_id": tenant_id,
            "selected_on": selection.selected_on,
            "demand_class": name,
            "method": choice.method,
            "score": _rounded(choice.score),
            "baseline_score": _rounded(choice.baseline_score),
            "series": choice.series,
            "windows": choice.windows,
            "reason": choice.reason,
            "candidates": json.dumps(choice.candidates),
            "spread": _spread_text(selection.spreads[name]),
            "data_fingerprint": selection.data_fingerprint,
            "engine_version": selection.engine_version,
            "config_version": config_version,
        }
        for name, choice in sorted(selection.choices.items())
    ]
    return pl.DataFrame(rows, schema=MODELS)


def booster_rows(selection: Selection, *, tenant_id: str) -> pl.DataFrame:
    """Rows of forecast.boosters; none where no class is forecast by the pooled member."""
    booster = selection.booster
    rows = (
        []
        if booster.text is None
        else [(tenant_id, selection.selected_on, LIGHTGBM, booster.text, booster.training_rows)]
    )
    return pl.DataFrame(rows, schema=BOOSTERS, orient="row")


def backtest_rows(selection: Selection, *, tenant_id: str) -> pl.DataFrame:
    """Rows of forecast.backtests, a row per class and candidate that was tried."""
    figures = ("rmsse", "mase", "wape", "bias", "coverage_80", "coverage_95", "scaled_crps")
    rows = [
        {
            "tenant_id": tenant_id,
            "selected_on": selection.selected_on,
            "demand_class": score.demand_class,
            "method": score.method,
            "series": score.series,
            "windows": score.windows,
            **{name: _rounded(getattr(score, name)) for name in figures},
            "is_chosen": score.is_chosen,
        }
        for score in selection.scores
    ]
    return pl.DataFrame(rows, schema=BACKTESTS).sort("demand_class", "method")


def read_selection(models: pl.DataFrame, boosters: pl.DataFrame) -> Selection:
    """The selection that rows of forecast.models and boosters of one tenant and day are; its scores stay in the table.

    Args:
        models: All rows of the tenant and day; `candidates` and `spread` as JSON text.
        boosters: The rows of the same tenant and day, if any.
    """
    rows = models.to_dicts()
    choices = {
        row["demand_class"]: Choice(
            row["demand_class"],
            row["method"],
            row["score"],
            row["baseline_score"],
            row["series"],
            row["windows"],
            json.loads(row["candidates"]),
            row["reason"],
        )
        for row in rows
    }
    spreads = {row["demand_class"]: _spread_of(row["spread"]) for row in rows}
    booster = Booster(None, 0, "no class chose it")
    if boosters.height:
        booster = Booster(boosters.item(0, "booster"), int(boosters.item(0, "training_rows")))
    selected_on: date = rows[0]["selected_on"]
    return Selection(
        selected_on, choices, spreads, booster, [], rows[0]["data_fingerprint"], rows[0]["engine_version"], False
    )


def _spread_text(spread: Spread) -> str:
    return json.dumps(
        {
            "source": spread.source,
            "windows": spread.windows,
            "lags": spread.lags.tolist(),
            "sums": spread.sums.tolist(),
            "deviations": spread.deviations.tolist(),
        }
    )


def _spread_of(text: str) -> Spread:
    stored = json.loads(text)
    return Spread(
        np.array(stored["lags"]),
        np.array(stored["sums"]),
        np.array(stored["deviations"]),
        stored["windows"],
        stored["source"],
    )


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, DECIMALS)
