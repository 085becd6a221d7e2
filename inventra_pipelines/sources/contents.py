"""The contents of some landing days' files: kept, and which of them have to be read.

Belongs here: from the files in the folders to batches in state received, and from batches to jobs for the reader.
Which of the contents come into force is decided in `ingest.py`, under the database's locks.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files as package_files
from pathlib import Path

from inventra_pipelines.db.writes import Window
from inventra_pipelines.domain.contracts import CONTRACTS
from inventra_pipelines.domain.ingest.batches import UNKNOWN_DATASET, Batch, BatchIds
from inventra_pipelines.domain.ingest.rejects import FileRejected
from inventra_pipelines.domain.tenant import Dataset, TenantConfig
from inventra_pipelines.sources.landing import LandedFile, Landing
from inventra_pipelines.sources.reader.process import FileToRead, Job

# Files of one job are read by one call of the reader; those that share it are small.
_JOB_BYTES = 8 * 2**20
_JOB_FILES = 400

_READING_CODE = ("domain/contracts.py", "domain/ingest/*.py", "sources/**/*.py")


@dataclass
class Contents:
    """What stands in some landing days' folders, and what vanished from them.

    Attributes:
        standing: The files in the folders, as batches in state received.
        vanished: Batches whose file is gone, with a kept copy, in state received.
        failures: By batch id, files that are refused before they are read.
        paths: By SHA-256, where the content is kept.
    """

    standing: list[Batch] = field(default_factory=list)
    vanished: list[Batch] = field(default_factory=list)
    failures: dict[str, FileRejected] = field(default_factory=dict)
    paths: dict[str, Path] = field(default_factory=dict)

    @property
    def batches(self) -> list[Batch]:
        """All that can be read."""
        return [batch for batch in (*self.standing, *self.vanished) if batch.batch_id not in self.failures]


def find_contents(
    landing: Landing, tenant: TenantConfig, window: Window, files: Sequence[LandedFile], recorded: Sequence[Batch]
) -> Contents:
    """Keep what stands in the folders of some landing days, and find what vanished from them.

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
    ids = BatchIds(tenant.tenant_id, recorded)
    known = {batch.place: batch.sha256 for batch in recorded if batch.is_live or batch.state == "duplicate"}
    for file in files:
        sha256, failure = "", file.refusal
        if failure is None:
            try:
                kept = landing.keep(file, known.get((file.dataset or "", file.landed_on, file.file_name), ""))
                sha256, contents.paths[kept.sha256] = kept.sha256, kept.path
            except FileRejected as error:
                failure = error
        batch = _received(file, sha256, tenant, ids)
        if failure is not None:
            contents.failures[batch.batch_id] = failure
        contents.standing.append(batch)
    present = {batch.place for batch in contents.standing}
    for batch in recorded:
        is_gone = window.first <= batch.landed_on <= window.last and batch.place not in present
        path = landing.kept_path(batch.sha256, batch.file_name)
        if is_gone and (batch.is_live or batch.state == "duplicate") and path.exists():
            contents.vanished.append(
                replace(
                    batch.out("received", ""),
                    message=None,
                    config_version=tenant.config_version,
                    reader_version=reader_version(tenant, batch.dataset),
                )
            )
            contents.paths.setdefault(batch.sha256, path)
    return contents


def reader_version(tenant: TenantConfig, dataset: str) -> str:
    """The first 12 hex digits of the SHA-256 over all that decides what a content's rows are: code and mapping."""
    mapping = tenant.mapping(dataset).model_dump_json() if dataset in CONTRACTS else ""  # type: ignore[arg-type]
    parts = (_code_version(), dataset, tenant.time_zone, mapping)
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]


@cache
def _code_version() -> str:
    root = Path(str(package_files("inventra_pipelines")))
    digest = hashlib.sha256()
    for path in sorted(path for pattern in _READING_CODE for path in root.glob(pattern)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _received(file: LandedFile, sha256: str, tenant: TenantConfig, ids: BatchIds) -> Batch:
    dataset = file.dataset or UNKNOWN_DATASET
    place = (dataset, file.landed_on, file.file_name)
    return Batch.received(
        ids.of(*place, sha256),
        file.tenant_id,
        place,
        sha256,
        size=file.size,
        config_version=tenant.config_version,
        reader_version=reader_version(tenant, dataset),
    )


def jobs_of(tenant: TenantConfig, batches: Iterable[Batch], paths: dict[str, Path]) -> Iterator[Job]:
    """Jobs that read the batches' contents, dataset by dataset; small files share one."""
    by_dataset: dict[Dataset, list[Batch]] = {dataset: [] for dataset in CONTRACTS}
    for batch in batches:
        by_dataset[batch.dataset].append(batch)  # type: ignore[index]
    for dataset, of_dataset in by_dataset.items():
        mapping = tenant.mapping(dataset)
        together: list[FileToRead] = []
        size = 0
        for batch in of_dataset:
            if together and (size + batch.bytes > _JOB_BYTES or len(together) == _JOB_FILES):
                yield Job(dataset, mapping, tuple(together), tenant.time_zone)
                together, size = [], 0
            together.append(_to_read(batch, paths[batch.sha256]))
            size += batch.bytes
        if together:
            yield Job(dataset, mapping, tuple(together), tenant.time_zone)


def _to_read(batch: Batch, path: Path) -> FileToRead:
    identity = {
        "batch_id": batch.batch_id,
        "tenant_id": batch.tenant_id,
        "landed_on": batch.landed_on.isoformat(),
        "file_name": batch.file_name,
    }
    return FileToRead(path, f"{batch.tenant_id}/{batch.landed_on}/{batch.file_name}", identity)
