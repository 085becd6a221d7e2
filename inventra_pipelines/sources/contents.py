"""The contents of some landing days' files: kept, read once each, and parsed dataset by dataset.

Belongs here: all of ingest that needs no database, so that it can run beside the write of the days before. Which of the
contents come into force is decided in `ingest.py`, under the database's locks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from inventra_pipelines.db.writes import Window
from inventra_pipelines.domain.contracts import CONTRACTS, Contract
from inventra_pipelines.domain.ingest.batches import UNKNOWN_DATASET, Batch, Content, batch_id_of
from inventra_pipelines.domain.ingest.parse import ParsedRows, parse_rows
from inventra_pipelines.domain.ingest.rejects import FileRejected
from inventra_pipelines.domain.tenant import FileMapping, TenantConfig
from inventra_pipelines.sources.landing import LandedFile, Landing
from inventra_pipelines.sources.read import read_tables
from inventra_pipelines.sources.tables import contract_columns


@dataclass
class Contents:
    """What some landing days' files hold.

    Attributes:
        standing: The files in the folders, as batches in state received.
        vanished: Batches whose file is gone, read from the kept copy, in state received.
        parsed: Rows by dataset; `content` is the SHA-256 of the file they come from.
    """

    standing: list[Batch] = field(default_factory=list)
    vanished: list[Batch] = field(default_factory=list)
    parsed: dict[str, ParsedRows] = field(default_factory=dict)
    _found: dict[str, Content] = field(default_factory=dict)

    def of(self, batch: Batch) -> Content:
        """What reading the batch's file gave."""
        return self._found[self._key(batch)]

    def put(self, batch: Batch, content: Content) -> None:
        """Say what reading the batch's file gave."""
        self._found[self._key(batch)] = content

    @staticmethod
    def _key(batch: Batch) -> str:
        return f"{batch.dataset}|{batch.sha256 or batch.batch_id}"


def read_contents(
    landing: Landing, tenant: TenantConfig, window: Window, files: Sequence[LandedFile], recorded: Sequence[Batch]
) -> Contents:
    """Keep and read what stands in the folders of some landing days, and what vanished from them.

    Args:
        landing: The landing zone.
        tenant: Whose files they are.
        window: The tenant's landing days.
        files: What stands in their folders.
        recorded: The tenant's batches.

    Raises:
        TransientError: A file vanished meanwhile, or the kept folder cannot be written.
    """
    contents = Contents()
    paths: dict[str, Path] = {}
    for file in files:
        sha256, failure = "", file.refusal
        if failure is None:
            try:
                kept = landing.keep(file)
                sha256, paths[kept.sha256] = kept.sha256, kept.path
            except FileRejected as error:
                failure = error
        batch = _received(file, sha256, tenant.config_version)
        if failure is not None:
            contents.put(batch, Content(failure=failure))
        contents.standing.append(batch)
    contents.vanished = vanished_batches(landing, tenant, window, contents.standing, recorded)
    for batch in contents.vanished:
        paths.setdefault(batch.sha256, landing.kept_path(batch.sha256, batch.file_name))
    for dataset, contract in CONTRACTS.items():
        batches = [b for b in (*contents.standing, *contents.vanished) if b.dataset == dataset and b.sha256]
        _read_dataset(contents, contract, tenant, batches, paths)
    return contents


def vanished_batches(
    landing: Landing, tenant: TenantConfig, window: Window, standing: Sequence[Batch], recorded: Sequence[Batch]
) -> list[Batch]:
    """Batches in force, or duplicates of one, whose file is gone and whose kept copy is there; in state received."""
    present = {batch.place for batch in standing}
    return [
        replace(batch.out("received", ""), message=None, config_version=tenant.config_version)
        for batch in recorded
        if window.first <= batch.landed_on <= window.last
        and batch.place not in present
        and (batch.is_live or batch.state == "duplicate")
        and landing.kept_path(batch.sha256, batch.file_name).exists()
    ]


def _received(file: LandedFile, sha256: str, config_version: str) -> Batch:
    dataset = file.dataset or UNKNOWN_DATASET
    batch_id = batch_id_of(file.tenant_id, dataset, file.landed_on, file.file_name, sha256)
    return Batch(
        batch_id,
        file.tenant_id,
        dataset,
        file.landed_on,
        file.file_name,
        sha256,
        "received",
        0,
        0,
        0,
        file.size,
        config_version,
    )


def _read_dataset(
    contents: Contents, contract: Contract, tenant: TenantConfig, batches: list[Batch], paths: dict[str, Path]
) -> None:
    """Read each content of a dataset once, and parse the rows of all of them at once."""
    mapping = tenant.mapping(contract.dataset)
    frames: list[pl.DataFrame] = []
    seen: set[str] = set()
    for batch in batches:
        if batch.sha256 in seen:
            continue
        seen.add(batch.sha256)
        try:
            pieces = _rows_of(batch, contract, mapping, paths[batch.sha256])
        except FileRejected as error:
            contents.put(batch, Content(failure=error))
            continue
        frames += pieces
        contents.put(batch, Content(sum(piece.height for piece in pieces)))
    if not frames:
        return
    rows = pl.concat(frames)
    frames.clear()
    try:
        contents.parsed[contract.dataset] = parse_rows(rows, contract, mapping, tenant.time_zone, ("content",))
    except FileRejected as error:
        # A setting that no file can be parsed with.
        for batch in batches:
            contents.put(batch, Content(failure=error))


def _rows_of(batch: Batch, contract: Contract, mapping: FileMapping, path: Path) -> list[pl.DataFrame]:
    name = f"{batch.tenant_id}/{batch.landed_on}/{batch.file_name}"
    content = pl.lit(batch.sha256).alias("content")
    return [
        contract_columns(table, contract, mapping, name).with_columns(content)
        for table in read_tables(path, mapping, name)
    ]
