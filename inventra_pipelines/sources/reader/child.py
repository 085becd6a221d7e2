"""The process that reads files: `python -m inventra_pipelines.sources.reader.child`, jobs on stdin, rows on stdout.

Belongs here: what must not run in the caller's process, since a file can crash a parser, or make it eat all memory or
all day. Memory and CPU are limited before the first file is opened. Each message is a line of JSON with the sizes of
the blocks that follow it: accepted and rejected rows as tuples of a binary COPY. What is asked of a file instead of its
rows is `answers.py`. `process.py` is the other end.
"""

import errno
import json
import os
import resource
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from inventra_pipelines.db.copy_format import copy_tuples
from inventra_pipelines.domain.contracts import CONTRACTS, Contract
from inventra_pipelines.domain.ingest.headers import header_texts, is_header_of, map_columns, unused_constants
from inventra_pipelines.domain.ingest.parse import ParsedRows, parse_rows
from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.formats.complaints import in_words
from inventra_pipelines.sources.formats.read import open_file
from inventra_pipelines.sources.formats.tables import Table, contract_columns, with_last
from inventra_pipelines.sources.reader.limits import (
    ADDRESS_SPACE,
    CPU_SECONDS,
    CPU_SECONDS_PER_MB,
    OUT_OF_MEMORY,
    QUESTION_PASSES,
)
from inventra_pipelines.sources.reader.raw_rows import given_columns, raw_rejects, raw_rows

# Small files are parsed together: a call costs as much as twenty thousand rows.
_ROWS_TOGETHER = 150_000
_PASSED_OVER_SHOWN = 20
# Share of the address space beyond which what fails, fails for want of memory.
_FULL = 0.8
# No file is at fault where there is no room to unpack it, or the disk fails.
_OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE}


@dataclass
class _File:
    """One file of a job, and what was found in it."""

    place: int
    path: Path
    name: str
    batch: dict[str, str]
    accepted: int = 0
    rejected: int = 0
    passed_over: int = 0
    pieces: int = 0
    notes: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    days: Counter[str] = field(default_factory=Counter)


@dataclass
class _Waiting:
    """Rows of whole small files that are parsed at once; they have the same headers."""

    headers: dict[str, str] = field(default_factory=dict)
    mapping: FileMapping | None = None
    frames: list[pl.DataFrame] = field(default_factory=list)
    files: list[_File] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return sum(frame.height for frame in self.frames)


class _ParserError(Exception):
    """Parsing several files at once failed: the process ends, and each is read by itself."""


class _Job:
    """Files of one dataset that are read one after the other."""

    def __init__(self, job: dict[str, Any], out: BinaryIO) -> None:
        self.contract: Contract = CONTRACTS[job["dataset"]]
        self.mapping = FileMapping.model_validate(job["mapping"])
        self.day_zone: str = job["day_zone"]
        self.files = [
            _File(place, Path(file["path"]), file["name"], file["batch"]) for place, file in enumerate(job["files"])
        ]
        self.out = out
        self.waiting = _Waiting()

    def run(self) -> None:
        for file in self.files:
            _limit_cpu(file.path.stat().st_size)
            self._tell({"kind": "reading", "file": file.place})
            try:
                self._read(file)
            except _ParserError:
                raise
            except BaseException as error:  # A panic of a parser is no Exception.
                fault = _fault_of(error, file.name)
                self._tell({"file": file.place} | fault)
                if fault["kind"] == "failed":
                    return
                self._drop(file)
        self._flush()
        self._tell({"kind": "end"})

    def _read(self, file: _File) -> None:
        """Read a file's tables; a small one waits for others, a large one is parsed piece by piece."""
        is_header = is_header_of(self.contract, self.mapping)
        with open_file(file.path, self.mapping, file.name, is_header) as opened:
            for table in opened.tables:
                where = f"{file.name}, sheet {table.sheet!r}" if table.sheet else file.name
                places = map_columns(table.headers, self.contract, self.mapping, where)
                file.remarks += unused_constants(table.headers, places, self.mapping, table.sheet)
                headers, mapping = header_texts(table.headers, places), table.mapping(self.mapping)
                chunks = self._chunks(table, places, file)
                for chunk, is_last in with_last(chunks):
                    is_other = headers != self.waiting.headers or mapping != self.waiting.mapping
                    if chunk.height + self.waiting.rows > _ROWS_TOGETHER or is_other:
                        self._flush(keep=file)
                    if is_last and chunk.height < _ROWS_TOGETHER:
                        self.waiting.headers, self.waiting.mapping = headers, mapping
                        self.waiting.frames.append(chunk)
                    else:
                        self._emit(chunk, headers, mapping, [file], is_end=is_last)
            file.unread += opened.passed_over
            file.remarks += opened.remarks
        self.waiting.files.append(file)

    def _chunks(self, table: Table, places: dict[str, tuple[int, ...]], file: _File) -> Iterator[pl.DataFrame]:
        batch_id = pl.lit(file.batch["batch_id"]).alias("batch_id")
        for chunk in table.chunks:
            yield contract_columns(chunk, table, places, self.contract).with_columns(batch_id)

    def _drop(self, file: _File) -> None:
        """Forget what waits of a file that is refused; what was sent of it, the other end deletes."""
        batch_id = file.batch["batch_id"]
        self.waiting.frames = [frame.filter(pl.col("batch_id") != batch_id) for frame in self.waiting.frames]

    def _flush(self, keep: _File | None = None) -> None:
        """Parse and send what waits, and say of the files that are whole now what they hold; `keep` is still read."""
        waiting, self.waiting = self.waiting, _Waiting()
        if waiting.frames:
            files = [*waiting.files, *([keep] if keep else [])]
            self._tell({"kind": "parsing"})
            try:
                mapping = waiting.mapping or self.mapping
                self._emit(pl.concat(waiting.frames), waiting.headers, mapping, files, is_end=True)
            except FileRejected as error:
                # A setting that no file can be parsed with.
                for file in waiting.files:
                    self._tell({"file": file.place} | _fault_of(error, file.name))
                if keep:
                    raise
                return
            except BaseException as error:
                _end_if_out_of_memory(error)
                raise _ParserError from error
        for file in waiting.files:
            self._tell(
                {
                    "kind": "done",
                    "file": file.place,
                    "accepted": file.accepted,
                    "rejected": file.rejected,
                    "passed_over": file.passed_over,
                    "pieces": file.pieces,
                    "notes": file.notes,
                    "unread": file.unread,
                    "remarks": file.remarks,
                    "reasons": [[*reason, count] for reason, count in sorted(file.reasons.items())],
                    "days": sorted(file.days.items()),
                }
            )

    def _emit(
        self,
        rows: pl.DataFrame,
        headers: dict[str, str],
        mapping: FileMapping,
        files: Sequence[_File],
        *,
        is_end: bool,
    ) -> None:
        parsed = parse_rows(
            rows, self.contract, mapping, ("batch_id",), headers=headers, day_zone=self.day_zone, is_end=is_end
        )
        by_id = {file.batch["batch_id"]: file for file in files}
        self._count(parsed, by_id)
        batches = [file.batch for file in files]
        columns = given_columns(self.contract, {*headers, *mapping.constants})
        accepted = copy_tuples(raw_rows(parsed.accepted, self.contract, batches, columns))
        rejects = copy_tuples(raw_rejects(parsed.rejects, batches))
        sizes = [len(accepted), len(rejects)]
        self._tell({"kind": "rows", "columns": columns, "sizes": sizes}, accepted, rejects)

    def _count(self, parsed: ParsedRows, files: dict[str, _File]) -> None:
        for batch_id, count in parsed.accepted.group_by("batch_id").len().iter_rows():
            files[batch_id].accepted += count
            files[batch_id].pieces += 1
        bad = parsed.rejects.select("batch_id", "sheet", "row_number").unique()
        for batch_id, count in bad.group_by("batch_id").len().iter_rows():
            files[batch_id].rejected += count
        for batch_id, column, reason, count in (
            parsed.rejects.group_by("batch_id", "column_name", "reason_code").len().iter_rows()
        ):
            files[batch_id].reasons[column, reason] += count
        for batch_id, sheet, row, kind, text in parsed.passed_over.select(
            "batch_id", "sheet", "row_number", "kind", "text"
        ).iter_rows():
            file = files[batch_id]
            file.passed_over += 1
            if len(file.notes) < _PASSED_OVER_SHOWN:
                where = f"row {row} of sheet {sheet}" if sheet else f"row {row}"
                file.notes.append(f"{kind.replace('_', ' ')} in {where}: {text}")
        day = self.contract.business_day
        if day:
            days = parsed.accepted.group_by("batch_id", pl.col(day).cast(pl.String)).len()
            for batch_id, on, count in days.iter_rows():
                files[batch_id].days[on] += count

    def _tell(self, message: dict[str, Any], *blocks: bytes) -> None:
        _tell(self.out, message, *blocks)


def _fault_of(error: BaseException, name: str) -> dict[str, Any]:
    """The message that a file is refused, or that this machine cannot read it now."""
    if not isinstance(error, FileRejected):
        _end_if_out_of_memory(error)
        if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
            return {"kind": "failed", "problem": in_words(error)}
        problem = f"{name}: the file cannot be read ({in_words(error)})"
        error = FileRejected(FileReason.UNREADABLE, problem, "open and save it again, or send CSV")
    elif error.reason_code == FileReason.UNREADABLE:
        _end_if_out_of_memory(error)
    return {
        "kind": "refused",
        "reason_code": error.reason_code,
        "message": error.message,
        "remedy": error.remedy,
    }


def _end_if_out_of_memory(error: BaseException) -> None:
    """End the process where there is too little left: a parser that gets none may say that the file is damaged."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    if isinstance(error, MemoryError) or (limit != resource.RLIM_INFINITY and taken > _FULL * limit):
        os._exit(OUT_OF_MEMORY)


def _limit_cpu(size: int) -> None:
    """Give the file at hand its seconds from here on; the system ends a process that uses them up."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = CPU_SECONDS + CPU_SECONDS_PER_MB * size / 2**20
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime + seconds) + 1, resource.RLIM_INFINITY))


def _answer(question: dict[str, Any], out: BinaryIO) -> None:
    """Answer a question about one file, or say why that cannot be."""
    # Rows are loaded without it, and wait for every import.
    from inventra_pipelines.sources.reader.answers import answer

    _limit_cpu(QUESTION_PASSES * Path(question["path"]).stat().st_size)
    try:
        for piece, block in answer(question):
            _tell(out, {"kind": "answer", "size": len(block)} | piece, block)
        _tell(out, {"kind": "end"})
    except BaseException as error:  # A panic of a parser is no Exception.
        _tell(out, _fault_of(error, question["name"]))


def _tell(out: BinaryIO, message: dict[str, Any], *blocks: bytes) -> None:
    out.write(json.dumps(message).encode() + b"\n")
    for block in blocks:
        out.write(block)
    out.flush()


def main() -> None:
    """Limit this process, then do the jobs on stdin until it closes."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # What a library prints must not stand between two messages.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    for line in sys.stdin.buffer:
        job = json.loads(line)
        if "asks" in job:
            _answer(job, out)
        else:
            _Job(job, out).run()


if __name__ == "__main__":
    main()
