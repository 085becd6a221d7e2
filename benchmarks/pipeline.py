"""The walking pipeline's figures: `python -m benchmarks.pipeline [--quick]`.

Runs the demo in a home folder of its own, as a new user does; then, in a second one where the files have landed and
nothing has run, a year's history of `gifts` in one run, and a night on top of it. Each is a process of its own, start
included; the night's files have been read once by then. Peak memory is the resident set of the largest process.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.report import PROJECT, Figure, measure, print_report
from inventra_pipelines.sources.demo_files import land_demo

_INVENTRA = [sys.executable, "-m", "inventra_pipelines.cli"]
_BACKFILL_GIFTS = [*_INVENTRA, "backfill", "--tenant", "gifts", "--stages", "history"]


def _landed(home: Path) -> dict[str, str]:
    """A home folder in which the demo's files have landed, and nothing has run; gives its environment."""
    land_demo(PROJECT / "demo", str(home / "landing"), report=lambda _line: None)
    return {
        "INVENTRA_HOME": str(home),
        "INVENTRA_TENANTS_DIR": str(PROJECT / "demo" / "tenants"),
        "INVENTRA_FIRST_DAY": "2010-12-01",
        "INVENTRA_LAST_DAY": "2011-12-09",
    }


def _full(scratch: Path) -> list[Figure]:
    timings = scratch / "timings.json"
    demo = measure([*_INVENTRA, "demo", "--timings", str(timings)], {"INVENTRA_HOME": str(scratch / "demo")})
    parts = json.loads(timings.read_text())["parts"]
    environment = _landed(scratch / "gifts")
    history = measure([*_BACKFILL_GIFTS, "--from", "2010-12-01", "--to", "2011-12-09"], environment)
    night = measure([*_INVENTRA, "run", "--tenant", "gifts", "--date", "2011-12-09"], environment)
    peak = max(demo.peak_process_mb, history.peak_process_mb, night.peak_process_mb)
    return [
        Figure("demo", demo.seconds, "s", 150),
        Figure("demo_orchestration_overhead", parts["orchestration"], "s"),
        Figure("history_541909_rows_one_run", history.seconds, "s", 90),
        Figure("nightly_all_stages", night.seconds, "s", 45),
        Figure("peak_memory_of_any_process", peak, "MB", 1500),
    ]


def _quick(scratch: Path) -> list[Figure]:
    """One week of one tenant, without the demo: proves that the commands run, and nothing about speed."""
    environment = _landed(scratch / "gifts")
    history = measure([*_BACKFILL_GIFTS, "--from", "2010-12-01", "--to", "2010-12-08"], environment)
    night = measure([*_INVENTRA, "run", "--tenant", "gifts", "--date", "2010-12-09"], environment)
    peak = max(history.peak_process_mb, night.peak_process_mb)
    return [
        Figure("history_first_week", history.seconds, "s"),
        Figure("nightly_all_stages_in_the_second_week", night.seconds, "s"),
        Figure("peak_memory_of_any_process", peak, "MB", 1500),
    ]


def main() -> None:
    """Measure and print; the scratch home is removed at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a week instead of a year: proves that it runs")
    is_quick = parser.parse_args().quick
    scratch = Path(tempfile.mkdtemp(prefix="inventra-benchmark-"))
    try:
        figures = (_quick if is_quick else _full)(scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print_report("pipeline", figures, is_quick=is_quick)


if __name__ == "__main__":
    main()
