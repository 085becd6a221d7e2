"""Engines without a cluster: addresses, what is missing, waves, outcomes, and what is said of each."""

import pickle
import socket
import time
from collections.abc import Iterator

import pytest

from inventra_pipelines.errors import InventraError, PermanentError, TransientError
from inventra_pipelines.resources.engines import sessions
from inventra_pipelines.resources.engines.address import shown, socket_of
from inventra_pipelines.resources.engines.outcomes import ChunkError, Failure, result_of
from inventra_pipelines.resources.engines.rows import run_rows, versions
from inventra_pipelines.resources.engines.sessions import check_engine, connect
from inventra_pipelines.resources.engines.waves import _cluster_error, waves
from inventra_pipelines.settings import Settings


def settings_of(engine: str, address: str | None = None) -> Settings:
    return Settings.model_validate({"engine": engine, "engine_address": address})


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.mark.parametrize(
    ("address", "place", "printed"),
    [
        ("tcp://head", ("head", 8786), "head:8786"),
        ("10.0.0.7:6379", ("10.0.0.7", 6379), "10.0.0.7:6379"),
        ("tls://scheduler:8786", ("scheduler", 8786), "scheduler:8786"),
        ("sc://spark.internal/;token=hush;use_ssl=true", None, "sc://spark.internal/"),
        ("spark://a:7077,b:7077", ("a", 7077), "a:7077"),
        ("auto", None, "auto"),
        ("yarn", None, "yarn"),
        ("local[4]", None, "local[4]"),
        ("k8s://https://user:hush@api:443", None, "api:443"),
    ],
)
def test_host_and_port_are_all_that_is_shown_of_an_address(
    address: str, place: tuple[str, int] | None, printed: str
) -> None:
    assert socket_of(address) == place
    assert shown(address) == printed
    assert "hush" not in repr(settings_of("spark", address))


@pytest.mark.parametrize(
    ("engine", "address"),
    [("ray", "127.0.0.1:{}"), ("dask", "tcp://127.0.0.1:{}"), ("spark", "spark://127.0.0.1:{}")],
)
def test_a_cluster_that_does_not_answer_is_told_at_once_with_its_setting(
    engine: str, address: str, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "find_spec", lambda module: object())
    monkeypatch.setattr(sessions, "version", lambda package: "1")
    monkeypatch.setattr(sessions, "has_java", lambda: True)
    began = time.monotonic()
    with pytest.raises(TransientError, match=f"nothing answers at 127.0.0.1:{closed_port}.*INVENTRA_ENGINE_ADDRESS"):
        connect(settings_of(engine, address.format(closed_port)))
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("engine", ["ray", "dask", "spark"])
def test_a_missing_package_is_an_error_that_names_its_extra(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "find_spec", lambda module: None)
    with pytest.raises(PermanentError) as error:
        check_engine(settings_of(engine))
    assert f"pip install 'inventra-pipelines[{engine}]'" in error.value.remedy


def test_spark_needs_java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "find_spec", lambda module: object())
    monkeypatch.setattr(sessions, "has_java", lambda: False)
    with pytest.raises(PermanentError, match="no Java"):
        check_engine(settings_of("spark"))


@pytest.mark.parametrize(("engine", "address"), [("spark", "sc://host/;token=hush"), ("ray", "ray://host:10001")])
def test_a_kind_of_address_that_does_not_work_is_refused(
    engine: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "find_spec", lambda module: object())
    with pytest.raises(PermanentError, match="not supported") as error:
        check_engine(settings_of(engine, address))
    assert "hush" not in str(error.value)


def test_an_address_without_an_engine_is_refused() -> None:
    with pytest.raises(ValueError, match="INVENTRA_ENGINE is not ray, dask or spark"):
        settings_of("local", "tcp://scheduler:8786")
    assert settings_of("local", " ").cluster_address is None


def test_waves_are_bounded_by_chunks_and_bytes_and_read_nothing_ahead() -> None:
    read = []

    def chunks() -> Iterator[bytes]:
        for size in (4, 4, 4, 9, 100, 1, 1, 1, 1):
            read.append(size)
            yield b"x" * size

    cut = waves(chunks(), most_chunks=3, most_bytes=10)
    assert [len(chunk) for chunk in next(cut)] == [4, 4]
    # The one that no longer fitted was read, and no more.
    assert read == [4, 4, 4]
    assert [[len(chunk) for chunk in wave] for wave in cut] == [[4], [9], [100], [1, 1, 1], [1]]


def test_a_worker_with_other_versions_refuses_the_work() -> None:
    ((position, outcome),) = run_rows([[5, pickle.dumps(4)]], pickle.dumps(abs), {**versions(), "numpy": "1.0"})
    failure = pickle.loads(outcome)
    assert position == 5 and isinstance(failure, Failure) and isinstance(failure.error, PermanentError)
    assert "numpy" in str(failure.error) and "requirements.lock" in failure.error.remedy


def test_a_failure_is_raised_with_the_traceback_of_where_it_was() -> None:
    ((_, outcome),) = run_rows([[0, pickle.dumps("seven")]], pickle.dumps(abs), versions())
    with pytest.raises(TypeError, match="bad operand") as error:
        result_of(pickle.loads(outcome))
    assert isinstance(error.value.__cause__, ChunkError) and "Traceback" in str(error.value.__cause__)


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("Traceback:\n  x\nModuleNotFoundError: No module named 'inventra_pipelines'", PermanentError, "every node"),
        (
            "Worker died.\nTraceback:\n  line 3\nray.OutOfMemoryError: 2 workers\n\n",
            TransientError,
            "OutOfMemoryError: 2",
        ),
        ("lost", TransientError, "failed: OSError, lost"),
        ("", TransientError, "failed: OSError, which says no more."),
    ],
    ids=["not installed", "a traceback", "one line", "nothing"],
)
def test_what_a_framework_says_becomes_one_line(text: str, kind: type[InventraError], said: str) -> None:
    error = _cluster_error(settings_of("ray"), OSError(text))
    assert type(error) is kind and said in str(error) and "\n" not in str(error)
