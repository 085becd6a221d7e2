"""What an ingest did, for logs, metadata and the caller's decisions.

Belongs here: the figures per feed, the refused files and the reasons of rejected rows. The work itself is `ingest.py`.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from inventra_pipelines.db.writes import Window
from inventra_pipelines.domain.ingest.batches import Batch, Settlement
from inventra_pipelines.domain.words import counted


@dataclass(frozen=True)
class FeedOutcome:
    """What came in for one tenant and dataset; rows are those of the batches in force."""

    tenant_id: str
    dataset: str
    files: int = 0
    rows_read: int = 0
    rows_accepted: int = 0
    rows_rejected: int = 0


@dataclass(frozen=True)
class RefusedFile:
    """A file that was not taken in, with the one line that says why."""

    tenant_id: str
    dataset: str
    landed_on: date
    file_name: str
    reason_code: str
    message: str


@dataclass
class IngestOutcome:
    """What an ingest did.

    Attributes:
        feeds: One per tenant and dataset that had files, in order.
        refused: Files that were not taken in; the others were.
        reject_reasons: Rejected rows by tenant, dataset, column and reason code; a row counts for each column at fault.
        replay: Landing days outside of the windows, on which a duplicate waits that would load now.
    """

    feeds: list[FeedOutcome] = field(default_factory=list)
    refused: list[RefusedFile] = field(default_factory=list)
    reject_reasons: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    replay: list[Window] = field(default_factory=list)

    def add(
        self,
        settlement: Settlement,
        loaded: Sequence[Batch],
        reasons: Mapping[str, Sequence[tuple[str, str, int]]],
        places: Collection[tuple[str, date, str]],
    ) -> None:
        """Add the figures of some landing days.

        Args:
            settlement: What holds.
            loaded: The loaded batches with their counts.
            reasons: By batch id, column, reason code and how many rejects.
            places: Dataset, day and name of the files in the folders.
        """
        refusals = [batch for batch, _ in settlement.refused]
        batches = {batch.batch_id: batch for batch in (*refusals, *loaded, *settlement.carry, *settlement.out)}
        feeds = {(feed.tenant_id, feed.dataset): feed for feed in self.feeds}
        counted: set[tuple[str, date, str]] = set()
        for batch in batches.values():
            key = (batch.tenant_id, batch.dataset)
            feed = feeds.get(key, FeedOutcome(*key))
            is_file = batch.place in places and batch.place not in counted
            counted.add(batch.place)
            feeds[key] = replace(
                feed,
                files=feed.files + is_file,
                rows_read=feed.rows_read + batch.rows_read,
                rows_accepted=feed.rows_accepted + batch.rows_accepted,
                rows_rejected=feed.rows_rejected + batch.rows_rejected,
            )
        self.feeds = [feeds[key] for key in sorted(feeds)]
        for batch, failure in settlement.refused:
            where = (batch.tenant_id, batch.dataset, batch.landed_on, batch.file_name)
            self.refused.append(RefusedFile(*where, failure.reason_code, str(failure)))
        for batch_id, of_batch in reasons.items():
            batch = batches[batch_id]
            for column, reason, count in of_batch:
                self.reject_reasons[batch.tenant_id, batch.dataset, column, reason] += count

    def metadata(self) -> dict[str, int | str]:
        """The outcome as flat figures and lines, for whoever shows it."""
        reasons = [
            f"{tenant_id} {dataset} {column or '(row)'} {reason}: {counted(rows, 'row')}"
            for (tenant_id, dataset, column, reason), rows in sorted(self.reject_reasons.items())
        ]
        feeds = [
            f"{feed.tenant_id} {feed.dataset}: {counted(feed.files, 'file')}, {counted(feed.rows_read, 'row')} read, "
            f"{feed.rows_rejected:,} rejected"
            for feed in self.feeds
        ]
        return {
            "files": sum(feed.files for feed in self.feeds),
            "rows_read": sum(feed.rows_read for feed in self.feeds),
            "rows_accepted": sum(feed.rows_accepted for feed in self.feeds),
            "rows_rejected": sum(feed.rows_rejected for feed in self.feeds),
            "files_refused": len(self.refused),
            "feeds": "\n".join(feeds) or "none",
            "reject_reasons": "\n".join(reasons) or "none",
            "refusals": "\n".join(file.message for file in self.refused[:20]) or "none",
            "replay": ", ".join(map(str, self.replay)) or "none",
        }
