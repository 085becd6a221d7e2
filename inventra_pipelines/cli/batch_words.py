"""A batch in words: what is recorded of it, why its rows were rejected, and what became of its file.

Belongs here: the lines that several commands print of a batch. The commands are `batches.py`, `rejects.py` and
`ingest.py`.
"""

from collections.abc import Mapping
from typing import Any

from inventra_pipelines.cli.tables import say, title
from inventra_pipelines.domain.ingest.batches import FOREIGN, Batch
from inventra_pipelines.domain.ingest.completeness import HELD
from inventra_pipelines.domain.words import counted

_NOT_COUNTED = {
    "duplicate": "the same row stands in another file, or once more in this one",
    "superseded": "a version of the line that landed later holds, or a correction does",
    "unconverted": "nobody says how many of its item's units the stated unit is",
}
# Width of the labels before what is recorded.
LABEL = 16


def batch_lines(batch: Batch, days: tuple[Any, ...]) -> list[str]:
    """What is recorded of a batch, a labelled line for each."""
    state = batch.state.replace("_", " ")
    lines = {
        "batch": batch.batch_id,
        "file": f"{batch.tenant_id}/{batch.landed_on}/{batch.file_name}",
        "dataset": batch.dataset,
        "state": "held" if is_held(batch) else state,
        "rows": f"{batch.rows_read:,} read, {batch.rows_accepted:,} loaded, {batch.rows_rejected:,} rejected, "
        f"{batch.rows_passed_over:,} passed over",
        "size": f"{batch.bytes:,} bytes",
        "content": f"SHA-256 {batch.sha256 or 'unknown: it was not read'}",
        "configuration": f"version {batch.config_version}",
        "read by": f"version {batch.reader_version}",
    }
    if days[2]:
        lines["business days"] = f"{days[0]} to {days[1]}, {days[2]:,} with rows" if days[2] > 1 else f"{days[0]}"
    if batch.message:
        lines["message"] = batch.message
    return [f"{label + ':':<{LABEL}}{text}" for label, text in lines.items()]


def print_reasons(reasons: list[dict[str, Any]]) -> None:
    """Print why rows were rejected: how many, an example and what to do, for each reason."""
    for reason in reasons:
        where = (
            f"sheet {reason['sheet']}, row {reason['row_number']}" if reason["sheet"] else f"row {reason['row_number']}"
        )
        column, why = reason["column_name"] or "the whole row", reason["reason_code"].replace("_", " ")
        say(f"{counted(reason['rows'], 'row'):>10}  {column}: {why}", 2, 12)
        say(f"such as {where}: {reason['example']}", 14, 2)
        if reason["hint"]:
            say(f"what to do: {reason['hint']}", 14, 2)


def is_held(batch: Batch) -> bool:
    """Whether a batch is held back though it could be read."""
    return batch.state == "rejected" and HELD in (batch.message or "")


def may_be_released(batch: Batch) -> bool:
    """Whether a planner may take a batch as it is: it is held, or another tenant has the same data."""
    return is_held(batch) or (batch.state == "rejected" and FOREIGN in (batch.message or ""))


def print_outcome(batch: Batch, not_counted: Mapping[str, int] | None = None) -> None:
    """Print what became of a file, after an empty line: its state, its own rows, why, and what to do next.

    Args:
        batch: As it is now.
        not_counted: Loaded rows of sales that are no demand, by kind of line.
    """
    state = "held" if is_held(batch) else "refused" if batch.state == "rejected" else batch.state.replace("_", " ")
    title(f"{batch.file_name}: {state}, batch {batch.batch_id}")
    if batch.is_live:
        counts = f"{batch.rows_accepted:,} loaded, {batch.rows_rejected:,} rejected"
        passed_over = f"{batch.rows_passed_over:,} passed over as no data"
        say(f"{counted(batch.rows_read, 'row')} read: {counts}; {passed_over}", 2, 2)
        for kind, rows in (not_counted or {}).items():
            say(f"{counted(rows, 'row')} loaded and not counted: {_NOT_COUNTED[kind]}", 2, 2)
    else:
        say("none of its rows are loaded", 2, 2)
    if batch.message:
        say(batch.message, 2, 2)
    next_step = _next_step(batch)
    if next_step:
        say(f"next: {next_step}", 2, 2)


def _next_step(batch: Batch) -> str:
    match batch.state:
        case "partially_loaded":
            return f"correct the rest with `inventra batches rejects {batch.batch_id} --out corrections.xlsx`"
        case "loaded":
            return f"forecasts and reports with `inventra run --tenant {batch.tenant_id} --date {batch.landed_on}`"
        case "duplicate":
            return "nothing; its rows are in force under that batch"
        case "withdrawn":
            return "it stays out; to load it after all, land it under another name"
    # A refusal's message ends with its remedy.
    return ""
