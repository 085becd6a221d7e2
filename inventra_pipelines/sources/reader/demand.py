"""A file's demand alone: what was sold of which item on which day, for who has no tenant and no database.

Belongs here: `demand_of`, which runs in the reader's process. The file is read as ingest reads sales. Where that does
not work, what `suggest.py` is sure of is taken, and told; ingest never does so, since it loads. What is asked is on the
other end, in `cli/evaluate.py`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl

from inventra_pipelines.domain.contracts import SALES, Contract
from inventra_pipelines.domain.ingest.headers import header_texts, is_header_of, map_columns
from inventra_pipelines.domain.ingest.parse import parse_rows
from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.domain.words import counted
from inventra_pipelines.sources.formats.read import open_file
from inventra_pipelines.sources.formats.tables import contract_columns, with_last
from inventra_pipelines.sources.reader.suggest import Suggestion, suggest

# By contract column: the option that names its header, and what forecasting tools call it.
OPTIONS = {"item_code": "--id", "sold_at": "--date", "quantity": "--quantity"}
_OTHER_NAMES = {
    "item_code": ("id", "unique_id", "item_id", "series_id", "series", "product", "product_id"),
    "sold_at": ("ds", "day", "week", "month", "sold_on"),
    "quantity": ("y", "sales", "demand", "units_sold", "value"),
}
_MENDABLE = (FileReason.WRONG_COLUMNS, FileReason.BAD_ENCODING, FileReason.AMBIGUOUS_DELIMITER)
_REJECTS_SHOWN = 3

Piece = tuple[dict[str, Any], bytes]


def demand_contract() -> Contract:
    """Sales, of which only item, time and quantity are needed."""
    columns = tuple(
        replace(column, aliases=(*column.aliases, *_OTHER_NAMES[column.name]))
        for column in SALES.columns
        if column.name in OPTIONS
    )
    return replace(SALES, columns=columns)


class _RowsRejectedError(Exception):
    """Rows that hold no demand; the argument says of the first ones what is wrong."""

    def __init__(self, rejects: Sequence[tuple[int, str, str]], count: int) -> None:
        super().__init__(count)
        self.rejects, self.count = rejects, count


def demand_of(path: Path, mapping: FileMapping, name: str, *, skips_bad_rows: bool) -> Iterator[Piece]:
    """The demand of a file, piece by piece: first what was found out, last the names of the items.

    Args:
        path: On a local disk.
        mapping: What the options say.
        name: What messages call the file.
        skips_bad_rows: Whether rows that hold no demand are left out and counted, instead of refusing the file.

    Yields:
        `kind` is `rows` (an IPC frame of `place`, the item's position among the names, `day` and `quantity`), then
        `names` (an IPC frame of `series_id`, with `columns` by contract column, `remarks`, and `skipped` rows).

    Raises:
        FileRejected: It cannot be read, lacks a column, or a row holds no demand.
    """
    contract = demand_contract()
    try:
        pieces = list(_read(path, contract, mapping, name, skips=False))
    except (FileRejected, _RowsRejectedError) as failure:
        pieces = _read_otherwise(path, contract, mapping, name, failure, skips_bad_rows)
    yield from pieces


def _read_otherwise(
    path: Path,
    contract: Contract,
    mapping: FileMapping,
    name: str,
    failure: FileRejected | _RowsRejectedError,
    skips_bad_rows: bool,
) -> list[Piece]:
    """With what a look at the file is sure of; else why it cannot be, in words of the command's options."""
    if isinstance(failure, FileRejected) and failure.reason_code not in _MENDABLE:
        raise _in_options(failure)
    if isinstance(failure, FileRejected) and any(header in failure.message for header in _asked_for(mapping)):
        raise _in_options(failure)
    stated = sorted(mapping.model_fields_set)
    suggestion = suggest(path, contract, mapping, stated, name)
    sure = {guess.name: guess.value for guess in suggestion.settings if guess.is_sure}
    taken = {
        guess.column: guess.headers[0] if len(guess.headers) == 1 else guess.headers
        for guess in suggestion.columns
        if guess.how_sure in ("sure", "likely")
    }
    better = mapping.model_copy(update={**sure, "columns": {**taken, **mapping.columns}})
    remarks = [f"read with {setting} {value!r}: {_why(suggestion, setting)}" for setting, value in sure.items()]
    try:
        return list(_read(path, contract, better, name, skips=skips_bad_rows, remarks=remarks))
    except FileRejected as still:
        raise _in_options(still) from None
    except _RowsRejectedError as still:
        raise _rows_refused(name, still, suggestion) from None


def _why(suggestion: Suggestion, setting: str) -> str:
    return next(guess.why for guess in suggestion.settings if guess.name == setting)


def _asked_for(mapping: FileMapping) -> list[str]:
    named = [[header] if isinstance(header, str) else header for header in mapping.columns.values()]
    return [f"configured as {header!r}" for headers in named for header in headers]


def _in_options(failure: FileRejected) -> FileRejected:
    """A refusal with the remedy in words of the command's options."""
    missing = [option for column, option in OPTIONS.items() if column in failure.message]
    if failure.reason_code is FileReason.WRONG_COLUMNS:
        wanted = " and ".join(f"{option} HEADER" for option in missing or OPTIONS.values())
        return FileRejected(failure.reason_code, failure.message, f"say which header it is: {wanted}")
    if failure.reason_code is FileReason.AMBIGUOUS_COLUMNS:
        wanted = " or ".join(f"{option} HEADER" for option in missing or OPTIONS.values())
        return FileRejected(failure.reason_code, failure.message, f"say which of them it is: {wanted}")
    return failure


def _rows_refused(name: str, failure: _RowsRejectedError, suggestion: Suggestion) -> FileRejected:
    told = "; ".join(f"row {row:,}: {message.rstrip('.')}" for row, _, message in failure.rejects)
    more = f"; {counted(failure.count, 'row')} in all" if failure.count > len(failure.rejects) else ""
    unsure = [guess for guess in suggestion.settings if not guess.is_sure]
    formats = [each for guess in unsure if guess.name == "date_formats" for each in guess.value]
    formats = [each for each in dict.fromkeys(formats) if each not in suggestion.stated.get("date_formats", [])]
    marks = [str(guess.value) for guess in unsure if guess.name == "decimal_mark"]
    columns = {column for _, column, _ in failure.rejects}
    if formats and "sold_at" in columns:
        remedy = "say how dates are written: " + " or ".join(f"--date-format '{each}'" for each in formats)
    elif marks and "quantity" in columns:
        remedy = "say what parts decimals: " + " or ".join(f"--decimal-mark '{each}'" for each in marks)
    else:
        remedy = "correct them, or leave them out with --skip-bad-rows"
    return FileRejected(FileReason.UNREADABLE, f"{name}: {told}{more}", remedy)


def _read(
    path: Path, contract: Contract, mapping: FileMapping, name: str, *, skips: bool, remarks: Sequence[str] = ()
) -> Iterator[Piece]:
    rejects: list[tuple[int, str, str]] = []
    skipped, found = 0, list(remarks)
    names = pl.DataFrame(schema={"series_id": pl.String, "place": pl.UInt32})
    columns: dict[str, str] = {}
    with open_file(path, mapping, name, is_header_of(contract, mapping)) as opened:
        for table in opened.tables:
            where = f"{name}, sheet {table.sheet!r}" if table.sheet else name
            places = map_columns(table.headers, contract, mapping, where)
            headers = header_texts(table.headers, places)
            columns |= headers
            for chunk, is_last in with_last(table.chunks):
                parsed = parse_rows(
                    contract_columns(chunk, table, places, contract).with_columns(_whole_dates()),
                    contract,
                    table.mapping(mapping),
                    headers=headers,
                    is_end=is_last,
                )
                bad = parsed.rejects.sort("row_number", maintain_order=True)
                skipped += bad.select("sheet", "row_number").n_unique()
                if bad.height and len(rejects) < _REJECTS_SHOWN:
                    rejects += bad.select("row_number", "column_name", "message").head(_REJECTS_SHOWN).rows()
                ids = parsed.accepted["item_code"].unique(maintain_order=True)
                new = ids.filter(~ids.is_in(names["series_id"].implode()))
                numbers = pl.int_range(names.height, names.height + len(new), dtype=pl.UInt32, eager=True)
                names = pl.concat([names, pl.DataFrame({"series_id": new, "place": numbers})])
                rows = parsed.accepted.join(
                    names, left_on="item_code", right_on="series_id", how="left", maintain_order="left"
                ).select("place", pl.col("sold_on").alias("day"), pl.col("quantity").cast(pl.Float64))
                yield {"kind_of_piece": "rows", "rows": rows.height}, _as_bytes(rows)
        found += [f"not read: {text}" for text in opened.passed_over]
    if rejects and not skips:
        raise _RowsRejectedError(rejects[:_REJECTS_SHOWN], skipped)
    told = {"kind_of_piece": "names", "columns": columns, "remarks": found, "skipped": skipped, "format": opened.format}
    yield told, _as_bytes(names.select("series_id"))


def _whole_dates() -> pl.Expr:
    """Months and years that stand without a day, as their first: `2024-03`, `2024`."""
    text = pl.col("sold_at")
    month = pl.concat_str(text.str.replace("/", "-", literal=True), pl.lit("-01"))
    year = pl.concat_str(text, pl.lit("-01-01"))
    is_month, is_year = text.str.contains(r"^[12][0-9]{3}[-/][01][0-9]$"), text.str.contains("^[12][0-9]{3}$")
    return pl.when(is_month).then(month).when(is_year).then(year).otherwise(text).alias("sold_at")


def _as_bytes(frame: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    frame.write_ipc(buffer)
    return buffer.getvalue()
