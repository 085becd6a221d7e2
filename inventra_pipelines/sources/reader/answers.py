"""What the reader's process answers about one file, instead of giving its rows.

Belongs here: the kinds of questions, from JSON and back to it. The work is `look.py`, `suggest.py`, `demand.py` and
`rejected_rows.py`.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

from inventra_pipelines.domain.contracts import CONTRACTS
from inventra_pipelines.domain.ingest.rejects import FileRejected
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.reader.demand import demand_of
from inventra_pipelines.sources.reader.look import look
from inventra_pipelines.sources.reader.rejected_rows import cells_of
from inventra_pipelines.sources.reader.suggest import fitting_datasets, suggest
from inventra_pipelines.sources.reader.warnings import Warnings

Piece = tuple[dict[str, Any], bytes]


def answer(question: dict[str, Any]) -> Iterator[Piece]:
    """Answer a question piece by piece, each as JSON and a block of bytes.

    Args:
        question: `asks`, `path`, `name`, `mapping`, `dataset` and what else the kind of question needs.

    Raises:
        FileRejected: The file cannot be read for it.
    """
    path, name = Path(question["path"]), question["name"]
    mapping = FileMapping.model_validate(question["mapping"])
    contract = CONTRACTS.get(question["dataset"])
    match question["asks"]:
        case "look" if contract:
            warnings = Warnings(
                contract,
                date.fromisoformat(question["landed_on"]),
                is_numbered_daily=question["is_numbered_daily"],
                known_currencies=question["known_currencies"],
            )
            found = look(path, contract, mapping, name, question["day_zone"], warnings)
            yield {"look": found.model_dump(mode="json")}, b""
            # Where nothing can be read at all, the look has said why.
            with suppress(FileRejected):
                suggestion = suggest(path, contract, mapping, question["stated"], name)
                yield {"suggestion": suggestion.model_dump(mode="json")}, b""
        case "suggest" if contract:
            suggestion = suggest(path, contract, mapping, question["stated"], name)
            yield {"suggestion": suggestion.model_dump(mode="json")}, b""
        case "suggest":
            for fit in fitting_datasets(path, mapping, name):
                yield {"fit": fit.model_dump(mode="json")}, b""
        case "demand":
            yield from demand_of(path, mapping, name, skips_bad_rows=question["skips_bad_rows"])
        case "cells" if contract:
            yield from cells_of(path, contract, mapping, question["wanted"], name)
