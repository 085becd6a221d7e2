"""One way into a file of any kind: its content decides which reader it gets, never its name.

Belongs here: `read_tables`. The readers are `csv_files.py`, `excel_files.py` and `parquet_files.py`, what they give is
`tables.py`.
"""

import zipfile
from pathlib import Path

from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.csv_files import decompress, read_delimited
from inventra_pipelines.sources.excel_files import read_workbook
from inventra_pipelines.sources.parquet_files import read_parquet
from inventra_pipelines.sources.tables import Table

_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0"
_PARQUET = b"PAR1"
_OTHERS = {b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"7z\xbc\xaf": "7-Zip", b"%PDF": "PDF", b"\x28\xb5\x2f\xfd": "zstd"}


def read_tables(path: Path, mapping: FileMapping, name: str = "") -> list[Table]:
    """Read a file's tables as text.

    Args:
        path: A file on a local disk.
        mapping: The tenant's for the file's dataset.
        name: What messages call the file; its own name by default.

    Returns:
        One table, or one per sheet.

    Raises:
        FileRejected: Empty, of no known format, damaged, too large, or not in a stated encoding.
    """
    name = name or path.name
    with path.open("rb") as stream:
        magic = stream.read(8)
    if not magic:
        raise FileRejected(FileReason.EMPTY_FILE, f"{name}: the file is empty", "send it again, with its header line")
    if magic.startswith(_PARQUET):
        return read_parquet(path, name)
    if magic.startswith(_OLE) or (magic.startswith(_ZIP) and _is_workbook(path, name)):
        return read_workbook(path, mapping, name)
    _refuse_other(magic, name)
    content = path.read_bytes()
    if magic.startswith(_GZIP):
        content = decompress(content, name)
        if content.startswith((_ZIP, _OLE, _PARQUET, _GZIP)):
            raise FileRejected(
                FileReason.UNKNOWN_FORMAT, f"{name}: gzip may hold delimited text only", "send what is in it by itself"
            )
        _refuse_other(content[:8], name)
    return read_delimited(content, mapping, name)


def _refuse_other(magic: bytes, name: str) -> None:
    for beginning, kind in _OTHERS.items():
        if magic.startswith(beginning):
            raise FileRejected(
                FileReason.UNKNOWN_FORMAT, f"{name}: {kind} is not read", "send CSV, gzipped CSV, a workbook or parquet"
            )


def _is_workbook(path: Path, name: str) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            members = set(archive.namelist())
    except (zipfile.BadZipFile, OSError) as error:
        raise FileRejected(
            FileReason.UNREADABLE, f"{name}: the archive is cut short or damaged ({error})", "send the file again"
        ) from None
    if members & {"[Content_Types].xml", "mimetype", "content.xml"}:
        return True
    raise FileRejected(
        FileReason.UNKNOWN_FORMAT, f"{name}: a zip archive is not read", "send the file in it, or gzip it"
    )
