"""What the reader gives, into the raw tables: COPY as it comes, and the rows of a refused file out again.

Belongs here: the order of COPY and delete within the caller's transaction. Reading is `reader/`, the statements are
`db/batches.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from tempfile import SpooledTemporaryFile
from types import TracebackType

import psycopg
from psycopg import sql

from inventra_pipelines.db.batches import clear_rows, reject_repeated_keys
from inventra_pipelines.db.copy_format import COPY_END, COPY_HEADER
from inventra_pipelines.domain.contracts import CONTRACTS, Contract
from inventra_pipelines.domain.ingest.batches import Batch
from inventra_pipelines.domain.ingest.rejects import FileRejected, RowReason
from inventra_pipelines.domain.tenant import Dataset
from inventra_pipelines.sources.reader.process import FileDone, FileRefused, Result, Rows
from inventra_pipelines.sources.reader.raw_rows import REJECT_ROW_SCHEMA

_BLOCK = 2**20
# Rejects wait for the end of the COPY of rows; beyond this they wait on disk.
_REJECTS_IN_MEMORY = 32 * 2**20


@dataclass
class Loaded:
    """What was loaded.

    Attributes:
        done: By batch id, the files whose rows stand in the tables.
        refused: By batch id, why the others do not.
    """

    done: dict[str, FileDone] = field(default_factory=dict)
    refused: dict[str, FileRejected] = field(default_factory=dict)


def load(connection: psycopg.Connection, results: Iterable[Result], batches: Mapping[str, Batch]) -> Loaded:
    """Write the rows of files as they are read, in the caller's transaction.

    Args:
        connection: Open; no rows of the files' batches stand in the tables.
        results: Of the reader.
        batches: Of the files, by id.
    """
    loaded = Loaded()
    with SpooledTemporaryFile(_REJECTS_IN_MEMORY) as rejects, _Copy(connection, rejects) as copy:
        for result in results:
            if isinstance(result, Rows):
                copy.write(result)
            elif isinstance(result, FileDone):
                loaded.done[result.file.batch["batch_id"]] = result
            else:
                batch_id = result.file.batch["batch_id"]
                copy.take_back(batches[batch_id])
                if isinstance(result, FileRefused):
                    loaded.refused[batch_id] = result.failure
    for batch_id, done in loaded.done.items():
        contract = CONTRACTS[batches[batch_id].dataset]  # type: ignore[index]
        if done.pieces > 1 and contract.key:
            loaded.done[batch_id] = _without_repeated_keys(connection, contract, done)
    return loaded


def _without_repeated_keys(connection: psycopg.Connection, contract: Contract, done: FileDone) -> FileDone:
    file = done.file.batch
    repeated = reject_repeated_keys(connection, contract, file["batch_id"], file["file_name"])
    if not repeated:
        return done
    reasons = {(column, reason): count for column, reason, count in done.reasons}
    key = ("", str(RowReason.DUPLICATE_KEY))
    reasons[key] = reasons.get(key, 0) + repeated
    return replace(
        done,
        accepted=done.accepted - repeated,
        rejected=done.rejected + repeated,
        reasons=[(*reason, count) for reason, count in sorted(reasons.items())],
    )


class _Copy:
    """The COPY that is open, if any, and the rejects that wait for its end."""

    def __init__(self, connection: psycopg.Connection, rejects: SpooledTemporaryFile[bytes]) -> None:
        self.connection = connection
        self.target: tuple[Dataset, Sequence[str]] | None = None
        self._stack = ExitStack()
        self._rows: psycopg.Copy | None = None
        self._rejects = rejects

    def __enter__(self) -> "_Copy":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.end()
        else:
            self._stack.__exit__(kind, error, at)

    def write(self, rows: Rows) -> None:
        if (rows.dataset, rows.columns) != self.target:
            self.end()
            self.target = rows.dataset, rows.columns
        if self._rows is None:
            self._rows = self._stack.enter_context(self._copy(f"raw.{rows.dataset}", rows.columns))
            self._rows.write(COPY_HEADER)
        block = memoryview(rows.accepted)
        for start in range(0, len(block), _BLOCK):
            self._rows.write(block[start : start + _BLOCK])
        self._rejects.write(rows.rejects)

    def end(self) -> None:
        """Finish what is open, the rejects included."""
        if self._rows is not None:
            self._rows.write(COPY_END)
            self._rows = None
            self._stack.close()
        if self._rejects.tell():
            self._rejects.seek(0)
            with self._copy("raw.rejects", list(REJECT_ROW_SCHEMA)) as copy:
                copy.write(COPY_HEADER)
                while block := self._rejects.read(_BLOCK):
                    copy.write(block)
                copy.write(COPY_END)
            self._rejects.seek(0)
            self._rejects.truncate()

    def take_back(self, batch: Batch) -> None:
        """Delete what was written of a batch."""
        self.end()
        clear_rows(self.connection, [batch])

    def _copy(self, table: str, columns: Sequence[str]) -> AbstractContextManager[psycopg.Copy]:
        schema, name = table.split(".")
        statement = sql.SQL("copy {} ({}) from stdin (format binary)").format(
            sql.Identifier(schema, name), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        return self._stack.enter_context(self.connection.cursor()).copy(statement)
