"""Which of the files that stand in a landing zone are in force: batches, and the rules between them.

Belongs here: a batch's identity and `settle`, which decides for one tenant's landing days. Reading the files is
`sources/ingest.py`, the tables are `db/batches.py`.

Rules: a file that stands in its folder supersedes what landed under its name before; a file that is rejected leaves
that in force; a file that vanished stays, if it was loaded, and a refusal goes with its file; a withdrawn batch stays
out; a feed that is far too small is held (`completeness.py`). The same content counts once: among sales, wherever it is
in force; in datasets where the latest version holds, if nothing else landed in between, so that going back to an older
version works. Transactions that another tenant's batch in force holds are refused, until a planner releases them.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from inventra_pipelines.domain.contracts import CONTRACTS
from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected

BatchState = Literal["received", "loaded", "partially_loaded", "rejected", "superseded", "withdrawn", "duplicate"]
LIVE_STATES: tuple[BatchState, ...] = ("loaded", "partially_loaded")
# Rows that can belong to one business only; two tenants may well share a supplier's item list.
TRANSACTION_DATASETS = ("sales", "stock", "purchase_orders")
UNKNOWN_DATASET = "unknown"
# Tells a file that is refused for it, in its message; it does not say whose: a tenant learns nothing of another.
FOREIGN = ": holds the same data as a file of another tenant"
# Of the number in an id: more files of one tenant and day are taken, but do not sort any more.
_DIGITS = 4


@dataclass(frozen=True)
class Batch:
    """One content of one landed file, as `raw.batches` records it; the counts are of rows that stand in `raw` now.

    `rows_passed_over` counts what is no row of data: repeated headers, totals and notes. `reader_version` names the
    code and the mapping that the rows were read with.
    """

    batch_id: str
    tenant_id: str
    dataset: str
    landed_on: date
    file_name: str
    sha256: str
    state: BatchState
    rows_read: int
    rows_accepted: int
    rows_rejected: int
    rows_passed_over: int
    bytes: int
    config_version: str
    reader_version: str
    message: str | None = None

    @classmethod
    def received(
        cls,
        batch_id: str,
        tenant_id: str,
        place: tuple[str, date, str],
        sha256: str,
        *,
        size: int,
        config_version: str,
        reader_version: str,
    ) -> "Batch":
        """A content that came in and is not read yet; `place` is dataset, landing day and file name."""
        return cls(
            batch_id,
            tenant_id,
            *place,
            sha256,
            "received",
            rows_read=0,
            rows_accepted=0,
            rows_rejected=0,
            rows_passed_over=0,
            bytes=size,
            config_version=config_version,
            reader_version=reader_version,
        )

    @property
    def is_live(self) -> bool:
        """Whether its rows are in force."""
        return self.state in LIVE_STATES

    @property
    def place(self) -> tuple[str, date, str]:
        """Dataset, day and name: where a newer file takes its place."""
        return self.dataset, self.landed_on, self.file_name

    def out(self, state: BatchState, message: str) -> "Batch":
        """The batch without its rows."""
        return replace(
            self, state=state, message=message, rows_read=0, rows_accepted=0, rows_rejected=0, rows_passed_over=0
        )


@dataclass(frozen=True)
class Content:
    """What came of reading a file: rows, or why it is refused."""

    rows_read: int = 0
    rows_accepted: int = 0
    failure: FileRejected | None = None


@dataclass(frozen=True)
class Settlement:
    """What holds after a run, for every batch of the days it covers.

    Attributes:
        load: Batches whose rows come from their content; their state and counts follow from the rows.
        carry: Batches whose rows, if any, stay as the tables have them.
        out: Batches without rows after the run: superseded, duplicate or rejected.
        refused: The rejected files and why; also where an older batch stays in force for them.
        freed: Duplicates on other days whose original went, so that a replay of their day loads them.
    """

    load: list[Batch]
    carry: list[Batch]
    out: list[Batch]
    refused: list[tuple[Batch, FileRejected]]
    freed: list[Batch]


def batch_id_of(number: int, tenant_id: str, dataset: str, landed_on: date, file_name: str, sha256: str) -> str:
    """The batch's number among those of its tenant and landing day, and 12 hex digits of what identifies it.

    Ids of one landing day sort by their number: where files of one day disagree, the one that came last holds.
    """
    identity = "|".join((tenant_id, dataset, landed_on.isoformat(), file_name, sha256))
    return f"{number:0{_DIGITS}}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


class BatchIds:
    """Ids of a tenant's batches: that of a known file and content, or the next of its landing day.

    Args:
        recorded: The tenant's batches so far.
    """

    def __init__(self, tenant_id: str, recorded: Iterable[Batch]) -> None:
        self._tenant_id = tenant_id
        self._known: dict[tuple[str, date, str, str], str] = {}
        self._last: dict[date, int] = {}
        for batch in recorded:
            self._known[*batch.place, batch.sha256] = batch.batch_id
            number = int(batch.batch_id.partition("-")[0])
            self._last[batch.landed_on] = max(number, self._last.get(batch.landed_on, 0))

    def of(self, dataset: str, landed_on: date, file_name: str, sha256: str) -> str:
        """The id of a file's content; what is new is numbered in the order in which it is asked for."""
        key = (dataset, landed_on, file_name, sha256)
        if key not in self._known:
            self._last[landed_on] = self._last.get(landed_on, 0) + 1
            self._known[key] = batch_id_of(self._last[landed_on], self._tenant_id, *key)
        return self._known[key]


def settle(
    standing: Iterable[Batch],
    vanished: Iterable[Batch],
    recorded: Iterable[Batch],
    first: date,
    last: date,
    content_of: Callable[[Batch], Content],
    is_foreign: Callable[[Batch], bool],
    hold_of: Callable[[Batch], FileRejected | None] = lambda _: None,
) -> Settlement:
    """Decide about one tenant's batches of the landing days `first` to `last`.

    Args:
        standing: Of the files in the folders now, in state `received`.
        vanished: Recorded batches without their file that are read again from the kept copy.
        recorded: All of the tenant's batches.
        first: First landing day.
        last: Last landing day.
        content_of: What reading a batch's content gave.
        is_foreign: Whether the content is in force under another tenant, and is not released for this one.
        hold_of: Why a batch is held back though it could be read.
    """
    known = {batch.batch_id: batch for batch in recorded}
    inside = {key: batch for key, batch in known.items() if first <= batch.landed_on <= last}
    elsewhere = [batch for key, batch in known.items() if key not in inside]
    live_at = {batch.place: batch for batch in inside.values() if batch.is_live}

    force: list[Batch] = []
    carried: dict[str, Batch] = {}
    refused: list[tuple[Batch, FileRejected]] = []
    out: list[Batch] = []
    taken: dict[tuple[str, date, str], Batch] = {}
    standing = list(standing)
    present = {batch.place for batch in standing}
    for batch in sorted([*standing, *vanished], key=_order):
        before = known.get(batch.batch_id)
        if before is not None and before.state == "withdrawn":
            taken[batch.place] = carried[before.batch_id] = before
            continue
        failure = content_of(batch).failure
        if failure is None and not (before and before.is_live) and is_foreign(batch):
            failure = _foreign(batch)
        if failure is None:
            failure = hold_of(batch)
        if failure is None:
            force.append(batch)
            taken[batch.place] = batch
            continue
        rejected = batch.out("rejected", str(failure))
        refused.append((rejected, failure))
        holding = live_at.get(batch.place)
        if holding is None or holding.batch_id != batch.batch_id:
            out.append(rejected)
        if holding is not None:
            is_itself = holding.batch_id == batch.batch_id
            kept = f"kept as it was loaded before: {failure}" if is_itself else holding.message
            carried[holding.batch_id] = replace(holding, message=kept)

    load, duplicates = _without_duplicates(force, list(carried.values()), elsewhere, known, content_of)
    out += duplicates
    decided = {batch.batch_id for batch in (*load, *out)} | set(carried)
    for key, batch in inside.items():
        if key in decided:
            continue
        newer = taken.get(batch.place)
        if batch.state == "rejected" and batch.place not in present:
            out.append(batch.out("superseded", f"its file is gone; it was rejected: {batch.message}"))
        elif newer is None or batch.state in ("superseded", "withdrawn"):
            carried[key] = batch
        else:
            out.append(batch.out("superseded", f"superseded by batch {newer.batch_id} of the same file name"))
    return Settlement(load, list(carried.values()), out, refused, _freed(inside, [*load, *carried.values()], elsewhere))


def _foreign(batch: Batch) -> FileRejected:
    return FileRejected(
        FileReason.FILE_OF_ANOTHER_TENANT,
        f"{batch.tenant_id}/{batch.landed_on}/{batch.file_name}{FOREIGN}",
        "check who sent it; if the other one landed there by mistake, withdraw its batch first; if both are right, "
        f"take this one as it is with `inventra batches release {batch.batch_id}`",
    )


def _order(batch: Batch) -> tuple[date, str]:
    """As they came: ids of a landing day begin with their number."""
    return batch.landed_on, batch.batch_id


def _without_duplicates(
    force: list[Batch],
    carried: list[Batch],
    elsewhere: list[Batch],
    known: dict[str, Batch],
    content_of: Callable[[Batch], Content],
) -> tuple[list[Batch], list[Batch]]:
    """Split the batches in force into those to load and those whose content is in force already."""
    load, duplicates = [], []
    holders = {(b.dataset, b.sha256): b for b in (*elsewhere, *carried) if b.is_live and b.rows_read}

    def is_incumbent(batch: Batch) -> bool:
        before = known.get(batch.batch_id)
        return before is not None and before.is_live

    # What is in force already stays so; of the others the one that landed first.
    for batch in sorted(force, key=lambda batch: (not is_incumbent(batch), *_order(batch))):
        if content_of(batch).rows_read and not _latest_holds(batch.dataset):
            holders.setdefault((batch.dataset, batch.sha256), batch)
    latest = {}
    for batch in sorted((b for b in elsewhere if b.is_live), key=_order):
        if not force or batch.landed_on < min(b.landed_on for b in force):
            latest[batch.dataset] = batch
    for batch in force:
        by_latest = _latest_holds(batch.dataset)
        holder = latest.get(batch.dataset) if by_latest else holders.get((batch.dataset, batch.sha256))
        is_same = holder is not None and holder.sha256 == batch.sha256 and holder.batch_id != batch.batch_id
        if holder is not None and is_same and content_of(batch).rows_read:
            where = f"{holder.file_name} of {holder.landed_on}, batch {holder.batch_id}"
            duplicates.append(batch.out("duplicate", f"the same content is loaded already: {where}"))
            continue
        load.append(batch)
        latest[batch.dataset] = batch
    return load, duplicates


def _latest_holds(dataset: str) -> bool:
    contract = CONTRACTS.get(dataset)  # type: ignore[call-overload]
    return bool(contract and contract.key)


def _freed(inside: dict[str, Batch], live: list[Batch], elsewhere: list[Batch]) -> list[Batch]:
    still = {(batch.dataset, batch.sha256) for batch in live if batch.state in ("received", *LIVE_STATES)}
    still |= {(batch.dataset, batch.sha256) for batch in elsewhere if batch.is_live}
    gone = {(batch.dataset, batch.sha256) for batch in inside.values() if batch.is_live} - still
    return [b for b in elsewhere if b.state == "duplicate" and (b.dataset, b.sha256) in gone]
