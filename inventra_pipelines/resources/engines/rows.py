"""What runs on a cluster's workers: rows of pickled chunks in, rows of pickled outcomes out.

Belongs here: the function that Fugue sends there, and what both sides must agree on. It imports little, since every
worker process does.
"""

import os
import pickle
import platform
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from inventra_pipelines.errors import PermanentError
from inventra_pipelines.resources.engines.outcomes import attempt, failure_of

# What the numbers come from: other versions may give others in the last bits, or more.
_SAME_EVERYWHERE = ("inventra-pipelines", "statsforecast", "coreforecast", "lightgbm", "numpy", "scipy")


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Versions of Python and of the packages that the numbers come from; `none` where one is not installed."""
    found = {"python": platform.python_version()}
    for package in _SAME_EVERYWHERE:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "none"
    return found


def check_versions(expected: dict[str, str]) -> None:
    """Compare this process with the one that sent the work.

    Raises:
        PermanentError: A version differs.
    """
    own = versions()
    for package, wanted in expected.items():
        if own[package] != wanted:
            raise PermanentError(
                f"node {platform.node()} of the cluster has {package} {own[package]}, and this run {wanted}",
                "install the same requirements.lock on every node, and restart its workers",
            )


def run_rows(rows: Iterable[list[Any]], work: bytes, expected: dict[str, str]) -> Iterable[list[Any]]:
    """Do the work of some rows.

    Args:
        rows: Position and pickled chunk of each.
        work: The function to call with each chunk, pickled: it is imported after the process was made one core's worth.
        expected: `versions()` of the process that sends the work.

    Yields:
        Position and pickled outcome of each row.
    """
    # Ray, Dask and Spark set the first of these to one themselves, unless they were told otherwise.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"):
        os.environ.setdefault(variable, "1")
    for position, chunk in rows:
        try:
            check_versions(expected)
            outcome = pickle.dumps(attempt(pickle.loads(work), pickle.loads(chunk)))
        except Exception as error:
            outcome = pickle.dumps(failure_of(error))
        yield [position, outcome]
