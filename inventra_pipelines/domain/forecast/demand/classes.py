"""Demand classes of Syntetos and Boylan, with `new` and `dormant` beside them.

Belongs here: the borders between classes and the vectorised classification of a panel. Which methods a class is
forecast by is in `methods/registry.py`.
"""

import numpy as np

ADI_BORDER = 1.32
CV_SQUARED_BORDER = 0.49

# Below eight periods, one more empty period moves ADI by a seventh or more, nearly half of the way from 1 to its
# border, and one backtest window of the default horizon is longer than the whole history. Measured on a year of
# wholesale gift sales (2011): under eight weeks the last value and optimised SES have a WAPE of .82 and .86 against
# IMAPA's .97; from eight weeks on the order is reversed.
NEW_BELOW_PERIODS = 8

DORMANT = "dormant"
CLASSES = ("smooth", "erratic", "intermittent", "lumpy", "new", DORMANT)


def adi_and_cv_squared(values: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average inter-demand interval (periods per period with sales) and squared coefficient of variation of the latter.

    The variance is the population's. A series without sales has NaN for both.

    Args:
        values: Units per period, series x periods, right-aligned, zero before the first sale.
        lengths: Periods of each series.
    """
    sold = values > 0
    counts = sold.sum(axis=1)
    none = np.full(len(lengths), np.nan)
    adi = np.divide(lengths, counts, out=none.copy(), where=counts > 0)
    # Relative to the largest period, so that the squares of what a 64-bit float holds fit into one.
    tops = np.where(counts > 0, values.max(axis=1, initial=0.0), 1.0)
    shares = values / tops[:, None]
    means = np.divide(shares.sum(axis=1), counts, out=none.copy(), where=counts > 0)
    squares = np.where(sold, (shares - means[:, None]) ** 2, 0.0).sum(axis=1)
    variances = np.divide(squares, counts, out=none.copy(), where=counts > 0)
    return adi, variances / means**2


def classify(values: np.ndarray, lengths: np.ndarray, active_periods: int) -> np.ndarray:
    """Class name of each series as of the last column of `values`.

    Source: Syntetos, Boylan and Croston (2005), "On the categorization of demand patterns", JORS 56.

    Args:
        values: Units per period, series x periods, right-aligned, zero before the first sale.
        lengths: Periods of each series; a length of 0 or less is a series not yet sold, and dormant.
        active_periods: A series without a sale in as many periods is dormant.
    """
    adi, cv_squared = adi_and_cv_squared(values, lengths)
    often, steady = adi < ADI_BORDER, cv_squared < CV_SQUARED_BORDER
    names = np.select(
        [~active_rows(values, active_periods), lengths < NEW_BELOW_PERIODS, often & steady, often, steady],
        [DORMANT, "new", "smooth", "erratic", "intermittent"],
        default="lumpy",
    )
    return names.astype(object)


def active_rows(values: np.ndarray, active_periods: int) -> np.ndarray:
    """Whether each series sold in the last `active_periods` periods of `values` (series x periods)."""
    if values.shape[1] == 0:
        return np.zeros(values.shape[0], dtype=bool)
    return np.asarray((values[:, -active_periods:] > 0).any(axis=1))
