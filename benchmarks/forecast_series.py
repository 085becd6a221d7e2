"""Weekly series as a retailer has them, made by numpy from a seed.

Belongs here: the mix and how each kind is drawn. That the kinds are what they are called is told by the engine's own
classification, which `forecast.py` reports.
"""

import numpy as np

WEEKS = 104
_SEED = 20111209
# Shares of an assortment with a long tail.
MIX = {"smooth": 0.10, "erratic": 0.10, "intermittent": 0.45, "lumpy": 0.30, "new": 0.05}
_NEW_WEEKS = 7


def retail_series(count: int, seed: int = _SEED) -> list[np.ndarray]:
    """Units per week of `count` series, kinds mixed in the order of a shuffled assortment.

    Smooth: negative binomial around a level of 10 to 200 with a yearly season and a trend. Erratic: the same with a
    coefficient of variation about 1. Intermittent: sold in 10 to 60 % of weeks, mostly the same few units. Lumpy: as
    rare, in quantities that vary tenfold. New: any of these, for up to seven weeks.
    """
    generator = np.random.default_rng(seed)
    numbers = [round(share * count) for share in list(MIX.values())[:-1]]
    numbers.append(count - sum(numbers))
    smooth, erratic, intermittent, lumpy, new = numbers
    young = _intermittent(generator, new)
    parts = [
        _frequent(generator, smooth, 0.05),
        _frequent(generator, erratic, 1.2),
        _intermittent(generator, intermittent),
        _lumpy(generator, lumpy),
        young,
    ]
    units = np.concatenate(parts)
    lengths = np.full(count, WEEKS)
    lengths[count - new :] = generator.integers(1, _NEW_WEEKS + 1, new)
    # A series begins with its first sale.
    units[np.arange(count), WEEKS - lengths] = np.maximum(units[np.arange(count), WEEKS - lengths], 1.0)
    order = generator.permutation(count)
    return [units[row, WEEKS - lengths[row] :] for row in order]


def _frequent(generator: np.random.Generator, count: int, variation: float) -> np.ndarray:
    """Negative binomial demand of variance mean + variation * mean^2."""
    weeks = np.arange(WEEKS)
    levels = np.exp(generator.uniform(np.log(10), np.log(200), (count, 1)))
    season = generator.uniform(0, 0.3, (count, 1)) * np.sin(
        2 * np.pi * (weeks + generator.uniform(0, 52, (count, 1))) / 52
    )
    trend = 1 + generator.uniform(-0.3, 0.3, (count, 1)) * weeks / WEEKS
    means = levels * (1 + season) * trend
    return generator.poisson(means * generator.gamma(1 / variation, variation, means.shape)).astype(float)


def _intermittent(generator: np.random.Generator, count: int) -> np.ndarray:
    sold = generator.random((count, WEEKS)) < generator.uniform(0.1, 0.6, (count, 1))
    usual = generator.integers(1, 7, (count, 1))
    return np.where(sold, usual + generator.binomial(2, 0.3, (count, WEEKS)), 0).astype(float)


def _lumpy(generator: np.random.Generator, count: int) -> np.ndarray:
    sold = generator.random((count, WEEKS)) < generator.uniform(0.1, 0.6, (count, 1))
    sizes = np.ceil(generator.lognormal(generator.uniform(0.5, 3, (count, 1)), 1.1, (count, WEEKS)))
    return np.where(sold, sizes, 0.0)
