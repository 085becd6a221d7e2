"""Landed files into `raw`: find, keep, read, parse, settle, write; a bounded piece of landing days at a time.

Belongs here: the order of those steps. The rules are `domain/ingest/`, the files `landing.py` and `contents.py`, the
SQL `db/batches.py`. Each piece is one transaction: killed in mid-write, it leaves what stood there before. The next
piece is read while one is written.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import groupby
from operator import itemgetter

import psycopg

from inventra_pipelines.db.batches import lock_batches, read_batches, read_foreign, read_rows, write_days
from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.writes import Window
from inventra_pipelines.domain.ingest.batches import UNKNOWN_DATASET, Batch, settle
from inventra_pipelines.domain.tenant import TenantConfig
from inventra_pipelines.errors import PermanentError, TransientError
from inventra_pipelines.sources.contents import Contents, read_contents, vanished_batches
from inventra_pipelines.sources.landing import LandedFile, Landing
from inventra_pipelines.sources.outcome import IngestOutcome
from inventra_pipelines.sources.raw_rows import raw_rows

__all__ = ["IngestOutcome", "ingest_windows"]

# Text of about a quarter of a million rows: two pieces are in memory at a time, one read and one written.
_BYTES_AT_A_TIME = 18 * 2**20
# What a file unpacks to, by its kind.
_UNPACKED = {".gz": 6, ".xlsx": 4, ".xlsb": 6, ".ods": 6, ".parquet": 6}
_ATTEMPTS = 5

Report = Callable[[str], None]
_Piece = tuple[Window, list[LandedFile]]


def ingest_windows(
    url: str,
    landing: Landing,
    tenants: Mapping[str, TenantConfig],
    windows: Sequence[Window],
    *,
    run_id: str,
    report: Report | None = None,
) -> IngestOutcome:
    """Make `raw` hold what stands in the landing zone for the windows' days, and what stood there and vanished.

    Args:
        url: The installation's database.
        landing: The landing zone.
        tenants: Configuration by tenant id.
        windows: Tenants and landing days; they do not overlap.
        run_id: Kept in the load manifest.
        report: Called with a line per piece of work, for logs and progress.

    Raises:
        PermanentError: A window's tenant has no configuration.
        TransientError: The landing zone, the kept folder or the database does not answer; what was written before
            stays, each piece whole.
    """
    for window in windows:
        if window.tenant_id not in tenants:
            raise PermanentError(f"tenant {window.tenant_id!r} has no configuration", "add its YAML file")
    outcome = IngestOutcome()
    with connect(url) as connection, ThreadPoolExecutor(1, "read-landed-files") as reader:
        for window in windows:
            ingest = _Ingest(connection, reader, landing, tenants[window.tenant_id], run_id, outcome, report)
            freed = ingest.window(window)
            days = {batch.landed_on for batch in freed}
            for day in sorted(day for day in days if window.first <= day <= window.last):
                # A duplicate in a piece that was written before its original went.
                _Ingest(connection, reader, landing, tenants[window.tenant_id], run_id, IngestOutcome(), None).window(
                    Window(window.tenant_id, day, day)
                )
            outside = sorted(day for day in days if not window.first <= day <= window.last)
            outcome.replay += [Window(window.tenant_id, day, day) for day in outside]
    return outcome


class _ChangedError(Exception):
    """Another run changed what the files of a piece are, between reading and writing."""


class _Ingest:
    """One tenant's ingest: what its steps share."""

    def __init__(
        self,
        connection: psycopg.Connection,
        reader: ThreadPoolExecutor,
        landing: Landing,
        tenant: TenantConfig,
        run_id: str,
        outcome: IngestOutcome,
        report: Report | None,
    ) -> None:
        self.connection = connection
        self.reader = reader
        self.landing = landing
        self.tenant = tenant
        self.run_id = run_id
        self.outcome = outcome
        self.report = report

    def window(self, window: Window) -> list[Batch]:
        """Ingest a window piece by piece; gives the duplicates elsewhere whose original went."""
        recorded = read_batches(self.connection, self.tenant.tenant_id)
        self.connection.commit()
        files = self.landing.files(window.tenant_id, window.first, window.last)
        pieces = _pieces(window, files, recorded)
        freed: list[Batch] = []
        upcoming = self.reader.submit(self._read, pieces[0], recorded)
        for number, piece in enumerate(pieces, start=1):
            contents = upcoming.result()
            if number < len(pieces):
                upcoming = self.reader.submit(self._read, pieces[number], recorded)
            freed += self._piece(piece, contents)
        return freed

    def _read(self, piece: _Piece, recorded: Sequence[Batch]) -> Contents:
        return read_contents(self.landing, self.tenant, *piece, recorded)

    def _piece(self, piece: _Piece, contents: Contents) -> list[Batch]:
        for _ in range(_ATTEMPTS):
            try:
                freed = self._write(piece, contents)
            except _ChangedError:
                recorded = read_batches(self.connection, self.tenant.tenant_id)
                self.connection.rollback()
                contents = self._read(piece, recorded)
                continue
            except BaseException:
                self.connection.rollback()
                raise
            return freed
        raise TransientError(f"ingest of {piece[0]}: other runs keep changing the same batches", "run it again")

    def _write(self, piece: _Piece, contents: Contents) -> list[Batch]:
        """Settle under the locks and write, in one transaction."""
        window, files = piece
        tenant_id = self.tenant.tenant_id
        hashes = {batch.sha256 for batch in contents.standing if batch.sha256}
        lock_batches(self.connection, tenant_id, hashes)
        recorded = read_batches(self.connection, tenant_id)
        if vanished_batches(self.landing, self.tenant, window, contents.standing, recorded) != contents.vanished:
            raise _ChangedError
        foreign = read_foreign(self.connection, tenant_id, hashes)
        settlement = settle(
            contents.standing,
            contents.vanished,
            recorded,
            window.first,
            window.last,
            contents.of,
            lambda batch: (batch.dataset, batch.sha256) in foreign,
        )
        held = read_rows(
            self.connection,
            [batch.batch_id for batch in recorded if window.first <= batch.landed_on <= window.last],
            [batch.batch_id for batch in settlement.carry if batch.is_live],
        )
        rows, loaded = raw_rows(contents.parsed, held, settlement)
        batches = [*loaded, *settlement.carry, *settlement.out]
        write_days(self.connection, window, rows, batches, self.run_id)
        self.connection.commit()
        places = {(file.dataset or UNKNOWN_DATASET, file.landed_on, file.file_name) for file in files}
        self.outcome.add(settlement, loaded, rows.rejects, places)
        if self.report:
            read = sum(batch.rows_read for batch in loaded)
            rejected = sum(batch.rows_rejected for batch in loaded)
            refused = len(settlement.refused)
            self.report(
                f"{window}: {len(files):,} files, {read:,} rows read, {rejected:,} rejected, {refused} files refused"
            )
        return settlement.freed


def _pieces(window: Window, files: Sequence[LandedFile], recorded: Iterable[Batch]) -> list[_Piece]:
    """Whole landing days, as many as their text stays bounded; together they cover the window."""
    standing = {(file.landed_on, file.file_name) for file in files}
    sizes = [(file.landed_on, file.size * _UNPACKED.get(file.path.suffix.lower(), 1)) for file in files]
    sizes += [
        (batch.landed_on, batch.bytes * 6)
        for batch in recorded
        if window.first <= batch.landed_on <= window.last
        and batch.is_live
        and (batch.landed_on, batch.file_name) not in standing
    ]
    firsts, size = [window.first], 0
    for day, of_day in groupby(sorted(sizes), key=itemgetter(0)):
        if size > _BYTES_AT_A_TIME:
            firsts.append(day)
            size = 0
        size += sum(file_size for _, file_size in of_day)
    lasts = [first - timedelta(days=1) for first in firsts[1:]] + [window.last]
    return [
        (Window(window.tenant_id, first, last), [file for file in files if first <= file.landed_on <= last])
        for first, last in zip(firsts, lasts, strict=True)
    ]
