"""Which header of a file is which column of the contract.

Order: the tenant's `columns`, the contract's own name, its aliases; case, spaces, underscores, hyphens and points do
not count. Nothing is guessed: two headers that would fit one column refuse the file.
"""

import difflib
import re
from collections.abc import Sequence

from inventra_pipelines.domain.contracts import Column, Contract
from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.domain.tenant import FileMapping


def normalized_header(header: str) -> str:
    """A header as it is compared."""
    return re.sub(r"[\s_.\-]+", "", header.strip().casefold())


def map_columns(headers: Sequence[str], contract: Contract, mapping: FileMapping, name: str) -> dict[str, int]:
    """Find each contract column's place among a file's headers.

    Args:
        headers: As the file writes them, by position.
        contract: The dataset's.
        mapping: The tenant's for this dataset.
        name: File, and sheet where there are several, for messages.

    Returns:
        Position by contract column; an optional column that the file lacks is absent.

    Raises:
        FileRejected: `wrong_columns`, `ambiguous_columns`, or `unusable_mapping` where the mapping names no contract
            column.
    """
    _check_mapping(contract, mapping)
    places: dict[str, list[int]] = {}
    for place, header in enumerate(headers):
        if header.strip():
            places.setdefault(normalized_header(header), []).append(place)

    found: dict[str, int] = {}
    for column_name, header in mapping.columns.items():
        if normalized_header(header) not in places:
            raise _missing([f"{column_name} (configured as {header!r})"], [header], headers, name)
        found[column_name] = _only(places[normalized_header(header)], column_name, headers, name)
    claimed = set(found.values())
    for column in contract.columns:
        if column.name not in found:
            candidates = _candidates(column, places, claimed)
            if candidates:
                found[column.name] = _only(candidates, column.name, headers, name)
    _refuse_shared(found, headers, name)
    missing = [
        column.name
        for column in contract.columns
        if column.required and column.name not in found and column.name not in mapping.constants
    ]
    if missing:
        raise _missing(missing, missing, headers, name)
    return found


def _candidates(column: Column, places: dict[str, list[int]], claimed: set[int]) -> list[int]:
    own = [place for place in places.get(normalized_header(column.name), []) if place not in claimed]
    if own:
        return own
    aliases = dict.fromkeys(normalized_header(alias) for alias in column.aliases)
    return [place for alias in aliases for place in places.get(alias, []) if place not in claimed]


def _only(candidates: list[int], column_name: str, headers: Sequence[str], name: str) -> int:
    if len(candidates) == 1:
        return candidates[0]
    fitting = ", ".join(repr(headers[place]) for place in candidates)
    raise FileRejected(
        FileReason.AMBIGUOUS_COLUMNS,
        f"{name}: several headers fit {column_name}: {fitting}",
        f"name one of them under columns.{column_name} in the tenant's file, or give each header once",
    )


def _refuse_shared(found: dict[str, int], headers: Sequence[str], name: str) -> None:
    by_place: dict[int, list[str]] = {}
    for column_name, place in found.items():
        by_place.setdefault(place, []).append(column_name)
    for place, names in by_place.items():
        if len(names) > 1:
            raise FileRejected(
                FileReason.AMBIGUOUS_COLUMNS,
                f"{name}: header {headers[place]!r} fits several columns: {', '.join(names)}",
                "say under columns in the tenant's file which one it is",
            )


def _missing(missing: list[str], wanted: list[str], headers: Sequence[str], name: str) -> FileRejected:
    shown = ", ".join(repr(header) for header in headers if header.strip()) or "none"
    by_name = {normalized_header(header): header for header in headers if header.strip()}
    near = difflib.get_close_matches(normalized_header(wanted[0]), by_name, n=1)
    hint = f"did you mean {by_name[near[0]]!r}? " if near else ""
    return FileRejected(
        FileReason.WRONG_COLUMNS,
        f"{name}: no column for {', '.join(missing)}; the headers are {shown}",
        f"{hint}rename the header, or name it under columns in the tenant's file",
    )


def _check_mapping(contract: Contract, mapping: FileMapping) -> None:
    known = [column.name for column in contract.columns]
    settings = {
        "columns": list(mapping.columns),
        "constants": list(mapping.constants),
        "integer_codes": mapping.integer_codes,
    }
    for setting, names in settings.items():
        for unknown in (name for name in names if name not in known):
            near = difflib.get_close_matches(unknown, known, n=1)
            raise FileRejected(
                FileReason.UNUSABLE_MAPPING,
                f"setting datasets.{contract.dataset}.{setting}: {contract.dataset} has no column {unknown!r}",
                f"did you mean {near[0]}" if near else f"the columns are {', '.join(known)}",
            )
