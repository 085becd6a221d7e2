"""Whether a feed is complete enough to take the place of what is there.

Belongs here: the rules that hold a file back. A day's files of a feed are held where they have fewer rows in all than
the tenant's `least_rows`, or than `least_share` of the median of the same weekday's last eight feeds; a file is held
where it has fewer than `least_share` of the rows that it would replace. What a planner released is never held.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from statistics import median

from inventra_pipelines.domain.ingest.batches import Batch
from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.domain.tenant import WEEKDAYS, Dataset, Feed
from inventra_pipelines.domain.words import counted

# Datasets whose files are whole: each the sales, or the counts, of its time. The others list what is new or changed.
_WHOLE: tuple[Dataset, ...] = ("sales", "stock")
_SAME_WEEKDAYS = 8
_FEWEST_WEEKDAYS = 4
# Below so many rows a share of them says nothing.
_FEWEST_ROWS = 20

# Tells a file that is held from one that is refused, in its message.
HELD = ": held, for "


def held_batches(
    batches: Iterable[Batch],
    rows_of: Mapping[str, int],
    recorded: Iterable[Batch],
    feeds: Mapping[Dataset, Feed],
    released: Collection[str],
) -> dict[str, FileRejected]:
    """Why batches are held, by batch id.

    Args:
        batches: Of some landing days, those that could be read.
        rows_of: Rows that each of them would load, by batch id.
        recorded: All of the tenant's batches before this run.
        feeds: The tenant's; a dataset without one is not held to its weekdays.
        released: Ids of batches that are taken as they are.
    """
    batches, recorded = list(batches), list(recorded)
    days = {batch.landed_on for batch in batches}
    held: dict[str, FileRejected] = {}
    for dataset in _WHOLE:
        of_dataset = [batch for batch in batches if batch.dataset == dataset]
        feed = feeds.get(dataset, Feed())
        history: dict[date, int] = {}
        for batch in recorded:
            if batch.dataset == dataset and batch.is_live and batch.landed_on not in days:
                history[batch.landed_on] = history.get(batch.landed_on, 0) + batch.rows_accepted
        live = {b.place: b for b in recorded if b.dataset == dataset and b.is_live}
        for day in sorted({batch.landed_on for batch in of_dataset}):
            of_day = [batch for batch in of_dataset if batch.landed_on == day]
            rows = sum(rows_of[batch.batch_id] for batch in of_day)
            reason = _too_few(rows, day, history, feed) if dataset in feeds and feed.weekdays else None
            kept = 0
            for batch in of_day:
                why = reason or _too_few_to_replace(batch, rows_of[batch.batch_id], live, feed)
                if why and batch.batch_id not in released:
                    held[batch.batch_id] = _hold(batch, why)
                else:
                    kept += rows_of[batch.batch_id]
            if kept:
                history[day] = kept
    return held


def _too_few(rows: int, day: date, history: Mapping[date, int], feed: Feed) -> str | None:
    if rows < feed.least_rows:
        return f"{counted(rows, 'row')} landed on {day}, fewer than least_rows ({feed.least_rows:,})"
    same = [history[past] for past in sorted(history) if past < day and past.weekday() == day.weekday()]
    usual = median(same[-_SAME_WEEKDAYS:]) if len(same) >= _FEWEST_WEEKDAYS else 0
    if usual >= _FEWEST_ROWS and rows < feed.least_share * usual:
        name = WEEKDAYS[day.weekday()].capitalize()
        return f"{counted(rows, 'row')} landed on {day}; a {name} usually has {usual:,.0f}"
    return None


def _too_few_to_replace(batch: Batch, rows: int, live: Mapping[tuple[str, date, str], Batch], feed: Feed) -> str | None:
    before = live.get(batch.place)
    if before is None or before.batch_id == batch.batch_id or before.rows_accepted < _FEWEST_ROWS:
        return None
    if rows >= feed.least_share * before.rows_accepted:
        return None
    return f"it has {counted(rows, 'row')} and would replace {before.rows_accepted:,} that landed under its name"


def _hold(batch: Batch, why: str) -> FileRejected:
    return FileRejected(
        FileReason.INCOMPLETE_FEED,
        f"{batch.tenant_id}/{batch.landed_on}/{batch.file_name}{HELD}{why}",
        f"send the whole file, or take it as it is with `inventra batches release {batch.batch_id}`",
    )
