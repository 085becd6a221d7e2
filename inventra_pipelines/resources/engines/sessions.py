"""A connection to Ray, Dask or Spark: to the cluster of INVENTRA_ENGINE_ADDRESS, or to a small one of this process.

Belongs here: what each engine needs, how it is reached and how it is left. What is sent there is `waves.py`.
"""

import logging
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from inventra_pipelines.errors import InventraError, PermanentError, TransientError
from inventra_pipelines.resources.engines.address import check_reachable, shown
from inventra_pipelines.settings import Settings, has_java

# Modules of each engine's extra; Fugue itself comes with statsforecast. Its Ray engine sits on DuckDB.
_MODULES = {"ray": ("ray", "duckdb"), "dask": ("dask", "distributed"), "spark": ("pyspark",)}

# With Spark 4, Fugue 0.9.7 takes a session of Spark Connect for one with a driver, and fails. Ray Client of Ray 2.60
# did not connect to a cluster that host:port reached.
_REFUSED = {
    "sc://": ("Spark Connect", "give the address of the cluster's master, such as spark://host:7077"),
    "ray://": ("Ray Client", "run on a node of the cluster, with host:6379 or auto"),
}

# Of a small Ray cluster of this process: a wave's chunks and results with room to spare.
_OBJECT_STORE_BYTES = 1 << 30


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Session:
    """A cluster that is connected.

    Attributes:
        engine: Fugue's execution engine.
        stop: Leaves the cluster; ends it where it is this process's own.
        forget: Drops what the cluster keeps of work that is done.
    """

    engine: Any
    stop: Callable[[], None]
    forget: Callable[[], None] = _nothing


def check_engine(settings: Settings) -> str:
    """What the engine of the settings runs on, in words.

    Raises:
        PermanentError: A package of its extra is missing, or Java; or the address is of a kind that does not work.
    """
    kind, address = settings.engine, settings.cluster_address
    if kind == "local":
        return f"local, {settings.workers} processes"
    missing = [module for module in _MODULES[kind] if find_spec(module) is None]
    if missing:
        raise PermanentError(
            f"INVENTRA_ENGINE is {kind}, but {' and '.join(missing)} cannot be imported",
            f"install it: pip install 'inventra-pipelines[{kind}]'",
        )
    for scheme, (name, remedy) in _REFUSED.items():
        if (address or "").startswith(scheme):
            raise PermanentError(f"INVENTRA_ENGINE_ADDRESS is one of {name}, which is not supported", remedy)
    if kind == "spark" and not has_java():
        raise PermanentError("INVENTRA_ENGINE is spark, but this machine has no Java", "install Java 17 or newer")
    place = f"at {shown(address)}" if address else f"on this machine, {settings.workers} processes"
    return f"{kind} {version(_MODULES[kind][0])}, fugue {version('fugue')}, {place}"


def connect(settings: Settings) -> Session:
    """Connect to the cluster of the settings, or start a small one.

    Raises:
        PermanentError: A package is missing.
        TransientError: The cluster does not answer, or a small one did not start.
    """
    kind, address = settings.engine, settings.cluster_address
    check_engine(settings)
    check_reachable(settings)
    try:
        return {"ray": _ray, "dask": _dask, "spark": _spark}[kind](address, settings.workers)
    except InventraError:
        raise
    except ImportError as error:
        raise PermanentError(
            f"INVENTRA_ENGINE is {kind}, but it cannot be imported ({error})",
            f"install it: pip install 'inventra-pipelines[{kind}]'",
        ) from error
    except Exception as error:
        place = f"at {shown(address)}" if address else "on this machine"
        # Not from the error itself: what engines say of an address has all of it, passwords included.
        raise TransientError(
            f"engine {kind} {place} cannot be used ({type(error).__name__})",
            "see that the cluster runs and takes new work, or correct INVENTRA_ENGINE and INVENTRA_ENGINE_ADDRESS",
        ) from None


def _ray(address: str | None, workers: int) -> Session:
    # No reports of use to its makers.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if not address:
        # Its programs listen on every network of the machine, so they are to obey this process alone. Read
        # at import; unset, Ray 2.60 keeps a token for all of a user's clusters in the home folder.
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    import ray
    import ray.data
    from fugue_ray import RayExecutionEngine

    quiet = {"log_to_driver": False, "logging_level": "error"}
    folder = None
    if address:
        ray.init(address=address, **quiet)
    else:
        # Below /tmp itself: the names of its sockets may have no more than 107 characters.
        folder = tempfile.mkdtemp(prefix="inventra-ray-", dir="/tmp")
        ray.init(
            address="local",
            num_cpus=workers,
            include_dashboard=False,
            object_store_memory=_OBJECT_STORE_BYTES,
            _temp_dir=folder,
            **quiet,
        )
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)

    def stop() -> None:
        ray.shutdown()
        if folder:
            shutil.rmtree(folder, ignore_errors=True)

    return Session(RayExecutionEngine(), stop)


def _dask(address: str | None, workers: int) -> Session:
    from distributed import Client, LocalCluster
    from fugue_dask import DaskExecutionEngine

    cluster = None
    if not address:
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            silence_logs=logging.ERROR,
        )
    client = Client(cluster or address, timeout=30)

    def stop() -> None:
        client.close()
        if cluster is not None:
            cluster.close()

    return Session(DaskExecutionEngine(client), stop)


def _spark(address: str | None, workers: int) -> Session:
    from fugue_spark import SparkExecutionEngine
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("inventra")
    if not address or address.startswith("local"):
        # Spark would take the first python3 of the path for its workers; its setting is read by spark-submit only.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        builder = builder.config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
    builder = builder.master(address or f"local[{workers}]")
    session = builder.config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false").getOrCreate()
    # Fugue keeps each frame that it cuts into partitions.
    return Session(SparkExecutionEngine(session), session.stop, session.catalog.clearCache)
