"""`inventra sql`: one read-only query, as a table or as JSON.

Belongs here: the command. A query that writes is refused by the server, not by reading its text.
"""

import json
from typing import Annotated, Any

import psycopg
import typer

from inventra_pipelines.cli.console import installation, out
from inventra_pipelines.db.engine import connect
from inventra_pipelines.errors import PermanentError

# More rows than a terminal can show are cut, and said so; --json gives them all.
_SHOWN = 200


def sql(
    query: Annotated[str, typer.Argument(help="One SELECT.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print every row as a JSON object on a line.")] = False,
) -> None:
    """Run one read-only query."""
    with installation() as (_, url), connect(url, read_only=True) as connection:
        try:
            # Prepared: the server takes one statement, so that none can end the read-only transaction.
            cursor = connection.execute(query.encode(), prepare=True)
            rows = cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            first_line = str(error).splitlines()[0]
            raise PermanentError(
                f"the query failed: {first_line}", "correct it; only one reading statement runs"
            ) from None
        columns = [column.name for column in cursor.description or ()]
        connection.rollback()
    if as_json:
        for row in rows:
            typer.echo(json.dumps(dict(zip(columns, row, strict=True)), default=str))
        return
    out.print("\n".join(_aligned(columns, rows[:_SHOWN])), markup=False)
    if len(rows) > _SHOWN:
        out.print(f"{_SHOWN} of {len(rows)} rows; --json prints them all", markup=False)


def _aligned(columns: list[str], rows: list[tuple[Any, ...]]) -> list[str]:
    """Columns as wide as their widest value: a terminal wraps a long line, and nothing is cut."""
    cells = [columns, *(["" if value is None else str(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]
