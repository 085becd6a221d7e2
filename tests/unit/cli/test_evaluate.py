"""`inventra evaluate`: a file's answer on the screen, as JSON and as a page; what cannot be is one line."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
import pytest
from pypdf import PdfReader
from typer.testing import CliRunner

from inventra_pipelines.cli.main import app
from inventra_pipelines.errors import InventraError
from tests.conftest import PROJECT
from tests.small_files import workbook

FIRST = date(2022, 1, 2)
QUICK = ("--freq", "W", "--horizon", "4", "--season", "4", "--origins", "1", "--workers", "1")


def table(weeks: int = 40, items: int = 2) -> pl.DataFrame:
    rng = np.random.default_rng(3)
    rows = [
        (f"00{item}", FIRST + timedelta(weeks=week), int(rng.poisson(5 + 10 * item)))
        for item in range(items)
        for week in range(weeks)
    ]
    return pl.DataFrame(rows, schema=["sku", "date", "qty"], orient="row")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("INVENTRA_HOME", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


def run(*arguments: object):
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def failure_of(*arguments: object) -> str:
    done = run(*arguments)
    assert isinstance(done.exception, InventraError), done.output
    return str(done.exception)


@cache
def scores_of_the_plain_table() -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        file = Path(folder, "plain.csv")
        file.write_bytes(as_csv(table()))
        return json.loads(run(file, *QUICK, "--json", "--out", file.with_suffix(".pdf")).stdout)["scores"]


def as_csv(frame: pl.DataFrame, separator: str = ",") -> bytes:
    return frame.write_csv(separator=separator).encode()


def as_parquet(frame: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def as_workbook(frame: pl.DataFrame) -> bytes:
    return workbook([frame.columns, *frame.rows()])


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("sales.csv", as_csv),
        ("sales.csv.gz", lambda frame: gzip.compress(as_csv(frame))),
        ("semicolons.txt", lambda frame: as_csv(frame.with_columns(pl.col("date").dt.strftime("%d.%m.%Y")), ";")),
        ("sales.parquet", as_parquet),
        ("sales.xlsx", as_workbook),
        ("nixtla.csv", lambda frame: as_csv(frame.rename({"sku": "unique_id", "date": "ds", "qty": "y"}))),
        ("german.csv", lambda frame: as_csv(frame.rename({"sku": "Artikelnummer", "date": "Datum", "qty": "Menge"}))),
    ],
)
def test_a_file_of_any_kind_gives_the_same_figures(tmp_path: Path, name: str, write: Callable[[pl.DataFrame], bytes]):
    (tmp_path / name).write_bytes(write(table()))
    made = json.loads(run(name, *QUICK, "--json").stdout)
    assert made["scores"] == scores_of_the_plain_table()
    assert made["series"] == 2
    assert made["periods"] == 40


@pytest.mark.parametrize(
    ("freq", "days", "better"), [("W", 30, "M"), ("D", 7, "W"), ("W", 7, None), ("M", 30, None), ("Q", 30, None)]
)
def test_dates_that_stand_further_apart_than_what_they_are_summed_by_are_told(
    tmp_path: Path, freq: str, days: int, better: str | None
):
    dates = {FIRST + timedelta(weeks=week): FIRST + timedelta(days=days * week) for week in range(40)}
    (tmp_path / "sales.csv").write_bytes(as_csv(table().with_columns(pl.col("date").replace_strict(dates))))
    done = run("sales.csv", "--freq", freq, "--horizon", 1, "--season", 1, "--origins", 1, "--workers", 1)
    text = " ".join(done.stdout.split())
    told = f"dates stand {days} days apart or more, so most {'weeks' if freq == 'W' else 'days'} have none: --freq"
    assert (f"{told} {better} sums them" in text) if better else ("days apart" not in text)


def test_figures_are_there_where_the_page_cannot_be_written(tmp_path: Path):
    (tmp_path / "sales.csv").write_bytes(as_csv(table()))
    done = run("sales.csv", *QUICK, "--json", "--out", "/dev/full")
    assert json.loads(done.stdout)["series"] == 2
    assert isinstance(done.exception, InventraError)
    assert str(done.exception) == "/dev/full cannot be written: No space left on device. name another place with --out."


def test_json_is_one_object_and_says_where_the_page_is(tmp_path: Path):
    (tmp_path / "sales.csv").write_bytes(as_csv(table()))
    done = run("sales.csv", *QUICK, "--json")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert told["origins"] == ["2022-09-04"]
    assert told["pdf"] == str(tmp_path / "sales_evaluation.pdf")
    methods = [of["method"] for of in told["scores"]["methods"]]
    assert methods == ["engine", "SeasonalNaive", "SES", "WindowAverage4", "DOT", "AutoETS"]
    assert "NaN" not in done.stdout


def test_the_screen_has_the_answer_the_methods_and_the_page(tmp_path: Path):
    (tmp_path / "sales.csv").write_bytes(as_csv(table()))
    done = run("sales.csv", *QUICK, "--out", tmp_path / "page.pdf")
    assert done.exit_code == 0, done.output
    for words in ("reading", "choosing methods", "than repeating the past", "seasonal naive", "RMSSE", "smooth"):
        assert words in done.output
    assert done.output.rstrip().endswith("page.pdf")


def test_the_page_is_one_page_and_the_same_on_every_run(tmp_path: Path):
    (tmp_path / "sales.csv").write_bytes(as_csv(table()))
    pages = []
    for name in ("one.pdf", "two.pdf"):
        assert run("sales.csv", *QUICK, "--out", name).exit_code == 0
        pages.append((tmp_path / name).read_bytes())
    assert pages[0] == pages[1]
    read = PdfReader(BytesIO(pages[0]))
    assert len(read.pages) == 1
    text = read.pages[0].extract_text()
    for words in ("sales.csv", "Theta (DOT)", "80 % ranges cover", "Error (WAPE) by weeks ahead", "001"):
        assert words in text


def test_a_single_item_and_an_item_that_never_changes_work(tmp_path: Path):
    (tmp_path / "one.csv").write_bytes(as_csv(table(items=1).with_columns(qty=pl.lit(3))))
    done = run("one.csv", *QUICK)
    assert done.exit_code == 0, done.output
    assert len(PdfReader(tmp_path / "one_evaluation.pdf").pages) == 1


def test_item_and_shop_together_make_a_series(tmp_path: Path):
    both = pl.concat([table().with_columns(shop=pl.lit(shop)) for shop in ("A", "B")])
    (tmp_path / "shops.csv").write_bytes(as_csv(both))
    done = run("shops.csv", *QUICK, "--id", "sku", "--id", "shop", "--json")
    assert json.loads(done.stdout)["series"] == 4


def test_bad_rows_are_left_out_where_that_is_asked_for(tmp_path: Path):
    (tmp_path / "sales.csv").write_bytes(as_csv(table()) + b"000,2022-13-77,3\n000,2022-01-03,many\n000,2022-01-04,7\n")
    told = json.loads(run("sales.csv", *QUICK, "--skip-bad-rows", "--json").stdout)
    assert any("2 rows left out" in note for note in told["notes"])


GOOD = "sku,date,qty\n" + "".join(f"A,2024-01-{day:02},1\n" for day in range(1, 29))


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("", (), ["bad.csv", "empty"]),
        ("a,b,c\nx,y,z\n", (), ["item_code", "'a', 'b', 'c'", "--id HEADER", "--quantity HEADER"]),
        ("sku,date,amount_of_it\nA,2024-01-01,x\n", ("--quantity", "units"), ["'units'", "--quantity HEADER"]),
        ("sku,date,qty\n", (), ["no rows"]),
        (GOOD + "A,2024-01-29,\n", (), ["row 30", "quantity is empty", "--skip-bad-rows"]),
        (GOOD + "A,2024-01-29,NaN\n", (), ["row 30", "--skip-bad-rows"]),
        (GOOD + "A,2024-01-29,inf\n", (), ["row 30", "'inf' is not a number", "--skip-bad-rows"]),
        (GOOD + "A,soon,1\n", (), ["row 30", "'soon' is not a date", "--skip-bad-rows"]),
        ("sku,date,qty\nA,03/04/2024,1\nA,05/06/2024,2\n", (), ["%d/%m/%Y", "%m/%d/%Y", "--date-format"]),
        (GOOD, ("--freq", "H"), ["--freq H", "D, W, M, Q or Y"]),
        (GOOD, ("--freq", "D", "--horizon", "40"), ["horizon of 40", "at most 24"]),
        (GOOD, ("--horizon", "0"), ["--horizon 0", "1 to 400"]),
        (GOOD, ("--season", "-3"), ["--season -3", "1 for none"]),
        (GOOD, ("--decimal-mark", ";"), ["--decimal-mark ;"]),
        (GOOD, ("--out", "no/such/folder/x.pdf"), ["--out", "not there"]),
        (GOOD.replace(",1\n", ",0\n"), (), ["nothing was sold"]),
        ("%PDF-1.4\n", (), ["PDF is not read"]),
    ],
)
def test_what_cannot_be_is_one_line_with_a_remedy(
    tmp_path: Path, content: str, options: tuple[str, ...], words: list[str]
):
    (tmp_path / "bad.csv").write_text(content)
    message = failure_of("bad.csv", *options)
    assert "\n" not in message
    for word in words:
        assert word in message
    assert not list(tmp_path.glob("*.pdf"))


def test_a_file_that_is_not_there_is_one_line_and_the_exit_code_says_so():
    command = [sys.executable, "-m", "inventra_pipelines.cli", "evaluate", "no.csv"]
    done = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": str(PROJECT)}, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: there is no file no.csv")
