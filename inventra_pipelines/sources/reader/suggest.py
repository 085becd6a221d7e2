"""The mapping that would read a file: found by trying, checked by reading the file with it, and shown to a person.

Belongs here: putting the suggestion together, and how well a file fits each dataset. The file is opened by `sample.py`;
what a header means is `domain/ingest/suggestions.py`, what texts say `suggested_settings.py`. It runs in the reader's
process; nothing is ever loaded by a suggestion.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel

from inventra_pipelines.domain.contracts import CONTRACTS, Contract
from inventra_pipelines.domain.ingest.headers import map_columns, normalized_header, usable_mapping
from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.domain.ingest.suggested_settings import NOTHING, suggest_settings
from inventra_pipelines.domain.ingest.suggestions import ColumnSuggestion, suggest_columns
from inventra_pipelines.domain.tenant import Dataset, FileMapping
from inventra_pipelines.sources.reader.look import FileLook, look, missing_columns
from inventra_pipelines.sources.reader.sample import Sample, open_sample

_MARKS = ("decimal_mark", "thousands_mark")


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
        unused: Headers that no column uses with what is suggested, and that are no column's guess either.
        settings: Beyond what is stated.
        stated: The tenant's own settings that stay.
        left_out: What is wrong with those of them that name no column of the dataset, which do not stay.
        look: What would happen to the file with what is sure and stated.
    """

    dataset: Dataset
    sheet: str
    header_row: int
    headers: list[str]
    columns: list[ColumnGuess]
    settings: list[SettingGuess]
    missing: list[str]
    unused: list[str]
    stated: dict[str, Any]
    left_out: list[str] = []
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
    usable, left_out = usable_mapping(contract, mapping)
    # What nothing is left of is not stated any more.
    stated = [each for each in stated if getattr(usable, each) or getattr(usable, each) == getattr(mapping, each)]
    sample = open_sample(path, [contract], usable, name)
    kept = {key: value for key, value in sample.mapping.model_dump(mode="json").items() if key in stated}
    columns = _stated_columns(kept.get("columns", {}), sample.headers, contract)
    base = sample.mapping.model_copy(update={"columns": columns})
    guesses = _guesses(sample, contract, base)
    taken = {guess.column: _one_or_several(guess.headers) for guess in guesses if guess.is_taken}
    base = base.model_copy(update={"columns": {**columns, **taken}})
    found = [*sample.settings, *suggest_settings(_texts_of(sample, contract, base), contract, base)]
    settings = [SettingGuess(name=of.name, value=of.value, why=of.why, is_sure=of.is_sure) for of in found]
    if any(of.name in _MARKS and not of.is_sure for of in settings):
        # Marks that read fewer of the numbers than those which are asked for give way to them.
        base = base.model_copy(update={name: FileMapping.model_fields[name].default for name in _MARKS})
        kept = {name: value for name, value in kept.items() if name not in _MARKS}
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
        unused=_unused(sample.headers, contract, trial, guesses),
        stated=kept,
        left_out=left_out,
        look=seen,
    )


def fitting_datasets(path: Path, mapping: FileMapping, name: str) -> list[DatasetFit]:
    """How well a file fits each dataset, the best first.

    Raises:
        FileRejected: It cannot be read with any mapping.
    """
    sample = open_sample(path, list(CONTRACTS.values()), mapping, name)
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


def _guesses(sample: Sample, contract: Contract, mapping: FileMapping) -> list[ColumnGuess]:
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
    return texts.filter(is_value) if is_value.sum() * 2 >= texts.len() else texts


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


def _unused(
    headers: Sequence[str], contract: Contract, mapping: FileMapping, guesses: Sequence[ColumnGuess]
) -> list[str]:
    used = {place for taken in _places(headers, contract, mapping).values() for place in taken}
    guessed = {text for guess in guesses for text in guess.headers}
    return [text for place, text in enumerate(headers) if text.strip() and place not in used and text not in guessed]


def _texts_of(sample: Sample, contract: Contract, mapping: FileMapping) -> dict[str, pl.Series]:
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
