"""One sales file broken in 136 ways: what the readers make of each, held cell by cell against its clean answer.

Belongs here: the corpus of Vitagliano et al., "Pollock: A Data Loading Benchmark" (VLDB 2023), read with the parameters
that it declares. The clean answers, and what a broken line says by the rules, come from the standard library's reader.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from inventra_pipelines.domain.contracts import SALES
from inventra_pipelines.domain.ingest.headers import header_texts, is_header_of, map_columns
from inventra_pipelines.domain.ingest.parse import parse_rows
from inventra_pipelines.domain.ingest.rejects import FileRejected
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.formats.read import open_file
from inventra_pipelines.sources.formats.tables import contract_columns

_COLUMNS: dict[str, str | list[str]] = {
    "sold_at": ["DATE", "TIME"],
    "item_code": "PRODUCTID",
    "quantity": "Qty",
    "unit_price": "Price",
    "channel": "ProductType",
    "description": "ProductDescription",
    "document_id": "URL",
    "promotion": "Comments",
}
_FIELDS = 9
_DAMAGED_ROW = re.compile(r"^row_.*?(\d+)_")
_FIELD_COUNT = re.compile(r"^The row has (\d+) fields? ")


@dataclass
class SalesFile:
    """What became of one file.

    Attributes:
        name: Its name.
        clean_rows: Rows of its clean answer.
        accepted: Row numbers of those that load.
        rejects: Row number, column, reason code and message of each record.
        passed_over: Row number and kind of the rows that are no data.
        refusal: Why the whole file is refused, if so.
        differences: Where it departs from the clean answer without saying so; empty for a right reading.
    """

    name: str
    clean_rows: int
    accepted: list[int] = field(default_factory=list)
    rejects: list[tuple[int, str, str, str]] = field(default_factory=list)
    passed_over: list[tuple[int, str]] = field(default_factory=list)
    refusal: FileRejected | None = None
    differences: list[str] = field(default_factory=list)

    @property
    def group(self) -> str:
        """The kind of damage."""
        return re.sub(r"_?(?:row)?\d+_(?:col\d+|0x20)$", "", Path(self.name).stem)

    @property
    def outcome(self) -> str:
        """What became of it, in words."""
        if self.refusal is not None:
            return f"refused: `{self.refusal.reason_code}`"
        clean = [row for row in self.accepted if row <= self._last_clean_row]
        said = "the clean answer" if len(clean) == self.clean_rows else f"{len(clean)} of {self.clean_rows} rows"
        below = len(self.accepted) - len(clean)
        more = f", and {below} of a second table below" if below else ""
        rows = len({row for row, *_ in self.rejects})
        if not rows:
            return f"{said}{more}"
        reasons = Counter(
            f"`{reason}`" for _, _, reason, _ in {(row, "", reason, "") for row, _, reason, _ in self.rejects}
        )
        told = ", ".join(
            f"{reason} {count}" if len(reasons) > 1 else reason for reason, count in sorted(reasons.items())
        )
        return f"{said}{more}; {rows} rejected: {told}"

    _last_clean_row: int = 0


def sales_files(folder: Path) -> Iterator[SalesFile]:
    """Read every file of the corpus and hold it against its clean answer.

    Args:
        folder: With `csv`, `clean` and `parameters` in it.
    """
    for path in sorted((folder / "csv").glob("*.csv")):
        parameters = json.loads((folder / "parameters" / f"{path.name}_parameters.json").read_text())
        clean = list(_records((folder / "clean" / path.name).read_text("utf-8")))[
            1 if parameters["header_lines"] else 0 :
        ]
        first_row = parameters["preamble_lines"] + parameters["header_lines"] + 1
        file = SalesFile(path.name, len(clean), _last_clean_row=first_row + len(clean) - 1)
        mapping = declared(parameters)
        try:
            accepted = _read(path, mapping, file)
        except FileRejected as error:
            file.refusal = error
        else:
            lines = path.read_text("ascii").splitlines()
            file.differences += _differences(file, accepted, clean, first_row, lines, mapping)
        yield file


def declared(parameters: Mapping[str, Any]) -> FileMapping:
    """The mapping that a file's declared parameters ask for; what is declared as empty is left to the reader."""
    rows = parameters["header_lines"]
    quote, escape = parameters["quotechar"], parameters["escapechar"].strip("\x00")
    columns = {
        column: [_repeated(header, rows) for header in headers]
        if isinstance(headers, list)
        else _repeated(headers, rows)
        for column, headers in _COLUMNS.items()
    }
    return FileMapping(
        columns=columns,
        header_row=parameters["preamble_lines"] + 1 if rows else None,
        header_rows=rows if rows > 1 else None,
        footer_rows=parameters["footnote_lines"],
        encoding=parameters["encoding"] or None,
        delimiter=parameters["delimiter"] or None,
        quote_char=quote or '"',
        escape_char=escape if escape and escape != quote else None,
        date_formats=["%d/%m/%Y %H:%M"],
        currency_signs=["$"],
        time_zone="UTC",
    )


def _repeated(header: str, rows: int) -> str:
    """The header of a file that writes its header row several times."""
    return " ".join([header] * max(rows, 1))


def _read(path: Path, mapping: FileMapping, file: SalesFile) -> list[dict[str, Any]]:
    accepted: list[dict[str, Any]] = []
    with open_file(path, mapping, path.name, is_header_of(SALES, mapping)) as opened:
        for table in opened.tables:
            places = map_columns(table.headers, SALES, mapping, path.name)
            rows = pl.concat([contract_columns(chunk, table, places, SALES) for chunk in table.chunks])
            parsed = parse_rows(rows, SALES, mapping, headers=header_texts(table.headers, places))
            accepted += parsed.accepted.to_dicts()
            file.rejects += parsed.rejects.select("row_number", "column_name", "reason_code", "message").rows()
            file.passed_over += parsed.passed_over.select("row_number", "kind").rows()
    file.accepted = sorted(row["row_number"] for row in accepted)
    return accepted


def _differences(
    file: SalesFile,
    accepted: Sequence[Mapping[str, Any]],
    clean: Sequence[Sequence[str]],
    first_row: int,
    lines: Sequence[str],
    mapping: FileMapping,
) -> Iterator[str]:
    """Rows that are wrong, doubled, lost, or rejected for a reason that is not true."""
    wanted = dict(enumerate(clean, start=first_row))
    by_the_rules = {row: next(_records(line, mapping), []) for row, line in enumerate(lines, start=1)}
    if len(set(file.accepted)) < len(file.accepted):
        yield "a row is loaded twice"
    for values in accepted:
        number = values["row_number"]
        right = _values(wanted.get(number) or by_the_rules[number])
        yield from (
            f"row {number}: {column} is {values[column]!r}, not {value!r}"
            for column, value in right.items()
            if values[column] != value
        )
    rejected = {row for row, *_ in file.rejects}
    recorded = [*file.accepted, *rejected, *(row for row, _ in file.passed_over)]
    yield from (f"row {row} has two fates" for row, count in Counter(recorded).items() if count > 1)
    with_content = {row for row, fields in by_the_rules.items() if row >= first_row and any(map(str.strip, fields))}
    yield from (f"row {row} is lost" for row in sorted(with_content.difference(recorded)))
    yield from (f"row {row} is invented" for row in sorted(set(recorded) - with_content))
    damaged = _DAMAGED_ROW.match(file.name)
    for row, _, _, message in file.rejects:
        fields = by_the_rules[row]
        if (damaged and int(damaged[1]) + 1 != row) or fields == wanted.get(row):
            yield f"row {row} is rejected though nothing is wrong with it: {message}"
        counted = _FIELD_COUNT.match(message)
        has_stray_marks = "quote" in file.name or "escape" in file.name or "quotation" in file.name
        if counted and not has_stray_marks and int(counted[1]) not in (len(fields), _filled(fields)):
            yield f"row {row} has {len(fields)} fields: {message}"


def _records(text: str, mapping: FileMapping | None = None) -> Iterator[list[str]]:
    """Records as the standard library reads them."""
    mapping = mapping or FileMapping()
    delimiter = mapping.delimiter or ","
    yield from csv.reader(
        text.splitlines(),
        delimiter=delimiter[0],
        quotechar=mapping.quote_char,
        escapechar=mapping.escape_char,
        doublequote=mapping.escape_char is None,
        skipinitialspace=delimiter.endswith(" "),
    )


def _filled(fields: Sequence[str]) -> int:
    """How many fields there are but for empty ones at the end."""
    return max((place for place, text in enumerate(fields, start=1) if text.strip()), default=0)


def _values(fields: Sequence[str]) -> dict[str, Any]:
    """A record's values by contract column."""
    day, time, quantity, item, price, kind, description, url, comments = (
        text.strip() or None for text in fields[:_FIELDS]
    )
    return {
        "sold_at": datetime.strptime(f"{day} {time}", "%d/%m/%Y %H:%M").replace(tzinfo=UTC),
        "item_code": item,
        "quantity": Decimal(quantity or ""),
        "unit_price": Decimal((price or "").removeprefix("$")),
        "channel": kind,
        "description": description,
        "document_id": url,
        "promotion": comments,
    }
