"""The page of an evaluation as a PDF: one page A4, figures above, four series below.

Belongs here: what stands where on the page. What it says is `evaluation_model.py`, how charts look `charts.py`.
"""

from collections.abc import Sequence
from io import BytesIO

from reportlab.graphics import renderPDF
from reportlab.graphics.shapes import Drawing, Rect, String
from reportlab.lib.colors import Color
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

from inventra_pipelines.domain.reports import figures, fonts, theme
from inventra_pipelines.domain.reports.charts import Plot
from inventra_pipelines.domain.reports.evaluation_model import METHOD_WORDS, Evaluation, Example
from inventra_pipelines.domain.reports.fonts import BOLD, REGULAR
from inventra_pipelines.domain.reports.tables import Column, GridTable

_LEFT, _RIGHT = theme.MARGIN, theme.PAGE_WIDTH - theme.MARGIN
_GAP = 14.0
_HALF = (theme.WIDTH - _GAP) / 2
_CHART_HEIGHT = 144.0
_EXAMPLE_HEIGHT = 144.0
_MOST_NOTES = 5


def render_evaluation(evaluation: Evaluation) -> bytes:
    """The page; the same evaluation gives the same bytes."""
    fonts.register()
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=(theme.PAGE_WIDTH, theme.PAGE_HEIGHT), invariant=1, pageCompression=1)
    canvas.setTitle(f"How good forecasts would be: {figures.text(evaluation.file_name)}")
    canvas.setAuthor("Inventra")
    canvas.setSubject("Forecasts at past origins against what came")
    canvas.setCreator("Inventra Pipelines")
    top = _head(canvas, evaluation)
    top = _tiles(canvas, evaluation, top)
    top = _methods(canvas, evaluation, top)
    top = _charts(canvas, evaluation, top)
    top = _examples(canvas, evaluation, top)
    _notes(canvas, evaluation, top)
    canvas.save()
    return buffer.getvalue()


def _head(canvas: Canvas, evaluation: Evaluation) -> float:
    top = theme.PAGE_HEIGHT - 44
    canvas.setFillColor(theme.MUTED)
    canvas.setFont(REGULAR, 8)
    canvas.drawString(_LEFT, top, "How good would forecasts be on your data?")
    canvas.setFillColor(theme.INK)
    canvas.setFont(BOLD, 18)
    canvas.drawString(_LEFT, top - 22, figures.fit(figures.text(evaluation.file_name), BOLD, 18, theme.WIDTH))
    canvas.setFillColor(theme.MUTED)
    canvas.setFont(REGULAR, 8.5)
    noun = evaluation.period
    series = figures.count(evaluation.series, "series", "series")
    if evaluation.series_evaluated < evaluation.series:
        series = f"{evaluation.series_evaluated:,} of {series}"
    origins = figures.count(len(evaluation.origins), "origin")
    days = f"{figures.day(evaluation.origins[0])} to {figures.day(evaluation.origins[-1])}"
    where = days if len(evaluation.origins) > 1 else figures.day(evaluation.origins[-1])
    line = (
        f"{series} · {figures.count(evaluation.periods, noun)} to {figures.day(evaluation.last_on)} · "
        f"{figures.count(evaluation.horizon, noun)} ahead at {origins}, {where} · season {evaluation.season}"
    )
    canvas.drawString(_LEFT, top - 37, figures.fit(line, REGULAR, 8.5, theme.WIDTH))
    return top - 48


def _tiles(canvas: Canvas, evaluation: Evaluation, top: float) -> float:
    """Four figures that answer the question, each with what it means."""
    scores = evaluation.scores
    engine, naive = scores.engine, scores.naive
    change = evaluation.change
    tiles: list[tuple[str, str, Color, str]] = [
        (
            "Error (WAPE)",
            figures.percent(engine.wape, 1),
            theme.INK,
            f"of units sold; seasonal naive {figures.percent(naive.wape, 1)}",
        ),
        (
            "Against repeating the past",
            figures.signed_percent(change, 0),
            _tone(change),
            "error of the average series (RMSSE)",
        ),
        (
            "Series with a smaller error",
            figures.percent(scores.better_share),
            theme.INK,
            f"of {figures.count(scores.active_series, 'active series', 'active series')}, "
            f"{figures.percent(scores.equal_share)} the same",
        ),
        (
            "80 % ranges cover",
            figures.percent(scores.coverage_80),
            theme.INK,
            f"of what came; {figures.percent(scores.coverage_95)} lie below q95",
        ),
    ]
    height, gap = 54.0, 9.0
    width = (theme.WIDTH - gap * (len(tiles) - 1)) / len(tiles)
    for index, (title, value, tone, detail) in enumerate(tiles):
        left = _LEFT + index * (width + gap)
        canvas.setFillColor(theme.ACCENT_FAINT)
        canvas.roundRect(left, top - height, width, height, 3, stroke=0, fill=1)
        canvas.setFillColor(theme.MUTED)
        canvas.setFont(REGULAR, 7.5)
        canvas.drawString(left + 8, top - 13, figures.fit(title, REGULAR, 7.5, width - 16))
        canvas.setFillColor(tone)
        canvas.setFont(BOLD, 18)
        canvas.drawString(left + 8, top - 33, value)
        canvas.setFillColor(theme.MUTED)
        canvas.setFont(REGULAR, 6.5)
        canvas.drawString(left + 8, top - 46, figures.fit(detail, REGULAR, 6.5, width - 14))
    return top - height - _GAP


def _tone(change: float | None) -> Color:
    if change is None or abs(change) < 0.005:
        return theme.INK
    return theme.GOOD if change < 0 else theme.BAD


def _ratio(value: object) -> str:
    return figures.number(value, 3)


def _percent(value: object) -> str:
    return figures.percent(value, 1)


def _methods(canvas: Canvas, evaluation: Evaluation, top: float) -> float:
    """The table of methods, and their RMSSE as bars beside it."""
    methods = evaluation.scores.methods
    columns = [
        Column("Method", 112),
        Column("Series", 40, True, figures.number),
        Column("RMSSE", 40, True, _ratio),
        Column("MASE", 40, True, _ratio),
        Column("MASE\none-step", 44, True, _ratio),
        Column("Error\n(WAPE)", 44, True, _percent),
        Column("Bias", 44, True, figures.signed_percent),
    ]
    rows = [
        (
            METHOD_WORDS.get(of.method, of.method),
            of.series,
            of.rmsse,
            of.mase,
            of.mase_one_step,
            of.wape,
            of.bias,
        )
        for of in methods
    ]
    width = theme.WIDTH * 0.64
    table = GridTable(columns, rows)
    height = _place(canvas, table, _LEFT, top, width)
    bars = _bars(evaluation, theme.WIDTH - width - _GAP, height)
    renderPDF.draw(bars, canvas, _LEFT + width + _GAP, top - height)
    return top - height - _GAP


def _place(canvas: Canvas, flowable: Flowable, left: float, top: float, width: float) -> float:
    _, height = flowable.wrapOn(canvas, width, theme.PAGE_HEIGHT)
    flowable.drawOn(canvas, left, top - height)
    return float(height)


def _bars(evaluation: Evaluation, width: float, height: float) -> Drawing:
    """RMSSE by method, a bar per row of the table beside it."""
    drawing = Drawing(width, height)
    methods = evaluation.scores.methods
    known = [of.rmsse for of in methods if of.rmsse is not None]
    title = "RMSSE (lower is better)" if known else "No RMSSE: no series ever changed"
    drawing.add(String(0, height - 11, title, fontName=BOLD, fontSize=7, fillColor=theme.ACCENT))
    row = 13.0
    for index, of in enumerate(methods):
        bottom = (len(methods) - 1 - index) * row
        if of.rmsse is None:
            continue
        length = of.rmsse / max(*known, 1e-300) * (width - 28)
        colour = theme.ACCENT if index == 0 else theme.WARN if index == 1 else theme.ACCENT_SOFT
        drawing.add(Rect(0, bottom + 2.5, length, row - 5, fillColor=colour, strokeColor=None))
        text = figures.number(of.rmsse, 2)
        weight = BOLD if index == 0 else REGULAR
        drawing.add(String(length + 4, bottom + 4, text, fontName=weight, fontSize=7, fillColor=theme.INK))
    return drawing


def _charts(canvas: Canvas, evaluation: Evaluation, top: float) -> float:
    renderPDF.draw(_lags(evaluation), canvas, _LEFT, top - _CHART_HEIGHT)
    renderPDF.draw(_coverage(evaluation), canvas, _LEFT + _HALF + _GAP, top - _CHART_HEIGHT)
    return top - _CHART_HEIGHT - _GAP


def _lags(evaluation: Evaluation) -> Drawing:
    drawing = Drawing(_HALF, _CHART_HEIGHT)
    lags = evaluation.scores.lags
    errors, naive = [of.wape for of in lags], [of.naive_wape for of in lags]
    noun = evaluation.period
    box = (0.0, 0.0, _HALF, _CHART_HEIGHT)
    plot = Plot(drawing, box, f"Error (WAPE) by {noun}s ahead", len(lags), [*errors, *naive], figures.percent)
    plot.legend("Inventra", theme.ACCENT, is_line=True)
    plot.legend("seasonal naive", theme.WARN, is_line=True)
    has_dots = len(lags) <= 16
    plot.line(naive, theme.WARN, dots=has_dots, dash=[3, 2])
    plot.line(errors, theme.ACCENT, dots=has_dots)
    step = max(1, -(-len(lags) // 14))
    for slot, of in enumerate(lags):
        if slot % step == 0:
            plot.x_label(slot, str(of.lag))
    return drawing


def _coverage(evaluation: Evaluation) -> Drawing:
    """Per demand class the share of actuals in the 80 % range and up to q95, beside what they are meant to be."""
    drawing = Drawing(_HALF, _CHART_HEIGHT)
    classes = evaluation.scores.classes
    box = (0.0, 0.0, _HALF, _CHART_HEIGHT)
    title = "What came within the forecast range, by demand class"
    plot = Plot(drawing, box, title, len(classes), [1.0], figures.percent)
    plot.legend("80 % range", theme.ACCENT)
    plot.legend("up to the 95 % quantile", theme.ACCENT_SOFT)
    plot.legend("meant", theme.WARN, is_line=True)
    slot_width = plot.width / plot.slots
    width = min(16.0, slot_width * 0.3)
    for slot, of in enumerate(classes):
        for side, share, meant, colour in (
            (-0.5, of.coverage_80, 0.8, theme.ACCENT),
            (0.5, of.coverage_95, 0.95, theme.ACCENT_SOFT),
        ):
            middle = plot.x(slot) + side * (width + 2)
            if share is not None:
                drawing.add(
                    Rect(
                        middle - width / 2,
                        plot.bottom,
                        width,
                        plot.y(share) - plot.bottom,
                        fillColor=colour,
                        strokeColor=None,
                    )
                )
                text = f"{share * 100:.0f}"
                drawing.add(
                    String(
                        middle,
                        plot.bottom + 3,
                        text,
                        fontName=REGULAR,
                        fontSize=6,
                        fillColor=theme.WHITE if colour is theme.ACCENT else theme.INK,
                        textAnchor="middle",
                    )
                )
            drawing.add(
                Rect(
                    middle - width / 2 - 1.5, plot.y(meant) - 0.5, width + 3, 1, fillColor=theme.WARN, strokeColor=None
                )
            )
        plot.x_label(slot, of.demand_class)
        count = figures.count(of.series, "series", "series")
        below = String(plot.x(slot), plot.bottom - 16.5, count, fontName=REGULAR, fontSize=5.5, textAnchor="middle")
        below.fillColor = theme.MUTED
        drawing.add(below)
    return drawing


def _examples(canvas: Canvas, evaluation: Evaluation, top: float) -> float:
    if not evaluation.examples:
        return top
    canvas.setFillColor(theme.ACCENT)
    canvas.setFont(BOLD, 9.5)
    canvas.drawString(_LEFT, top - 8, "Series at the latest origin")
    canvas.setFillColor(theme.MUTED)
    canvas.setFont(REGULAR, 7)
    note = "picked by rank, not by looks · line: sold · blue: forecast with its 80 % range · orange: what came"
    canvas.drawRightString(_RIGHT, top - 8, note)
    top -= 16
    for index, example in enumerate(evaluation.examples):
        left = _LEFT + (index % 2) * (_HALF + _GAP)
        bottom = top - (index // 2 + 1) * _EXAMPLE_HEIGHT - (index // 2) * 4
        renderPDF.draw(_example(example, evaluation.period), canvas, left, bottom)
    rows = -(-len(evaluation.examples) // 2)
    return top - rows * _EXAMPLE_HEIGHT - (rows - 1) * 4 - 8


def _example(example: Example, noun: str) -> Drawing:
    drawing = Drawing(_HALF, _EXAMPLE_HEIGHT)
    before, ahead = len(example.history), len(example.means)
    values: Sequence[float] = [*example.history, *example.actuals, *example.means, *example.high]
    name = figures.fit(figures.text(example.series_id), BOLD, 8, _HALF * 0.45)
    title = f"{name} · {example.why} · {example.demand_class}"
    box = (0.0, 0.0, _HALF, _EXAMPLE_HEIGHT)
    plot = Plot(drawing, box, figures.fit(title, BOLD, 8, _HALF), before + ahead, values, figures.short_number)
    plot.band(example.low, example.high, theme.ACCENT_SOFT, first=before)
    plot.mark(before - 0.5, theme.MUTED)
    plot.line(example.history, theme.INK, 0.9)
    plot.line(example.means, theme.ACCENT, 1.6, first=before)
    plot.line([example.history[-1], example.actuals[0]], theme.WARN, 1.2, first=before - 1)
    plot.line(example.actuals, theme.WARN, 1.2, first=before, dots=ahead <= 16)
    plot.x_label((before - 1) / 2, figures.count(before, noun) + " before")
    plot.x_label(before + (ahead - 1) / 2, figures.count(ahead, noun) + " ahead")
    return drawing


def _notes(canvas: Canvas, evaluation: Evaluation, top: float) -> None:
    meaning = (
        "RMSSE and MASE are means over series of the error in units of the naive forecast's own before the origin; "
        "WAPE is the sum of all errors over units sold."
    )
    shown = evaluation.notes[:_MOST_NOTES]
    more = len(evaluation.notes) - len(shown)
    text = ". ".join([meaning.rstrip("."), *(note[:1].upper() + note[1:] for note in shown)]) + "."
    if more:
        text += f" {figures.count(more, 'more note')} on the screen and in the JSON."
    note = theme.paragraph(text, theme.NOTE.clone("small", fontSize=6.5, leading=8.5))
    _, height = note.wrapOn(canvas, theme.WIDTH, top)
    note.drawOn(canvas, _LEFT, max(36.0, top - height))
    canvas.setStrokeColor(theme.RULE)
    canvas.setLineWidth(0.5)
    canvas.line(_LEFT, 28, _RIGHT, 28)
    canvas.setFillColor(theme.MUTED)
    canvas.setFont(REGULAR, 7)
    canvas.drawString(
        _LEFT, 18, "Made by `inventra evaluate` · nothing after an origin was known to the forecasts made there"
    )
