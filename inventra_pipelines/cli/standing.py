"""What would become of a file beside those that are loaded, for a dry run: a look into the tables, which stay.

Belongs here: asking a database that is up, and the answer. The rules are those of ingest: `domain/ingest/batches.py`
and `completeness.py`; what is in the file is `sources/reader/look.py`.
"""

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import psycopg

from inventra_pipelines.db.batches import read_batches, read_foreign, read_released
from inventra_pipelines.db.embedded import current_url
from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.migrate import is_current
from inventra_pipelines.domain.ingest.batches import Batch, BatchIds, Content, Settlement, settle
from inventra_pipelines.domain.ingest.completeness import HELD, held_batches
from inventra_pipelines.domain.ingest.rejects import FileRejected
from inventra_pipelines.domain.tenant import Dataset, TenantConfig
from inventra_pipelines.domain.words import counted
from inventra_pipelines.errors import InventraError
from inventra_pipelines.settings import Settings
from inventra_pipelines.sources.contents import reader_version

Outcome = Literal["not_asked", "new", "loaded_already", "replaces", "held", "refused", "withdrawn"]


@dataclass(frozen=True)
class Landing:
    """A file as it would land.

    Attributes:
        rows_read: Rows of data in it.
        rows_accepted: Those that would load.
    """

    file: Path
    name: str
    day: date
    rows_read: int
    rows_accepted: int


@dataclass(frozen=True)
class Standing:
    """How a file stands to what is loaded.

    Attributes:
        outcome: What would become of it.
        message: The same in words.
        batch_id: The batch that it is already, or whose place it would take.
    """

    outcome: Outcome
    message: str
    batch_id: str | None = None


def landed_name(file: Path, dataset: Dataset) -> str:
    """The name that a file lands under: it begins with its dataset's."""
    return file.name if file.name.lower().startswith(dataset) else f"{dataset}-{file.name}"


def standing_of(landing: Landing, settings: Settings, config: TenantConfig, dataset: Dataset) -> Standing:
    """Ask the installation's database, if it is up, what would become of a file; no server is started for it."""
    try:
        url = current_url(settings)
        if not is_current(url):
            return _not_asked("the database has not been migrated to this version; run `inventra db migrate`")
        with connect(url, read_only=True) as connection:
            return _standing(connection, landing, config, dataset)
    except InventraError as error:
        return _not_asked(f"{error.message}; {error.remedy}")


def _not_asked(why: str) -> Standing:
    return Standing(
        "not_asked", f"whether it is loaded already, takes another's place or would be held was not asked: {why}"
    )


def _standing(connection: psycopg.Connection, landing: Landing, config: TenantConfig, dataset: Dataset) -> Standing:
    recorded = read_batches(connection, config.tenant_id)
    batch = _received(landing, config, dataset, recorded)
    known = next((each for each in recorded if each.batch_id == batch.batch_id), None)
    if known is not None and known.is_live:
        is_same = known.reader_version == reader_version(config, dataset)
        again = "" if is_same else "; it would be read anew, since the mapping or the program changed"
        return Standing("loaded_already", f"{_loaded_as(known)}{again}", known.batch_id)
    if known is not None and known.state == "withdrawn":
        return Standing("withdrawn", f"was withdrawn as batch {known.batch_id} and would stay out", known.batch_id)
    foreign = read_foreign(connection, config.tenant_id, [batch.sha256])
    released = read_released(connection, config.tenant_id)
    held = _held(batch, landing, recorded, config, released)
    settled = settle(
        [batch],
        [],
        recorded,
        landing.day,
        landing.day,
        lambda _: Content(landing.rows_read, landing.rows_accepted),
        lambda each: (each.dataset, each.sha256) in foreign and each.batch_id not in released,
        lambda _: held,
    )
    return _told(batch, settled, recorded)


def _held(
    batch: Batch, landing: Landing, recorded: list[Batch], config: TenantConfig, released: set[str]
) -> FileRejected | None:
    """Why it would be held, counted together with what the day has of its feed under other names."""
    beside = [
        each
        for each in recorded
        if each.is_live and each.place[:2] == batch.place[:2] and each.file_name != batch.file_name
    ]
    rows_of = {each.batch_id: each.rows_accepted for each in beside} | {batch.batch_id: landing.rows_accepted}
    return held_batches([batch, *beside], rows_of, recorded, config.feeds, released).get(batch.batch_id)


def _told(batch: Batch, settled: Settlement, recorded: list[Batch]) -> Standing:
    for _, failure in settled.refused:
        why = failure.message.partition(HELD)[2]
        outcome: Outcome = "held" if why else "refused"
        return Standing(outcome, f"would be {outcome}: {why or failure.message}")
    out = {each.batch_id for each in settled.out}
    if batch.batch_id in out:
        contents = [each for each in recorded if each.is_live and each.dataset == batch.dataset]
        holder = next(each for each in contents if each.sha256 == batch.sha256)
        return Standing("loaded_already", _loaded_as(holder), holder.batch_id)
    for old in recorded:
        if old.batch_id in out and old.is_live and old.place == batch.place:
            rows = counted(old.rows_accepted, "row")
            return Standing("replaces", f"would take the place of batch {old.batch_id}: {rows}", old.batch_id)
    # Its number is not known before it lands: another file may come first.
    return Standing("new", "would be loaded as a new batch, beside what is there")


def _loaded_as(batch: Batch) -> str:
    return f"loaded already as batch {batch.batch_id} (landed {batch.landed_on}, {batch.file_name})"


def _received(landing: Landing, config: TenantConfig, dataset: Dataset, recorded: list[Batch]) -> Batch:
    with landing.file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    place = (dataset, landing.day, landing.name)
    return Batch.received(
        BatchIds(config.tenant_id, recorded).of(*place, sha256),
        config.tenant_id,
        place,
        sha256,
        size=landing.file.stat().st_size,
        config_version=config.config_version,
        reader_version="",
    )
