"""The zip file of a workbook, the same bytes for the same contents, with the rows of big sheets streamed into it."""

from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

Rows = Callable[[], Iterator[bytes]]

_LEVEL = 5
_END_OF_ROWS = b"</sheetData>"


class WorkbookArchive(ZipFile):
    """What openpyxl's writer takes for a zip file: fixed times, and rows put at the end of a sheet's own.

    Args:
        buffer: Where the archive is written to.
        rows: By the name of a sheet's part (xl/worksheets/sheet2.xml), what gives the rows that openpyxl has not seen.
    """

    def __init__(self, buffer: BytesIO, rows: Mapping[str, Rows]) -> None:
        super().__init__(buffer, "w", ZIP_DEFLATED, compresslevel=_LEVEL)
        self._rows_of = rows

    def writestr(self, zinfo_or_arcname: str | ZipInfo, data: Any, *_: Any, **__: Any) -> None:
        """Write a part under its name, whatever the time."""
        name = zinfo_or_arcname if isinstance(zinfo_or_arcname, str) else zinfo_or_arcname.filename
        super().writestr(_entry(name), data, ZIP_DEFLATED, _LEVEL)

    def write(
        self, filename: str | PathLike[str], arcname: str | PathLike[str] | None = None, *_: Any, **__: Any
    ) -> None:
        """Write a sheet that openpyxl has put in a temporary file, and after its rows those it has not seen."""
        name = str(arcname or filename)
        head, end, tail = Path(filename).read_bytes().partition(_END_OF_ROWS)
        with self.open(_entry(name), "w", force_zip64=True) as part:
            part.write(head)
            if name in self._rows_of:
                for rows in self._rows_of[name]():
                    part.write(rows)
            part.write(end + tail)


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.compress_type = ZIP_DEFLATED
    entry._compresslevel = _LEVEL  # type: ignore[attr-defined]
    entry.external_attr = 0o600 << 16
    return entry
