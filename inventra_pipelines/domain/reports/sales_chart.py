"""The native line chart on the sales sheet: revenue per day and its average of seven days."""

from openpyxl.chart import LineChart, Reference, Series
from openpyxl.chart.axis import DateAxis
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.drawing.line import LineProperties
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from inventra_pipelines.domain.reports.model import DailyReport

_COLOURS = {3: ("A9C9DA", 15_000), 4: ("1F5F82", 25_000)}


def add_sales_chart(page: WriteOnlyWorksheet, report: DailyReport, first_row: int, last_row: int) -> None:
    """Put the chart right of the table: day in column A, revenue in C, average in D, rows `first_row` to `last_row`."""
    chart = LineChart()
    chart.title = f"Revenue per day, {report.currency}"
    chart.height, chart.width = 10.5, 24
    chart.legend.position = "b"
    chart.display_blanks = "span"
    chart.y_axis.majorGridlines.spPr = GraphicalProperties(ln=LineProperties(solidFill="E8ECF0"))
    for column, (colour, width) in _COLOURS.items():
        values = Reference(page, min_col=column, min_row=first_row, max_row=last_row)
        series = Series(values, title="Revenue" if column == 3 else "Average of 7 days")
        series.graphicalProperties.line.solidFill = colour
        series.graphicalProperties.line.width = width
        series.smooth = False
        series.marker.symbol = "none"
        chart.series.append(series)
    chart.set_categories(Reference(page, min_col=1, min_row=first_row, max_row=last_row))
    chart.x_axis = DateAxis(crossAx=100)
    chart.x_axis.number_format, chart.x_axis.majorTimeUnit = "d mmm", "days"
    chart.x_axis.majorUnit = 14
    chart.x_axis.title, chart.y_axis.title = None, report.currency
    chart.y_axis.crossAx, chart.y_axis.number_format = 500, "#,##0"
    # Without these, current versions of Excel leave both axes out.
    chart.x_axis.delete = chart.y_axis.delete = False
    page.add_chart(chart, "G3")
