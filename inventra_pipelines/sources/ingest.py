"""Landed files into `raw`: find, keep, read, load, settle; a bounded piece of landing days at a time.

Belongs here: the order of those steps. The rules are `domain/ingest/`, the files `landing.py` and `contents.py`, the
process that reads them `reader/`, the SQL `db/batches.py`. Each piece is one transaction: killed in mid-write, it
leaves what stood there before. A content whose rows stand in the tables already, read by this code with this mapping,
is not read again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter

import psycopg

from inventra_pipelines.db.batches import (
    BatchDays,
    clear_rows,
    copy_batch,
    in_place,
    lock_batches,
    lock_contents,
    read_batches,
    read_days,
    read_foreign,
    read_reasons,
    read_released,
    write_batches,
)
from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.writes import Window
from inventra_pipelines.domain.ingest.batches import UNKNOWN_DATASET, Batch, Content, Settlement, settle
from inventra_pipelines.domain.ingest.completeness import held_batches
from inventra_pipelines.domain.ingest.rejects import FileRejected
from inventra_pipelines.domain.tenant import TenantConfig
from inventra_pipelines.domain.words import NO_ROWS, counted
from inventra_pipelines.errors import PermanentError
from inventra_pipelines.sources.contents import Contents, find_contents, jobs_of, reader_version
from inventra_pipelines.sources.landing import LandedFile, Landing
from inventra_pipelines.sources.load import Loaded, load
from inventra_pipelines.sources.outcome import IngestOutcome
from inventra_pipelines.sources.reader.process import FileDone, Reader

__all__ = ["IngestOutcome", "ingest_windows"]

# What one transaction loads, in bytes of the files as they landed: a year of daily files, or one file of any size.
_BYTES_AT_A_TIME = 256 * 2**20
# As many as the reader tells of the rows that are no data; a message is the only place where they stand.
_LINES_SHOWN = 20
_REASONS_SHOWN = 5

Report = Callable[[str], None]
_Piece = tuple[Window, list[LandedFile]]
_Key = tuple[str, str]


def ingest_windows(
    url: str,
    landing: Landing,
    tenants: Mapping[str, TenantConfig],
    windows: Sequence[Window],
    *,
    run_id: str,
    actor: str = "",
    report: Report | None = None,
) -> IngestOutcome:
    """Make `raw` hold what stands in the landing zone for the windows' days, and what stood there and vanished.

    Args:
        url: The installation's database.
        landing: The landing zone.
        tenants: Configuration by tenant id.
        windows: Tenants and landing days; they do not overlap.
        run_id: Kept in the load manifest and the batch log.
        actor: Who runs it, for the batch log.
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
    with connect(url) as connection, Reader() as reader:
        for window in windows:
            ingest = _Ingest(connection, reader, landing, tenants[window.tenant_id], run_id, actor, outcome, report)
            freed = ingest.window(window)
            days = {batch.landed_on for batch in freed}
            for day in sorted(day for day in days if window.first <= day <= window.last):
                # A duplicate in a piece that was written before its original went.
                replace(ingest, outcome=IngestOutcome(), report=None).window(Window(window.tenant_id, day, day))
            outside = sorted(day for day in days if not window.first <= day <= window.last)
            outcome.replay += [Window(window.tenant_id, day, day) for day in outside]
    return outcome


@dataclass(frozen=True)
class _Holding:
    """Rows of a content that stand in the tables, and the batch they stand under."""

    batch: Batch
    accepted: int
    rejected: int
    passed_over: int
    message: str | None


@dataclass
class _Found:
    """What came of the contents of a piece.

    Attributes:
        holdings: Rows by dataset and SHA-256 of the content.
        own: Ids of batches whose own rows stand in the tables, read as now.
        loaded: Ids of batches whose rows came in now, with what the reader told of them.
        failures: Why contents cannot be read, by dataset and SHA-256.
    """

    holdings: dict[_Key, _Holding] = field(default_factory=dict)
    own: dict[str, _Holding] = field(default_factory=dict)
    loaded: dict[str, FileDone] = field(default_factory=dict)
    failures: dict[_Key, FileRejected] = field(default_factory=dict)


@dataclass
class _Ingest:
    """One tenant's ingest: what its steps share."""

    connection: psycopg.Connection
    reader: Reader
    landing: Landing
    tenant: TenantConfig
    run_id: str
    actor: str
    outcome: IngestOutcome
    report: Report | None

    def window(self, window: Window) -> list[Batch]:
        """Ingest a window piece by piece; gives the duplicates elsewhere whose original went."""
        files = self.landing.files(window.tenant_id, window.first, window.last)
        freed: list[Batch] = []
        for piece in _pieces(window, files):
            try:
                freed += self._piece(piece)
                self.connection.commit()
            except BaseException:
                self.connection.rollback()
                raise
        return freed

    def _piece(self, piece: _Piece) -> list[Batch]:
        """Read, load and settle some landing days under the tenant's lock, in the transaction that is open."""
        window, files = piece
        lock_batches(self.connection, self.tenant.tenant_id)
        recorded = read_batches(self.connection, self.tenant.tenant_id)
        known = {batch.place for batch in recorded if batch.is_live}
        if any((file.dataset, file.landed_on, file.file_name) not in known for file in files):
            self.reader.start()
        contents = find_contents(self.landing, self.tenant, window, files, recorded)
        found = self._known(contents, recorded)
        self._load(contents, recorded, found)
        settlement = self._settle(window, contents, recorded, found)
        loaded = self._apply(window, settlement, recorded, found)
        places = {(file.dataset or UNKNOWN_DATASET, file.landed_on, file.file_name) for file in files}
        reasons = read_reasons(self.connection, [b.batch_id for b in (*loaded, *settlement.carry) if b.rows_rejected])
        self.outcome.add(settlement, loaded, reasons, places)
        self._report(window, files, loaded, settlement)
        return settlement.freed

    def _known(self, contents: Contents, recorded: Sequence[Batch]) -> _Found:
        """What need not be read: its rows stand in the tables, read by this code with this mapping."""
        wanted = {_key(batch) for batch in contents.batches}
        versions = {dataset: reader_version(self.tenant, dataset) for dataset, _ in wanted}
        candidates = [
            batch
            for batch in recorded
            if batch.is_live and _key(batch) in wanted and batch.reader_version == versions[batch.dataset]
        ]
        found = _Found()
        for batch in in_place(self.connection, candidates):
            message = None if (batch.message or "").startswith("kept as") else batch.message
            counts = (batch.rows_accepted, batch.rows_rejected, batch.rows_passed_over)
            found.own[batch.batch_id] = _Holding(batch, *counts, message)
            found.holdings.setdefault(_key(batch), found.own[batch.batch_id])
        return found

    def _load(self, contents: Contents, recorded: Sequence[Batch], found: _Found) -> None:
        """Read what is not known, each content once, under the batch that most likely holds it."""
        before = {batch.batch_id: batch for batch in recorded}
        unread: dict[_Key, Batch] = {}
        for batch in contents.batches:
            old = before.get(batch.batch_id)
            if _key(batch) in found.holdings or (old is not None and old.state == "withdrawn"):
                continue
            if _key(batch) not in unread or (old is not None and old.is_live):
                unread[_key(batch)] = batch
        while unread:
            loaded = self._try_to_load([*unread.values()], before, contents)
            for key, batch in list(unread.items()):
                if batch.batch_id in loaded.refused:
                    found.failures[key] = loaded.refused[batch.batch_id]
                    del unread[key]
                elif batch.batch_id in loaded.done:
                    del unread[key]
                    done = loaded.done[batch.batch_id]
                    message = _message(done)
                    holding = _Holding(batch, done.accepted, done.rejected, done.passed_over, message)
                    found.holdings[key] = found.own[batch.batch_id] = holding
                    found.loaded[batch.batch_id] = done

    def _try_to_load(self, batches: list[Batch], before: Mapping[str, Batch], contents: Contents) -> Loaded:
        """Load batches; where one that has rows in force cannot be read any more, nothing is changed but that known."""
        live = {b.batch_id: b for b in batches if b.batch_id in before and before[b.batch_id].is_live}
        loaded = Loaded()
        with self.connection.transaction() as attempt:
            clear_rows(self.connection, live.values())
            jobs = jobs_of(self.tenant, batches, contents.paths)
            loaded = load(self.connection, self.reader.read(jobs), {b.batch_id: b for b in batches})
            if loaded.refused.keys() & live.keys():
                raise psycopg.Rollback(attempt)
            return loaded
        return Loaded(refused=loaded.refused)

    def _settle(self, window: Window, contents: Contents, recorded: Sequence[Batch], found: _Found) -> Settlement:
        """Decide, under the locks of the contents, which batches are in force."""
        hashes = {batch.sha256 for batch in contents.standing if batch.sha256}
        lock_contents(self.connection, hashes)
        foreign = read_foreign(self.connection, self.tenant.tenant_id, hashes)

        def content_of(batch: Batch) -> Content:
            failure = contents.failures.get(batch.batch_id) or found.failures.get(_key(batch))
            if failure is not None:
                return Content(failure=failure)
            holding = found.holdings[_key(batch)]
            return Content(holding.accepted + holding.rejected, holding.accepted)

        live = {batch.batch_id for batch in recorded if batch.is_live}
        released = read_released(self.connection, self.tenant.tenant_id)
        readable = [batch for batch in contents.standing if _key(batch) in found.holdings]
        held = held_batches(
            readable,
            {batch.batch_id: found.holdings[_key(batch)].accepted for batch in readable},
            recorded,
            self.tenant.feeds,
            released,
        )
        return settle(
            contents.standing,
            contents.vanished,
            recorded,
            window.first,
            window.last,
            content_of,
            lambda batch: _key(batch) in foreign and batch.batch_id not in released,
            # What is in force already stays so.
            lambda batch: None if batch.batch_id in live else held.get(batch.batch_id),
        )

    def _apply(self, window: Window, settlement: Settlement, recorded: Sequence[Batch], found: _Found) -> list[Batch]:
        """Make the tables hold what is settled; gives the loaded batches with their state and counts."""
        inside = [batch for batch in recorded if window.first <= batch.landed_on <= window.last]
        days_before = read_days(self.connection, [batch.batch_id for batch in inside])
        days: BatchDays = {}
        loaded = []
        for batch in settlement.load:
            holding = found.own.get(batch.batch_id) or found.holdings[_key(batch)]
            if holding.batch.batch_id != batch.batch_id:
                clear_rows(self.connection, [batch])
                copy_batch(self.connection, holding.batch, batch)
            loaded.append(_with_counts(batch, holding))
            days[batch.batch_id] = self._days_of(holding, found, days_before)
        for batch in settlement.carry:
            if batch.is_live:
                days[batch.batch_id] = days_before.get(batch.batch_id, {})
        # A day that a batch once held is rebuilt with it, also where it holds it no more.
        for batch_id, of_batch in days_before.items():
            days[batch_id] = dict.fromkeys(of_batch, 0) | days.get(batch_id, {})
        kept = {batch.batch_id for batch in loaded} | {b.batch_id for b in settlement.carry if b.is_live}
        held_now = [batch for batch in inside if batch.is_live]
        held_now += [batch for batch in (*settlement.out, *settlement.carry) if batch.batch_id in found.loaded]
        clear_rows(self.connection, [batch for batch in held_now if batch.batch_id not in kept])
        write_batches(
            self.connection,
            window,
            [*loaded, *settlement.carry, *settlement.out],
            days,
            {batch.batch_id: batch for batch in recorded},
            run_id=self.run_id,
            actor=self.actor,
        )
        return loaded

    def _days_of(self, holding: _Holding, found: _Found, days_before: BatchDays) -> dict[tuple[str, date], int]:
        if holding.batch.batch_id in found.loaded:
            counted = found.loaded[holding.batch.batch_id].days
            return {(holding.batch.dataset, date.fromisoformat(day)): rows for day, rows in counted}
        if holding.batch.batch_id in days_before:
            return days_before[holding.batch.batch_id]
        batch_id = holding.batch.batch_id
        return {day: rows for day, rows in read_days(self.connection, [batch_id]).get(batch_id, {}).items() if rows}

    def _report(
        self, window: Window, files: Sequence[LandedFile], loaded: Sequence[Batch], settlement: Settlement
    ) -> None:
        if self.report:
            read = sum(batch.rows_read for batch in loaded)
            rejected = sum(batch.rows_rejected for batch in loaded)
            refused = len(settlement.refused)
            self.report(
                f"{window}: {counted(len(files), 'file')}, {counted(read, 'row')} read, {rejected:,} rejected, "
                f"{counted(refused, 'file')} refused"
            )


def _key(batch: Batch) -> _Key:
    return batch.dataset, batch.sha256


def _with_counts(batch: Batch, holding: _Holding) -> Batch:
    return replace(
        batch,
        state="partially_loaded" if holding.rejected else "loaded",
        rows_read=holding.accepted + holding.rejected,
        rows_accepted=holding.accepted,
        rows_rejected=holding.rejected,
        rows_passed_over=holding.passed_over,
        message=holding.message,
    )


def _message(done: FileDone) -> str | None:
    """What a person should know of a file that was loaded."""
    parts = [] if done.accepted or done.rejected else [NO_ROWS]
    if done.rejected:
        # A row has one reject for each column at fault: by column and reason, rejects are rows.
        most = sorted(done.reasons, key=lambda reason: -reason[2])
        kinds = [f"{column or 'the whole row'} {reason} in {counted(count, 'row')}" for column, reason, count in most]
        why = ", ".join([*kinds[:_REASONS_SHOWN], *(["…"] if len(kinds) > _REASONS_SHOWN else [])])
        parts.append(f"{done.rejected:,} of {counted(done.accepted + done.rejected, 'row')} rejected: {why}")
    if done.passed_over:
        parts.append(f"{counted(done.passed_over, 'row')} passed over: {_named(done.notes, done.passed_over)}")
    if done.unread:
        parts.append(f"not read: {_named(done.unread, len(done.unread))}")
    if done.remarks:
        parts.append(f"remarks: {_named(done.remarks, len(done.remarks))}")
    return ". ".join(parts) or None


def _named(lines: Sequence[str], count: int) -> str:
    """The first of some lines, and how many more there are."""
    shown = lines[:_LINES_SHOWN]
    more = [f"and {count - len(shown):,} more"] if count > len(shown) else []
    return "; ".join([*shown, *more])


def _pieces(window: Window, files: Sequence[LandedFile]) -> list[_Piece]:
    """Whole landing days, as many as their files stay bounded; together they cover the window."""
    sizes = sorted((file.landed_on, file.size) for file in files)
    firsts, size = [window.first], 0
    for day, of_day in groupby(sizes, key=itemgetter(0)):
        if size > _BYTES_AT_A_TIME:
            firsts.append(day)
            size = 0
        size += sum(file_size for _, file_size in of_day)
    lasts = [first - timedelta(days=1) for first in firsts[1:]] + [window.last]
    return [
        (Window(window.tenant_id, first, last), [file for file in files if first <= file.landed_on <= last])
        for first, last in zip(firsts, lasts, strict=True)
    ]
