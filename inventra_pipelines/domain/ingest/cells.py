"""A column of text as its distinct texts and where each stands, so that every rule is applied to a text once.

Belongs here: finding the distinct texts, and putting what is known of them back into rows. A column of a million rows
has a few thousand distinct texts as a rule; one that hardly repeats is left as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

# One row in so many tells whether a column repeats itself.
_SAMPLED = 16
_SAMPLED_ROWS = 4096
_MOST_DISTINCT = 0.8


@dataclass(frozen=True)
class Texts:
    """Texts, and the place among them of each row's.

    Attributes:
        height: Rows of the column.
        distinct: Its texts; one for all rows, or one per row, where `places` is None.
        places: Per row the position of its text, null where there is none.
    """

    height: int
    distinct: pl.Series
    places: pl.Series | None = field(default=None)

    def spread(self, known: pl.Series) -> pl.Series:
        """What is known of each text, row by row."""
        if self.places is not None:
            return known.gather(self.places)
        return known if known.len() == self.height else known.new_from_index(0, self.height)

    def take(self, known: pl.Series, rows: pl.Series) -> pl.Series:
        """What is known of the texts of some rows, by their positions."""
        if self.places is not None:
            return known.gather(self.places.gather(rows))
        return known.gather(rows) if known.len() == self.height else known.new_from_index(0, rows.len())


def distinct_texts(frame: pl.DataFrame, names: Sequence[str], constants: Mapping[str, str | None]) -> dict[str, Texts]:
    """The texts of columns.

    Args:
        frame: Has the columns of the names, as strings.
        names: Of its columns.
        constants: Further columns, which hold the same in every row.
    """
    found = {name: Texts(frame.height, pl.Series([text], dtype=pl.String)) for name, text in constants.items()}
    repeating = [name for name in names if _repeats(frame[name])]
    encoded = frame.select(pl.col(name).cast(pl.Categorical(pl.Categories.random())) for name in repeating)
    for name in names:
        if name not in repeating:
            found[name] = Texts(frame.height, frame[name])
            continue
        places = encoded[name].to_physical()
        last = places.max()
        numbers = pl.int_range(0, 0 if last is None else int(last) + 1, dtype=pl.UInt32)  # type: ignore[arg-type]
        texts = pl.select(numbers.cat.to(encoded[name].dtype).cast(pl.String)).to_series()
        found[name] = Texts(frame.height, texts, places)
    return found


def _repeats(texts: pl.Series) -> bool:
    sample = texts.gather_every(_SAMPLED) if texts.len() >= _SAMPLED * _SAMPLED_ROWS else texts
    return sample.n_unique() < _MOST_DISTINCT * sample.len()
