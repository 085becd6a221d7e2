"""Reading files in a process of their own: jobs in, rows as a binary COPY out.

Belongs here: starting that process, handing it jobs, its time limit, and what its death means: the file it was reading
is refused, the others are read by a new process. What happens inside it is `child.py`.
"""

import fcntl
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Queue
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, Literal

from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.domain.tenant import Dataset, FileMapping
from inventra_pipelines.errors import PermanentError, TransientError
from inventra_pipelines.sources.reader import limits

_BLOCK = 2**20
# Messages that are read ahead: a piece of a file is up to 40 MB.
_AHEAD = 2
# Pieces of a file come and go: memory that was given back and taken again page by page cost a fifth of the time.
_MEMORY = {
    "hugetlb": 1,
    "mmap_threshold": 2**32,
    "trim_threshold": 2**32,
    "top_pad": 2**24,
    "arena_max": 2,
}
_SETTINGS = ("INVENTRA_", "DATABASE_URL", "PG", "DAGSTER_", "AWS_")


@dataclass(frozen=True)
class FileToRead:
    """A file and the batch that its rows are given.

    Attributes:
        path: On a local disk.
        name: What messages call it.
        batch: `batch_id`, `tenant_id`, `landed_on` (ISO) and `file_name`.
    """

    path: Path
    name: str
    batch: dict[str, str]


@dataclass(frozen=True)
class Job:
    """Files of one dataset that one mapping reads; `day_zone` is the zone that the tenant's days are in."""

    dataset: Dataset
    mapping: FileMapping
    files: tuple[FileToRead, ...]
    day_zone: str = "UTC"


@dataclass(frozen=True)
class Question:
    """What is asked of one file, instead of its rows.

    Attributes:
        asks: A name of `answers.py`: `look`, `suggest`, `demand` or `cells`.
        path: On a local disk.
        name: What messages call it.
        mapping: How it is read.
        dataset: What it holds; None where that is asked.
        details: What else the answer needs, as JSON knows it.
    """

    asks: Literal["look", "suggest", "demand", "cells"]
    path: Path
    name: str
    mapping: FileMapping
    dataset: Dataset | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rows:
    """Tuples of a binary COPY into columns of the dataset's raw table and into `raw.rejects`; of one or more files."""

    dataset: Dataset
    columns: Sequence[str]
    accepted: bytes | memoryview
    rejects: bytes | memoryview


@dataclass(frozen=True)
class FileDone:
    """A file whose rows have all been given.

    Attributes:
        accepted: Rows given.
        rejected: Rows in the rejects; several records of a row count it once.
        passed_over: Rows that are no data.
        pieces: How many `Rows` hold rows of it.
        notes: What the first of the rows passed over are, in words.
        unread: Sheets and files of an archive that were not read, each with why.
        remarks: What was read in a way that not everybody expects, in words.
        reasons: Column, reason code and how many rejects.
        days: Business day (ISO) and how many rows.
    """

    file: FileToRead
    accepted: int = 0
    rejected: int = 0
    passed_over: int = 0
    pieces: int = 0
    notes: Sequence[str] = ()
    unread: Sequence[str] = ()
    remarks: Sequence[str] = ()
    reasons: Sequence[tuple[str, str, int]] = ()
    days: Sequence[tuple[str, int]] = ()


@dataclass(frozen=True)
class FileRefused:
    """A file that is not taken in. Rows of it may have been given before that was known: they do not count."""

    file: FileToRead
    failure: FileRejected


@dataclass(frozen=True)
class FileReadAgain:
    """A file that shared a job with one that ended the process: its rows so far do not count, its results follow."""

    file: FileToRead


Result = Rows | FileDone | FileRefused | FileReadAgain


class _DiedError(Exception):
    """The process ended in the middle of a job."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass
class _Open:
    """What a job still owes; `at` is the file that is read, None while several are parsed at once."""

    job: Job
    pending: dict[int, FileToRead] = field(default_factory=dict)
    at: int | None = None
    has_begun: bool = False

    def culprit(self) -> FileToRead | None:
        """The file that the process died of, if that is known."""
        if self.at is None and len(self.pending) > 1:
            return None
        return self.pending.pop(self.at if self.at in self.pending else next(iter(self.pending)))


class Reader:
    """A process that reads files; it starts with the first job, or when it is asked to, and ends with the block."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = bytearray()
        self._files = ExitStack()

    def __enter__(self) -> "Reader":
        self._complaints = self._files.enter_context(TemporaryFile())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop()
        self._files.close()

    def read(self, jobs: Iterable[Job]) -> Iterator[Result]:
        """Do the jobs in their order; the next piece is read while one is in the caller's hands.

        Raises:
            TransientError: This machine's disk is full or fails; nothing is said of any file.
        """
        ahead: Queue[Result | BaseException | None] = Queue(_AHEAD)
        is_left = threading.Event()

        def work() -> None:
            try:
                for job in jobs:
                    for result in self._read(job):
                        if is_left.is_set():
                            return
                        ahead.put(result)
                ahead.put(None)
            except BaseException as error:
                ahead.put(error)

        worker = threading.Thread(target=work, name="read-landed-files", daemon=True)
        worker.start()
        try:
            while (result := ahead.get()) is not None:
                if isinstance(result, BaseException):
                    raise result
                yield result
        finally:
            is_left.set()
            if worker.is_alive():
                self._stop()
                with suppress(Exception):
                    while worker.is_alive():
                        ahead.get(timeout=0.1)
            worker.join()

    def ask(self, question: Question) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Ask one file something; gives the answer piece by piece, each as JSON and a block of bytes.

        Raises:
            FileRejected: The file cannot be read, or the process died of it.
            TransientError: This machine's disk is full or fails.
        """
        name = question.name
        message = {
            "asks": question.asks,
            "path": str(question.path),
            "name": name,
            "mapping": question.mapping.model_dump(mode="json", exclude_unset=True),
            "dataset": question.dataset,
            **question.details,
        }
        try:
            self._send(message)
            size = question.path.stat().st_size / 2**20
            deadline = _Deadline(limits.QUESTION_PASSES * (limits.WAIT_SECONDS + limits.WAIT_SECONDS_PER_MB * size))
            while (told := self._receive(deadline))["kind"] != "end":
                if told["kind"] == "failed":
                    raise _machine_at_fault(name, told["problem"])
                if told["kind"] == "refused":
                    raise FileRejected(FileReason(told["reason_code"]), told["message"], told["remedy"])
                yield told, self._take(told["size"], deadline)
        except _DiedError as died:
            self._stop()
            raise _death(name, died.reason) from None

    def _read(self, job: Job) -> Iterator[Result]:
        """One job; the files that wait behind one that ends the process are read singly by the next."""
        waiting = [job]
        while waiting:
            current = _Open(waiting.pop(0))
            current.pending = dict(enumerate(current.job.files))
            try:
                yield from self._results(current)
            except _DiedError as died:
                complaint = self._stop()
                if not current.has_begun:
                    raise PermanentError(
                        f"the process that reads files does not start ({complaint or died.reason})",
                        "install the project again, and run `inventra doctor`",
                    ) from None
                culprit = current.culprit()
                if culprit is not None:
                    yield FileRefused(culprit, _death(culprit.name, died.reason))
                for file in current.pending.values():
                    yield FileReadAgain(file)
                    waiting.append(replace(current.job, files=(file,)))

    def _results(self, current: _Open) -> Iterator[Result]:
        files = [{"path": str(f.path), "name": f.name, "batch": f.batch} for f in current.job.files]
        message = {
            "dataset": current.job.dataset,
            "mapping": current.job.mapping.model_dump(mode="json"),
            "day_zone": current.job.day_zone,
            "files": files,
        }
        self._send(message)
        deadline = _Deadline(limits.WAIT_SECONDS)
        while True:
            told = self._receive(deadline)
            kind = told.pop("kind")
            if kind == "end":
                return
            if kind == "reading":
                current.at, current.has_begun = told["file"], True
                size = current.job.files[told["file"]].path.stat().st_size
                deadline = _Deadline(limits.WAIT_SECONDS + limits.WAIT_SECONDS_PER_MB * size / 2**20)
            elif kind == "failed":
                raise _machine_at_fault(current.job.files[told["file"]].name, told["problem"])
            elif kind == "parsing":
                current.at = None
            elif kind == "rows":
                accepted, rejects = (self._take(size, deadline) for size in told["sizes"])
                yield Rows(current.job.dataset, told["columns"], accepted, rejects)
            elif kind == "refused":
                refused = current.pending.pop(told.pop("file"))
                reason = FileReason(told["reason_code"])
                yield FileRefused(refused, FileRejected(reason, told["message"], told["remedy"]))
            else:
                done = current.pending.pop(told.pop("file"))
                yield FileDone(done, **told)

    def start(self) -> None:
        """Start the process, if it does not run: what it imports takes a while, which the caller need not wait for."""
        if self._process is None:
            self._start()

    def _start(self) -> None:
        self._buffer.clear()
        self._process = subprocess.Popen(
            # It is told where modules are: finding out anew takes as long as a hundred thousand rows.
            [sys.executable, "-S", "-m", "inventra_pipelines.sources.reader.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            # Two threads keep two cores busy, and reserve the least address space, which is what is limited.
            env=_harmless_environment()
            | {
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                "POLARS_MAX_THREADS": "2",
                "ARROW_DEFAULT_MEMORY_POOL": "system",
                "GLIBC_TUNABLES": ":".join(f"glibc.malloc.{name}={value}" for name, value in _MEMORY.items()),
            },
        )
        with suppress(OSError):
            fcntl.fcntl(self._process.stdout, fcntl.F_SETPIPE_SZ, _BLOCK)  # type: ignore[arg-type]

    def _stop(self) -> str:
        """End the process, if there is one; gives the last line it complained with."""
        process, self._process = self._process, None
        if process is None:
            return ""
        process.kill()
        process.communicate()
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").strip().splitlines()
        self._complaints.seek(0)
        self._complaints.truncate()
        return lines[-1][:200] if lines else ""

    def _send(self, message: dict[str, Any]) -> None:
        self.start()
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise _DiedError(self._how_it_ended()) from None

    def _receive(self, deadline: "_Deadline") -> dict[str, Any]:
        while (end := self._buffer.find(b"\n")) < 0:
            self._fill(deadline)
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return dict(json.loads(line))

    def _take(self, size: int, deadline: "_Deadline") -> memoryview:
        """The next bytes, read straight to where they stay."""
        block = memoryview(bytearray(size))
        have = min(size, len(self._buffer))
        block[:have] = self._buffer[:have]
        del self._buffer[:have]
        while have < size:
            read = os.readv(self._ready(deadline), [block[have:]])
            if not read:
                raise _DiedError(self._how_it_ended())
            have += read
        return block

    def _fill(self, deadline: "_Deadline") -> None:
        block = os.read(self._ready(deadline), _BLOCK)
        if not block:
            raise _DiedError(self._how_it_ended())
        self._buffer += block

    def _ready(self, deadline: "_Deadline") -> int:
        """Wait until there is something to read; only this waiting counts against the file's time."""
        assert self._process is not None and self._process.stdout is not None
        stream = self._process.stdout.fileno()
        began = time.monotonic()
        waiting = select.poll()
        waiting.register(stream, select.POLLIN)
        ready = waiting.poll(max(deadline.seconds, 0.01) * 1000)
        deadline.seconds -= time.monotonic() - began
        if not ready:
            raise _DiedError("it took too long")
        return stream

    def _how_it_ended(self) -> str:
        assert self._process is not None
        return limits.how_it_ended(self._process.wait(timeout=10))


@dataclass
class _Deadline:
    """Seconds of waiting that are left."""

    seconds: float


def _harmless_environment() -> dict[str, str]:
    """This process's variables without settings and secrets: what reads strangers' files needs none of them."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}


def _machine_at_fault(name: str, problem: str) -> TransientError:
    return TransientError(
        f"{name} cannot be read here ({problem})", "make room where temporary files stand, and run again"
    )


def _death(name: str, reason: str) -> FileRejected:
    return FileRejected(
        FileReason.UNREADABLE,
        f"{name}: {reason}; it is damaged, or too large",
        "open and save it again, or send the data as CSV",
    )
