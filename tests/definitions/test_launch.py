"""What a failed run says on the screen: the error with its remedy, wherever in the chain it stands."""

import sys

import pytest
from dagster._utils.error import serializable_error_info_from_exc_info

from inventra_pipelines.cli.launch import _told
from inventra_pipelines.domain.forecast.forecast_rows import UnsoundForecastError
from inventra_pipelines.errors import PermanentError

OWN = PermanentError("the method Prophet is not installed", "Install it with: pip install")


def told(*chain: Exception) -> str:
    """Of errors that were raised from one another, the first one last."""
    error: Exception | None = None
    for one in reversed(chain):
        one.__cause__, error = error, one
    try:
        raise chain[0]
    except Exception:
        return _told(serializable_error_info_from_exc_info(sys.exc_info())).message.strip().partition(": ")[2]


@pytest.mark.parametrize(
    ("chain", "words"),
    [
        pytest.param([RuntimeError("step failed"), OWN, ImportError("no module")], str(OWN), id="ours-above-a-cause"),
        pytest.param([RuntimeError("step failed"), ValueError("bad")], "bad", id="none-of-ours"),
        pytest.param([OWN], str(OWN), id="ours-alone"),
        pytest.param(
            [RuntimeError("step failed"), UnsoundForecastError("no", "do"), ValueError("x")], "no. do.", id="a-subclass"
        ),
    ],
)
def test_an_error_of_ours_is_told_and_else_what_it_began_with(chain: list[Exception], words: str) -> None:
    assert told(*chain) == words
