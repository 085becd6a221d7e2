"""Names of methods, known without the libraries behind them."""

import subprocess
import sys

import pytest
from pydantic import ValidationError

from inventra_pipelines.domain.forecast.methods.method_names import METHOD_NAMES, unknown_members
from inventra_pipelines.domain.forecast.methods.registry import CANDIDATES, POOLED_MEMBERS, SERIES_MEMBERS, ZERO
from inventra_pipelines.domain.tenant import ForecastConfig


def test_the_names_are_those_of_the_registry() -> None:
    assert {*SERIES_MEMBERS, *POOLED_MEMBERS, ZERO} == METHOD_NAMES


def test_every_candidate_is_known() -> None:
    assert [name for names in CANDIDATES.values() for name in names if unknown_members(name)] == []


@pytest.mark.parametrize(
    ("method", "unknown"),
    [
        pytest.param("SES", [], id="a-method"),
        pytest.param("SES+Guess+DOT+Luck", ["Guess", "Luck"], id="a-combination-of-some-that-are-none"),
        pytest.param("ses", ["ses"], id="another-case"),
        pytest.param("SES+", [""], id="a-plus-too-many"),
        pytest.param("", [""], id="nothing"),
    ],
)
def test_what_is_no_method_is_named(method: str, unknown: list[str]) -> None:
    assert unknown_members(method) == unknown


def test_a_configuration_of_an_unknown_method_is_refused_by_its_name() -> None:
    with pytest.raises(ValidationError, match=r"methods\.smooth: Guess is no method"):
        ForecastConfig(methods={"smooth": "SES+Guess"})


def test_names_are_known_without_loading_the_libraries() -> None:
    program = (
        "import sys, inventra_pipelines.domain.forecast.methods.method_names; "
        "print(sorted({'statsforecast', 'lightgbm', 'numpy', 'polars'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
