"""The files of `demo/` are the source's, and landing them is repeatable."""

import gzip
import shutil
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from upath import UPath

from inventra_pipelines.domain.simulation.supply import SimulatedSupply
from inventra_pipelines.errors import PermanentError
from inventra_pipelines.sources.demo_files import (
    LAST_DAY,
    gifts_sales_files,
    land_demo,
    product_sales,
    read_sales_lines,
    simulate_demo_supply,
)
from inventra_pipelines.tenants import load_tenants

PROJECT = Path(__file__).parents[3]
DEMO = PROJECT / "demo"
SOURCE = PROJECT.parent / "shared" / "data"
needs_source = pytest.mark.skipif(not SOURCE.is_dir(), reason=f"the source data is not at {SOURCE} (2026-11-20)")


@pytest.fixture(scope="module")
def demo_supply() -> SimulatedSupply:
    return simulate_demo_supply(DEMO)


@pytest.fixture
def small_demo(tmp_path: Path) -> Path:
    """A demo of the first eight sales files."""
    folder = tmp_path / "demo"
    shutil.copytree(DEMO / "tenants", folder / "tenants")
    shutil.copytree(DEMO / "sales" / "gifts-export", folder / "sales" / "gifts-export")
    (folder / "sales" / "gifts").mkdir()
    for path in sorted((DEMO / "sales" / "gifts").glob("*.csv.gz"))[:8]:
        shutil.copy(path, folder / "sales" / "gifts")
    return folder


def contents(root: Path | UPath) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@needs_source
def test_shipped_daily_files_equal_the_source() -> None:
    shipped = {f"{day}.csv": gzip.decompress(path.read_bytes()) for day, path in gifts_sales_files(DEMO).items()}
    assert shipped == {path.name: path.read_bytes() for path in (SOURCE / "online_retail" / "by_day").glob("*.csv")}


@needs_source
def test_the_shipped_workbook_equals_the_source() -> None:
    name = "online_retail_II.xlsx"
    source = (SOURCE / "online_retail_ii" / name).read_bytes()
    assert (DEMO / "sales" / "gifts-export" / name).read_bytes() == source


def test_shipped_daily_files_hold_541909_rows_in_305_files() -> None:
    files = gifts_sales_files(DEMO)
    assert len(files) == 305
    tenant = load_tenants(DEMO / "tenants")["gifts"]
    lines = read_sales_lines(list(files.values()), tenant)
    assert lines.height == 541_909
    assert lines["sold_on"].unique().sort().to_list() == list(files)


def test_shipped_gzip_files_carry_no_time() -> None:
    assert all(path.read_bytes()[4:8] == b"\0\0\0\0" for path in gifts_sales_files(DEMO).values())


def test_the_demos_tenants_load_and_run_at_different_times() -> None:
    tenants = load_tenants(DEMO / "tenants")
    assert set(tenants) == {"gifts", "gifts-export"}
    assert len({tenant.nightly_at for tenant in tenants.values()}) == 2
    assert tenants["gifts"].is_stock_simulated
    assert not tenants["gifts-export"].is_stock_simulated
    assert tenants["gifts-export"].feeds["sales"].weekdays == []


def test_simulated_feeds_land_on_the_weekdays_that_the_tenant_expects(demo_supply: SimulatedSupply) -> None:
    tenant = load_tenants(DEMO / "tenants")["gifts"]
    for dataset in ("stock", "purchase_orders"):
        landed = getattr(demo_supply, dataset)["landed_on"].unique()
        assert set(landed.dt.strftime("%A").str.to_lowercase()) == set(tenant.feeds[dataset].weekdays)


def test_orders_cancelled_on_their_day_take_nothing_off_the_shelf() -> None:
    tenant = load_tenants(DEMO / "tenants")["gifts"]
    lines = read_sales_lines([gifts_sales_files(DEMO)[LAST_DAY]], tenant)
    assert lines["quantity"].max() == 80_995
    sales = product_sales(lines, tenant)
    assert 0 < sales["quantity"].min() <= sales["quantity"].max() < 5_000
    assert sales.filter(pl.col("item_code").str.contains("^[^0-9]")).is_empty()


def test_the_demos_year_ends_with_plausible_stock(demo_supply: SimulatedSupply) -> None:
    tenant = load_tenants(DEMO / "tenants")["gifts"]
    sales = product_sales(read_sales_lines(list(gifts_sales_files(DEMO).values()), tenant), tenant)
    recent = sales.filter(pl.col("sold_on") > LAST_DAY - timedelta(days=91)).group_by("item_code")
    last = (
        demo_supply.stock.sort("counted_on")
        .unique("item_code", keep="last")
        .join(recent.agg((pl.col("quantity").sum() / 91).alias("rate")), on="item_code", how="left")
    )
    out_of_stock = last.select((pl.col("quantity_on_hand") == 0).mean()).item()
    is_excess = (pl.col("rate") > 0) & (pl.col("quantity_on_hand") > 180 * pl.col("rate"))
    excess = last.select(is_excess.fill_null(False).mean()).item()
    lines = demo_supply.purchase_orders.filter(pl.col("received_on").is_not_null())
    late = lines.select((pl.col("received_on") > pl.col("expected_on")).mean()).item()
    assert 0.03 <= out_of_stock <= 0.08
    assert 0.05 <= excess <= 0.10
    assert 0.10 <= late <= 0.20
    assert demo_supply.stock.height <= 500_000


def test_landing_twice_changes_no_file_and_mends_a_changed_one(small_demo: Path, tmp_path: Path) -> None:
    root = tmp_path / "landing"
    first = land_demo(small_demo, str(root))
    landed = contents(root)
    assert first.files_written == len(landed) > 20
    assert landed["gifts/2010-12-01/sales.csv.gz"] == (small_demo / "sales/gifts/2010-12-01.csv.gz").read_bytes()
    assert "gifts-export/2011-12-09/sales.xlsx" in landed
    assert not [name for name in landed if ".part" in name]
    times = {path: path.stat().st_mtime_ns for path in root.rglob("*.gz")}

    again = land_demo(small_demo, str(root))
    assert (again.files_written, again.files_unchanged) == (0, len(landed))
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*.gz")} == times

    (root / "gifts/2010-12-02/stock.csv.gz").write_bytes(b"broken")
    assert land_demo(small_demo, str(root)).files_written == 1
    assert contents(root) == landed


def test_landing_works_on_an_object_store(small_demo: Path, tmp_path: Path) -> None:
    root = UPath("memory://demo-landing-test/landing")
    land_demo(small_demo, str(root))
    land_demo(small_demo, str(tmp_path / "landing"))
    local = contents(tmp_path / "landing")
    assert {name: (root / name).read_bytes() for name in local} == local
    assert land_demo(small_demo, str(root)).files_written == 0


def test_each_dataset_is_reported_in_a_line(small_demo: Path, tmp_path: Path) -> None:
    said: list[str] = []
    land_demo(small_demo, str(tmp_path / "landing"), report=said.append)
    assert [line.partition(":")[0] for line in said] == [
        "gifts sales",
        "gifts items",
        "gifts suppliers",
        "gifts purchase_orders",
        "gifts stock",
        "gifts-export sales",
    ]


def test_a_demo_without_sales_names_the_folder(small_demo: Path, tmp_path: Path) -> None:
    shutil.rmtree(small_demo / "sales" / "gifts")
    with pytest.raises(PermanentError, match=r"no sales files in .*gifts"):
        land_demo(small_demo, str(tmp_path / "landing"))


def test_a_demo_file_that_is_not_csv_is_one_clear_error(small_demo: Path, tmp_path: Path) -> None:
    (small_demo / "sales/gifts/2010-12-02.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n"))
    with pytest.raises(PermanentError, match="cannot be read"):
        land_demo(small_demo, str(tmp_path / "landing"))
