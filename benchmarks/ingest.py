"""The ingest's figures: `python -m benchmarks.ingest [--quick]`.

Files of real sales lines go from the landing zone to committed rows through the project's own stages, and the same CSV
file through other tools: on one embedded Postgres, each time into an empty database and in a process of its own, whose
start and imports do not count. Contenders take turns, and every second round is in reverse; the best of three rounds
counts, of the slow ones the one. After each load the rows and sums in the database are held against the file.

Peak memory is the sum of the resident sets of the ingest's own processes, without Postgres. The backfill of a year and
the normalize of a night call the stages as their assets do, in one process and without Dagster around them; that of a
night is the median over new days.

`dlt_documented` is the example for CSV files in dlt's documentation, `dlt_arrow` its fast way with what comes with
`dlt[postgres]`, `dlt_adbc` the same with a driver besides; `dlt_file_import` hands the file to COPY unread.
"""

import argparse
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.ingest_files import land_history, land_real_days, write_sales, write_workbook
from benchmarks.ingest_runs import LANDED_ON, Bench, best_of
from benchmarks.report import Figure, print_report
from inventra_pipelines.db.embedded import database
from inventra_pipelines.db.migrate import migrate
from inventra_pipelines.settings import Settings

_FIRST_REAL_DAY = date(2010, 12, 1)
_HISTORY_UNTIL = date(2011, 12, 10)
_MILLION = 1_000_000
# How many times as fast as a peer the ingest is to be.
_FASTER = {"dlt_documented": 5.0, "dlt_arrow": 5.0, "pandas_to_sql": 15.0}


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    parts: Sequence[str]
    rows: int
    many_rows: int
    workbook_rows: int
    rounds: int
    peers: Sequence[str]
    slow_peers: Sequence[str]
    real_days: int | None
    short_history_from: date
    long_history_from: date
    new_days: int


FULL = Size(
    parts=("csv", "memory", "workbook", "year", "nights"),
    rows=_MILLION,
    many_rows=10 * _MILLION,
    workbook_rows=100_000,
    rounds=3,
    peers=("bare_copy", "dlt_arrow", "dlt_adbc", "dlt_file_import", "pandas_to_sql"),
    slow_peers=("dlt_documented", "pandas_multi"),
    real_days=None,
    short_history_from=date(2011, 9, 11),
    long_history_from=date(2008, 12, 11),
    new_days=5,
)
QUICK = Size(
    # `make bench-quick` normalizes too, in the benchmark of the whole pipeline.
    parts=("csv", "workbook"),
    rows=20_000,
    many_rows=40_000,
    workbook_rows=2_000,
    rounds=1,
    peers=("bare_copy", "dlt_arrow"),
    slow_peers=(),
    real_days=2,
    short_history_from=date(2011, 12, 8),
    long_history_from=date(2011, 12, 6),
    new_days=1,
)


def _csv(bench: Bench, size: Size) -> Iterator[Figure]:
    clean, faulty = bench.scratch / "clean.csv", bench.scratch / "faulty.csv"
    content, rejected = write_sales(clean, size.rows), write_sales(faulty, size.rows, is_faulty=True)
    peers = {name: partial(bench.peer, name, clean, content) for name in (*size.peers, *size.slow_peers)}
    contenders: dict[str, Callable[[], float]] = {
        "clean": lambda: bench.ingest(clean, content).seconds,
        "faulty": lambda: bench.ingest(faulty, rejected).seconds,
        **{name: peers[name] for name in size.peers},
    }
    best = best_of(contenders, size.rounds)
    best |= {name: peers[name]() for name in size.slow_peers}
    of = f"csv_{content.rows}_rows"
    yield Figure(of, best["clean"], "s")
    yield Figure(f"{of}_bare_copy", best["bare_copy"], "s")
    yield Figure(f"{of}_times_bare_copy", best["clean"] / best["bare_copy"], "x", 3)
    for name in [name for name in peers if name != "bare_copy"]:
        yield Figure(f"{of}_{name}", best[name], "s")
        yield Figure(f"{of}_faster_than_{name}", best[name] / best["clean"], "x", _FASTER.get(name), "at least")
    yield Figure(f"{of}_of_which_{rejected.faulty_rows}_are_rejected", best["faulty"], "s")
    yield Figure(f"{of}_faulty_times_clean", best["faulty"] / best["clean"], "x", 1.5)


def _memory(bench: Bench, size: Size) -> Iterator[Figure]:
    path, peaks = bench.scratch / "sales.csv", []
    for rows in (size.rows, size.many_rows):
        went = bench.ingest(path, write_sales(path, rows))
        peaks.append(went.peak_mb)
        yield Figure(f"csv_{rows}_rows_peak_memory", went.peak_mb, "MB", 1000)
    path.unlink()
    yield Figure(f"csv_{size.many_rows}_rows_ingest", went.seconds, "s")
    yield Figure("peak_memory_many_rows_times_few", peaks[1] / peaks[0], "x", 1.2)


def _workbook(bench: Bench, size: Size) -> Iterator[Figure]:
    path = bench.scratch / "sales.xlsx"
    content = write_workbook(path, size.workbook_rows)

    warm_up = bench.scratch / "warm_up.csv"
    write_sales(warm_up, 1)

    def read(step: str, **more: Path) -> float:
        return float(bench.step(step, path=path, rows=content.rows, **more)[0]["seconds"])

    best = best_of(
        {
            "bare": lambda: read("read_workbook"),
            "validated": lambda: read("validate_workbook", warm_up=warm_up),
            "ingest": lambda: bench.ingest(path, content).seconds,
        },
        size.rounds,
    )
    of = f"xlsx_{content.rows}_rows"
    yield Figure(f"{of}_bare_fastexcel", best["bare"], "s")
    yield Figure(f"{of}_read_and_validated", best["validated"], "s")
    yield Figure(f"{of}_read_and_validated_times_bare", best["validated"] / best["bare"], "x", 2)
    yield Figure(of, best["ingest"], "s")
    yield Figure(f"{of}_times_bare", best["ingest"] / best["bare"], "x", 2)


def _year(bench: Bench, size: Size) -> Iterator[Figure]:
    with bench.installation() as (url, folder):
        content = land_real_days(folder / "landing" / "gifts", size.real_days)
        result, _ = bench.step(
            "year", url=url, folder=folder, first=_FIRST_REAL_DAY, last=LANDED_ON, content=asdict(content)
        )
    of = f"daily_files_{content.rows}_rows"
    yield Figure(f"{of}_ingest", result["ingest_seconds"], "s")
    yield Figure(f"{of}_normalize", result["normalize_seconds"], "s")
    yield Figure(of, result["ingest_seconds"] + result["normalize_seconds"], "s", 30)


def _nights(bench: Bench, size: Size) -> Iterator[Figure]:
    with bench.installation() as short, bench.installation() as long:
        firsts = {short: size.short_history_from, long: size.long_history_from}
        installations: list[Mapping[str, Any]] = []
        for (url, folder), first in firsts.items():
            landing = folder / "landing" / "gifts"
            history = land_history(landing, first, _HISTORY_UNTIL)
            nights = [_HISTORY_UNTIL + timedelta(days=number) for number in (1, size.new_days)]
            new_days = land_history(landing, *nights)
            installations.append({"url": url, "folder": folder, "first": first, "content": asdict(history)})
        result, _ = bench.step(
            "nights",
            installations=installations,
            last=_HISTORY_UNTIL,
            new_days=size.new_days,
            content=asdict(new_days),
        )
    after_short, after_long = (median(seconds) for seconds in result["normalize_seconds"])
    yield Figure(f"normalize_new_day_history_from_{size.short_history_from}", after_short, "s")
    yield Figure(f"normalize_new_day_history_from_{size.long_history_from}", after_long, "s")
    yield Figure("normalize_new_day_long_times_short_history", after_long / after_short, "x", 1.3)


PARTS = {"csv": _csv, "memory": _memory, "workbook": _workbook, "year": _year, "nights": _nights}


def main() -> None:
    """Measure and print; the scratch folder is removed at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small files, no goals: proves that it runs")
    parser.add_argument("--parts", nargs="+", choices=FULL.parts, help="only these")
    arguments = parser.parse_args()
    size = QUICK if arguments.quick else FULL
    scratch = Path(tempfile.mkdtemp(prefix="inventra-benchmark-"))
    settings = Settings(home=scratch / "home", DATABASE_URL=None)
    try:
        with database(settings) as url:
            migrate(url, settings.dagster_database, is_embedded=True)
            bench = Bench(scratch, url)
            figures = [figure for part in arguments.parts or size.parts for figure in PARTS[part](bench, size)]
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if arguments.quick:
        figures = [replace(figure, goal=None) for figure in figures]
    print_report("ingest", figures, is_quick=arguments.quick)


if __name__ == "__main__":
    main()
