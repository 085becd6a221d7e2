from datetime import date, datetime
from io import BytesIO
from zipfile import ZipFile

import fastexcel
import openpyxl
import polars as pl
import pytest
from report_samples import DAY, empty_report, full_report, reject_rows

from inventra_pipelines.domain.reports.model import DailyReport
from inventra_pipelines.domain.reports.workbook import render_workbook
from inventra_pipelines.domain.reports.xlsx_rows import TEXT_LIMIT


def sheet(book: bytes, name: str) -> pl.DataFrame:
    """The table of a sheet, read by another library than the one that wrote it."""
    return fastexcel.read_excel(book).load_sheet(name, header_row=1).to_polars()


def rejects_with(values: list[str | None]) -> DailyReport:
    rows = reject_rows(len(values)).with_columns(pl.Series("raw_value", values, dtype=pl.String))
    return empty_report(reject_rows=rows)


def raw_values(book: bytes) -> list[str | None]:
    page = openpyxl.load_workbook(BytesIO(book))["Rejects"]
    return [row[5].value for row in page.iter_rows(min_row=3)]


@pytest.fixture(scope="module")
def small_book(small: DailyReport) -> bytes:
    return render_workbook(small)


@pytest.fixture(scope="module")
def full_book(full: DailyReport) -> bytes:
    return render_workbook(full)


def test_the_same_report_gives_the_same_bytes(full: DailyReport, full_book: bytes) -> None:
    assert render_workbook(full) == full_book


def test_nothing_in_the_file_tells_when_it_was_written(small_book: bytes) -> None:
    with ZipFile(BytesIO(small_book)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.testzip() is None
    properties = openpyxl.load_workbook(BytesIO(small_book), read_only=True).properties
    assert properties.created == properties.modified == datetime(2011, 12, 9)


def test_all_sheets_are_there_in_order(full_book: bytes) -> None:
    assert fastexcel.read_excel(full_book).sheet_names == [
        "Overview", "Actions", "Sales", "Proposals", "Forecasts", "Accuracy", "Item accuracy", "Stock", "Alerts",
        "Anomalies", "Rejects",
    ]  # fmt: skip


def test_proposals_read_back_equal_what_went_in(full: DailyReport, full_book: bytes) -> None:
    read = sheet(full_book, "Proposals").sort("Item")
    wanted = full.proposals.sort("item_id")
    numbers = {
        "Order quantity": "quantity_proposed", "Order value, GBP": "order_value",
        "Money at risk, GBP": "money_at_risk",
        "Days of cover": "days_of_cover", "Expected sales a week": "demand_mean_weekly",
        "Service level": "service_level",
        "Their standard deviation": "demand_std_over_protection", "Unit cost, GBP": "unit_cost",
    }  # fmt: skip
    for heading, column in numbers.items():
        assert read[heading].to_list() == wanted[column].to_list(), heading
    assert read["Item"].to_list() == wanted["item_id"].to_list()
    assert read["Name"].to_list() == wanted["name"].to_list()
    assert read["Runs out on"].cast(pl.Date).to_list() == wanted["stock_out_on"].to_list()
    assert read["Simulated stock"].to_list() == wanted["is_stock_simulated"].to_list()


def test_forecasts_stand_as_a_row_per_item_with_a_column_per_week_and_quantile(
    full: DailyReport, full_book: bytes
) -> None:
    read = sheet(full_book, "Forecasts").sort("Item")
    for heading, column in (("Expected", "mean"), ("Low (10 %)", "q10"), ("Median", "q50"), ("High (90 %)", "q90")):
        weeks = [name for name in read.columns if name.startswith(f"{heading}\nweek to")]
        assert len(weeks) == 8
        for lag, week in enumerate(weeks, 1):
            wanted = full.item_forecasts.filter(pl.col("lag") == lag).sort("item_id")[column].to_list()
            assert read[week].to_list() == wanted


def test_accuracy_stands_by_level_with_the_tenant_first(full: DailyReport, full_book: bytes) -> None:
    read = sheet(full_book, "Accuracy")
    assert read.select("Level", "Of").unique(maintain_order=True).rows() == [
        ("tenant", "all items"),
        *(("class", name) for name in ("erratic", "intermittent", "lumpy", "new", "smooth")),
        ("category", "kitchen"),
        ("category", "uncategorised"),
        ("location", "main"),
    ]
    assert read["Weeks ahead"].to_list() == list(range(1, 9)) * 9
    assert read["Scaled CRPS"].head(8).to_list() == full.accuracy.filter(level="tenant")["scaled_crps"].to_list()


def test_every_items_accuracy_is_there_the_worst_first(full: DailyReport, full_book: bytes) -> None:
    read = sheet(full_book, "Item accuracy")
    assert read.height == full.item_accuracy.height == 4000
    assert read["Rank by units missed"].to_list() == list(range(1, 4001))
    for heading, column in (("Units missed", "error_units"), ("Error (WAPE)", "wape"), ("Bias", "bias")):
        assert read[heading].to_list() == full.item_accuracy[column].to_list()


def test_stock_and_sales_add_up_to_the_input(full: DailyReport, full_book: bytes) -> None:
    assert sheet(full_book, "Stock")["Stock value, GBP"].sum() == pytest.approx(full.stock["stock_value"].sum())
    assert sheet(full_book, "Sales")["Revenue, GBP"].sum() == pytest.approx(full.daily_sales["revenue"].sum())
    assert sheet(full_book, "Sales").height == 91


def test_revenue_that_is_not_known_is_an_empty_cell_that_the_note_explains() -> None:
    report = full_report(items=20)
    unknown = report.daily_sales.with_columns(revenue=pl.lit(None, pl.Float64))
    book = render_workbook(full_report(items=20, daily_sales=unknown))
    page = sheet(book, "Sales")
    assert page["Revenue, GBP"].null_count() == page.height == 91
    assert page["Units sold"].sum() == report.daily_sales["units_sold"].sum()
    title = openpyxl.load_workbook(BytesIO(book))["Sales"].cell(1, 1).value
    assert str(title).endswith("revenue also on days with sales in a currency without a rate")


def test_cells_are_typed_headers_frozen_and_filtered(small_book: bytes) -> None:
    page = openpyxl.load_workbook(BytesIO(small_book))["Proposals"]
    assert page.freeze_panes == "C3"
    assert page.auto_filter.ref == "A2:AE62"
    by_heading = {cell.value: page.cell(3, cell.column) for cell in page[2]}
    assert isinstance(by_heading["Runs out on"].value, datetime | date)
    assert by_heading["Order value, GBP"].number_format == "#,##0.00"
    assert by_heading["Item"].data_type == "s"
    assert by_heading["Item"].number_format == "@"
    assert page.column_dimensions["B"].width == 38


def test_the_sales_sheet_has_a_line_chart_over_its_rows(small_book: bytes) -> None:
    charts = openpyxl.load_workbook(BytesIO(small_book))["Sales"]._charts
    assert [series.val.numRef.f for series in charts[0].series] == ["'Sales'!$C$3:$C$93", "'Sales'!$D$3:$D$93"]


@pytest.mark.parametrize("value", ["=1+1", "+1", "-2", "@SUM(A1)", "=cmd|' /C calc'!A0", "#N/A", "007", "1e5", "TRUE"])
def test_text_stays_text_and_is_never_a_formula(value: str) -> None:
    book = render_workbook(rejects_with([value]))
    cell = openpyxl.load_workbook(BytesIO(book))["Rejects"]["F3"]
    assert (cell.value, cell.data_type) == (value, "s")
    with ZipFile(BytesIO(book)) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet11.xml")


def test_a_tenants_name_is_never_a_formula() -> None:
    page = openpyxl.load_workbook(BytesIO(render_workbook(empty_report(tenant_name="=1+1"))))["Overview"]
    assert (page["A1"].value, page["A1"].data_type) == ("=1+1", "s")


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("a\x00b\x1fc", "a␀b␟c"),
        ("line\r\nfeed", "line␍\nfeed"),
        (' a < b & c > d "e" ', ' a < b & c > d "e" '),
        ("naïve Ωmega 日本 😀", "naïve Ωmega 日本 😀"),
    ],
    ids=["control", "carriage-return", "markup", "unicode"],
)
def test_strange_characters_survive_or_show_as_their_pictures(value: str, read: str) -> None:
    assert raw_values(render_workbook(rejects_with([value]))) == [read]


def test_a_text_that_looks_like_an_escape_of_the_format_is_escaped() -> None:
    with ZipFile(BytesIO(render_workbook(rejects_with(["a_x0041_b"])))) as archive:
        assert b"a_x005F_x0041_b" in archive.read("xl/worksheets/sheet11.xml")


@pytest.mark.parametrize("letter", ["x", "é", "😀"])
def test_a_text_too_long_for_a_cell_says_that_it_is_cut(letter: str) -> None:
    value = raw_values(render_workbook(rejects_with([letter * 40_000])))[0]
    assert value is not None
    assert len(value.encode("utf-16-le")) // 2 <= TEXT_LIMIT
    assert value.endswith("… (cut, 40000 characters)")


def test_a_text_that_just_fits_is_whole() -> None:
    assert raw_values(render_workbook(rejects_with(["é" * TEXT_LIMIT]))) == ["é" * TEXT_LIMIT]


def test_more_rows_than_a_sheet_holds_are_said() -> None:
    page = openpyxl.load_workbook(BytesIO(render_workbook(rejects_with(["x"] * 50), max_rows=22)))["Rejects"]
    assert page.max_row == 22
    assert "20 of 50 rows" in page["A1"].value


def test_infinite_and_missing_numbers_are_empty_cells() -> None:
    report = full_report(items=5)
    holes = report.proposals.with_columns(pl.Series("money_at_risk", [1.5, None, float("nan"), float("inf"), -0.25]))
    read = sheet(render_workbook(full_report(items=5, proposals=holes)), "Proposals").sort("Item")
    assert read["Money at risk, GBP"].to_list() == [1.5, None, None, None, -0.25]


def test_a_day_without_anything_says_why_on_every_sheet(bare: DailyReport) -> None:
    book = openpyxl.load_workbook(BytesIO(render_workbook(bare)))
    for page in book.worksheets[1:]:
        assert page["A3"].value.endswith("."), page.title
    notes = [row[4].value for row in book["Overview"].iter_rows() if row[1].value == "not available"]
    assert notes == ["Not available: no key figures for this day."] * 12


def test_the_overview_holds_the_figures_as_numbers(small_book: bytes) -> None:
    page = openpyxl.load_workbook(BytesIO(small_book))["Overview"]
    rows = {row[0].value: row for row in page.iter_rows()}
    assert rows["Revenue, 28 days"][1].value == 1358611.04
    assert rows["Revenue, 28 days"][3].value == pytest.approx(1358611.04 / 1177490.87 - 1)
    assert rows["Stock value (simulated)"][1].value == 412377.15
    assert rows["Stock"][1].value == 60
    assert rows["Purchase orders"][6].value == datetime(2011, 12, 4)
    assert rows["Purchase orders"][7].value == 5
    assert any("simulated" in str(row[0].value) for row in page.iter_rows(max_row=3))
    assert page["A2"].value.startswith(f"Daily report as of {DAY.day} Dec")
