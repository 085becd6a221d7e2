"""Workbooks: xlsx, xlsm, xlsb, xls and ods, read in a child process with limits.

Belongs here: the look at the archive before anything unpacks it, and the launch of the child. The parser aborts its
whole process on some workbooks of a few kilobytes, so it never runs in ours; the child is `workbook_child.py`.
"""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import polars as pl

from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.tables import Table

_MOST_BYTES = 400 * 2**20
_MOST_MEMBERS = 5_000
# Sheets of repeated rows compress forty-fold; beyond this a small archive is built to hurt.
_MOST_RATIO = 200
_RATIO_FROM_BYTES = 50 * 2**20
_SECONDS = 180


def read_workbook(path: Path, mapping: FileMapping, name: str) -> list[Table]:
    """Read the sheets that the mapping asks for; "all" means every visible sheet that has content.

    Cells come as text: dates as ISO, whole numbers without a fraction, formulas as their stored result; an error, or a
    formula whose result was never stored, as the error's name.

    Raises:
        FileRejected: No workbook, encrypted, damaged, too large, without a sheet asked for, or empty.
    """
    if zipfile.is_zipfile(path):
        _check_archive(path, name)
    with tempfile.TemporaryDirectory(prefix="inventra-workbook-") as folder:
        result = _run_child(path, mapping, name, Path(folder))
        return [
            Table(sheet["sheet"], tuple(sheet["headers"]), _loaded(Path(folder) / sheet["file"]))
            for sheet in result["sheets"]
        ]


def _check_archive(path: Path, name: str) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise FileRejected(
            FileReason.UNREADABLE, f"{name}: the workbook's archive is damaged ({error})", "save and send it again"
        ) from None
    unpacked = sum(member.file_size for member in members)
    packed = max(1, sum(member.compress_size for member in members))
    is_bomb = unpacked > _RATIO_FROM_BYTES and unpacked / packed > _MOST_RATIO
    if len(members) > _MOST_MEMBERS or unpacked > _MOST_BYTES or is_bomb:
        raise FileRejected(
            FileReason.TOO_LARGE,
            f"{name}: the workbook unpacks to {unpacked / 2**20:,.0f} MB in {len(members):,} parts",
            "send the data as CSV, or in several workbooks",
        )


def _run_child(path: Path, mapping: FileMapping, name: str, folder: Path) -> dict:
    job = {
        "path": str(path),
        "folder": str(folder),
        "sheets": mapping.sheets,
        "header_row": mapping.header_row,
    }
    command = [sys.executable, "-m", "inventra_pipelines.sources.workbook_child"]
    try:
        finished = subprocess.run(
            command,
            input=json.dumps(job).encode(),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            # One thread reserves the least address space, which is what the child limits.
            env={**os.environ, "POLARS_MAX_THREADS": "1", "RAYON_NUM_THREADS": "1"},
        )
    except subprocess.TimeoutExpired:
        raise FileRejected(
            FileReason.TOO_LARGE, f"{name}: reading took more than {_SECONDS} seconds", "send the data as CSV"
        ) from None
    result_path = folder / "result.json"
    if not result_path.exists():
        raise FileRejected(
            FileReason.UNREADABLE,
            f"{name}: the workbook reader gave up (exit code {finished.returncode}); it is damaged or too large",
            "open and save it again, or send the data as CSV",
        )
    result = dict(json.loads(result_path.read_text(encoding="utf-8")))
    if "error" in result:
        error = result["error"]
        raise FileRejected(FileReason(error["reason_code"]), f"{name}: {error['message']}", error["remedy"])
    return result


def _loaded(path: Path) -> pl.DataFrame:
    # From bytes: the folder goes before the frame does, and a mapped file would go with it.
    return pl.read_ipc(path.read_bytes())
