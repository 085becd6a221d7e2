"""Tables and wrapped lines on a plain terminal.

Belongs here: how wide they are and how columns align. What stands in them is the commands'.
"""

import textwrap
from collections.abc import Iterable, Sequence
from io import StringIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from inventra_pipelines.cli.console import out

# Where nobody looks at a terminal: wide enough for a sentence, narrow enough for a mail.
_WIDTH = 100


def width() -> int:
    """Columns to write in."""
    return max(60, out.width) if out.is_terminal else _WIDTH


def print_table(headers: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[str] = ()) -> None:
    """Print rows under headers; long texts are wrapped within their column.

    Args:
        headers: One per column.
        rows: Their cells; None is an empty one.
        right: Headers of the columns that are aligned to the right.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="", show_edge=False)
    for header in headers:
        is_right = header in right
        table.add_column(Text(header), justify="right" if is_right else "left", no_wrap=is_right, overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    drawn = Console(file=StringIO(), width=width() - 2, color_system=None)
    with drawn.capture() as captured:
        drawn.print(table)
    for line in captured.get().splitlines():
        out.print(f"  {line.rstrip()}", markup=False)


def say(text: str, indent: int = 0, hanging: int = 0) -> None:
    """Print a sentence, wrapped; its further lines are indented by `hanging` more."""
    for line in textwrap.wrap(
        text,
        width(),
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hanging),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]:
        out.print(line, markup=False)


def title(text: str) -> None:
    """Print a line that begins a part, after an empty one."""
    out.print()
    out.print(text, style="bold" if out.is_terminal else None, markup=False)
