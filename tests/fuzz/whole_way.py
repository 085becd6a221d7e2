"""One file's whole way from bytes to rows in this process, and what must hold of it whatever the bytes are.

Belongs here: `whole_way`, which the fuzz run and the property tests share. All that looks at a workbook is in it,
but not the parser: that may end its process, which is what the reader's process is for.
"""

from pathlib import Path
from unittest import mock

from inventra_pipelines.domain.contracts import CONTRACTS
from inventra_pipelines.domain.ingest.headers import header_texts, is_header_of, map_columns
from inventra_pipelines.domain.ingest.parse import parse_rows
from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.formats import excel_files
from inventra_pipelines.sources.formats.read import open_file
from inventra_pipelines.sources.formats.tables import contract_columns

SALES = CONTRACTS["sales"]
DEFAULT = FileMapping(time_zone="UTC", currency_signs=["EUR"])


def whole_way(path: Path, mapping: FileMapping = DEFAULT) -> int | None:
    """Read and parse a file of sales.

    Returns:
        How many rows it has; None where it is refused.

    Raises:
        AssertionError: A row is neither accepted, rejected nor passed over, or a refusal is no clear line.
        Exception: Any other than FileRejected is a defect.
    """
    left_out = FileRejected(FileReason.UNREADABLE, f"{path.name}: the parser is left out", "read it in its process")
    try:
        with (
            mock.patch.object(excel_files.fastexcel, "read_excel", side_effect=left_out),
            open_file(path, mapping, path.name, is_header_of(SALES, mapping)) as opened,
        ):
            rows = 0
            for table in opened.tables:
                places = map_columns(table.headers, SALES, mapping, path.name)
                headers = header_texts(table.headers, places)
                for chunk in table.chunks:
                    parsed = parse_rows(contract_columns(chunk, table, places, SALES), SALES, mapping, headers=headers)
                    rejected = parsed.rejects.select("sheet", "row_number").n_unique()
                    assert parsed.accepted.height + rejected + parsed.passed_over.height == chunk.height
                    assert parsed.rows_read == parsed.accepted.height + rejected
                    rows += chunk.height
            return rows
    except FileRejected as refusal:
        message = str(refusal)
        assert message.startswith(path.name) and "\n" not in message and refusal.remedy, message
        return None
