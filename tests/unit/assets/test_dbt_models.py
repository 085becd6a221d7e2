"""What Dagster's page gets of a model: its columns, the days of a run, and figures as lines of bars."""

from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest
from dagster import AssetKey, TableSchema

from inventra_pipelines.assets.dbt_models import model_spec, rows_metadata, sparkline, trend_metadata
from inventra_pipelines.db.writes import Window
from inventra_pipelines.resources.dbt import ModelRun
from inventra_pipelines.resources.dbt_descriptions import model_descriptions

KEY = AssetKey(["analytics", "rpt_daily_kpis"])
FIRST = date(2024, 3, 4)


def test_an_asset_has_the_columns_of_its_model():
    spec = model_spec(KEY, [])
    model = model_descriptions()["rpt_daily_kpis"]
    schema = spec.metadata["dagster/column_schema"]
    assert isinstance(schema, TableSchema)
    assert [column.name for column in schema.columns] == [column.name for column in model.columns]
    revenue = next(column for column in schema.columns if column.name == "revenue_28d")
    assert (revenue.type, bool(revenue.description)) == ("numeric(38, 4)", True)
    assert spec.metadata["dagster/table_name"] == "marts.rpt_daily_kpis"
    assert "docs/kpis.md" in spec.metadata["documentation"].value


@pytest.mark.parametrize(
    ("values", "bars"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█"),
        ([None, 100, 98, None, 50], "·██·▅"),
        ([-7, 0, 7], "▁▅█"),
        ([-2, -1], "▁▅"),
        ([0, 0], "▁▁"),
        ([Decimal("3.50")], "█"),
        ([None, None], "··"),
        ([], ""),
    ],
    ids=["steps", "gaps", "both-sides", "below", "zeros", "money", "unknown", "no-days"],
)
def test_bars_begin_at_zero_and_gaps_stay_gaps(values: list[Decimal | float | None], bars: str):
    assert sparkline(values) == bars


def test_a_trend_is_a_line_for_each_tenant_and_figure():
    rows = pl.DataFrame(
        {
            "tenant_id": ["a", "a", "b", "b"],
            "as_of_on": [FIRST, FIRST + timedelta(1)] * 2,
            "revenue": [Decimal(1000), Decimal(2000), Decimal(5), None],
            "items_out_of_stock": [None, None, 0, 3],
        }
    )
    assert trend_metadata(rows).value.splitlines()[2:] == [
        "| a | revenue | ▅█ | 2,000.00 | 2 days to 2024-03-05 |",
        "| b | revenue | █· |  | 2 days to 2024-03-05 |",
        "| b | items_out_of_stock | ▁█ | 3 | 2 days to 2024-03-05 |",
    ]
    assert trend_metadata(rows.clear()).value == "no rows for these days"


@pytest.mark.parametrize(
    ("windows", "said"),
    [
        ([], "none: no file touched a business day"),
        ([Window("a", FIRST, FIRST)], "a 2024-03-04"),
        (
            [
                Window("b", FIRST, FIRST),
                *(Window("a", FIRST + timedelta(7 * n), FIRST + timedelta(7 * n + 5)) for n in (1, 0)),
            ],
            "a 2024-03-04 to 2024-03-16, 12 days; b 2024-03-04",
        ),
    ],
    ids=["none", "day", "weeks"],
)
def test_windows_are_said_in_a_few_words(windows: list[Window], said: str):
    found = rows_metadata([ModelRun("rpt_daily_kpis", 12, 0.123)], KEY, windows)
    assert found == {"dagster/row_count": 12, "seconds": 0.12, "windows": said}
