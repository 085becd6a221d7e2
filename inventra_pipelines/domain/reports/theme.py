"""The look of the PDF: page geometry, palette, paragraph styles and the pieces every section is made of."""

from xml.sax.saxutils import escape

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import CondPageBreak, Flowable, Paragraph, Spacer

from inventra_pipelines.domain.reports.fonts import BOLD, REGULAR

PAGE_WIDTH, PAGE_HEIGHT = A4
MARGIN = 36.0
TOP = 52.0
BOTTOM = 44.0
WIDTH = PAGE_WIDTH - 2 * MARGIN

INK = HexColor("#1d2733")
MUTED = HexColor("#667282")
RULE = HexColor("#cfd6de")
FAINT = HexColor("#e8ecf0")
ZEBRA = HexColor("#f6f8fa")
ACCENT = HexColor("#1f5f82")
ACCENT_SOFT = HexColor("#a9c9da")
ACCENT_FAINT = HexColor("#eaf2f6")
GOOD = HexColor("#2b7a57")
BAD = HexColor("#b23a31")
WARN = HexColor("#a86a12")
WARN_FAINT = HexColor("#fdf4e3")
WHITE = HexColor("#ffffff")

TONES: dict[str, Color] = {
    "out_of_stock": BAD,
    "stock_out_risk": WARN,
    "critical": BAD,
    "warning": WARN,
    "late": BAD,
}

_BASE = ParagraphStyle("base", fontName=REGULAR, fontSize=8.5, leading=12, textColor=INK)
BODY = _BASE
NOTE = ParagraphStyle("note", parent=_BASE, fontSize=7.5, leading=10.5, textColor=MUTED)
SECTION = ParagraphStyle("section", parent=_BASE, fontName=BOLD, fontSize=14, leading=18, textColor=ACCENT)
SUBSECTION = ParagraphStyle("subsection", parent=_BASE, fontName=BOLD, fontSize=9.5, leading=13)


class Bookmark(Flowable):
    """An entry of the outline that readers see beside the pages; takes no room."""

    def __init__(self, title: str, key: str) -> None:
        super().__init__()
        self._title, self._key = title, key

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """No room at all."""
        return 0, 0

    def draw(self) -> None:
        """Bookmark the page and enter it in the outline."""
        self.canv.bookmarkHorizontal(self._key, 0, 24)
        self.canv.addOutlineEntry(self._title, self._key, 0)


def paragraph(text: str, style: ParagraphStyle = BODY) -> Paragraph:
    """A paragraph of plain text: mark-up in names and messages is shown, not obeyed."""
    return Paragraph(escape("".join(c if c.isprintable() else " " for c in text)), style)


def section(title: str, intro: str = "", room: float = 175.0) -> list[Flowable]:
    """A section's heading with its outline entry and a sentence, on a new page if fewer than `room` points are left."""
    pieces: list[Flowable] = [CondPageBreak(room), Bookmark(title, title), paragraph(title, SECTION)]
    if intro:
        pieces += [Spacer(0, 2), paragraph(intro, NOTE)]
    return [*pieces, Spacer(0, 6)]


def subsection(title: str, note: str = "", room: float = 125.0) -> list[Flowable]:
    """A smaller heading that stays with what follows, as long as that needs no more than `room` points to begin."""
    pieces: list[Flowable] = [CondPageBreak(room), paragraph(title, SUBSECTION)]
    if note:
        pieces.append(paragraph(note, NOTE))
    return [*pieces, Spacer(0, 4)]


class Reason(Flowable):
    """A tinted strip with one or two sentences: why something is missing, or what to know when reading."""

    def __init__(
        self, text: str, tint: Color = ACCENT_FAINT, mark: Color = ACCENT, style: ParagraphStyle = BODY
    ) -> None:
        super().__init__()
        self._paragraph = paragraph(text, style)
        self._tint, self._mark = tint, mark

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """Full width; as high as the sentences need."""
        self.width = available_width
        _, inner = self._paragraph.wrap(available_width - 20, available_height)
        self.height = inner + 8
        return self.width, self.height

    def draw(self) -> None:
        """The strip, its mark on the left, the sentences."""
        self.canv.setFillColor(self._tint)
        self.canv.rect(0, 0, self.width, self.height, stroke=0, fill=1)
        self.canv.setFillColor(self._mark)
        self.canv.rect(0, 0, 2.5, self.height, stroke=0, fill=1)
        self._paragraph.drawOn(self.canv, 11, 4)


def simulated_note() -> Reason:
    """The strip that stands over every table and chart that rests on simulated stock."""
    text = "Simulated stock: the stock figures here come from a simulation over the real sales, not from counts."
    return Reason(text, WARN_FAINT, WARN, NOTE)
