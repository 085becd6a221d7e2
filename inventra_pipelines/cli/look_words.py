"""What a dry run found, in words for a planner.

Belongs here: printing a `FileLook` and the suggestion that would mend the file. Finding them is `sources/`.
"""

from collections.abc import Sequence

from inventra_pipelines.cli.console import out
from inventra_pipelines.cli.mapping import mapping_yaml
from inventra_pipelines.cli.tables import print_table, say, title
from inventra_pipelines.domain.ingest.rejects import RowReason
from inventra_pipelines.domain.words import NO_ROWS, counted
from inventra_pipelines.sources.reader.look import FileLook, RejectKind, TableLook
from inventra_pipelines.sources.reader.suggest import Suggestion

_BY = {
    "mapping": "the tenant's file says so",
    "own name": "its own name",
    "other name": "a name known for it",
    "constant": "the tenant's file says so",
}
_KINDS_SHOWN = 20
_PASSED_OVER_SHOWN = 5
_CELL = 19


def print_look(look: FileLook, tenant_id: str) -> None:
    """Print what is known of a file and what would become of its rows."""
    say(f"{look.name} as {look.dataset} of tenant {tenant_id}")
    for label, text in _facts(look):
        say(f"{label + ':':<14}{text}", 2, 14)
    for table in look.tables:
        _print_table_look(table)
    if look.sheets_passed_over:
        title("Not read")
        for sheet in look.sheets_passed_over:
            say(sheet, 2, 2)
    if look.remarks:
        title("Remarks")
        for remark in look.remarks:
            say(remark, 2, 2)
    if look.refusal is not None:
        return
    if look.first_rows:
        title("The first rows, as they would load")
        headers = ("", *(f"{number}." for number in range(1, len(look.first_rows) + 1)))
        names = list(look.first_rows[0])
        print_table(headers, ((name, *(_short(row.get(name, "")) for row in look.first_rows)) for name in names))
    title(
        f"{counted(look.rows_read, 'row')} read: {look.rows_accepted:,} would load, "
        f"{look.rows_rejected:,} would be rejected; {look.rows_passed_over:,} passed over as no data"
    )
    if not look.rows_read:
        say(NO_ROWS, 2, 2)
    _print_kinds(look.rejects)
    for row in look.passed_over[:_PASSED_OVER_SHOWN]:
        where = _where(row.sheet, row.row)
        say(f"passed over, {row.kind.replace('_', ' ')} in {where}: {row.text}", 2, 2)


def print_suggestion(suggestion: Suggestion, found: FileLook) -> None:
    """Print the settings that would mend a file, or give more of it, marked as not used."""
    look = suggestion.look
    if suggestion.is_empty and not suggestion.missing:
        return
    title("A suggestion, not used here: settings for the tenant's file")
    if all((table.sheet, table.header_row) != (suggestion.sheet, suggestion.header_row) for table in found.tables):
        say(f"The headers seem to stand in {_where(suggestion.sheet, suggestion.header_row)}:", 2)
        say(_listed([text for text in suggestion.headers if text.strip()]), 2, 2)
        out.print()
    for line in mapping_yaml(suggestion).splitlines():
        out.print(f"  {line}", markup=False)
    if look.refusal:
        say(f"Even so the file would be refused: {look.refusal.message}.", 2, 2)
    else:
        rejected = f", {look.rows_rejected:,} would be rejected" if look.rows_rejected else ""
        say(f"With it {look.rows_accepted:,} of {counted(look.rows_read, 'row')} would load{rejected}.", 2, 2)
    if suggestion.unused:
        say(f"Not used even so: {_listed(suggestion.unused)}", 2, 2)


def _facts(look: FileLook) -> list[tuple[str, str]]:
    facts = [("file", f"{look.format}, {look.bytes:,} bytes" if look.format else f"{look.bytes:,} bytes")]
    return facts + [(name, text) for name, text in look.details.items() if name != "header row"]


def _print_table_look(table: TableLook) -> None:
    sheet = f"Sheet {table.sheet}: headers" if table.sheet else "Headers"
    title(f"{sheet} in row {table.header_row}")
    if table.columns:
        print_table(
            ("column", "from", "known by"),
            (
                (
                    use.column,
                    " + ".join(use.headers) if use.headers else f"{use.constant} in every row",
                    _BY[use.by],
                )
                for use in table.columns
            ),
        )
    if table.problem:
        say(f"headers: {_listed([text for text in table.headers if text.strip()])}", 2, 2)
    elif table.unused:
        say(f"not used: {_listed(table.unused)}", 2, 2)
    if table.missing:
        say(f"required and missing: {_listed(table.missing)}", 2, 2)


def _print_kinds(kinds: Sequence[RejectKind]) -> None:
    for kind in sorted(kinds, key=lambda kind: -kind.rows)[:_KINDS_SHOWN]:
        reason = RowReason(kind.reason_code).replace("_", " ")
        say(f"{counted(kind.rows, 'row'):>13}  {kind.column or 'the whole row'}: {reason}", 2, 15)
        say(f"such as {_where(kind.sheet, kind.row)}: {kind.message}", 17, 2)
        if kind.hint:
            say(f"what to do: {kind.hint}", 17, 2)
    if len(kinds) > _KINDS_SHOWN:
        say(f"and {counted(len(kinds) - _KINDS_SHOWN, 'more kind')}", 2)


def _where(sheet: str, row: int) -> str:
    return f"sheet {sheet}, row {row:,}" if sheet else f"row {row:,}"


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(texts)


def _short(text: str) -> str:
    shown = " ".join(text.split())
    return shown if len(shown) <= _CELL else f"{shown[: _CELL - 1]}…"
