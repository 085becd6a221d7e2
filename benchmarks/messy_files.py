"""What the readers make of files that broke others: `python -m benchmarks.messy_files > docs/messy_files.md`.

Belongs here: the page. The broken sales file is `messy_sales.py`, the workbooks and text files `messy_tables.py`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.messy_sales import SalesFile, sales_files
from benchmarks.messy_tables import CORPORA, TableFile, table_files
from benchmarks.report import PROJECT

MESSY = PROJECT.parent / "shared" / "data" / "messy"

_HEAD = """\
# Files that broke other readers

For whoever wants to know what happens to a damaged file. The page is what `python -m benchmarks.messy_files` prints;
a test holds it to that wherever the files are at hand. They are not shipped, as they belong to other projects.

Three promises are checked for every file: a row that loads is right in every cell, a row that does not load is recorded
with a reason that is true, and no file ends or delays the others.
"""

_SALES = """\
## One sales file, broken in 136 ways

The corpus of *Pollock: A Data Loading Benchmark* (Vitagliano et al., VLDB 2023): {rows} rows of sales in nine columns,
and a clean answer for each damaged file. Every file is read with the parameters that it declares, as dataset `sales`
with all nine columns mapped. The clean answer, and what a line says by the rules, come from Python's `csv`.

Of {files} files {clean} give every row of the clean answer; in {rejecting} more all rows load but the damaged ones,
which are rejected; {refused} are refused. Rows that are wrong, lost, doubled or rejected without need stand in
{differing} of them.

| damage | files | what becomes of them |
|---|---|---|
"""

_REASONS = """\
Why the reasons are true:

- `row_less_sep`, `row_more_sep`, `row_field_delimiter`: the line has another number of fields than the header, and the
  message says which. A delimiter too many is not healed: which of the fields moved cannot be told.
- `row_extra_quote`: the mark opens a field that is never closed, or that takes in the next ones, so that the line has
  too few fields. Where it can only be text, as in `""https://...",`, it is text, and the row loads.
- `file_escape_char_0x00`: marks within quoted fields are not escaped at all. Where one stands before the delimiter, as
  in `48"","Made`, nothing tells whether the field ends.
- `file_field_delimiter_0x20`: product types of several words are not quoted, so that the space parts them too.
- `file_multitable_*`: the answer of the corpus is the first table alone. The second is of the same kind: where its
  header is the same, it is passed over as a repeated header and its rows load, but for three that the corpus itself
  wrote with shifted columns; where it has other columns, its rows are rejected, each with its number of fields.
- A header that is damaged (`row_less_sep_row0`, `row_extra_quote0`) or missing (`file_no_header`) refuses the file with
  the headers that were found: `wrong_columns`. A file of no bytes is `empty_file`.
"""

_TABLES = """\
## Workbooks and text files that broke readxl, calamine and frictionless

Their own test files. None knows sales: each is read by the reader's process as sales whose item code is the first
header and whose other values are constants. No file takes the process down, and none takes it half a minute. What
loads is then held, cell by cell, against openpyxl (xlsx), xlrd (xls) and Python's `csv`; for ods and xlsb there is no
other reader at hand. Blanks at either end do not count. Two things are taken as alike that a workbook's text cannot
tell apart: a duration of days and the moment of the same number, and a time of day and a text `1899-12-31 08:00:00`.

| corpus | files | read | of these rejecting rows | refused | held against another reader | cells | unlike |
|---|---|---|---|---|---|---|---|
"""


def page(sales: Sequence[SalesFile], tables: Sequence[TableFile]) -> str:
    """The whole page in Markdown."""
    clean = [file for file in sales if file.refusal is None and len(file.accepted) >= file.clean_rows]
    refused = [file for file in sales if file.refusal is not None]
    head = _SALES.format(
        rows=max(file.clean_rows for file in sales),
        files=len(sales),
        clean=len(clean),
        rejecting=len(sales) - len(clean) - len(refused),
        refused=len(refused),
        differing=sum(bool(file.differences) for file in sales),
    )
    parts = [_HEAD, head + "\n".join(_sales_rows(sales)) + "\n", _REASONS]
    parts += [_TABLES + "\n".join(_corpus_rows(tables)) + "\n", "\n".join(_refusals(tables)) + "\n"]
    return "\n".join(parts)


def _sales_rows(files: Sequence[SalesFile]) -> Iterator[str]:
    """By kind of damage; what becomes of few files of it is told with their names."""
    groups: dict[str, dict[str, list[SalesFile]]] = defaultdict(lambda: defaultdict(list))
    for file in files:
        groups[file.group][file.outcome].append(file)
    for group, outcomes in groups.items():
        usual, *others = sorted(outcomes.items(), key=lambda of: -len(of[1]))
        yield f"| `{group}` | {len(usual[1])} | {usual[0]} |"
        for outcome, of_outcome in others:
            names = ", ".join(f"`{file.name.removesuffix('.csv').removeprefix(group)}`" for file in of_outcome)
            yield f"| `{group}`: {names} | {len(of_outcome)} | {outcome} |"


def _corpus_rows(files: Sequence[TableFile]) -> Iterator[str]:
    for corpus in CORPORA:
        of_corpus = [file for file in files if file.corpus == corpus]
        done = [file.done for file in of_corpus if file.done]
        counts = (
            len(of_corpus),
            len(done),
            sum(bool(result.rejected) for result in done),
            len(of_corpus) - len(done),
            sum(bool(file.cells) for file in of_corpus),
            sum(file.cells for file in of_corpus),
            sum(len(file.unlike) for file in of_corpus),
        )
        yield f"| {corpus} | " + " | ".join(f"{count:,}" for count in counts) + " |"


def _refusals(files: Sequence[TableFile]) -> Iterator[str]:
    reasons = Counter(
        reason for file in files if file.done for reason in {reason for _, reason, _ in file.done.reasons}
    )
    told = ", ".join(f"`{reason}` {count}" for reason, count in sorted(reasons.items()))
    yield "A row is rejected where its first cell is empty or too long for a code, its line has too many or few fields,"
    yield "or another header happens to name a column of sales. Files by reason:"
    yield f"{told}.\n"
    yield "| refused | reason | message |"
    yield "|---|---|---|"
    for file in files:
        if file.refusal is not None:
            name = Path(file.name).name
            message = file.refusal.message.removeprefix(name).lstrip(":, ").replace("|", "\\|")
            yield f"| {file.corpus}: {name} | `{file.refusal.reason_code}` | {_cut(message)} |"


def _cut(text: str, most: int = 120) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def main() -> None:
    """Print the page."""
    print(page(list(sales_files(MESSY / "pollock")), list(table_files(MESSY))), end="")


if __name__ == "__main__":
    main()
