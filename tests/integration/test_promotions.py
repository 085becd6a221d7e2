"""Promotions from their files to the regressors of a forecast, as they were known on each day."""

from datetime import date
from pathlib import Path

import pytest
from dagster import AssetCheckSeverity

from inventra_pipelines.checks.forecast import promotions_count
from inventra_pipelines.db.batches import withdraw_batch
from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.reads.forecast import promotion_days, promotions
from inventra_pipelines.db.writes import Window
from inventra_pipelines.domain.forecast.demand.regressors import regressors
from inventra_pipelines.domain.tenant import ForecastConfig, TenantConfig
from inventra_pipelines.sources.ingest import ingest_windows
from inventra_pipelines.sources.landing import Landing
from tests.integration.warehouse import Row, Warehouse, day

Read = list[tuple[object, ...]]
VERSIONS = "item_id, location_id, starts_on, landed_on, ends_on, promotion, is_cancelled"


def versions(warehouse: Warehouse, tenant: str) -> Read:
    """Versions with days as numbers, in the order of key and landing."""
    rows = [tuple(row.values()) for row in warehouse.table("intermediate.int_promotion_versions", tenant, VERSIONS)]
    return sorted((tuple(map(_numbered, row)) for row in rows), key=lambda row: [str(cell) for cell in row])


def known(warehouse: Warehouse, *windows: Window) -> Read:
    with connect(warehouse.url, read_only=True) as connection:
        rows = promotions(connection, windows).rows()
    return sorted((tuple(map(_numbered, row)) for row in rows), key=lambda row: [str(cell) for cell in row])


def _numbered(cell: object) -> object:
    return (cell - day(0)).days if isinstance(cell, date) else cell


def test_codes_are_made_one_and_no_location_is_all_of_them(warehouse: Warehouse) -> None:
    shop = warehouse.tenant("promoted", pad_to=3)
    warehouse.add(shop, "item_aliases", {"alias_code": "a-box", "item_code": "a", "quantity_factor": 12})
    period = {"starts_on": day(5), "ends_on": day(9)}
    warehouse.add(
        shop,
        "promotions",
        period | {"item_code": "a-box"},
        period | {"item_code": " b ", "location_code": " north ", "promotion": " Spring "},
        {"item_code": "7", "starts_on": day(2), "location_code": " ", "promotion": " "},
    )
    warehouse.build_intermediate(shop)
    assert versions(warehouse, shop) == [
        ("007", None, 2, 0, 2, None, False),
        ("00A", None, 5, 0, 9, None, False),
        ("00B", "north", 5, 0, 9, "Spring", False),
    ]


def test_a_version_is_what_a_landing_day_changed(warehouse: Warehouse) -> None:
    shop = warehouse.tenant("promoter")
    row: Row = {"item_code": "A", "starts_on": day(20), "ends_on": day(22), "promotion": "Spring"}
    nights = (
        (0, [row]),
        (1, [row, row | {"location_code": "north"}]),
        # Of one day the last batch holds, and of a batch the last row.
        (2, [row | {"ends_on": day(21)}, row | {"ends_on": day(25)}]),
        (3, [row | {"ends_on": day(25)}]),
        (4, [row | {"ends_on": day(25), "status": " Cancelled"}]),
        (5, [row | {"ends_on": day(25), "promotion": "Easter", "status": "approved"}]),
    )
    for number, rows in nights:
        warehouse.add(shop, "promotions", *({"landed_on": day(number), "batch_id": number} | each for each in rows))
    warehouse.build_intermediate(shop)
    at_all = [
        ("A", None, 20, 0, 22, "Spring", False),
        ("A", None, 20, 2, 25, "Spring", False),
        ("A", None, 20, 4, 25, "Spring", True),
        ("A", None, 20, 5, 25, "Easter", False),
    ]
    assert versions(warehouse, shop) == [*at_all, ("A", "north", 20, 1, 22, "Spring", False)]

    assert known(warehouse, Window(shop, day(1), day(2)), Window(shop, day(4), day(4))) == [
        (shop, "A", None, 20, 22, 0),
        (shop, "A", None, 20, 25, 2),
        (shop, "A", None, 20, None, 4),
        (shop, "A", "north", 20, 22, 1),
    ]
    warehouse.execute(f"delete from raw.promotions where batch_id = '{shop}/promotions/2'")
    assert [row[3:5] for row in versions(warehouse, shop)] == [(0, 22), (3, 25), (4, 25), (5, 25), (1, 22)]


def test_the_projects_own_tests_of_promotions_pass(warehouse: Warehouse) -> None:
    runs = warehouse.dbt.test(warehouse.url, ["int_promotion_versions"], [], [])
    assert runs
    assert [run.test for run in runs if run.failures or run.message] == []


def test_days_on_promotion_are_those_of_sales_under_one(warehouse: Warehouse) -> None:
    shop, without = warehouse.tenant("flyers"), warehouse.tenant("plain")
    sold: Row = {"item_code": "A", "sold_on": day(20), "quantity": 2}
    for tenant in (shop, without):
        warehouse.add(tenant, "sales", sold, sold | {"item_code": "B"}, sold | {"sold_on": day(21)})
    under: Row = sold | {"promotion": "Spring", "batch_id": "2"}
    warehouse.add(
        shop,
        "sales",
        under,
        under | {"sold_on": day(22), "location_code": "north"},
        under | {"sold_on": day(23), "quantity": -1},
        under | {"sold_on": day(24), "promotion": " "},
        under | {"sold_on": day(2)},
        under | {"sold_on": day(40)},
    )
    windows = [Window(tenant, day(0), day(50)) for tenant in (shop, without)]
    warehouse.build(windows)
    asked = [Window(shop, day(23), day(25)), Window(without, day(25), day(25)), Window(shop, day(25), day(30))]
    eight_weeks = ForecastConfig(history_weeks=8, active_weeks=8)
    tenants = {tenant: TenantConfig(tenant_id=tenant, name=tenant, forecast=eight_weeks) for tenant in (shop, without)}
    with connect(warehouse.url, read_only=True) as connection:
        found = promotion_days(connection, asked, tenants)
        none = promotion_days(connection, [Window(without, day(0), day(50))], tenants)
        near = promotion_days(connection, [Window(shop, day(70), day(70))], tenants)
    assert found.columns == ["tenant_id", "item_id", "location_id", "sold_on"]
    assert sorted(tuple(map(_numbered, row)) for row in found.rows()) == [
        (shop, "A", "main", 2),
        (shop, "A", "main", 20),
        (shop, "A", "north", 22),
    ]
    assert none.is_empty()
    assert sorted(map(_numbered, near["sold_on"])) == [20, 22, 40], "eight weeks back"


def test_a_promotion_that_no_forecast_can_know_is_a_warning_that_names_it(warehouse: Warehouse) -> None:
    shop = warehouse.tenant("mistaken")
    warehouse.add(shop, "sales", {"item_code": "A", "sold_on": day(20), "quantity": 2, "location_code": "north"})
    warehouse.add(shop, "items", {"item_code": "B", "name": "not sold yet"})
    to_come: Row = {"item_code": "A", "starts_on": day(30), "ends_on": day(32)}
    sound = (
        to_come,
        to_come | {"location_code": "north"},
        to_come | {"item_code": "B"},
        to_come | {"item_code": "gone", "status": "cancelled"},
        to_come | {"item_code": "over", "starts_on": day(-4), "ends_on": day(-3)},
    )
    warehouse.add(shop, "promotions", *sound)
    windows = [Window(shop, day(0), day(25))]
    warehouse.build(windows)
    with connect(warehouse.url, read_only=True) as connection:
        assert promotions_count(connection, windows).passed
    unknown = "no such item is in the item list or was ever sold"
    wrong = {
        "it ends before it begins": to_come | {"starts_on": day(40)},
        unknown: to_come | {"item_code": "A-"},
        "nothing was sold or counted at such a location": to_come | {"location_code": "nroth"},
    }
    for number, (problem, row) in enumerate(wrong.items(), 1):
        warehouse.execute(f"delete from raw.promotions where batch_id = '{shop}/promotions/wrong'")
        warehouse.add(shop, "promotions", row | {"landed_on": day(number), "batch_id": "wrong"})
        with connect(warehouse.url, read_only=True) as connection:
            result = promotions_count(connection, windows)
            assert promotions_count(connection, [Window(shop, day(0), day(0))]).passed, "it has not landed yet"
        assert (result.passed, result.severity) == (False, AssetCheckSeverity.WARN)
        assert result.metadata["without_effect"].value == 1
        assert f"tenant {shop}: {problem}; correct it in promotions" in str(result.metadata["first_of_them"].value)


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    (tmp_path / "landing").mkdir()
    return Landing(str(tmp_path / "landing"), tmp_path / "kept")


def test_a_file_becomes_regressors_of_the_cutoffs_from_its_landing_on(warehouse: Warehouse, landing: Landing) -> None:
    tenant = warehouse.tenant("planner")
    config = TenantConfig(tenant_id=tenant, name=tenant)
    for number, text in (
        (0, f"SKU,Start Date,End Date\na,{day(9)},{day(15)}\nb,someday,\nb,{day(30)},\n"),
        (2, f"item_code,starts_on,ends_on,location\na,{day(9)},{day(10)},\nB,{day(8)},{day(9)},north\n"),
    ):
        folder = Path(landing.root.path) / tenant / f"{day(number)}"
        folder.mkdir(parents=True)
        (folder / "promotions.csv").write_text(text, encoding="utf-8")
    days = [Window(tenant, day(0), day(2))]
    ingest_windows(warehouse.url, landing, {tenant: config}, days, run_id="test")
    warehouse.build(days, ["intermediate"])

    def promoted(cutoff: int) -> list[list[float]] | None:
        with connect(warehouse.url, read_only=True) as connection:
            windows = [Window(tenant, day(cutoff), day(cutoff))]
            read = {
                "promotions": promotions(connection, windows),
                "promotion_days": promotion_days(connection, windows, {tenant: config}),
            }
        values = regressors(["A", "B", "B"], ["main", "main", "north"], day(cutoff), 1, 2, 7, **read, holidays={})
        return None if values is None else (values[:, :, 0] * 7).round(4).tolist()

    batches = warehouse.rows(
        f"select state, rows_rejected from raw.batches where tenant_id = '{tenant}' order by landed_on"
    )
    assert batches.rows() == [("partially_loaded", 1), ("loaded", 0)]
    assert promoted(0) == [[0, 0, 6], [0, 0, 0], [0, 0, 0]]
    assert promoted(2) == [[0, 1, 1], [0, 0, 0], [0, 2, 0]]
    assert promoted(-1) is None
    with connect(warehouse.url) as connection:
        (second,) = connection.execute(
            f"select batch_id from raw.batches where tenant_id = '{tenant}' and state = 'loaded'".encode()
        ).fetchone() or ("",)
        withdraw_batch(connection, second)
    assert promoted(2) == [[0, 1, 6], [0, 0, 0], [0, 0, 0]]
