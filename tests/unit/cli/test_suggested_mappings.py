"""Whatever a file holds and a tenant states: what is suggested is a mapping that the tenant's file takes."""

import csv
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from inventra_pipelines.cli.mapping import mapping_yaml
from inventra_pipelines.domain.contracts import SALES
from inventra_pipelines.domain.ingest.rejects import FileRejected
from inventra_pipelines.domain.ingest.suggested_settings import SuggestedSetting, suggest_settings
from inventra_pipelines.domain.tenant import FileMapping, TenantConfig
from inventra_pipelines.sources.reader.suggest import suggest as suggest_mapping

_NUMBERS = ["1", "3,50", "2.50", "1.234", "1,234", "1.234,56", "1,234.56", "1 234", "€ 1,50", "-", "n/a", "x", "12.5-"]
_DATES = ["31.12.2025", "12/31/2025", "03/04/2025", "2025-12-31", "45678", "20251231", "03-Mar-24", "garbage", "-"]

_numbers = st.lists(st.sampled_from(_NUMBERS), min_size=1, max_size=6, unique=True)
_dates = st.lists(st.sampled_from(_DATES), min_size=1, max_size=5, unique=True)
_stated = st.fixed_dictionaries(
    {},
    optional={
        "decimal_mark": st.sampled_from([".", ","]),
        "thousands_mark": st.sampled_from([",", ".", " ", "'", None]),
        "null_values": st.just(["-"]),
        "currency_signs": st.just(["€"]),
        "date_formats": st.sampled_from([["%d.%m.%Y"], ["excel"], ["%m/%d/%Y"]]),
        "constants": st.just({"currency": "EUR"}),
    },
).filter(lambda stated: stated.get("thousands_mark") != stated.get("decimal_mark", "."))
# Surrogates are no text, and a line end or a NUL may not be read as it was written.
_headers = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0\x1a"), min_size=1, max_size=12)


def readings(found: list[SuggestedSetting]) -> list[dict[str, Any]]:
    """What is sure, and with it each thing that a person may say yes to."""
    sure = {of.name: of.value for of in found if of.is_sure}
    asked: dict[str, dict[str, Any]] = {}
    for of in found:
        if not of.is_sure:
            asked.setdefault(of.why, {})[of.name] = of.value
    return [sure, *({**sure, **answer} for answer in asked.values())]


@settings(max_examples=150, deadline=None)
@given(_stated, _dates, _numbers, _numbers)
@example({"thousands_mark": ","}, ["2025-12-31"], ["1"], ["3,50"])
@example({"decimal_mark": ",", "thousands_mark": "."}, ["2025-12-31"], ["1"], ["2.50", "12.75"])
def test_no_settings_are_suggested_that_a_mapping_refuses(
    stated: dict[str, Any], dates: list[str], quantities: list[str], prices: list[str]
):
    texts = {"sold_at": pl.Series(dates), "quantity": pl.Series(quantities), "unit_price": pl.Series(prices)}
    for chosen in readings(suggest_settings(texts, SALES, FileMapping.model_validate(stated))):
        mapping = FileMapping.model_validate({**stated, **chosen})
        assert mapping.decimal_mark != mapping.thousands_mark


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_stated, _dates, _numbers, st.lists(_headers, min_size=2, max_size=2, unique=True))
@example({"thousands_mark": ","}, ["31.12.2025"], ["3,50"], ["a\tb\x7f", "📦: #x"])
def test_what_is_pasted_is_taken(stated: dict[str, Any], dates: list[str], prices: list[str], others: list[str]):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sales.csv"
        with file.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, delimiter=";")
            writer.writerow(["Datum", "Artikel", "Menge", "Preis", *others])
            for row in range(max(len(dates), len(prices))):
                writer.writerow([dates[row % len(dates)], "A1", "1", prices[row % len(prices)], "x", "y"])
        try:
            suggestion = suggest_mapping(file, SALES, FileMapping.model_validate(stated), sorted(stated), file.name)
        except FileRejected:
            # Headers may look like something that no table has.
            return
    pasted = yaml.safe_load(mapping_yaml(suggestion))["datasets"]["sales"] or {}
    tenant = TenantConfig.model_validate({"tenant_id": "shop", "name": "Shop", "datasets": {"sales": pasted}})
    assert tenant.datasets["sales"].columns.keys() == pasted.get("columns", {}).keys()
