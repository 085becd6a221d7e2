"""Charts drawn with reportlab's shapes: a plot area with axes and units, and bars, lines and bands upon it.

Belongs here: how charts look. Which figures they show is decided by the sections.
"""

from collections.abc import Sequence
from math import ceil, floor, log10

from reportlab.graphics.shapes import Drawing, Line, Polygon, PolyLine, Rect, String
from reportlab.lib.colors import Color
from reportlab.pdfgen.canvas import Canvas

from inventra_pipelines.domain.reports import figures, theme
from inventra_pipelines.domain.reports.fonts import BOLD, REGULAR

_SIZE = 6.5


def ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """Round numbers (1, 2, 2.5 or 5 times a power of ten) that span low to high in about `wanted` steps."""
    span = max(high - low, 1e-9)
    power = 10.0 ** floor(log10(span / wanted))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power * wanted >= span * 0.999)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [round(step * index, 10) for index in range(first, max(last, first + 1) + 1)]


class Plot:
    """A plot area in a drawing: evenly spaced slots from left to right, values from bottom to top.

    Args:
        drawing: What is drawn on.
        box: left, bottom, width, height of all of it, labels included.
        title: Over the plot, with the unit.
        slots: How many positions there are.
        values: All values that must fit; None and NaN are passed over.
        write: Value to the text of a tick.
    """

    def __init__(
        self,
        drawing: Drawing,
        box: tuple[float, float, float, float],
        title: str,
        slots: int,
        values: Sequence[float | None],
        write: figures.Formatter,
    ) -> None:
        left, bottom, width, height = box
        self._drawing, self.slots = drawing, max(slots, 1)
        self.left, self.bottom = left + 34, bottom + 16
        self.width, self.height = width - 42, height - 44
        known = [value for value in values if value is not None and figures.is_number(value)]
        steps = ticks(min([0.0, *known]), max([0.0, *known]) or 1.0)
        self._low, self._high = steps[0], steps[-1]
        drawing.add(String(left, bottom + height - 9, title, fontName=BOLD, fontSize=8, fillColor=theme.INK))
        self._legend_left, self._legend_top = self.left, bottom + height - 20
        for step in steps:
            y = self.y(step)
            colour, weight = (theme.MUTED, 0.6) if step == 0 else (theme.FAINT, 0.5)
            drawing.add(Line(self.left, y, self.left + self.width, y, strokeColor=colour, strokeWidth=weight))
            self._text(self.left - 4, y - 2.2, write(step), "end")

    def x(self, slot: float) -> float:
        """The middle of a slot."""
        return self.left + (slot + 0.5) * self.width / self.slots

    def y(self, value: float) -> float:
        """The height of a value."""
        return self.bottom + (value - self._low) / (self._high - self._low) * self.height

    def _text(self, x: float, y: float, text: str, anchor: str = "middle", colour: Color = theme.MUTED) -> None:
        self._drawing.add(String(x, y, text, fontName=REGULAR, fontSize=_SIZE, fillColor=colour, textAnchor=anchor))

    def x_label(self, slot: float, text: str) -> None:
        """A label under a slot."""
        self._text(self.x(slot), self.bottom - 9, text)

    def bars(self, values: Sequence[float | None], colour: Color, share: float = 0.72, first: int = 0) -> None:
        """A bar per value, from the slot `first` on; none where the value is None."""
        width = self.width / self.slots * share
        zero = self.y(0.0)
        for index, value in enumerate(values):
            if figures.is_number(value) and value:
                top = self.y(value)
                shape = Rect(self.x(first + index) - width / 2, min(zero, top), width, abs(top - zero))
                shape.fillColor, shape.strokeColor = colour, None
                self._drawing.add(shape)

    def line(
        self,
        values: Sequence[float | None],
        colour: Color,
        weight: float = 1.4,
        first: int = 0,
        dots: bool = False,
        dash: Sequence[float] | None = None,
    ) -> None:
        """A line through the values; a gap where a value is None."""
        run: list[float] = []
        for index, value in enumerate([*values, None]):
            if value is not None and figures.is_number(value):
                run += [self.x(first + index), self.y(value)]
                continue
            if len(run) > 2:
                line = PolyLine(run, strokeColor=colour, strokeWidth=weight, strokeLineJoin=1)
                line.strokeDashArray = dash
                self._drawing.add(line)
            if dots or len(run) == 2:
                for x, y in zip(run[::2], run[1::2], strict=True):
                    self._drawing.add(Rect(x - 1.8, y - 1.8, 3.6, 3.6, 1.8, 1.8, fillColor=colour, strokeColor=None))
            run = []

    def band(self, lows: Sequence[float], highs: Sequence[float], colour: Color, first: int = 0) -> None:
        """The area between two lines of one length."""
        below = [at for index, value in enumerate(lows) for at in (self.x(first + index), self.y(value))]
        above = [(self.x(first + index), self.y(value)) for index, value in enumerate(highs)]
        back = [at for point in reversed(above) for at in point]
        self._drawing.add(Polygon([*below, *back], fillColor=colour, strokeColor=None))

    def mark(self, slot: float, colour: Color) -> None:
        """A thin upright line at a slot."""
        top = self.bottom + self.height
        line = Line(self.x(slot), self.bottom, self.x(slot), top, strokeColor=colour, strokeWidth=0.6)
        line.strokeDashArray = [1.5, 1.5]
        self._drawing.add(line)

    def legend(self, text: str, colour: Color, is_line: bool = False) -> None:
        """An entry of the legend, from left to right under the title."""
        x, y = self._legend_left, self._legend_top
        height = 1.6 if is_line else 5.0
        self._drawing.add(Rect(x, y + (1.7 if is_line else 0), 9, height, fillColor=colour, strokeColor=None))
        self._text(x + 12, y, text, "start")
        self._legend_left = x + 24 + 3.4 * len(text)


def sparkline(canvas: Canvas, value: object, left: float, bottom: float, width: float, height: float) -> None:
    """Draw a cell with a range band and its middle: `value` is a list of (low, middle, high) from left to right."""
    points = [point for point in value if point[1] is not None]  # type: ignore[attr-defined]
    if len(points) < 2:
        return
    top = max(max(point[2] or 0, point[1]) for point in points) or 1.0
    step = width / (len(points) - 1)

    def at(level: float) -> float:
        return bottom + 2 + level / top * (height - 4)

    if all(point[0] is not None and point[2] is not None for point in points):
        path = canvas.beginPath()
        path.moveTo(left, at(points[0][0]))
        for index, point in enumerate(points[1:], 1):
            path.lineTo(left + index * step, at(point[0]))
        for index in range(len(points) - 1, -1, -1):
            path.lineTo(left + index * step, at(points[index][2]))
        path.close()
        canvas.setFillColor(theme.ACCENT_SOFT)
        canvas.drawPath(path, stroke=0, fill=1)
    path = canvas.beginPath()
    path.moveTo(left, at(points[0][1]))
    for index, point in enumerate(points[1:], 1):
        path.lineTo(left + index * step, at(point[1]))
    canvas.setStrokeColor(theme.ACCENT)
    canvas.setLineWidth(0.9)
    canvas.drawPath(path, stroke=1, fill=0)
