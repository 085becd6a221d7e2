"""What the words and figures of a report mean: the last section of the PDF."""

from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Flowable, Table, TableStyle

from inventra_pipelines.domain.reports import theme
from inventra_pipelines.domain.reports.fonts import BOLD

_TERM = ParagraphStyle("term", parent=theme.BODY, fontName=BOLD)

TERMS: dict[str, str] = {
    "ABC class": "A items bring the first 80 % of revenue, B the next 15 %, C the rest, unless set otherwise.",
    "As of": "The day of the report. Nothing that happened after it is in any figure.",
    "At stake, money at risk": "Expected sales without stock before a new order helps; for excess, surplus at cost.",
    "Available": "On hand less what is reserved.",
    "Baseline": "What sold in the same week one season before; the last week again where the history is shorter.",
    "Below the 95 % limit": "Share of weeks in which no more was sold than the 95 % quantile; 95 % would be exact.",
    "Bias": "Forecast less sales, as a share of sales. Above zero the forecast was too high.",
    "Days, weeks of cover": "How long the stock lasts at the forecast rate of sale.",
    "Dead stock": "Stock at cost of items that have not sold for a long time.",
    "Demand class": "Smooth, erratic, intermittent or lumpy, by how often and how evenly it sells; new: under 8 weeks.",
    "Drift": "Errors of a demand class in the last 4 weeks grew, or moved to one side, beyond chance.",
    "Excess": "Units above what will sell within the longest cover the tenant allows.",
    "Fallback": "A simpler forecast method, used where an item's history is too short for the method of its class.",
    "Freshness": "Days from the newest business day in the data to the day of the report.",
    "Low and high (10 %, 90 %)": "In eight of ten weeks sales should fall between them.",
    "MASE": "Mean miss against that of a naive forecast of the item's own past; below 1 is better.",
    "Not available": "The figure could not be known from the data; it is never shown as zero.",
    "Order value": "Proposed quantity at unit cost.",
    "Rejected row": "A row that could not be read or breaks a rule. It is kept with its reason, out of all figures.",
    "Reorder point": "Time to order: what is available and on order is below expected sales until supply arrives "
    "plus safety stock.",
    "Returns, share of revenue": "Value returned in 28 days against revenue of the same days.",
    "RMSSE": "As MASE, with misses squared, so that large ones weigh more.",
    "Safety stock": "Units held against sales above forecast until supply arrives, for the item's service level.",
    "Scaled CRPS": "How far the ranges were from what sold, as a share of units sold; lower is better.",
    "Simulated": "Made by replaying real sales against a simple reorder rule, where there is no stock data.",
    "Tracking signal": "Sum of weekly errors over their mean size; the number of weeks where all err to one side.",
    "Value added": "What the forecast gains in accuracy over the baseline.",
    "WAPE": "Weighted absolute percentage error: the sum of all misses as a share of all units sold.",
    "Week": "Seven days that end on the weekday of the forecast's cutoff; all sales up to the cutoff are used.",
}


def glossary() -> list[Flowable]:
    """The terms in alphabetical order, together on one page."""
    cells = [[theme.paragraph(term, _TERM), theme.paragraph(meaning, theme.BODY)] for term, meaning in TERMS.items()]
    table = Table(cells, colWidths=[128.0, theme.WIDTH - 128.0])
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 3),
                ("TOPPADDING", (0, 0), (-1, -1), 1.5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
                ("LINEBELOW", (0, 0), (-1, -2), 0.4, theme.FAINT),
            ]
        )
    )
    _, height = table.wrap(theme.WIDTH, theme.PAGE_HEIGHT)
    return [*theme.section("Glossary", room=height + 40), table]
