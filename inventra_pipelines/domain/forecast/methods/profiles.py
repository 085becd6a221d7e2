"""The profile member: how new items of a category usually go on after their first periods.

Belongs here: the forecast of a young series from what older ones of its category did at its age. It is the one member
that knows more of an item than its own few periods without having to learn a model.
"""

import numpy as np

from inventra_pipelines.domain.forecast.methods.windows import History, running

# The ratio of fewer launches is noise; those of all categories stand in.
LEAST_LAUNCHES = 10


def profile_forecasts(history: History, groups: np.ndarray, rows: np.ndarray, oldest: int) -> np.ndarray:
    """Forecasts of young series: their own mean so far, times how the launches of their category went on.

    A launch of the category is a series whose first sale lies inside the history, not in its first period, at least
    age + horizon periods back. With y by age, the ratio at lag h is sum(y at age + h) over sum(mean y up to the age),
    over all launches: a ratio of sums, so that large launches count as much as they sell.

    Args:
        history: All series as of the origin.
        groups: Category number of each series, -1 where it has none.
        rows: Series to forecast.
        oldest: Series of this many periods or more get NaN.

    Returns:
        Means, rows x horizon; NaN where a series is too old, not yet sold, or there are too few launches.
    """
    periods, horizon = history.values.shape[1], history.horizon
    means = np.full((len(rows), horizon), np.nan)
    sums = running(history.values)
    starts = periods - history.lengths
    for age in range(1, oldest):
        young = np.flatnonzero(history.lengths[rows] == age)
        launches = np.flatnonzero((starts > 0) & (history.lengths >= age + horizon))
        if not len(young) or len(launches) < LEAST_LAUNCHES:
            continue
        first = starts[launches]
        so_far = (sums[launches, first + age] - sums[launches, first]) / age
        later = history.values[launches[:, None], first[:, None] + age + np.arange(horizon)]
        everywhere = later.sum(axis=0) / so_far.sum()
        own = (sums[rows[young], periods] - sums[rows[young], periods - age]) / age
        for group in np.unique(groups[rows[young]]):
            inside = groups[launches] == group
            is_known = group >= 0 and inside.sum() >= LEAST_LAUNCHES
            ratios = later[inside].sum(axis=0) / so_far[inside].sum() if is_known else everywhere
            mine = groups[rows[young]] == group
            means[young[mine]] = own[mine, None] * ratios[None, :]
    return means
