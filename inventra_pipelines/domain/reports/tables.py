"""Tables that break over pages: fixed row heights, header repeated on each page, text cut at a measured width.

reportlab's own Table lays out every cell as an object: 10,000 rows take 8 s in chunks of 500. Here a table is a window
on a list of tuples that knows how to split itself, and 10,000 rows take about 1 s.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reportlab.lib.colors import Color
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

from inventra_pipelines.domain.reports import figures, theme
from inventra_pipelines.domain.reports.fonts import BOLD, REGULAR

Row = Sequence[object]
CellDrawer = Callable[[Canvas, object, float, float, float, float], None]

SIZE = 7.0
ROW_HEIGHT = 13.0
_LEADING = 8.4
_PAD = 3.0
_GUTTER = 9.0
_MIN_ROWS = 3


@dataclass(frozen=True)
class Column:
    """A column: its title (lines parted by a newline), width in points, and how its values are written.

    Attributes:
        title: Shown in the header of every page.
        width: In points; a table's widths are scaled to the width of the page.
        right: Numbers stand on the right, so that their digits line up.
        write: Value to text.
        tone: Value to a colour, None for the normal one.
        draw: Draws the cell instead of text: canvas, value, left, bottom, width, height.
    """

    title: str
    width: float
    right: bool = False
    write: figures.Formatter = figures.text
    tone: Callable[[object], Color | None] | None = None
    draw: CellDrawer | None = None


class GridTable(Flowable):
    """Rows `start` to `stop` of a table; splitting makes two windows on the same rows, each with the header.

    Args:
        columns: Left to right.
        rows: One value per column and row.
        total: A last row in bold, on the last page only.
        row_height: In points, the same for every row.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        rows: Sequence[Row],
        total: Row | None = None,
        row_height: float = ROW_HEIGHT,
        start: int = 0,
    ) -> None:
        super().__init__()
        self._columns, self._rows, self._total = columns, rows, total
        self._row_height, self._start, self._stop = row_height, start, len(rows)
        lines = max(column.title.count("\n") for column in columns) + 1
        self._header_height = lines * _LEADING + 7
        self._has_total = total is not None

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """The whole width; header, rows and the total row."""
        self.width = available_width
        rows = self._stop - self._start + self._has_total
        self.height = self._header_height + rows * self._row_height
        return self.width, self.height

    def split(self, available_width: float, available_height: float) -> list[Flowable]:
        """As many rows as fit, and the rest; nothing where fewer than three would stand on either side of the break."""
        left = self._stop - self._start
        fits = int((available_height - self._header_height) // self._row_height)
        fits = min(fits, left - _MIN_ROWS)
        if fits < _MIN_ROWS:
            return []
        first = GridTable(self._columns, self._rows, None, self._row_height, self._start)
        first._stop = self._start + fits
        rest = GridTable(self._columns, self._rows, self._total, self._row_height, self._start + fits)
        rest._stop = self._stop
        return [first, rest]

    def draw(self) -> None:
        """Header, rules and stripes first, then all texts in one text object."""
        scale = self.width / sum(column.width for column in self._columns)
        widths = [column.width * scale for column in self._columns]
        lefts = [sum(widths[:index]) for index in range(len(widths))]
        for index, column in enumerate(self._columns[1:], 1):
            if self._columns[index - 1].right and not column.right:
                lefts[index] += _GUTTER
                widths[index] -= _GUTTER
        self._draw_ground()
        self._draw_header(lefts, widths)
        self._draw_rows(lefts, widths)

    def _draw_ground(self) -> None:
        canvas, body = self.canv, self.height - self._header_height
        canvas.setFillColor(theme.ZEBRA)
        rows = self._stop - self._start
        for index in range(1, rows, 2):
            canvas.rect(0, body - (index + 1) * self._row_height, self.width, self._row_height, stroke=0, fill=1)
        canvas.setLineWidth(0.9)
        canvas.setStrokeColor(theme.ACCENT)
        canvas.line(0, body, self.width, body)
        canvas.setLineWidth(0.5)
        canvas.setStrokeColor(theme.RULE)
        canvas.line(0, 0, self.width, 0)
        if self._has_total:
            canvas.line(0, self._row_height, self.width, self._row_height)

    def _draw_header(self, lefts: list[float], widths: list[float]) -> None:
        text = self.canv.beginText()
        text.setFont(BOLD, SIZE)
        text.setFillColor(theme.ACCENT)
        for column, left, width in zip(self._columns, lefts, widths, strict=True):
            lines = column.title.split("\n")
            for index, line in enumerate(lines):
                baseline = self.height - self._header_height + 4 + (len(lines) - 1 - index) * _LEADING
                cut = figures.fit(line, BOLD, SIZE, width - _PAD) if line else ""
                start = left + width - _PAD - stringWidth(cut, BOLD, SIZE) if column.right else left + _PAD
                text.setTextOrigin(start, baseline)
                text.textOut(cut)
        self.canv.drawText(text)

    def _draw_rows(self, lefts: list[float], widths: list[float]) -> None:
        text = self.canv.beginText()
        text.setFont(REGULAR, SIZE)
        text.setFillColor(theme.INK)
        bottom = self.height - self._header_height
        for index in range(self._start, self._stop):
            bottom -= self._row_height
            self._draw_row(text, self._rows[index], lefts, widths, bottom, REGULAR)
        if self._total is not None:
            text.setFont(BOLD, SIZE)
            self._draw_row(text, self._total, lefts, widths, bottom - self._row_height, BOLD)
        self.canv.drawText(text)

    def _draw_row(self, text, row: Row, lefts: list[float], widths: list[float], bottom: float, font: str) -> None:  # type: ignore[no-untyped-def]
        baseline = bottom + (self._row_height - SIZE) / 2 + 1.2
        for column, value, left, width in zip(self._columns, row, lefts, widths, strict=True):
            if column.draw is not None:
                if value is not None:
                    column.draw(self.canv, value, left + _PAD, bottom, width - 2 * _PAD, self._row_height)
                continue
            if value is None and font == BOLD:
                continue
            written = value if font == BOLD and isinstance(value, str) else column.write(value)
            cut = figures.fit(written, font, SIZE, width - 2 * _PAD)
            start = left + width - _PAD - stringWidth(cut, font, SIZE) if column.right else left + _PAD
            tone = column.tone(value) if column.tone else None
            if tone is not None:
                text.setFillColor(tone)
            text.setTextOrigin(start, baseline)
            text.textOut(cut)
            if tone is not None:
                text.setFillColor(theme.INK)


def code_tone(value: object) -> Color | None:
    """The colour of a status or severity."""
    return theme.TONES.get(str(value))


def code_words(value: object) -> str:
    """A code as words, for columns of statuses and kinds."""
    return figures.words(value)
