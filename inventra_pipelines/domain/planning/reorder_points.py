"""How much stock a service level needs against uncertain demand, and how much to order to get there.

Belongs here: the formulas, on arrays, one element per item and location. The figures they are fed come from
`demand.py`; the proposals made of them are in `proposals.py`.
"""

import numpy as np
from scipy import stats

from inventra_pipelines.domain.planning.demand import Floats

# A variance at or below the mean has no negative binomial; 1.05 x mean achieved 96.0 % and 95.0 % where 95 % was asked.
VARIANCE_FLOOR = 1.05
# Whole units stop mattering here, and the incomplete beta function starts to lose digits.
LARGEST_COUNTED_MEAN = 1e9


def reorder_points(mean: Floats, std: Floats, service_level: Floats) -> Floats:
    """Smallest whole stock that covers the demand of an interval with at least the cycle service level.

    The demand is taken as negative binomial, matched to the mean and to the variance floored at 1.05 x mean
    (moments: n = mean^2 / (variance - mean), p = mean / variance); as normal where that is out of reach. An item
    without expected demand needs none. Where demand is so lumpy that the matched distribution meets the level with less
    than the expected demand (with a standard deviation ten times the mean even with nothing at all), the expected
    demand is the point: safety stock is never negative.

    Args:
        mean: Expected units over lead time plus review period, NaN where unknown.
        std: Standard deviation of those units.
        service_level: Wanted probability of no stock-out in the interval, between 0 and 1.

    Source: Silver, Pyke and Thomas (2017), Inventory and Production Management in Supply Chains, 4th edition,
    chapter 6 (P1, cycle service); Syntetos and Boylan (2006) for the negative binomial.
    """
    variance = np.maximum(std**2, VARIANCE_FLOOR * mean)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        counted = stats.nbinom.ppf(service_level, mean**2 / (variance - mean), mean / variance)
    normal = np.ceil(normal_reorder_points(mean, np.sqrt(variance), service_level))
    points = np.where(np.isfinite(counted) & (mean <= LARGEST_COUNTED_MEAN), counted, np.maximum(normal, 0.0))
    return np.where(np.isnan(mean), np.nan, np.where(mean <= 0, 0.0, np.maximum(points, np.ceil(mean))))


def normal_reorder_points(mean: Floats, std: Floats, service_level: Floats) -> Floats:
    """Stock that covers normal demand with the cycle service level: mean + z x std."""
    return mean + stats.norm.ppf(service_level) * std


def order_quantities(
    position: Floats, reorder_point: Floats, order_up_to: Floats, minimum: Floats, pack: Floats
) -> Floats:
    """Units to order now: up to the level where the position is below the reorder point, else 0.

    The (R, s, S) rule of Silver, Pyke and Thomas, chapter 6, with `position < s` as the trigger: at s exactly the
    service level still holds. Rounded up to at least the minimum and to whole packs.

    Args:
        position: Available plus on order, NaN where unknown.
        reorder_point: s; NaN (no forecast) orders nothing.
        order_up_to: S.
        minimum: Minimum order quantity; NaN or below 0 means none.
        pack: Units per pack; NaN or not positive means single units.
    """
    packs = np.where(pack > 0, pack, 1.0)
    least = np.where(minimum > 0, minimum, 0.0)
    wanted = np.maximum(order_up_to - position, least)
    needed = np.ceil(np.round(wanted / packs, 9)) * packs
    quantity = np.where(position < reorder_point, needed, 0.0)
    return np.where(np.isnan(position), np.nan, quantity)
