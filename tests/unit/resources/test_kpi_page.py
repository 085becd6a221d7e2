"""The page of key figures says what stands beside the models, and leaves no figure without a meaning."""

from pathlib import Path

import pytest

from inventra_pipelines.resources.dbt_descriptions import model_descriptions
from inventra_pipelines.resources.kpi_page import kpi_page

PAGE = Path(__file__).resolve().parents[3] / "docs" / "kpis.md"
REPORTS = [model for name, model in model_descriptions().items() if name.startswith("rpt_")]


def test_the_page_is_the_one_that_the_models_give():
    assert PAGE.read_text(encoding="utf-8") == kpi_page()


def test_there_are_figures():
    assert sum(len(model.columns) for model in REPORTS) > 25


@pytest.mark.parametrize("model", REPORTS, ids=lambda model: model.name)
def test_every_figure_has_a_meaning(model):
    assert [column.name for column in model.columns if not column.text] == []
    assert model.text.startswith("One row per tenant")


def test_a_bar_in_a_meaning_does_not_end_the_cell():
    rows = [line for line in kpi_page().splitlines() if line.startswith("| `")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {4}
