"""What a check will warn of is counted in pieces as in one, and of the same rows as the check."""

from datetime import date

import polars as pl

from inventra_pipelines.domain.contracts import SALES, STOCK
from inventra_pipelines.sources.reader.warnings import Warnings

MONDAY, TUESDAY = date(2024, 1, 1), date(2024, 1, 2)


def lines(*rows: tuple[str | None, int | None, str | None], day: date = MONDAY, first_row: int = 2) -> pl.DataFrame:
    names = {"document_id": pl.String, "line_number": pl.Int32, "location_code": pl.String}
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(
        pl.lit(day).alias("sold_on"),
        pl.lit(None, pl.String).alias("currency"),
        pl.int_range(first_row, first_row + pl.len(), dtype=pl.Int32).alias("row_number"),
    )


def warned(*pieces: tuple[pl.DataFrame, str], is_numbered_daily: bool = False) -> list[str]:
    warnings = Warnings(SALES, MONDAY, is_numbered_daily=is_numbered_daily, known_currencies=["GBP", "EUR"])
    for piece, sheet in pieces:
        warnings.count(piece, sheet)
    return warnings.in_words()


def test_a_line_is_the_same_by_document_number_and_location():
    others = [
        ("D1", 2, None),
        ("D2", 1, None),
        ("D1", 1, "North"),
        (None, 1, None),
        (None, 1, None),
        ("D3", None, None),
    ]
    assert warned((lines(("D1", 1, None), *others, ("D3", None, None)), "")) == []
    # A row without a location is the main one's.
    (told,) = warned((lines(("D1", 1, None), *others, ("D1", 1, "main")), ""))
    assert told.startswith("1 document line in the file twice or more, the first in row 2 and row 9:")


def test_a_line_that_comes_again_in_another_piece_or_sheet_is_found_once():
    piece = lines(("D1", 1, None), ("D1", 2, None))
    (told,) = warned((piece, "Jan"), (lines(("D1", 1, None), first_row=4), "Jan"), (piece, "Feb"))
    assert told.startswith("2 document lines in the file twice or more, the first in row 2 of sheet Jan and row 4 of")


def test_numbers_that_start_anew_daily_are_the_same_on_one_day_alone():
    later = lines(("D1", 1, None), first_row=3).with_columns(pl.lit(date(2023, 12, 31)).alias("sold_on"))
    assert warned((lines(("D1", 1, None)), ""), (later, ""), is_numbered_daily=True) == []
    (told,) = warned((lines(("D1", 1, None)), ""), (lines(("D1", 1, None)), ""), is_numbered_daily=True)
    assert "twice" in told


def test_the_landing_day_has_come_and_the_one_after_it_has_not():
    assert warned((lines(("D1", 1, None)), "")) == []
    told = warned((lines(("D1", 1, None)), ""), (lines(("D1", 2, None), ("D1", 3, None), day=TUESDAY, first_row=7), ""))
    assert told[0].startswith(
        "2 rows of a day after 2024-01-01, on which the file lands, the first of 2024-01-02 in row 7"
    )


def test_a_dataset_without_documents_is_held_to_its_days_alone():
    warnings = Warnings(STOCK, MONDAY, is_numbered_daily=False, known_currencies=["GBP"])
    warnings.count(pl.DataFrame({"row_number": [5, 2], "counted_on": [TUESDAY, TUESDAY]}), "")
    (told,) = warnings.in_words()
    assert "the first of 2024-01-02 in row 2" in told


def test_prices_in_a_currency_without_a_rate_are_told_by_currency_with_the_remedy():
    numbered = lines(*[("D", line, None) for line in range(6)])
    piece = numbered.with_columns(pl.Series("currency", ["GBP", None, " eur ", "", "USD", " usd"]))
    later = lines(("D", 9, None), ("D", 10, None), first_row=9).with_columns(pl.Series("currency", ["Dollar", "USD"]))
    dollars, dollar = reversed(warned((piece, ""), (later, "")))
    assert dollars == (
        "3 rows in USD, the first in row 6, whose revenue is not known; "
        "declare exchange_rates: USD in the tenant's file"
    )
    assert dollar.startswith("1 row in DOLLAR, the first in row 9, whose revenue is not known; that is no ISO code;")
