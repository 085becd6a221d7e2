from io import BytesIO

import polars as pl
import pytest
from pypdf import PdfReader
from report_samples import empty_report, full_report
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate

from inventra_pipelines.domain.reports import fonts, theme
from inventra_pipelines.domain.reports.model import DailyReport
from inventra_pipelines.domain.reports.pdf import render_pdf
from inventra_pipelines.domain.reports.tables import Column, GridTable


def pages(pdf: bytes) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in PdfReader(BytesIO(pdf)).pages]


@pytest.fixture(scope="module")
def full_pages(full: DailyReport) -> list[str]:
    return pages(render_pdf(full))


def test_the_same_report_gives_the_same_bytes(small: DailyReport) -> None:
    assert render_pdf(small) == render_pdf(small)


def test_the_order_of_rows_does_not_matter(small: DailyReport) -> None:
    shuffled = full_report(items=60, rejected=12)
    frames = {
        name: getattr(shuffled, name).reverse() for name in ("proposals", "item_forecasts", "alerts", "feeds", "stock")
    }
    assert render_pdf(full_report(items=60, rejected=12, **frames)) == render_pdf(small)


def test_every_page_says_its_number_and_how_many_there_are(full_pages: list[str]) -> None:
    for number, text in enumerate(full_pages, 1):
        assert f"Page {number} of {len(full_pages)}" in text


def test_the_first_page_says_whose_day_it_is_how_fresh_and_what_was_rejected(full_pages: list[str]) -> None:
    first = full_pages[0]
    assert "Gifts & Co. Wholesale" in first
    assert "Friday, 9 Dec 2011" in first
    assert "5 days old" in first
    assert "Rows rejected today: 450" in first
    assert "£1,358,611 +15.4 % previous £1,177,491" in first
    assert "20 of 1,9" in first


def test_every_section_is_there_and_in_the_outline(full: DailyReport, full_pages: list[str]) -> None:
    titles = [entry["/Title"] for entry in PdfReader(BytesIO(render_pdf(full))).outline]
    wanted = [
        "Summary", "Sales", "Stock-outs and risks", "Order proposals", "Excess", "Forecast", "Forecast accuracy",
        "Alerts", "Anomalies", "Data feeds and rejected rows", "Glossary",
    ]  # fmt: skip
    assert titles == wanted
    text = " ".join(full_pages)
    assert all(title in text for title in wanted[1:])


@pytest.mark.parametrize(
    "words", ["150 of ", "300 of ", "100 of ", "40 of 4,000 items", "50 of 60 anomalies", "25 of 450 rejected rows"]
)
def test_what_is_cut_says_of_how_many(full_pages: list[str], words: str) -> None:
    assert f"{words}" in " ".join(full_pages)
    assert "shown; all of them are in the workbook" in " ".join(full_pages)


def test_what_is_not_cut_says_no_n_of_m(small: DailyReport) -> None:
    assert "12 rejected rows" not in " ".join(pages(render_pdf(empty_report())))
    assert "all of them are in the workbook, sheet Proposals" not in " ".join(pages(render_pdf(small)))


def test_simulated_stock_is_said_wherever_stock_figures_stand(full: DailyReport, full_pages: list[str]) -> None:
    assert all("Stock figures are simulated" in text for text in full_pages)
    for title in ("Stock-outs and risks", "Order proposals", "Excess"):
        page = next(text for text in full_pages if title in text)
        assert "Simulated stock" in page
    assert "simulated" not in " ".join(pages(render_pdf(full_report(items=60, is_stock_simulated=False)))).replace(
        "Simulated Made by", ""
    )


def test_a_day_without_anything_says_why_in_every_section(bare: DailyReport) -> None:
    text = " ".join(pages(render_pdf(bare)))
    for sentence in (
        "No feeds: no dataset is configured",
        "no key figures for this day",
        "There are no sales in the 91 days",
        "no stock count has landed, and there is no forecast",
        "There is no forecast for this day",
        "No earlier forecast has met its week yet",
        "No alert is open",
        "No sales figure of this day lies far",
        "No rows landed on this day",
    ):
        assert sentence in text
    assert text.count("not available") == 12


def test_markup_and_control_characters_in_names_are_shown_not_obeyed() -> None:
    report = full_report(items=30, tenant_name="A <b>bold</b> & \x07co")
    assert "A <b>bold</b> & co" in pages(render_pdf(report))[0]


def test_accents_beyond_latin_1_are_drawn() -> None:
    report = full_report(items=30, tenant_name="Příborník őű €")
    assert "Příborník őű €" in pages(render_pdf(report))[1]


def test_ten_thousand_rows_break_over_pages_with_the_header_on_each() -> None:
    fonts.register()
    columns = [Column("Item number", 100), Column("Units", 100, True)]
    rows = [(f"item-{index:05d}", index) for index in range(10_000)]
    buffer = BytesIO()
    document = BaseDocTemplate(buffer, invariant=1)
    document.addPageTemplates(PageTemplate("all", [Frame(36, 36, theme.WIDTH, 760)]))
    document.build([GridTable(columns, rows, ("Total", "49,995,000"))])
    texts = pages(buffer.getvalue())
    assert len(texts) > 100
    assert all(text.startswith("Item number Units") for text in texts)
    found = [word for text in texts for word in text.split() if word.startswith("item-")]
    assert found == [name for name, _ in rows]
    assert [index for index, text in enumerate(texts) if "Total" in text] == [len(texts) - 1]


@pytest.mark.parametrize(("rows", "room", "split"), [(10, 100, [6, 4]), (7, 100, [4, 3]), (4, 60, []), (2, 38, [])])
def test_a_break_leaves_no_single_rows(rows: int, room: float, split: list[int]) -> None:
    table = GridTable([Column("Item", 100)], [(index,) for index in range(rows)])
    heights = [part.wrap(500, room)[1] for part in table.split(500, room)]
    header = table.wrap(500, room)[1] - rows * 13
    assert [round((height - header) / 13) for height in heights] == split


def test_a_long_name_is_cut_at_the_column_and_the_workbook_keeps_it(full_pages: list[str]) -> None:
    text = " ".join(full_pages)
    assert "Wooden frame antique white with a v" in text
    assert "cannot possibly fit" not in text
    assert "…" in text


def test_a_day_without_kpis_but_with_sales_still_draws_the_sales() -> None:
    report = full_report(items=30)
    plain = empty_report(daily_sales=report.daily_sales, item_forecasts=report.item_forecasts)
    texts = pages(render_pdf(plain))
    assert "Revenue per day, £" in texts[1]
    assert "no forecast for this day" in texts[1]


@pytest.mark.parametrize("currency", ["EUR", "JPY", "PLN"])
def test_amounts_carry_the_tenants_currency(currency: str) -> None:
    sign = {"EUR": "€", "JPY": "¥", "PLN": "PLN "}[currency]
    assert f"{sign}1,358,611" in pages(render_pdf(full_report(items=20, currency=currency)))[0]


def test_days_of_unknown_revenue_are_gaps_and_said_to_be() -> None:
    report = full_report(items=30)
    gap = pl.when(pl.col("sold_on") == report.day).then(None).otherwise(pl.col("revenue"))
    first, sales, *_ = pages(
        render_pdf(full_report(items=30, daily_sales=report.daily_sales.with_columns(revenue=gap)))
    )
    assert "Days without a bar had no sales, or sales in a currency without a rate" in " ".join(sales.split())
    assert sales.split("Revenue per day with sales")[1].split()[:4] == ["9", "Dec", "2011", "–"]
    assert "No sales in the last 91 days" not in first
    none = report.daily_sales.with_columns(revenue=pl.lit(None, pl.Float64))
    first, sales, *_ = pages(render_pdf(full_report(items=30, daily_sales=none)))
    assert "Only sales in a currency without a rate in 91 days" in first
    assert "There are no sales" not in sales


def test_accuracy_stands_by_weeks_ahead_by_class_and_for_the_worst_items(full_pages: list[str]) -> None:
    page = next(text for text in full_pages if "Worst forecasts" in text)
    assert "54.0 % 79.0 % +25.5 % +1.8 % 0.78 0.82 0.42 80.0 % 94.8 %" in page
    assert "intermittent 40,933 54.0 % +25.5 % +1.8 % 80.0 % 68.0 % −6.0 % −6.6 % 73.0 %" in page
    assert "10 of 4,000 items shown; all of them are in the workbook, sheet Item accuracy" in page
    assert "kitchen" not in page
    worst = page.split("Worst forecasts")[1]
    assert [worst.index(item) for item in ("20000B", "20001", "20009")] == sorted(
        worst.index(item) for item in ("20000B", "20001", "20009")
    )
    assert "20010" not in worst


def test_accuracy_of_one_week_ahead_and_of_unknown_classes_does_not_break_a_page() -> None:
    report = full_report(items=30)
    one = report.accuracy.filter(pl.col("lag") == 1).with_columns(pl.lit(None, pl.Float64).alias("coverage_80"))
    unknown = report.item_accuracy.with_columns(pl.lit(None, pl.String).alias("demand_class"))
    text = " ".join(pages(render_pdf(full_report(items=30, accuracy=one, item_accuracy=unknown))))
    assert "By demand class" in text
    assert "Worst forecasts" in text


def test_nulls_nan_and_negative_figures_do_not_break_a_page() -> None:
    report = full_report(items=30)
    holes = report.proposals.with_columns(
        pl.lit(None, pl.Float64).alias("lead_time_days"),
        pl.lit(float("nan")).alias("demand_mean_weekly"),
        pl.lit(None, pl.Date).alias("stock_out_on"),
        (-pl.col("available")).alias("available"),
        pl.lit(None, pl.Float64).alias("money_at_risk"),
        pl.lit(None, pl.String).alias("supplier_code"),
    )
    negative = report.daily_sales.with_columns(-pl.col("revenue"))
    text = " ".join(pages(render_pdf(full_report(items=30, proposals=holes, daily_sales=negative))))
    assert "nan" not in text.lower().split()
    assert "no supplier known" in text
