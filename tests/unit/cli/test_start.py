"""How the command line starts: a look into tables waits for nothing that only a run needs."""

import subprocess
import sys

from tests.conftest import PROJECT

_OF_RUNS = {"dagster", "dbt", "statsforecast", "pandas", "reportlab", "fastapi"}


def test_a_command_that_runs_nothing_imports_nothing_that_only_a_run_needs() -> None:
    code = "import sys, inventra_pipelines.cli.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=True)
    imported = done.stdout.split()
    assert "typer" in imported
    assert _OF_RUNS.intersection(imported) == set()
