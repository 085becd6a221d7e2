"""Rows that are no data: a header that is repeated, totals, and notes at the end of a sheet.

Belongs here: how they are told from rows that failed. They are recorded with their text, and neither loaded nor
counted; but for a repeated header, a row that the contract takes is never one of them.
"""

from collections.abc import Collection, Mapping

import polars as pl

from inventra_pipelines.domain.contracts import Contract
from inventra_pipelines.domain.ingest.cells import Texts
from inventra_pipelines.domain.ingest.rejects import PassedOver, RowReason, printable

PASSED_OVER_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "sheet": pl.String,
    "row_number": pl.Int32,
    "kind": pl.String,
    "text": pl.String,
}

_TOTALS_WORDS = (
    "total, totals, grand total, sub[ -]?totals?, running total, sum, sums, "
    "summe, gesamt, gesamtsumme, gesamtergebnis, endsumme, zwischensumme, teilergebnis, insgesamt, "
    "total général, total general, sous[ -]total, somme, totaux, totales, suma, total geral, soma, "
    "totale, subtotale, somma, totaal, subtotaal, eindtotaal, razem, celkem, součet, összesen, toplam, genel toplam, "
    "totalt, summa, i alt, yhteensä, итого, всего, 合计, 总计, 小计, 合計, 総計, 小計"
)
_WORD = f'(?i)^"?(?:{_TOTALS_WORDS.replace(", ", "|")})'
_TOTALS = rf"{_WORD}(?:$|[\s:=(])"
_TOTALS_LINE = rf"{_WORD}(?:$|[\s:=(\",;|])"
_MALFORMED = (RowReason.NOT_A_NUMBER, RowReason.NOT_A_DATE, RowReason.NOT_A_WHOLE_NUMBER)
_FAILED = [list(RowReason).index(reason) for reason in (RowReason.MISSING_VALUE, *_MALFORMED)]
# A line that was cut off ends in the middle of a code or a date: it is no note.
_WORDS = r"\p{L}.*\s|\s.*\p{L}|^[^0-9]+$"
_SINGLE_FIELD = r"^has 1 fields?\b"
# A file in which nothing happened may say so; more rows that all fail are no note.
_MOST_LINES_ALONE = 3


def is_repeated_header(texts: Mapping[str, Texts], headers: Mapping[str, str]) -> pl.Series | None:
    """Per row, whether each mapped column holds its own header; None where no row does."""
    mapped = {name: header.strip() for name, header in headers.items() if name in texts}
    if len(mapped) < 2:
        return None
    found: pl.Series | None = None
    for name, header in mapped.items():
        is_header = texts[name].distinct == header
        if not is_header.any():
            return None
        rows = texts[name].spread(is_header).fill_null(False)
        found = rows if found is None else found & rows
    return found if found is not None and found.any() else None


def kind_of(contract: Contract, mapped: Collection[str]) -> pl.Expr:
    """What a row is that did not load, null where it is one to reject.

    Over a frame with the columns' texts, their `reason_<name>`, `problem`, `problem_text`, `is_header` and `is_tail`.

    Args:
        contract: The dataset's.
        mapped: Columns that the file has.
    """
    cells = pl.sum_horizontal(pl.lit(False), *(pl.col(name).is_not_null() for name in mapped))
    is_line = pl.col("problem").str.contains(_SINGLE_FIELD) & pl.col("problem_text").str.contains(_WORDS)
    is_note = pl.when(pl.col("problem").is_null()).then(cells <= 1).otherwise(is_line)
    return (
        pl.when(pl.col("is_header"))
        .then(pl.lit(str(PassedOver.REPEATED_HEADER)))
        .when(_is_totals(contract, mapped))
        .then(pl.lit(str(PassedOver.TOTALS)))
        .when(pl.col("is_tail") & is_note)
        .then(pl.lit(str(PassedOver.NOTE)))
    )


def is_tail(failed: pl.DataFrame, accepted: pl.DataFrame, sheet: list[str]) -> pl.Series:
    """Whether failed rows stand below the last row of their sheet that loads, or alone with two others at most."""
    last = accepted.group_by(sheet).agg(pl.col("row_number").max().alias("last_row"))
    rows = failed.select(*sheet, "row_number").join(last, on=sheet, how="left", maintain_order="left")
    is_alone = pl.col("last_row").is_null() & (pl.len().over(sheet) <= _MOST_LINES_ALONE)
    return rows.select(
        ((pl.col("row_number") > pl.col("last_row")).fill_null(False) | is_alone).alias("is_tail")
    ).to_series()


def _is_totals(contract: Contract, mapped: Collection[str]) -> pl.Expr:
    """Whether a required value is at fault and a cell begins with a word for totals, or a last odd line does."""
    required = [column for column in contract.columns if column.required]
    is_failed = pl.any_horizontal(pl.col(f"reason_{column.name}").is_in(_FAILED) for column in required)
    is_unnamed = pl.any_horizontal(
        pl.col(column.name).is_null() for column in required if column.type in ("code", "date", "timestamp")
    )
    in_texts, in_others = ([pl.lit(False)], [pl.lit(False)])
    for column in contract.columns:
        if column.name in mapped:
            words = in_texts if column.type == "text" else in_others
            words.append(pl.col(column.name).str.contains(_TOTALS).fill_null(False))
    is_named = pl.any_horizontal(in_others) | (pl.any_horizontal(in_texts) & is_unnamed)
    is_line = pl.col("is_tail") & pl.col("problem_text").str.contains(_TOTALS_LINE)
    return pl.when(pl.col("problem").is_null()).then(is_failed & is_named).otherwise(is_line)


def shown_row(mapped: Collection[str]) -> pl.Expr:
    """A row's text: its cells, or the line that could not be split."""
    cells = pl.concat_str([pl.lit(None, dtype=pl.String), *map(pl.col, mapped)], separator=" | ", ignore_nulls=True)
    return printable(pl.coalesce("problem_text", cells).fill_null(""))
