"""The registry of forecasting methods: what may be combined, and what each demand class may choose from.

Belongs here: one line per member and the candidates of each class. A method is a member or several joined by `+`, of
which it is the mean. A new statistical member is a line in `SERIES_MEMBERS`; a new pooled one is a line in
`POOLED_MEMBERS` and its function in `pooled.py` or `profiles.py`. Worker processes import this module, so it imports
no frame library; what is slow to import is imported by whoever builds it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from statsforecast.models import (
    ADIDA,
    IMAPA,
    MFLES,
    TSB,
    AutoARIMA,
    AutoCES,
    AutoETS,
    AutoTheta,
    CrostonSBA,
    DynamicOptimizedTheta,
    HistoricAverage,
    Naive,
    SeasonalNaive,
    SimpleExponentialSmoothingOptimized,
    WindowAverage,
)

from inventra_pipelines.domain.forecast.methods.prophet_member import build_prophet


@dataclass(frozen=True)
class SeriesMember:
    """A method that looks at one series alone.

    Attributes:
        build: Makes its model for a season in periods; 1 is none. A model has `forecast(y=, h=)["mean"]`.
        least_periods: Shorter series are not given to it.
        longest_season: Longer seasons are not modelled.
    """

    build: Callable[[int], Any]
    least_periods: int = 1
    longest_season: int = 1


_ANY_SEASON = 1_000_000
# AutoCES, AutoETS and AutoARIMA hold a state per season's period: beyond two dozen they take seconds a series.
_SHORT_SEASON = 24

SERIES_MEMBERS: dict[str, SeriesMember] = {
    "ADIDA": SeriesMember(lambda season: ADIDA()),
    "AutoARIMA": SeriesMember(lambda season: AutoARIMA(season_length=season), 8, _SHORT_SEASON),
    "AutoETS": SeriesMember(lambda season: AutoETS(season_length=season), 8, _SHORT_SEASON),
    "AutoTheta": SeriesMember(lambda season: AutoTheta(season_length=season), 4, _ANY_SEASON),
    # Of its four forms the partially seasonal one, where there is a season: as accurate as the best of the four by AICc
    # on public sets of quarters, months and hours, in a third of the time (ADR 15).
    "CES": SeriesMember(
        lambda season: AutoCES(season_length=season, model="P" if season > 1 else "N"), 8, _SHORT_SEASON
    ),
    "CrostonSBA": SeriesMember(lambda season: CrostonSBA()),
    "DOT": SeriesMember(lambda season: DynamicOptimizedTheta(season_length=season), 4, _ANY_SEASON),
    "HistoricAverage": SeriesMember(lambda season: HistoricAverage()),
    "IMAPA": SeriesMember(lambda season: IMAPA()),
    "MFLES": SeriesMember(lambda season: MFLES(season_length=season), 8, _ANY_SEASON),
    "Naive": SeriesMember(lambda season: Naive()),
    "Prophet": SeriesMember(build_prophet, 4, _ANY_SEASON),
    "SES": SeriesMember(lambda season: SimpleExponentialSmoothingOptimized()),
    "SeasonalNaive": SeriesMember(lambda season: SeasonalNaive(season_length=season), 1, _ANY_SEASON),
    "TSB": SeriesMember(lambda season: TSB(alpha_d=0.2, alpha_p=0.2)),
    "WindowAverage4": SeriesMember(lambda season: WindowAverage(window_size=4), 4),
    "WindowAverage8": SeriesMember(lambda season: WindowAverage(window_size=8), 8),
}

LIGHTGBM = "LightGBM"
CATEGORY_PROFILE = "CategoryProfile"
ZERO = "Zero"
# Members that look at all series of a panel at once.
POOLED_MEMBERS = (LIGHTGBM, CATEGORY_PROFILE)

BASELINE = "SeasonalNaive"
FALLBACKS = ("SES", "WindowAverage4", "HistoricAverage")

# The first is what stands until another one is better (see selection/choice.py): the mean of what looks at one series
# and of what looks at all, which failed least on public sets of years, quarters, months and weeks (ADR 15). Left out:
# Croston's family, which never forgets an item that stopped selling (on intermittent gift sales its WAPE is 1.81
# against IMAPA's 1.07); AutoETS beside DOT, CES and LightGBM, 10 to 20 times as dear as the three together for
# .3 % less MASE on M3 monthly and none on hospital. Both are there by name. New items by their nearest neighbours (the
# 5 to 50 launches whose first weeks were likest) erred 2 to 10 % more than by all launches, on 2,017 of M5.
_FREQUENT = (
    "DOT+LightGBM",
    "DOT",
    "IMAPA",
    "SES",
    "WindowAverage8",
    "LightGBM",
    "IMAPA+LightGBM",
    "DOT+IMAPA+LightGBM",
    BASELINE,
)
_RARE = ("IMAPA+LightGBM", "IMAPA", "ADIDA", "TSB", "SES", "WindowAverage8", "LightGBM")
CANDIDATES: dict[str, tuple[str, ...]] = {
    "smooth": _FREQUENT,
    "erratic": _FREQUENT,
    "intermittent": _RARE,
    "lumpy": _RARE,
    "new": ("SES", "WindowAverage4", "HistoricAverage", "CategoryProfile", "LightGBM", "SES+CategoryProfile"),
    "dormant": (ZERO,),
}

# CES is one of them where it models the season: without one it made means worse on the whole, at twice the time.
_SEASONAL = (
    "DOT+CES+LightGBM",
    "DOT+CES",
    "IMAPA",
    "SES",
    "WindowAverage8",
    "DOT",
    "DOT+CES+IMAPA",
    "LightGBM",
    "IMAPA+LightGBM",
    "DOT+CES+IMAPA+LightGBM",
    BASELINE,
)
SEASONAL_CANDIDATES = {**CANDIDATES, "smooth": _SEASONAL, "erratic": _SEASONAL}


def registered_candidates(demand_class: str, season: int, periods: int) -> tuple[str, ...]:
    """What may be chosen for a class where a season has so many periods, 1 is none, of a panel of so many periods.

    The first stands. CES models a season of up to 24 periods, once there are two of them.
    """
    is_modelled = 1 < season <= SERIES_MEMBERS["CES"].longest_season and periods >= 2 * season
    return (SEASONAL_CANDIDATES if is_modelled else CANDIDATES)[demand_class]


def members_of(method: str) -> tuple[str, ...]:
    """The members whose mean a method is."""
    return tuple(method.split("+"))


def is_pooled(method: str, member: str = LIGHTGBM) -> bool:
    """Whether a method has a member that looks at all series at once."""
    return member in members_of(method)


@lru_cache(maxsize=256)
def series_model(name: str, season: int, has_seasons: bool) -> Any:
    """The model of a series member, with the season where it takes one and the series has two of them.

    The baseline needs one season only, and has its own minimum length.
    """
    member = SERIES_MEMBERS[name]
    return member.build(season if has_seasons and season <= member.longest_season else 1)
