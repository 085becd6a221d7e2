"""Sums of what may be unknown.

Belongs here: expressions that alerts and reports share, so that none adds up a part as if it were all.
"""

import polars as pl


def known_sum(name: str) -> pl.Expr:
    """The sum of a column, null where one of its values is; 0 of none."""
    return pl.when(pl.col(name).null_count() == 0).then(pl.col(name).sum())
