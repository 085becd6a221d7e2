"""The marts' figures: `python -m benchmarks.analytics [--quick]`.

The demo's two tenants are landed, ingested and normalized; then all marts are built from nothing over the whole
calendar, and for one night of `gifts` on top of it. Each is a process of its own: its start, dbt's included, counts;
that of the embedded server does not. A night is the median of several days. Then the same on a larger installation: the
rows of `gifts` repeated in its raw tables under other item, document and batch codes, 10 million sales rows of 49,000
items, and normalized anew.

Before each build from scratch the marts are emptied; after all, their revenue and units are held against the lines.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from benchmarks.report import PROJECT, Figure, measure, print_report
from inventra_pipelines.db.embedded import database
from inventra_pipelines.settings import Settings
from inventra_pipelines.sources.demo_files import land_demo

_FIRST_DAY = date(2010, 12, 1)


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Attributes:
        last_day: Last day of the calendar.
        nights: Days before the last one, it included, that are built one by one.
        item_copies: Into how many an item is made in the larger installation; 0 leaves that out.
        sales_copies: How many times a sales row stands there.
    """

    last_day: date
    nights: int
    item_copies: int
    sales_copies: int


FULL = Size(date(2011, 12, 9), nights=5, item_copies=13, sales_copies=19)
QUICK = Size(date(2010, 12, 14), nights=1, item_copies=0, sales_copies=0)


def _step(home: Path, size: Size, name: str, *arguments: object) -> tuple[dict[str, Any], float]:
    """Run a step of `analytics_steps.py`; what it says, and the seconds of its whole process."""
    environment = {
        "INVENTRA_HOME": str(home),
        "INVENTRA_TENANTS_DIR": str(PROJECT / "demo" / "tenants"),
        "INVENTRA_FIRST_DAY": str(_FIRST_DAY),
        "INVENTRA_LAST_DAY": str(size.last_day),
    }
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.analytics_steps", name, *map(str, arguments)]
    went = measure(command, environment)
    result = next(line for line in reversed(went.output.splitlines()) if line.startswith("{"))
    return json.loads(result), went.seconds


def _build(home: Path, size: Size) -> tuple[float, float, list[str]]:
    """Seconds from scratch and for a night, and the slowest models of the former."""
    _step(home, size, "empty")
    models, scratch = _step(home, size, "build", _FIRST_DAY, size.last_day)
    nights = []
    for back in range(size.nights):
        day = size.last_day - timedelta(days=back)
        nights.append(_step(home, size, "build", day, day)[1])
    _step(home, size, "check")
    slowest = sorted(models["seconds"].items(), key=lambda entry: -entry[1])[:5]
    return scratch, statistics.median(nights), [f"{name} {seconds:.1f} s" for name, seconds in slowest]


def _figures(scratch: Path, size: Size) -> Iterator[Figure]:
    home = scratch / "home"
    land_demo(PROJECT / "demo", str(home / "landing"), report=lambda _line: None)
    rows = _step(home, size, "normalize", _FIRST_DAY, size.last_day)[0]["sales_rows"]
    seconds, night, slowest = _build(home, size)
    sys.stderr.write(f"{rows:,} sales rows: {seconds:.1f} s, a night {night:.1f} s; {', '.join(slowest)}\n")
    goals = (45, 8) if size is FULL else (None, None)
    yield Figure("sales_rows", rows, "rows")
    yield Figure("marts_from_scratch", seconds, "s", goals[0])
    yield Figure("marts_of_a_night", night, "s", goals[1])
    if not size.item_copies:
        return
    many = _step(home, size, "repeat", size.item_copies, size.sales_copies, _FIRST_DAY, size.last_day)[0]["sales_rows"]
    many_seconds, many_night, slowest = _build(home, size)
    sys.stderr.write(f"{many:,} sales rows: {many_seconds:.1f} s, a night {many_night:.1f} s; {', '.join(slowest)}\n")
    yield Figure("many_sales_rows", many, "rows")
    yield Figure("marts_from_scratch_many_rows", many_seconds, "s")
    yield Figure("marts_from_scratch_times_per_row", (many_seconds / many) / (seconds / rows), "x", 1)
    yield Figure("marts_of_a_night_many_rows", many_night, "s")
    yield Figure("marts_of_a_night_times_few_rows", many_night / night, "x", 2)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; the scratch home is removed at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two weeks instead of a year: proves that it runs")
    size = QUICK if parser.parse_args(arguments).quick else FULL
    scratch = Path(tempfile.mkdtemp(prefix="inventra-benchmark-"))
    try:
        with database(Settings(home=scratch / "home", DATABASE_URL=None)):
            figures = list(_figures(scratch, size))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print_report("analytics", figures, is_quick=size is QUICK)


if __name__ == "__main__":
    main()
