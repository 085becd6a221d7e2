"""The mapping that would read a file: found by trying, checked by reading the file with it, and shown to a person.

Belongs here: opening a file of which little is known, taking a sample of its texts, and putting the suggestion
together. What a header means is `domain/ingest/suggestions.py`, what texts say `suggested_settings.py`. It runs in the
reader's process; nothing is ever loaded by a suggestion.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel

from inventra_pipelines.domain.contracts import CONTRACTS, Contract
from inventra_pipelines.domain.ingest.headers import map_columns, normalized_header
from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.domain.ingest.suggested_settings import NOTHING, suggest_settings
from inventra_pipelines.domain.ingest.suggestions import ColumnSuggestion, suggest_columns
from inventra_pipelines.domain.tenant import Dataset, FileMapping
from inventra_pipelines.sources.formats.read import open_file
from inventra_pipelines.sources.formats.tables import Table
from inventra_pipelines.sources.reader.look import FileLook, look, missing_columns

_SAMPLED_ROWS = 200_000
_SAMPLED_TEXTS = 20_000
_ENCODINGS = ("utf-16-le", "cp1252")
_DELIMITERS = (";", ",", "\t", "|", "~", "^", ":")
_ABOUT_LAYOUT = ("header_row", "header_rows", "delimiter", "quote_char", "escape_char", "sheets", "footer_rows")


class ColumnGuess(BaseModel):
    """A header that may give a column which the file gives by no known name.

    Attributes:
        how_sure: `sure`, `likely` or `perhaps`.
        why: In words.
        is_taken: Whether the suggested mapping has it; the others are shown beside it.
    """

    column: str
    headers: list[str]
    how_sure: str
    why: str
    is_taken: bool


class SettingGuess(BaseModel):
    """A setting that the file needs; where the file does not decide it, one of several."""

    name: str
    value: Any
    why: str
    is_sure: bool


class Suggestion(BaseModel):
    """A mapping for one dataset's files, by one of them.

    Attributes:
        sheet: The sheet that it was made from.
        header_row: Where its headers seem to stand.
        missing: Required columns that no header seems to give.
        settings: Beyond what is stated.
        stated: The tenant's own settings that stay.
        look: What would happen to the file with what is sure and stated.
    """

    dataset: Dataset
    sheet: str
    header_row: int
    headers: list[str]
    columns: list[ColumnGuess]
    settings: list[SettingGuess]
    missing: list[str]
    stated: dict[str, Any]
    look: FileLook

    @property
    def is_empty(self) -> bool:
        """Whether the tenant's file needs nothing."""
        return not self.settings and not any(guess.is_taken for guess in self.columns)


class DatasetFit(BaseModel):
    """How well a file's headers fit a dataset.

    Attributes:
        required: Required columns that the dataset has.
        found: Those of them that a header gives or may give.
        others: Further columns that a header gives or may give.
        missing: Required columns that no header seems to give.
    """

    dataset: Dataset
    required: int
    found: int
    others: int
    missing: list[str]


@dataclass
class _Sample:
    """A file that could be opened: its likely headers and the texts below them.

    Attributes:
        texts: By position of the header, distinct and stripped, empty ones left out.
        mapping: What it was opened with.
        is_text: Whether it is delimited text.
        settings: What had to be set for that.
    """

    sheet: str
    headers: tuple[str, ...]
    header_row: int
    mapping: FileMapping
    is_text: bool
    settings: list[SettingGuess] = field(default_factory=list)
    texts: list[pl.Series] = field(default_factory=list)


def suggest(path: Path, contract: Contract, mapping: FileMapping, stated: Sequence[str], name: str) -> Suggestion:
    """Suggest a mapping for a file of a dataset.

    Args:
        path: On a local disk.
        contract: The dataset's.
        mapping: The tenant's now, time zone and currency signs filled in.
        stated: Names of the settings that its file states.
        name: What messages call the file.

    Raises:
        FileRejected: It cannot be read with any mapping.
    """
    sample = _open(path, [contract], mapping, name)
    kept = {key: value for key, value in sample.mapping.model_dump(mode="json").items() if key in stated}
    columns = _stated_columns(kept.get("columns", {}), sample.headers, contract)
    base = sample.mapping.model_copy(update={"columns": columns})
    guesses = _guesses(sample, contract, base)
    taken = {guess.column: _one_or_several(guess.headers) for guess in guesses if guess.is_taken}
    base = base.model_copy(update={"columns": {**columns, **taken}})
    found = suggest_settings(_texts_of(sample, contract, base), contract, base)
    settings = sample.settings + [
        SettingGuess(name=of.name, value=of.value, why=of.why, is_sure=of.is_sure) for of in found
    ]
    trial = base.model_copy(update={of.name: of.value for of in settings if of.is_sure})
    seen = look(path, contract, trial, name)
    table = next((table for table in seen.tables if table.sheet == sample.sheet), None)
    if trial.header_row is None and (table is None or table.header_row != sample.header_row):
        row = SettingGuess(name="header_row", value=sample.header_row, why="the row of the headers", is_sure=True)
        settings.append(row)
        seen = look(path, contract, trial.model_copy(update={"header_row": row.value}), name)
    kept.pop("columns", None)
    if columns:
        kept["columns"] = columns
    missing = missing_columns(sample.headers, contract, trial)
    return Suggestion(
        dataset=contract.dataset,
        sheet=sample.sheet,
        header_row=sample.header_row,
        headers=list(sample.headers),
        columns=guesses,
        settings=settings,
        missing=missing,
        stated=kept,
        look=seen,
    )


def fitting_datasets(path: Path, mapping: FileMapping, name: str) -> list[DatasetFit]:
    """How well a file fits each dataset, the best first.

    Raises:
        FileRejected: It cannot be read with any mapping.
    """
    sample = _open(path, list(CONTRACTS.values()), mapping, name)
    fits = []
    for contract in CONTRACTS.values():
        taken = {
            guess.column: _one_or_several(guess.headers)
            for guess in _guesses(sample, contract, FileMapping())
            if guess.is_taken
        }
        places = _places(sample.headers, contract, FileMapping(columns=taken))
        required = [column.name for column in contract.columns if column.required]
        missing = [column for column in required if column not in places]
        found = len(required) - len(missing)
        fits.append(
            DatasetFit(
                dataset=contract.dataset,
                required=len(required),
                found=found,
                others=len(places) - found,
                missing=missing,
            )
        )
    return sorted(fits, key=lambda fit: (not fit.missing, fit.found + fit.others, -len(fit.missing)), reverse=True)


def _open(path: Path, contracts: Sequence[Contract], mapping: FileMapping, name: str) -> _Sample:
    """Open a file by trying: as the mapping says, without what it says of the layout, and with what it may lack."""
    plain = mapping.model_copy(update={key: FileMapping.model_fields[key].default for key in _ABOUT_LAYOUT})
    first: _Sample | None = None
    failure: FileRejected | None = None
    for test in (_may_be_header(contracts, 1.0), _may_be_header(contracts, 0.5)):
        for trial, setting in _trials(mapping, plain):
            if setting is not None and not _is_worth_it(setting, first, failure):
                continue
            try:
                sample = _sampled(path, trial, [setting] if setting else [], name, test)
            except FileRejected as error:
                failure = failure or error
                continue
            first = first or sample
            if test(sample.headers):
                return sample
    if first is None:
        assert failure is not None
        raise failure
    return first


def _trials(mapping: FileMapping, plain: FileMapping) -> Iterator[tuple[FileMapping, SettingGuess | None]]:
    yield mapping, None
    if plain != mapping:
        yield plain, None
    for encoding in _ENCODINGS:
        why = "the file is not UTF-8; check that letters such as ä, é or ø read right"
        setting = SettingGuess(name="encoding", value=encoding, why=why, is_sure=True)
        yield plain.model_copy(update={"encoding": encoding}), setting
    for delimiter in _DELIMITERS:
        setting = SettingGuess(name="delimiter", value=delimiter, why="what parts the fields", is_sure=True)
        yield plain.model_copy(update={"delimiter": delimiter}), setting


def _is_worth_it(setting: SettingGuess, first: _Sample | None, failure: FileRejected | None) -> bool:
    """Whether the setting may help by what is known so far: a large file is not read ten times for nothing."""
    if setting.name == "encoding":
        return failure is not None and failure.reason_code == FileReason.BAD_ENCODING
    if first is None:
        return failure is not None and failure.reason_code == FileReason.AMBIGUOUS_DELIMITER
    return first.is_text and sum(bool(text.strip()) for text in first.headers) < 2


def _sampled(
    path: Path,
    mapping: FileMapping,
    settings: list[SettingGuess],
    name: str,
    is_header: Callable[[Sequence[str]], bool],
) -> _Sample:
    with open_file(path, mapping, name, is_header) as opened:
        sample: _Sample | None = None
        rows = 0
        for table in opened.tables:
            if sample is None or (not is_header(sample.headers) and is_header(table.headers)):
                sample = _Sample(
                    table.sheet, table.headers, table.header_row, mapping, opened.format == "delimited text", settings
                )
                sample.texts = [pl.Series(dtype=pl.String) for _ in table.headers]
            if table.headers == sample.headers:
                rows += _take(sample, table, _SAMPLED_ROWS - rows)
            if rows >= _SAMPLED_ROWS:
                break
    if sample is None:
        raise FileRejected(FileReason.EMPTY_FILE, f"{name}: there is no table in it", "send it again")
    return sample


def _take(sample: _Sample, table: Table, most: int) -> int:
    rows = 0
    # What stands below may be damaged; the headers and what came before it are a sample all the same.
    with suppress(FileRejected):
        for chunk in table.chunks:
            for place, texts in enumerate(sample.texts):
                stripped = chunk[str(place)].str.strip_chars()
                new = pl.concat([texts, stripped.filter(stripped != "")]).unique(maintain_order=True)
                sample.texts[place] = new.head(_SAMPLED_TEXTS)
            rows += chunk.height
            if rows >= most:
                break
    return rows


def _may_be_header(contracts: Sequence[Contract], share: float) -> Callable[[Sequence[str]], bool]:
    """A test whether headers may give that share of the columns which one of the datasets requires."""
    known: dict[tuple[str, ...], bool] = {}

    def test(headers: Sequence[str]) -> bool:
        names = tuple(headers)
        if names not in known:
            known[names] = _reads_like_headers(names) and any(
                _required_share(names, contract) >= share for contract in contracts
            )
        return known[names]

    return test


def _reads_like_headers(names: Sequence[str]) -> bool:
    """Whether nearly all cells begin with a letter, as those of data seldom do: few rows are then looked at closely."""
    cells = [name.strip() for name in names if name.strip()]
    return len(cells) > 1 and sum(cell[0].isalpha() or cell[0] == "#" for cell in cells) >= 0.8 * len(cells)


def _required_share(headers: Sequence[str], contract: Contract) -> float:
    empty = [pl.Series(dtype=pl.String)] * len(headers)
    found = {suggestion.column for suggestion in suggest_columns(headers, empty, contract)}
    required = [column.name for column in contract.columns if column.required]
    return sum(name in found for name in required) / len(required)


def _guesses(sample: _Sample, contract: Contract, mapping: FileMapping) -> list[ColumnGuess]:
    """What the headers may be, those aside that the mapping names; known names are taken where they are not clear."""
    claimed = {normalized_header(text) for of in mapping.columns.values() for text in _several(of)}
    names = [
        (text, _without_words(texts))
        for text, texts in zip(sample.headers, sample.texts, strict=True)
        if normalized_header(text) not in claimed
    ]
    guesses = [
        ColumnGuess(
            column=found.column,
            headers=list(found.headers),
            how_sure=found.how_sure,
            why=found.why,
            is_taken=_is_taken(found, contract),
        )
        for found in suggest_columns([text for text, _ in names], [texts for _, texts in names], contract)
        if found.column not in mapping.columns and found.column not in mapping.constants
    ]
    taken = {guess.column: _one_or_several(guess.headers) for guess in guesses if guess.is_taken}
    trial = mapping.model_copy(update={"columns": {**mapping.columns, **taken}})
    try:
        map_columns(sample.headers, contract, trial, "")
    except FileRejected as failure:
        if failure.reason_code == FileReason.AMBIGUOUS_COLUMNS:
            for guess in guesses:
                guess.is_taken |= guess.how_sure == "sure"
    return [guess for guess in guesses if guess.is_taken or guess.how_sure != "sure"]


def _without_words(texts: pl.Series) -> pl.Series:
    """Dates and numbers without the totals and notes that stand among them."""
    texts = texts.filter(~texts.str.to_lowercase().is_in(list(NOTHING)))
    is_value = texts.str.contains(r"^[^\p{L}]{0,4}[0-9]")
    return texts.filter(is_value) if is_value.sum() * 2 > texts.len() else texts


def _is_taken(found: ColumnSuggestion, contract: Contract) -> bool:
    if found.how_sure == "sure":
        # A known name needs no line, a date joined with its time does.
        return len(found.headers) > 1
    return found.how_sure == "likely" or contract.column(found.column).required


def _places(headers: Sequence[str], contract: Contract, mapping: FileMapping) -> dict[str, tuple[int, ...]]:
    """Positions by column, as far as headers or the mapping give them."""
    lenient = replace(contract, columns=tuple(replace(column, required=False) for column in contract.columns))
    try:
        return map_columns(headers, lenient, mapping, "")
    except FileRejected:
        return {}


def _texts_of(sample: _Sample, contract: Contract, mapping: FileMapping) -> dict[str, pl.Series]:
    """Distinct texts by column; those of joined headers are joined in the order they stand."""
    texts = {}
    for column, places in _places(sample.headers, contract, mapping).items():
        if len(places) == 1:
            texts[column] = sample.texts[places[0]]
        else:
            # Which of the texts stand in one row is not known: their forms are, and that decides a format.
            parts = [sample.texts[place] for place in places]
            height = max(map(len, parts))
            repeated = [part.gather([row % len(part) for row in range(height)]) for part in parts if len(part)]
            joined = pl.select(pl.concat_str([pl.lit(part) for part in repeated], separator=" ")).to_series()
            texts[column] = joined.unique(maintain_order=True)
    return {column: found for column, found in texts.items() if not found.is_empty()}


def _stated_columns(
    stated: dict[str, str | list[str]], headers: Sequence[str], contract: Contract
) -> dict[str, str | list[str]]:
    """The tenant's columns that the dataset and the file have."""
    known = {normalized_header(header) for header in headers}
    names = {column.name for column in contract.columns}
    return {
        column: wanted
        for column, wanted in stated.items()
        if column in names and wanted and all(normalized_header(text) in known for text in _several(wanted))
    }


def _several(configured: str | list[str]) -> list[str]:
    return [configured] if isinstance(configured, str) else configured


def _one_or_several(headers: list[str]) -> str | list[str]:
    return headers[0] if len(headers) == 1 else headers
