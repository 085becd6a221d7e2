"""A connection to Ray, Dask or Spark: to the cluster of INVENTRA_ENGINE_ADDRESS, or to a small one of this process.

Belongs here: what each engine needs, how it is reached and how it is left. What is sent there is `waves.py`.
"""

import logging
import os
import shutil
import sys
import tempfile
import warnings
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
        PermanentError: A package of its extra is missing, or Java.
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
    if kind == "spark" and not (address or "").startswith("sc://") and not has_java():
        raise PermanentError(
            "INVENTRA_ENGINE is spark, but this machine has no Java",
            "install Java 17 or newer, or set INVENTRA_ENGINE_ADDRESS to a Spark Connect server, sc://host:15002",
        )
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
        # Not from the error itself: what engines say of an address has all of it, tokens included.
        raise TransientError(
            f"engine {kind} {place} cannot be used ({type(error).__name__})",
            "see that the cluster runs and takes new work, or correct INVENTRA_ENGINE and INVENTRA_ENGINE_ADDRESS",
        ) from None


def _ray(address: str | None, workers: int) -> Session:
    # No reports of use to its makers.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
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
            _node_ip_address="127.0.0.1",
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

    # Spark Connect cannot promise partitions of the same size; rows go to workers by chance then, which is as well.
    warnings.filterwarnings("ignore", message="Even repartitioning is not supported")
    builder = SparkSession.builder.appName("inventra")
    if address and address.startswith("sc://"):
        builder = builder.remote(address)
    elif address:
        builder = builder.master(address)
    else:
        # Spark would take the first python3 of the path for its workers; its setting is read by spark-submit only.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        builder = builder.master(f"local[{workers}]")
        builder = builder.config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
    session = builder.config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false").getOrCreate()
    # Fugue keeps each frame that it cuts into partitions.
    return Session(SparkExecutionEngine(session), session.stop, session.catalog.clearCache)
