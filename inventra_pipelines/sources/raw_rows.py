"""Parsed contents as the rows of the raw tables, batch by batch.

Belongs here: giving each row its batch, counting what each batch holds, and its business days. Which batches are loaded
is decided in `domain/ingest/batches.py`; the write is `db/batches.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from inventra_pipelines.db.batches import DAY_SCHEMA, REJECT_ROW_SCHEMA, ROW_SCHEMAS, Rows
from inventra_pipelines.domain.contracts import CONTRACTS
from inventra_pipelines.domain.ingest.batches import Batch, Settlement
from inventra_pipelines.domain.ingest.parse import ParsedRows


def raw_rows(parsed: Mapping[str, ParsedRows], held: Rows, settlement: Settlement) -> tuple[Rows, list[Batch]]:
    """All rows that some landing days are to hold: of what is loaded, and of what is carried.

    Args:
        parsed: By dataset, with `content` (the SHA-256) as scope.
        held: What the tables have of the batches that are carried, and the business days of all batches of these days.
        settlement: What holds.

    Returns:
        The rows, and the loaded batches with their state, counts and message.
    """
    datasets = dict(held.datasets)
    rejects, days, loaded = [held.rejects], [], []
    for dataset, contract in CONTRACTS.items():
        load = [batch for batch in settlement.load if batch.dataset == dataset]
        if not load:
            continue
        keys = pl.DataFrame(
            [(b.sha256, b.tenant_id, b.landed_on, b.batch_id, b.file_name) for b in load],
            schema=["content", "tenant_id", "landed_on", "batch_id", "file_name"],
            orient="row",
        )
        rows = parsed[dataset]
        accepted = rows.accepted.join(keys, on="content", maintain_order="left").select(*ROW_SCHEMAS[dataset])
        rejected = rows.rejects.join(keys, on="content", maintain_order="left").select(*REJECT_ROW_SCHEMA)
        datasets[dataset] = pl.concat([datasets[dataset], accepted])
        rejects.append(rejected)
        loaded += _counted(load, accepted, rejected)
        if contract.business_day:
            by_day = accepted.group_by("tenant_id", "batch_id", "landed_on", business_on=contract.business_day)
            counts = by_day.agg(pl.len().cast(pl.Int64).alias("rows"))
            days.append(counts.with_columns(pl.lit(dataset).alias("dataset")).select(*DAY_SCHEMA))
    return Rows(datasets, pl.concat(rejects), _all_days(days, held.days, settlement.carry)), loaded


def _counted(load: Sequence[Batch], accepted: pl.DataFrame, rejected: pl.DataFrame) -> list[Batch]:
    """The loaded batches with their state and counts; several rejects of a row count it once."""
    rows = dict(accepted.group_by("batch_id").len().iter_rows())
    bad = rejected.select("batch_id", "sheet", "row_number").unique()
    bad_rows = dict(bad.group_by("batch_id").len().iter_rows())
    reasons: dict[str, list[str]] = {}
    for batch_id, reason, count in rejected.group_by("batch_id", "reason_code").len().sort(pl.all()).iter_rows():
        reasons.setdefault(batch_id, []).append(f"{count:,} {reason}")
    counted = []
    for batch in load:
        good, wrong = rows.get(batch.batch_id, 0), bad_rows.get(batch.batch_id, 0)
        why = ", ".join(reasons.get(batch.batch_id, []))
        counted.append(
            replace(
                batch,
                state="partially_loaded" if wrong else "loaded",
                rows_read=good + wrong,
                rows_accepted=good,
                rows_rejected=wrong,
                message=f"{wrong:,} of {good + wrong:,} rows rejected: {why}" if wrong else None,
            )
        )
    return counted


def _all_days(counted: Sequence[pl.DataFrame], held: pl.DataFrame, carried: Sequence[Batch]) -> pl.DataFrame:
    """Each batch's business days: as counted now, and those it once held, so that they are rebuilt too."""
    days = pl.concat([pl.DataFrame(schema=DAY_SCHEMA), *counted])
    kept = [batch.batch_id for batch in carried if batch.is_live]
    before = held.with_columns(pl.when(pl.col("batch_id").is_in(kept)).then(pl.col("rows")).otherwise(0).alias("rows"))
    return pl.concat([days, before.join(days, on=["batch_id", "business_on"], how="anti")])
