"""What counts as landed, and that what was read is kept."""

import hashlib
from datetime import date
from pathlib import Path

import pytest

from inventra_pipelines.errors import TransientError
from inventra_pipelines.sources.landing import Landing

DAY = date(2024, 1, 2)


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(str(tmp_path / "landing"), tmp_path / "kept")


def land(landing: Landing, name: str, content: bytes = b"x", tenant: str = "shop", day: date = DAY) -> Path:
    path = Path(landing.root.path) / tenant / f"{day}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_files_of_the_range_are_found_by_day_and_name(landing):
    for day in (1, 2, 20, 31):
        land(landing, "stock.csv", day=date(2024, 1, day))
    land(landing, "sales_1.csv.gz")
    land(landing, "Purchase_Orders-north.xlsx")
    land(landing, "sales.csv", tenant="other")
    (Path(landing.root.path) / "shop" / "notes").mkdir()
    found = [
        (f.landed_on.day, f.file_name, f.dataset) for f in landing.files("shop", date(2024, 1, 2), date(2024, 1, 20))
    ]
    assert found == [
        (2, "Purchase_Orders-north.xlsx", "purchase_orders"),
        (2, "sales_1.csv.gz", "sales"),
        (2, "stock.csv", "stock"),
        (20, "stock.csv", "stock"),
    ]
    assert [f.file_name for f in landing.files("shop", DAY, DAY)] == [name for day, name, _ in found if day == 2]


def test_a_landing_zone_that_is_not_there_is_an_error_not_a_day_without_files(landing):
    with pytest.raises(TransientError, match="INVENTRA_LANDING_DIR"):
        landing.files("shop", DAY, DAY)
    Path(str(landing.root)).write_text("a file")
    with pytest.raises(TransientError, match="no folder"):
        landing.files("shop", DAY, DAY)


def test_a_tenant_or_day_without_a_folder_has_no_files(landing):
    Path(str(landing.root)).mkdir()
    assert landing.files("shop", DAY, DAY) == []
    assert landing.files("shop", date(2020, 1, 1), DAY) == []


@pytest.mark.parametrize("name", [".sales.csv", "~$sales.xlsx", "sales.csv.tmp", "sales.csv.part", "sales.CRDOWNLOAD"])
def test_unfinished_and_hidden_files_are_passed_over(landing, name):
    land(landing, name)
    assert landing.files("shop", DAY, DAY) == []


def test_a_name_without_a_dataset_a_link_and_a_folder_are_refused(landing):
    target = land(landing, "sales.csv", tenant="other")
    land(landing, "inventory.csv")
    (target.parent.parent.parent / "shop" / f"{DAY}" / "sales.csv").symlink_to(target)
    (target.parent.parent.parent / "shop" / f"{DAY}" / "stock").mkdir()
    refusals = {f.file_name: f.refusal.reason_code for f in landing.files("shop", DAY, DAY)}
    assert refusals == {
        "inventory.csv": "unknown_dataset",
        "sales.csv": "not_a_regular_file",
        "stock": "not_a_regular_file",
    }


def test_a_file_is_kept_once_by_its_content_and_the_original_stays(landing):
    path = land(landing, "sales.csv", b"content")
    land(landing, "sales_again.csv", b"content")
    kept = [landing.keep(file) for file in landing.files("shop", DAY, DAY)]
    assert kept[0] == kept[1]
    assert kept[0].sha256 == hashlib.sha256(b"content").hexdigest()
    assert kept[0].path.read_bytes() == path.read_bytes() == b"content"
    assert [p for p in landing.kept_folder.rglob("*") if p.is_file()] == [kept[0].path]


def test_a_kept_copy_that_was_cut_short_is_made_again(landing):
    land(landing, "sales.csv", b"content")
    (file,) = landing.files("shop", DAY, DAY)
    landing.keep(file).path.write_bytes(b"")
    assert landing.keep(file).path.read_bytes() == b"content"
