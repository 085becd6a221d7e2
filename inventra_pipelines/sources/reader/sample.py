"""A sample of a file of which little is known: opened by trying, its likely headers and the texts below them.

Belongs here: which encodings and delimiters are tried, and which row reads like headers. What is suggested from the
sample is `suggest.py`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from inventra_pipelines.domain.contracts import Contract
from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.domain.ingest.suggested_settings import SuggestedSetting
from inventra_pipelines.domain.ingest.suggestions import suggest_columns
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.formats.read import open_file
from inventra_pipelines.sources.formats.tables import Table

_SAMPLED_ROWS = 200_000
_SAMPLED_TEXTS = 20_000
_ENCODINGS = ("utf-16-le", "cp1252")
_DELIMITERS = (";", ",", "\t", "|", "~", "^", ":")
_ABOUT_LAYOUT = ("header_row", "header_rows", "delimiter", "quote_char", "escape_char", "sheets", "footer_rows")


@dataclass
class Sample:
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
    settings: list[SuggestedSetting] = field(default_factory=list)
    texts: list[pl.Series] = field(default_factory=list)


def open_sample(path: Path, contracts: Sequence[Contract], mapping: FileMapping, name: str) -> Sample:
    """Open a file by trying: as the mapping says, without what it says of the layout, and with what it may lack.

    Args:
        path: On a local disk.
        contracts: Of the datasets that it may hold.
        mapping: The tenant's now.
        name: What messages call the file.

    Raises:
        FileRejected: It cannot be read with any mapping.
    """
    plain = mapping.model_copy(update={key: FileMapping.model_fields[key].default for key in _ABOUT_LAYOUT})
    first: Sample | None = None
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


def _trials(mapping: FileMapping, plain: FileMapping) -> Iterator[tuple[FileMapping, SuggestedSetting | None]]:
    yield mapping, None
    if plain != mapping:
        yield plain, None
    for encoding in _ENCODINGS:
        why = "the file is not UTF-8; check that letters such as ä, é or ø read right"
        setting = SuggestedSetting(name="encoding", value=encoding, why=why, is_sure=True)
        yield plain.model_copy(update={"encoding": encoding}), setting
    for delimiter in _DELIMITERS:
        setting = SuggestedSetting(name="delimiter", value=delimiter, why="what parts the fields", is_sure=True)
        yield plain.model_copy(update={"delimiter": delimiter}), setting


def _is_worth_it(setting: SuggestedSetting, first: Sample | None, failure: FileRejected | None) -> bool:
    """Whether the setting may help by what is known so far: a large file is not read ten times for nothing."""
    if setting.name == "encoding":
        return failure is not None and failure.reason_code == FileReason.BAD_ENCODING
    if first is None:
        return failure is not None and failure.reason_code == FileReason.AMBIGUOUS_DELIMITER
    return first.is_text and sum(bool(text.strip()) for text in first.headers) < 2


def _sampled(
    path: Path,
    mapping: FileMapping,
    settings: list[SuggestedSetting],
    name: str,
    is_header: Callable[[Sequence[str]], bool],
) -> Sample:
    with open_file(path, mapping, name, is_header) as opened:
        sample: Sample | None = None
        rows = 0
        for table in opened.tables:
            if sample is None or (not is_header(sample.headers) and is_header(table.headers)):
                sample = Sample(
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


def _take(sample: Sample, table: Table, most: int) -> int:
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
