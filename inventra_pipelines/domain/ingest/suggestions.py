"""Which header may be which column: by its words, by those usual in the field, and by what stands below it.

Belongs here: suggestions, which a person is shown and nothing is ever loaded by. What maps for certain is `headers.py`,
the usual words are `header_words.py`.
"""

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import polars as pl

from inventra_pipelines.domain.contracts import Column, Contract
from inventra_pipelines.domain.ingest.header_words import WORDS
from inventra_pipelines.domain.ingest.headers import normalized_header
from inventra_pipelines.domain.ingest.numbers import parse_numbers
from inventra_pipelines.domain.ingest.suggested_dates import share_of_dates
from inventra_pipelines.domain.tenant import FileMapping

HowSure = Literal["sure", "likely", "perhaps"]

# Texts that are compared again and again while a header row is searched for.
_REMEMBERED = 2**14
_SAMPLED_TEXTS = 500
# A table of more columns is no list of rows; guesses for the first of them are enough.
_MOST_HEADERS = 300
# Of a column's texts; where its header is a usual word for what it is, more may be at fault.
_LEAST_SHARE, _LEAST_SHARE_BY_NAME = 0.8, 0.5
_LIKELY, _PERHAPS, _LIKE_BY_NAME = 0.8, 0.62, 0.7
# Of two or three letters, every other word is like another.
_LEAST_LETTERS = 4
# What a till calls an item is its name as often as its code; where both stand, the other is the code.
# Likewise a maker's code gives way to the business's own, and a price on a list to the one that was paid.
_LESS_PLAIN = {"item": 0.1} | dict.fromkeys(
    ("ean", "gtin", "upc", "barcode", "listprice", "listenpreis", "msrp", "rrp", "uvp"), 0.05
)
# Of all sorts of things: by these alone a header is no code that need not be there.
_BARE_WORDS = ({"name"}, {"id"})
_DOCUMENT = r"^#[A-Z]{0,6}-?[0-9]{2,}(?:-[0-9A-Z]+)?$"
_WORD_OF_A_DATE = r"^(?:dates?|datetime|dt|days?|timestamp|.*datum|.*datums|jour|fecha|data|dato)$"
_WORDS_NOT_NUMBERS = ("unit_of_measure", "currency")
_TIME_OF_DAY = r"^[0-2]?[0-9]:[0-5][0-9](?::[0-5][0-9])?(?: ?[AaPp][Mm])?$"


@dataclass(frozen=True)
class ColumnSuggestion:
    """That a header may be a column.

    Attributes:
        column: The contract's.
        headers: One, or a date's and a time's.
        how_sure: `sure` where it maps by itself, `likely`, or `perhaps`.
        why: In words.
    """

    column: str
    headers: tuple[str, ...]
    how_sure: HowSure
    why: str


@dataclass(frozen=True)
class _Fit:
    score: float
    column: Column
    place: int
    how_sure: HowSure
    why: str


def suggest_columns(headers: Sequence[str], sample: Sequence[pl.Series], contract: Contract) -> list[ColumnSuggestion]:
    """What each header may be, each header and each column once, in the order of the contract.

    Args:
        headers: As the file writes them, by position.
        sample: Some stripped, non-empty texts of each.
        contract: The dataset's.
    """
    headers, sample = headers[:_MOST_HEADERS], sample[:_MOST_HEADERS]
    kinds = [_kinds(texts.head(_SAMPLED_TEXTS)) for texts in sample]
    fits = [
        fit
        for place, header in enumerate(headers)
        if header.strip()
        for column in contract.columns
        if (fit := _fit(column, place, header, kinds[place], _words_for(column, contract))) is not None
    ]
    chosen: dict[str, _Fit] = {}
    taken: set[int] = set()
    for fit in sorted(fits, key=lambda fit: fit.score, reverse=True):
        if fit.column.name not in chosen and fit.place not in taken:
            chosen[fit.column.name] = fit
            taken.add(fit.place)
    for column in contract.columns:
        if column.required and column.name not in chosen:
            # What has to be there comes before what only perhaps is a column that need not be.
            doubtful = {
                fit.place: name
                for name, fit in chosen.items()
                if fit.how_sure == "perhaps" and not contract.column(name).required
            }
            only = _only_of_its_kind(column, headers, kinds, taken)
            only = only or _named_like_a_date(column, headers, kinds, taken - doubtful.keys())
            if only is not None:
                chosen.pop(doubtful.get(only.place, ""), None)
                chosen[column.name] = only
                taken.add(only.place)
    return [
        ColumnSuggestion(name, _with_time(chosen[name], headers, sample, kinds, taken), fit.how_sure, fit.why)
        for name, fit in ((column.name, chosen[column.name]) for column in contract.columns if column.name in chosen)
    ]


def _kinds(texts: pl.Series) -> set[str]:
    """What texts are, all or mostly: dates, numbers, times of day, documents, or texts; empty where there are none."""
    if texts.is_empty():
        return set()
    if texts.str.contains(_TIME_OF_DAY).mean() >= _LEAST_SHARE:  # type: ignore[operator]
        return {"time"}
    if texts.str.contains(_DOCUMENT).mean() >= _LEAST_SHARE:  # type: ignore[operator]
        return {"text", "document"}
    shares = {"date": 0.0, "number": 0.0}
    if texts.str.contains("[0-9]").mean() >= _LEAST_SHARE_BY_NAME:  # type: ignore[operator]
        shares["date"] = share_of_dates(texts)
    column = Column("sample", "money", "")
    signs = ["€", "$", "£", "EUR", "USD", "GBP"]
    for mark in (".", ","):
        marks = FileMapping.model_validate({"decimal_mark": mark, "currency_signs": signs})
        marks = marks.model_copy(update={"thousands_mark": "," if mark == "." else "."})
        shares["number"] = max(shares["number"], _share(parse_numbers(texts, column, marks)[0]))
    mostly = {f"mostly {kind}" for kind, share in shares.items() if share >= _LEAST_SHARE_BY_NAME}
    return {"text"} | mostly | {kind for kind, share in shares.items() if share >= _LEAST_SHARE}


def _share(values: pl.Series) -> float:
    return 1 - values.null_count() / values.len()


def _needed_kind(column: Column) -> str:
    if column.type in ("date", "timestamp"):
        return "date"
    return "text" if column.type in ("code", "text") else "number"


def _words_for(column: Column, contract: Contract) -> list[str]:
    """The usual words for a column; beside the codes of others the item's own goes by none of theirs."""
    words = WORDS.get(column.name, [])
    if column.name == "item_code" and any(other.name == "alias_code" for other in contract.columns):
        return [word for word in words if word not in WORDS["alias_code"]]
    return words


def _fit(column: Column, place: int, header: str, kinds: set[str], words: Sequence[str]) -> _Fit | None:
    needed = _needed_kind(column)
    is_known = normalized_header(header) in map(normalized_header, (column.name, *column.aliases))
    is_usual = _folded(header) in map(_folded, words)
    if kinds and not is_known and not {needed, f"mostly {needed}" if is_usual else needed} & kinds:
        return None
    # Dates make poor names and codes, and numbers poor names.
    is_word = column.type == "text" or column.name in _WORDS_NOT_NUMBERS
    doubt = 0.15 if kinds & {"date", "number", "time"} and is_word else 0.0
    if is_known:
        is_own = normalized_header(header) == normalized_header(column.name)
        score = 3.0 if is_own else 2.0 - _LESS_PLAIN.get(normalized_header(header), 0.0)
        return _Fit(score, column, place, "sure", "a name of the column")
    if is_usual:
        how_sure: HowSure = "perhaps" if doubt else "likely"
        doubt += _LESS_PLAIN.get(normalized_header(header), 0.0)
        return _Fit(1.0 - doubt, column, place, how_sure, f"a usual word for {column.name}")
    if _tokens(header) in _BARE_WORDS and column.type == "code" and not column.required:
        is_document = column.name == "document_id" and "document" in kinds
        why = "its texts are numbers of documents, such as #1001"
        return _Fit(0.9, column, place, "likely", why) if is_document else None
    return _fit_by_likeness(column, place, header, words, doubt)


def _fit_by_likeness(column: Column, place: int, header: str, words: Sequence[str], doubt: float) -> _Fit | None:
    score, nearest = max((_likeness(header, name), name) for name in (column.name, *column.aliases, *words))
    score -= doubt
    if score < _PERHAPS:
        return None
    return _Fit(score * 0.95, column, place, "likely" if score >= _LIKELY else "perhaps", f"it reads like {nearest!r}")


def _only_of_its_kind(
    column: Column, headers: Sequence[str], kinds: Sequence[set[str]], taken: set[int]
) -> _Fit | None:
    """The one header left over whose texts are dates or numbers, as the column needs."""
    needed = _needed_kind(column)
    left = [place for place, header in enumerate(headers) if header.strip() and place not in taken]
    fitting = [place for place in left if needed in kinds[place] and (needed == "date" or "date" not in kinds[place])]
    if needed == "text" or len(fitting) != 1:
        return None
    return _Fit(0.0, column, fitting[0], "perhaps", f"the only other header with {needed}s below it")


def _named_like_a_date(
    column: Column, headers: Sequence[str], kinds: Sequence[set[str]], taken: set[int]
) -> _Fit | None:
    """The header left over that is most like a date's by its words, one with dates below it first."""
    if _needed_kind(column) != "date":
        return None
    scores = []
    for place, header in enumerate(headers):
        if place not in taken and kinds[place] and "time" not in kinds[place]:
            is_date = any(re.match(_WORD_OF_A_DATE, word) for word in _tokens(header))
            score = _likeness(header, column.name)
            if is_date or (score >= _LIKE_BY_NAME and "number" not in kinds[place]):
                scores.append(("date" in kinds[place], score, -place))
    if not scores:
        return None
    has_dates, _, place = max(scores)
    why = "it reads like a date's" if has_dates else "it reads like a date's, but few dates stand below it"
    return _Fit(0.0, column, -place, "perhaps", why)


def _with_time(
    fit: _Fit, headers: Sequence[str], sample: Sequence[pl.Series], kinds: Sequence[set[str]], taken: set[int]
) -> tuple[str, ...]:
    """The header, and for a timestamp whose texts are days that of the times of day beside it."""
    texts = sample[fit.place]
    if fit.column.type == "timestamp" and "date" in kinds[fit.place] and not texts.str.contains(":").any():
        for place in range(len(sample)):
            if place not in taken and "time" in kinds[place]:
                taken.add(place)
                return headers[fit.place], headers[place]
    return (headers[fit.place],)


@lru_cache(_REMEMBERED)
def _folded(text: str) -> str:
    """As `normalized_header`, and without accents."""
    letters = unicodedata.normalize("NFKD", normalized_header(text))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


@lru_cache(_REMEMBERED)
def _tokens(text: str) -> frozenset[str]:
    """Words of a header, also of one in camel case."""
    return frozenset(_folded(word) for word in re.findall(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+|\d+", text))


@lru_cache(_REMEMBERED)
def _likeness(header: str, name: str) -> float:
    is_long = min(len(_folded(header)), len(_folded(name))) >= _LEAST_LETTERS
    letters = difflib.SequenceMatcher(None, _folded(header), _folded(name)).ratio() if is_long else 0.0
    one, other = _tokens(header), _tokens(name)
    if one & other and one - other and other - one:
        # A word that both have makes the others no more alike.
        mine, theirs = ("".join(sorted(rest)) for rest in (one - other, other - one))
        letters = min(letters, difflib.SequenceMatcher(None, mine, theirs).ratio())
    shared = len(one & other) / len(one | other) if one | other else 0.0
    contains = 0.7 if one and other and (one <= other or other <= one) else 0.0
    return max(letters, shared, contains)
