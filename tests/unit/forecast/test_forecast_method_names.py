"""Names of methods, known without the libraries behind them."""

import subprocess
import sys

import pytest
from pydantic import ValidationError

from inventra_pipelines.domain.forecast.methods.method_names import METHOD_NAMES, what_is_wrong_with
from inventra_pipelines.domain.forecast.methods.registry import CANDIDATES, POOLED_MEMBERS, SERIES_MEMBERS, ZERO
from inventra_pipelines.domain.tenant import ForecastConfig


def test_the_names_are_those_of_the_registry() -> None:
    assert {*SERIES_MEMBERS, *POOLED_MEMBERS, ZERO} == METHOD_NAMES


def test_every_candidate_is_known() -> None:
    assert [name for names in CANDIDATES.values() for name in names if what_is_wrong_with(name)] == []


@pytest.mark.parametrize(
    ("method", "wrong"),
    [
        pytest.param("SES", None, id="a-method"),
        pytest.param("SES+DOT", None, id="a-combination"),
        pytest.param("SES+Guess+DOT+Luck", "'Guess' is no method", id="a-combination-of-some-that-are-none"),
        pytest.param("ses", "'ses' is no method, did you mean 'SES'?", id="another-case"),
        pytest.param("DOT + CES", "'DOT ' is no method, did you mean 'DOT'?", id="spaces"),
        pytest.param("SES+", "'' is no method", id="a-plus-too-many"),
        pytest.param("", "'' is no method", id="nothing"),
        pytest.param("DOT+CES+DOT", "'DOT' stands twice", id="twice"),
    ],
)
def test_what_is_no_method_is_named(method: str, wrong: str | None) -> None:
    assert what_is_wrong_with(method) == wrong


def test_a_configuration_of_an_unknown_method_is_refused_by_its_name() -> None:
    with pytest.raises(ValidationError, match=r"methods\.smooth: 'Guess' is no method"):
        ForecastConfig(methods={"smooth": "SES+Guess"})


def test_items_cannot_be_active_longer_than_they_are_looked_at() -> None:
    with pytest.raises(ValidationError, match="active_weeks 26 is more than history_weeks 8"):
        ForecastConfig(history_weeks=8)
    assert ForecastConfig(history_weeks=8, active_weeks=8).active_weeks == 8


def test_names_are_known_without_loading_the_libraries() -> None:
    program = (
        "import sys, inventra_pipelines.domain.forecast.methods.method_names; "
        "print(sorted({'statsforecast', 'lightgbm', 'numpy', 'polars'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
