"""Hostile and broken files through the reader's own process: each is told on one line, and the next file is read.

The reading process and its limits are the real ones; what must not happen is a traceback, a hang, a dead parent, or a
file that takes others with it.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from resource import RLIM_INFINITY, RLIMIT_AS, RLIMIT_CPU, prlimit

import psutil
import pytest

from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.writes import Window
from inventra_pipelines.domain.ingest.rejects import FileRejected
from inventra_pipelines.domain.tenant import FileMapping, TenantConfig
from inventra_pipelines.sources.ingest import ingest_windows
from inventra_pipelines.sources.landing import Landing
from inventra_pipelines.sources.reader.process import (
    FileDone,
    FileRefused,
    FileToRead,
    Job,
    Reader,
    Rows,
)
from tests.hostile_files import HOSTILE, HostileFile, sale
from tests.small_files import GOOD, HEADER, small_files

DAY = date(2024, 1, 1)
MOST_SECONDS = 30
MOST_MEMORY = 300 * 2**20
# Words of programs, and places on this machine, have no place in what a sender reads.
_INTERNAL = re.compile(
    rf"{re.escape(tempfile.gettempdir())}|/kept/|Traceback|inventra_pipelines|calamine|"
    r"\.rs\b|\.py\b|panick|unwrap|\bsys\.|\bint\(|XML_PARSE|Exception|"
    r"Error\b|Errno|None\b|<string>|exit code|[\x00-\x1f\x7f]"
)


@dataclass
class Read:
    """What the reader gave for a job, by the name of the file."""

    done: dict[str, FileDone] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    accepted: list[bytes] = field(default_factory=list)


def job(paths: list[Path], mapping: FileMapping | None = None, names: list[str] | None = None) -> Job:
    names = names or [path.name for path in paths]
    files = tuple(
        FileToRead(
            path,
            f"shop/{DAY}/{name}",
            {"batch_id": name, "tenant_id": "shop", "landed_on": str(DAY), "file_name": name},
        )
        for path, name in zip(paths, names, strict=True)
    )
    tenant = TenantConfig(tenant_id="shop", name="shop", datasets={"sales": mapping or FileMapping()})
    return Job("sales", tenant.mapping("sales"), files, tenant.time_zone)


def read(reader: Reader, *jobs: Job, at: Callable[[object], None] = lambda _: None) -> Read:
    """Read jobs; `at` is called with each result as it comes."""
    found = Read()
    for result in reader.read(jobs):
        at(result)
        if isinstance(result, Rows):
            found.accepted.append(bytes(result.accepted[: 2**20]))
        elif isinstance(result, FileDone):
            found.done[result.file.batch["file_name"]] = result
        elif isinstance(result, FileRefused):
            name = result.file.batch["file_name"]
            found.refused[name], found.reasons[name] = str(result.failure), str(result.failure.reason_code)
    return found


def is_one_clear_line(message: str, name: str) -> bool:
    problem, _, remedy = message.removeprefix(f"shop/{DAY}/{name}").partition(". ")
    return message.startswith(f"shop/{DAY}/{name}") and bool(problem and remedy) and len(message) < 4000


@pytest.fixture
def children() -> Callable[[], list[psutil.Process]]:
    """Gives the processes that were started since the test began and still run."""
    before = {child.pid for child in psutil.Process().children()}

    def started() -> list[psutil.Process]:
        found = [child for child in psutil.Process().children() if child.pid not in before]
        return [child for child in found if child.status() != psutil.STATUS_ZOMBIE]

    return started


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader() as opened:
        yield opened


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "sales_good.csv"
    path.write_bytes(GOOD)
    return path


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of so many pieces that the last ones are not read yet while the first is in hand."""
    path = tmp_path_factory.mktemp("long") / "sales_long.csv"
    path.write_text(HEADER + "\n" + (sale() + "\n") * 1_500_000)
    return path


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case.title.replace(" ", "-"))
def test_a_hostile_file_is_loaded_rejected_or_refused_and_the_next_is_read(
    case: HostileFile, reader: Reader, good: Path, tmp_path: Path
):
    path = tmp_path / "kept"
    case.write(path)
    Path("/proc/self/clear_refs").write_text("5")
    before, began = _status("VmRSS"), time.monotonic()
    found = read(reader, job([path, good], case.mapping, [case.name, good.name]))
    assert time.monotonic() - began < MOST_SECONDS
    assert _status("VmHWM") - before < MOST_MEMORY
    assert found.done[good.name].accepted == 2
    if case.refused:
        message = found.refused[case.name]
        assert (found.reasons[case.name], case.says in message) == (case.refused, True), message
        assert is_one_clear_line(message, case.name), message
        assert not _INTERNAL.search(message), message
    else:
        done = found.done[case.name]
        assert (done.accepted, done.passed_over) == (case.accepted, case.passed_over)
        assert sorted(tuple(reason) for reason in done.reasons) == sorted(case.rejects)
        assert all(any(text.encode() in block for block in found.accepted) for text in case.holds)
    assert not any(entry.name.startswith("x.csv") or entry.name.startswith("y.csv") for entry in tmp_path.rglob("*"))


def test_hostile_files_have_names_of_their_own():
    assert max(Counter(case.title for case in HOSTILE).values()) == 1


@pytest.mark.parametrize("ending", small_files())
def test_the_small_files_that_others_are_made_of_are_valid(ending, reader: Reader, tmp_path: Path):
    path = tmp_path / f"sales.{ending}"
    path.write_bytes(small_files()[ending])
    done = read(reader, job([path])).done[path.name]
    assert (done.accepted, done.rejected, done.passed_over) == (2, 0, 0)


def test_a_process_that_is_killed_in_mid_file_costs_that_file_alone(children, good: Path, long: Path):
    kills = iter([signal.SIGKILL])

    def kill(result: object) -> None:
        if isinstance(result, Rows) and (number := next(kills, None)):
            os.kill(children()[0].pid, number)

    with Reader() as reader:
        found = read(reader, job([good, long, good], names=["sales_1.csv", "sales_2.csv", "sales_3.csv"]), at=kill)
    assert found.refused.keys() == {"sales_2.csv"}
    assert is_one_clear_line(found.refused["sales_2.csv"], "sales_2.csv")
    assert "it ended the process that read it" in found.refused["sales_2.csv"]
    assert {name: done.accepted for name, done in found.done.items()} == {"sales_1.csv": 2, "sales_3.csv": 2}


def test_a_file_that_uses_up_its_computing_time_is_refused(children, good: Path, long: Path):
    limits: list[int] = []

    def limit(result: object) -> None:
        if isinstance(result, Rows) and not limits:
            (child,) = children()
            limits.append(prlimit(child.pid, RLIMIT_CPU)[0])
            prlimit(child.pid, RLIMIT_CPU, (1, RLIM_INFINITY))

    with Reader() as reader:
        found = read(reader, job([long, good]), at=limit)
    # A file of 44 MB has two minutes; what the process used before comes on top.
    assert 100 < limits[0] < 160
    assert "it took too much computing time" in found.refused[long.name]
    assert is_one_clear_line(found.refused[long.name], long.name)
    assert found.done[good.name].accepted == 2


def test_a_file_that_takes_too_much_memory_is_refused(children, good: Path, long: Path):
    with Reader() as reader:
        assert read(reader, job([good])).done
        (child,) = children()
        assert prlimit(child.pid, RLIMIT_AS)[0] == 4 * 2**30
        prlimit(child.pid, RLIMIT_AS, (child.memory_info().vms + 20 * 2**20,) * 2)
        found = read(reader, job([long, good]))
    # Python says it, a library that gets no memory may end the process.
    said = ("reading it takes more memory than is allowed", "it ended the process that read it")
    assert any(words in found.refused[long.name] for words in said)
    assert is_one_clear_line(found.refused[long.name], long.name)
    assert found.done[good.name].accepted == 2


def test_a_file_that_hangs_is_given_up(children, good: Path, long: Path, monkeypatch: pytest.MonkeyPatch):
    stopped: list[int] = []

    def stop(result: object) -> None:
        if isinstance(result, Rows) and not stopped:
            stopped.append(children()[0].pid)
            os.kill(stopped[0], signal.SIGSTOP)

    with Reader() as reader:
        assert read(reader, job([good])).done
        with monkeypatch.context() as patched:
            patched.setattr("inventra_pipelines.sources.reader.limits.WAIT_SECONDS", 2.0)
            patched.setattr("inventra_pipelines.sources.reader.limits.WAIT_SECONDS_PER_MB", 0.0)
            found = read(reader, job([long]), at=stop)
        assert "it took too long" in found.refused[long.name]
        assert read(reader, job([good])).done[good.name].accepted == 2
    assert not psutil.pid_exists(stopped[0])


def test_a_reader_that_is_left_in_the_middle_leaves_no_process(children, long: Path):
    with pytest.raises(KeyboardInterrupt), Reader() as reader:
        for _ in reader.read([job([long])]):
            assert children()
            raise KeyboardInterrupt
    assert children() == []


_PARENT = """
import sys
from pathlib import Path
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.reader.process import FileToRead, Job, Reader
batch = dict(batch_id="b", tenant_id="t", landed_on="2024-01-01", file_name="f")
file = FileToRead(Path(sys.argv[1]), "sales.csv", batch)
with Reader() as reader:
    for number, _ in enumerate(reader.read([Job("sales", FileMapping(time_zone="UTC"), (file,))] * 100)):
        if number == 0:
            print("reading", flush=True)
"""


def test_a_parent_that_is_ended_in_mid_file_leaves_no_process(long: Path):
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
    command = [sys.executable, "-c", _PARENT, str(long)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    parents = [subprocess.Popen(command, **pipes) for _ in numbers]  # type: ignore[call-overload]
    orphans = []
    for number, parent in zip(numbers, parents, strict=True):
        with parent:
            assert parent.stdout.readline() == "reading\n"
            orphans += psutil.Process(parent.pid).children()
            parent.send_signal(number)
            parent.wait(timeout=20)
    assert len(orphans) == len(numbers)
    _, alive = psutil.wait_procs(orphans, timeout=20)
    assert alive == []


def _landing_of_a_night(folder: Path) -> Landing:
    day = folder / "landing" / "shop" / f"{DAY}"
    day.mkdir(parents=True)
    wanted = {"zip bomb", "gzip bomb", "cell in the last corner", "laughs in an ods", "encrypted workbook",
              "a million columns", "broken UTF-8 far down", "parquet of a huge footer", "xls cut at 50%", "blank lines",
              "two headers of one name", "zip that claims a small size"}  # fmt: skip
    cases = [case for case in HOSTILE if case.title in wanted]
    assert len(cases) == len(wanted)
    for number, case in enumerate(cases):
        case.write(day / f"sales_{number}_{case.name}")
    (day / "sales_a.csv").write_bytes(GOOD)
    (day / "sales_z'\n;--.csv").write_bytes(GOOD.replace(b",A,", b",C,"))
    os.mkfifo(day / "sales_pipe.csv")
    (day / "sales_link.csv").symlink_to("sales_a.csv")
    (day / "sales_nowhere.csv").symlink_to("nowhere")
    (day / "sales_loop.csv").symlink_to("sales_loop.csv")
    (day / "sales_folder.csv").mkdir()
    return Landing(str(folder / "landing"), folder / "kept")


def test_a_night_of_hostile_files_loads_the_good_ones_and_names_each_other(children, migrated_url: str, tmp_path: Path):
    landing = _landing_of_a_night(tmp_path)
    tenants = {"shop": TenantConfig(tenant_id="shop", name="shop")}
    with connect(migrated_url) as connection:
        connection.execute("truncate raw.sales, raw.rejects, raw.batches, raw.batch_days")
        connection.commit()
    outcome = ingest_windows(migrated_url, landing, tenants, [Window("shop", DAY, DAY)], run_id="night")
    with connect(migrated_url) as connection:
        items = connection.execute("select item_code from raw.sales order by 1").fetchall()
    assert [item for (item,) in items] == ["A", "B", "B", "C"]
    names = {os.fsdecode(path.name) for path in (tmp_path / "landing" / "shop" / f"{DAY}").iterdir()}
    assert {file.file_name for file in outcome.refused} == names - {"sales_a.csv", "sales_z'\n;--.csv"}
    for file in outcome.refused:
        assert is_one_clear_line(file.message, file.file_name), file.message
        assert not _INTERNAL.search(file.message), file.message
    assert children() == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path):
    day = tmp_path / "landing" / "shop" / f"{DAY}"
    day.mkdir(parents=True)
    (day / "sales.csv").write_bytes(GOOD)
    (day / "sales.csv").chmod(0)
    landing = Landing(str(tmp_path / "landing"), tmp_path / "kept")
    with pytest.raises(FileRejected, match=f"shop/{DAY}/sales.csv: the file may not be read"):
        landing.keep(*landing.files("shop", DAY, DAY))
