"""One way into a file of any kind: its content decides which reader it gets, never its name.

Belongs here: `open_file`. The readers are `csv_files.py`, `excel_files.py` and `parquet_files.py`, kinds are told by
`kinds.py`, archives unpacked by `packing.py`; what comes out is `tables.py`.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.formats.kinds import Kind, find_kind
from inventra_pipelines.sources.formats.packing import (
    Archive,
    is_workbook,
    limit_for,
    list_zip,
    unpack_gzip,
    unpack_member,
)
from inventra_pipelines.sources.formats.tables import IsHeader, OpenedFile, Table

_NO_SHEETS = "sheets of the tenant's file is not used: the file has none"


@contextmanager
def open_file(path: Path, mapping: FileMapping, name: str, is_header: IsHeader) -> Iterator[OpenedFile]:
    """Open a file of any kind; what it was unpacked into goes when the context ends.

    Of an archive, `details`, `passed_over` and `remarks` are complete once its tables have been read.

    Args:
        path: A file on a local disk.
        mapping: The tenant's for the file's dataset.
        name: What messages call the file.
        is_header: Whether headers give every column that the dataset requires.

    Raises:
        FileRejected: Empty, of no known format, damaged, too large, or not in a stated encoding; also while the tables
            are read.
    """
    with tempfile.TemporaryDirectory(prefix="inventra-read-", ignore_cleanup_errors=True) as folder:
        yield _opened(path, mapping, name, is_header, Path(folder))


def _opened(path: Path, mapping: FileMapping, name: str, is_header: IsHeader, folder: Path) -> OpenedFile:
    kind = find_kind(path, name)
    if kind is Kind.GZIP:
        unpacked = folder / "unpacked"
        unpack_gzip(path, unpacked, name)
        opened = _single(unpacked, mapping, name, is_header)
        return replace(opened, details={**opened.details, "packed": "gzip"})
    if kind is Kind.ZIP and not is_workbook(path, name):
        return _of_archive(path, mapping, name, is_header, folder)
    return _single(path, mapping, name, is_header)


def _single(path: Path, mapping: FileMapping, name: str, is_header: IsHeader) -> OpenedFile:
    """A file that holds tables itself; its reader is imported with the first file that needs it."""
    kind = find_kind(path, name)
    if kind is Kind.EMPTY:
        raise FileRejected(FileReason.EMPTY_FILE, f"{name}: the file is empty", "send it again, with its header line")
    if kind is Kind.PARQUET:
        from inventra_pipelines.sources.formats.parquet_files import read_parquet

        return _without_sheets(read_parquet(path, name, mapping.decimal_mark), mapping)
    if kind is Kind.TEXT:
        from inventra_pipelines.sources.formats.csv_files import read_delimited

        return _without_sheets(read_delimited(path, mapping, name, is_header), mapping)
    if kind is Kind.OLE or (kind is Kind.ZIP and is_workbook(path, name)):
        from inventra_pipelines.sources.formats.excel_files import read_workbook

        return read_workbook(path, mapping, name, is_header)
    raise FileRejected(
        FileReason.UNKNOWN_FORMAT, f"{name}: an archive within an archive is not read", "send what is in it by itself"
    )


def _without_sheets(opened: OpenedFile, mapping: FileMapping) -> OpenedFile:
    # No error: a tenant may land text files beside workbooks.
    return opened if mapping.sheets == "all" else replace(opened, remarks=[*opened.remarks, _NO_SHEETS])


def _of_archive(path: Path, mapping: FileMapping, name: str, is_header: IsHeader, folder: Path) -> OpenedFile:
    archive = list_zip(path, name)
    count = len(archive.members)
    details = {"packed": f"zip, {count} file{'s' if count > 1 else ''}"}
    remarks: list[str] = []
    tables = _tables(path, archive, details, remarks, mapping, name, is_header, folder)
    return OpenedFile("zip archive", tables, details, archive.passed_over, remarks)


def _tables(
    path: Path,
    archive: Archive,
    details: dict[str, str],
    remarks: list[str],
    mapping: FileMapping,
    name: str,
    is_header: IsHeader,
    folder: Path,
) -> Iterator[Table]:
    limit = limit_for(path, name)
    unpacked = folder / "member"
    for member in archive.members:
        unpack_member(path, member, unpacked, limit, name)
        opened = _single(unpacked, mapping, f"{name}: {member.label}", is_header)
        for key, detail in {"format": opened.format, **opened.details}.items():
            known = details.get(key, "").split("; ")
            details[key] = "; ".join(dict.fromkeys(filter(None, [*known, detail])))
        for table in opened.tables:
            sheet = f"{member.label} / {table.sheet}" if table.sheet else member.label
            yield replace(table, sheet=sheet)
        archive.passed_over.extend(f"{member.label} / {passed}" for passed in opened.passed_over)
        told = (text if text == _NO_SHEETS else f"{member.label} / {text}" for text in opened.remarks)
        remarks.extend(text for text in told if text not in remarks)
        unpacked.unlink()
