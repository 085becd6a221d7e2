"""What counts as landed, and that what was read is kept."""

import hashlib
import os
import socket
from datetime import date, timedelta
from pathlib import Path

import pytest

from inventra_pipelines.domain.ingest.rejects import FileRejected
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


def folder_of(landing: Landing, tenant: str = "shop") -> Path:
    folder = Path(landing.root.path) / tenant
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.parametrize("last", [DAY, DAY + timedelta(30)], ids=["a-day", "a-month"])
def test_a_day_that_is_a_link_or_no_folder_is_refused_and_the_others_are_read(landing, last):
    land(landing, "sales.csv", tenant="rival")
    land(landing, "stock.csv", day=DAY + timedelta(1))
    for target in (folder_of(landing, "rival") / f"{DAY}", f"{DAY}", "nowhere", None):
        day = folder_of(landing) / f"{DAY}"
        day.unlink(missing_ok=True)
        day.write_text("x") if target is None else day.symlink_to(target)
        refused, *others = landing.files("shop", DAY, last)
        assert refused.refusal.reason_code == "not_a_regular_file"
        assert refused.refusal.message == f"shop/{DAY}: is {'no folder' if target is None else 'a link'}"
        assert [file.file_name for file in others] == ([] if last == DAY else ["stock.csv"])


def test_a_tenants_folder_may_be_a_link(landing, tmp_path):
    land(landing, "sales.csv")
    folder_of(landing).rename(tmp_path / "elsewhere")
    (Path(landing.root.path) / "shop").symlink_to(tmp_path / "elsewhere")
    assert [file.refusal for file in landing.files("shop", DAY, DAY)] == [None]


def test_names_that_cannot_be_printed_stay_apart_and_on_one_line(landing):
    day = land(landing, "sales.csv").parent
    for name in (b"sales\n.csv", b"sales\xff.csv", b"sales\xfe.csv", b"sales\xe2\x80\xae.csv", b"sales'\";--.csv"):
        Path(os.fsdecode(bytes(day) + b"/" + name)).write_bytes(name)
    files = landing.files("shop", DAY, DAY)
    assert {file.file_name for file in files} == {
        "sales.csv",
        "sales\\n.csv",
        "sales\\udcff.csv",
        "sales\\udcfe.csv",
        "sales\\u202e.csv",
        "sales'\";--.csv",
    }
    for file in files:
        assert landing.keep(file).path.name.endswith(".csv")


@pytest.mark.parametrize("what", ["link", "pipe", "folder"])
def test_what_takes_a_files_place_after_it_was_found_is_not_followed(landing, what):
    path = land(landing, "sales.csv")
    secret = land(landing, "sales.csv", b"secret", tenant="rival")
    (file,) = landing.files("shop", DAY, DAY)
    path.unlink()
    {"link": lambda: path.symlink_to(secret), "pipe": lambda: os.mkfifo(path), "folder": path.mkdir}[what]()
    with pytest.raises(FileRejected) as caught:
        landing.keep(file)
    assert caught.value.reason_code == "not_a_regular_file"
    assert not landing.kept_folder.exists() or not any(landing.kept_folder.iterdir())


def test_pipes_and_sockets_are_refused_unopened(landing, monkeypatch):
    day = land(landing, "sales.csv").parent
    os.mkfifo(day / "stock.csv")
    # A socket's path has at most 107 characters.
    monkeypatch.chdir(day)
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind("items.csv")
        refusals = {file.file_name: file.refusal for file in landing.files("shop", DAY, DAY)}
    assert refusals.pop("sales.csv") is None
    assert {refusal.reason_code for refusal in refusals.values()} == {"not_a_regular_file"}
    assert sorted(refusals) == ["items.csv", "stock.csv"]


def test_what_grows_while_it_is_copied_is_kept_as_it_was_copied(landing, monkeypatch):
    path = land(landing, "sales.csv", b"a" * 2**20)
    (file,) = landing.files("shop", DAY, DAY)
    times = iter(range(5))

    def grow(*_: object) -> None:
        if next(times, None) is not None:
            with path.open("ab") as stream:
                stream.write(b"b")

    class Digest:
        def __init__(self) -> None:
            self.inner = hashlib.new("sha256")

        def update(self, block: bytes) -> None:
            grow()
            self.inner.update(block)

        def hexdigest(self) -> str:
            return self.inner.hexdigest()

    monkeypatch.setattr("inventra_pipelines.sources.landing.hashlib.sha256", Digest)
    kept = landing.keep(file)
    content = kept.path.read_bytes()
    assert hashlib.new("sha256", content).hexdigest() == kept.sha256
    assert len(content) > 2**20 and path.read_bytes().startswith(content)
