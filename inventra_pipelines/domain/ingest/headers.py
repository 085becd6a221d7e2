"""Which header of a file is which column of the contract.

Order: the tenant's `columns`, the contract's own name, its aliases; case, spaces, underscores, hyphens and points do
not count. Nothing is guessed: two headers that would fit one column refuse the file. What a header may mean otherwise
is `suggestions.py`, which is shown and never loaded by.
"""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from inventra_pipelines.domain.contracts import Column, Contract
from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.domain.tenant import FileMapping

# A refusal is a line that a person reads.
_MOST_SHOWN = 40
_MOST_SHOWN_CHARACTERS = 60


def normalized_header(header: str) -> str:
    """A header as it is compared."""
    return re.sub(r"[\s_.\-]+", "", header.strip().casefold())


def map_columns(
    headers: Sequence[str], contract: Contract, mapping: FileMapping, where: str
) -> dict[str, tuple[int, ...]]:
    """Find each contract column's place among a file's headers.

    Args:
        headers: As the file writes them, by position.
        contract: The dataset's.
        mapping: The tenant's for this dataset.
        where: File, and sheet where there are several, for messages.

    Returns:
        Positions by contract column, several where the mapping joins headers, in its order; an optional column that the
        file lacks is absent.

    Raises:
        FileRejected: `wrong_columns`, `ambiguous_columns`, or `unusable_mapping` where the mapping names no contract
            column.
    """
    check_mapping(contract, mapping)
    places: dict[str, list[int]] = {}
    for place, header in enumerate(headers):
        if header.strip():
            places.setdefault(normalized_header(header), []).append(place)

    found: dict[str, tuple[int, ...]] = {}
    for column_name, configured in mapping.columns.items():
        found[column_name] = tuple(
            _configured(column_name, header, places, headers, where) for header in _several(configured)
        )
    claimed = {place for taken in found.values() for place in taken}
    for column in contract.columns:
        if column.name not in found:
            candidates = _candidates(column, places, claimed)
            if candidates:
                found[column.name] = (_only(candidates, column.name, headers, where),)
    _refuse_shared(found, headers, where)
    missing = [
        column.name
        for column in contract.columns
        if column.required and column.name not in found and column.name not in mapping.constants
    ]
    if missing:
        raise _missing(missing, missing, headers, where)
    return found


def unused_constants(
    headers: Sequence[str], places: Mapping[str, Sequence[int]], mapping: FileMapping, sheet: str
) -> list[str]:
    """The constants that a file's own columns take the place of, in words.

    Args:
        headers: As the file writes them, by position.
        places: Of `map_columns`.
        mapping: The tenant's for this dataset.
        sheet: Empty where there is none.
    """
    texts = header_texts(headers, places)
    where = f"sheet {sheet!r}: " if sheet else ""
    return [
        f"{where}the constant {value!r} for {column} is not used: the column {texts[column]!r} of the file holds"
        for column, value in mapping.constants.items()
        if column in texts
    ]


def is_header_of(contract: Contract, mapping: FileMapping) -> Callable[[Sequence[str]], bool]:
    """A test for a row of headers: whether `map_columns` takes it, and finds a column in it.

    Raises:
        FileRejected: `unusable_mapping`; the test itself does not raise.
    """
    check_mapping(contract, mapping)
    needs = _needs(contract, mapping)

    def is_header(headers: Sequence[str]) -> bool:
        # A search tries many rows, of which few have what is needed.
        if len(headers) < len(needs):
            return False
        found = {normalized_header(header) for header in headers}
        if not all(found & need for need in needs):
            return False
        try:
            return bool(map_columns(headers, contract, mapping, ""))
        except FileRejected:
            return False

    return is_header


def _needs(contract: Contract, mapping: FileMapping) -> list[set[str]]:
    """Headers of which one each must be there: those that the mapping names, and those of required columns."""
    named = {normalized_header(header) for configured in mapping.columns.values() for header in _several(configured)}
    required = [
        {normalized_header(name) for name in (column.name, *column.aliases)}
        for column in contract.columns
        if column.required and column.name not in mapping.columns and column.name not in mapping.constants
    ]
    return [*({header} for header in named), *required]


def header_texts(headers: Sequence[str], places: Mapping[str, Sequence[int]]) -> dict[str, str]:
    """The header of each mapped column, joined as the cells of its columns are."""
    return {name: " ".join(headers[place].strip() for place in taken) for name, taken in places.items()}


def _several(configured: str | list[str]) -> list[str]:
    return [configured] if isinstance(configured, str) else configured


def _configured(column_name: str, header: str, places: dict[str, list[int]], headers: Sequence[str], where: str) -> int:
    if normalized_header(header) not in places:
        raise _missing([f"{column_name} (configured as {header!r})"], [header], headers, where)
    return _only(places[normalized_header(header)], column_name, headers, where)


def _candidates(column: Column, places: dict[str, list[int]], claimed: set[int]) -> list[int]:
    own = [place for place in places.get(normalized_header(column.name), []) if place not in claimed]
    if own:
        return own
    aliases = dict.fromkeys(normalized_header(alias) for alias in column.aliases)
    return [place for alias in aliases for place in places.get(alias, []) if place not in claimed]


def _only(candidates: list[int], column_name: str, headers: Sequence[str], where: str) -> int:
    if len(candidates) == 1:
        return candidates[0]
    fitting = _shown([headers[place] for place in candidates])
    raise FileRejected(
        FileReason.AMBIGUOUS_COLUMNS,
        f"{where}: several headers fit {column_name}: {fitting}",
        f"name one of them under columns.{column_name} in the tenant's file, or give each header once",
    )


def _refuse_shared(found: dict[str, tuple[int, ...]], headers: Sequence[str], where: str) -> None:
    by_place: dict[int, list[str]] = {}
    for column_name, places in found.items():
        for place in places:
            by_place.setdefault(place, []).append(column_name)
    for place, names in by_place.items():
        if len(names) > 1:
            raise FileRejected(
                FileReason.AMBIGUOUS_COLUMNS,
                f"{where}: header {_shown([headers[place]])} fits several columns: {', '.join(dict.fromkeys(names))}",
                "say under columns in the tenant's file which one it is",
            )


def _missing(missing: list[str], wanted: list[str], headers: Sequence[str], where: str) -> FileRejected:
    shown = _shown([header for header in headers if header.strip()]) or "none"
    by_name = {normalized_header(header): header for header in headers if header.strip()}
    near = difflib.get_close_matches(normalized_header(wanted[0]), by_name, n=1)
    hint = f"did you mean {_shown([by_name[near[0]]])}? " if near else ""
    return FileRejected(
        FileReason.WRONG_COLUMNS,
        f"{where}: no column for {', '.join(missing)}; the headers are {shown}",
        f"{hint}rename the header, or name it under columns in the tenant's file",
    )


def _shown(headers: Sequence[str]) -> str:
    """Headers as a message quotes them: the first ones, and of each what tells it."""
    most = _MOST_SHOWN_CHARACTERS
    quoted = [repr(header if len(header) <= most else f"{header[:most]}…") for header in headers[:_MOST_SHOWN]]
    more = [f"and {len(headers) - _MOST_SHOWN:,} more"] if len(headers) > _MOST_SHOWN else []
    return ", ".join([*quoted, *more])


def check_mapping(contract: Contract, mapping: FileMapping) -> None:
    """Refuse a mapping that names what the contract does not have.

    Raises:
        FileRejected: `unusable_mapping`.
    """
    for _, _, fault in _mapping_faults(contract, mapping):
        raise fault


def usable_mapping(contract: Contract, mapping: FileMapping) -> tuple[FileMapping, list[str]]:
    """A mapping without what names no column of the contract, and what is wrong with each of those, in words."""
    faults = list(_mapping_faults(contract, mapping))
    kept: dict[str, Any] = {setting: getattr(mapping, setting) for setting, _, _ in faults}
    for setting, wrong, _ in faults:
        now = kept[setting]
        is_list = isinstance(now, list)
        kept[setting] = [n for n in now if n != wrong] if is_list else {n: of for n, of in now.items() if n != wrong}
    return mapping.model_copy(update=kept), [str(fault) for _, _, fault in faults]


def _mapping_faults(contract: Contract, mapping: FileMapping) -> Iterator[tuple[str, str, FileRejected]]:
    """Setting, the name in it that is wrong, and why."""
    known = [column.name for column in contract.columns]
    codes = [column.name for column in contract.columns if column.type == "code"]
    settings: list[tuple[str, Sequence[str], list[str], str]] = [
        ("columns", list(mapping.columns), known, "column"),
        ("constants", list(mapping.constants), known, "column"),
        ("integer_codes", mapping.integer_codes, codes, "code column"),
        ("pad_codes", list(mapping.pad_codes), codes, "code column"),
    ]
    for setting, names, allowed, kind in settings:
        for unknown in (name for name in names if name not in allowed):
            near = difflib.get_close_matches(unknown, allowed, n=1)
            fault = FileRejected(
                FileReason.UNUSABLE_MAPPING,
                f"setting datasets.{contract.dataset}.{setting}: {contract.dataset} has no {kind} {unknown!r}",
                f"did you mean {near[0]}" if near else f"the {kind}s are {', '.join(allowed)}",
            )
            yield setting, unknown, fault
    for column_name, configured in mapping.columns.items():
        if not _several(configured) or not all(header.strip() for header in _several(configured)):
            fault = FileRejected(
                FileReason.UNUSABLE_MAPPING,
                f"setting datasets.{contract.dataset}.columns.{column_name}: names no header",
                "name one or more, or leave the line out",
            )
            yield "columns", column_name, fault
