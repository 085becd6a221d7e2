"""Parsed rows as the raw tables have them.

Belongs here: the columns of the raw tables in their order, and giving each row its batch. The write is `db/batches.py`.
"""

from collections.abc import Container, Mapping, Sequence

import polars as pl

from inventra_pipelines.domain.contracts import POLARS_TYPES, Contract
from inventra_pipelines.domain.ingest.parse import REJECT_SCHEMA

Schema = dict[str, pl.DataType | type[pl.DataType]]

_IDENTITY: Schema = {"tenant_id": pl.String, "landed_on": pl.Date, "batch_id": pl.String}
REJECT_ROW_SCHEMA: Schema = {**_IDENTITY, "file_name": pl.String, **REJECT_SCHEMA}


def row_schema(contract: Contract) -> Schema:
    """Columns and types of the dataset's raw table."""
    own: Schema = {column.name: POLARS_TYPES[column.type] for column in contract.table_columns}
    return {**_IDENTITY, "sheet": pl.String, "row_number": pl.Int32, **own}


def given_columns(contract: Contract, given: Container[str]) -> list[str]:
    """Columns of the raw table that can hold anything, if the file and its mapping give these of the contract."""
    absent = {column.name for column in contract.columns if column.name not in given}
    return [name for name in row_schema(contract) if name not in absent]


def raw_rows(
    accepted: pl.DataFrame, contract: Contract, batches: Sequence[Mapping[str, str]], columns: Sequence[str]
) -> pl.DataFrame:
    """Accepted rows with `batch_id` as rows of the dataset's raw table; the batches by the columns of `raw.batches`."""
    schema = row_schema(contract)
    return _with_batches(accepted, batches, {name: schema[name] for name in columns})


def raw_rejects(rejects: pl.DataFrame, batches: Sequence[Mapping[str, str]]) -> pl.DataFrame:
    """Rejects with `batch_id` as rows of `raw.rejects`."""
    return _with_batches(rejects, batches, REJECT_ROW_SCHEMA)


def _with_batches(frame: pl.DataFrame, batches: Sequence[Mapping[str, str]], schema: Schema) -> pl.DataFrame:
    names = ("tenant_id", "landed_on", "file_name")
    if len(batches) == 1:
        (batch,) = batches
        columns = [pl.lit(batch[name]).alias(name) for name in names]
    else:
        by_id = {batch["batch_id"]: batch for batch in batches}
        columns = [
            pl.col("batch_id").replace_strict({key: batch[name] for key, batch in by_id.items()}).alias(name)
            for name in names
        ]
    frame = frame.with_columns(columns).with_columns(pl.col("landed_on").str.to_date("%Y-%m-%d"))
    return frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
