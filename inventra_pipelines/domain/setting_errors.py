"""What is wrong with a tenant's settings, in sentences of our own: which setting, what it has, and what is expected.

Belongs here: the words for each kind of fault that the models find. The models are `tenant.py`, the files `tenants.py`.
"""

import difflib
import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_SHOWN_CHARACTERS = 60
_NUMBERS = ("int_parsing", "int_type", "int_from_float", "int_parsing_size")
_DECIMALS = (
    *("float_parsing", "float_type", "finite_number"),
    *("decimal_parsing", "decimal_type", "decimal_max_digits", "decimal_max_places"),
)
_BY_KIND = {
    **dict.fromkeys(_NUMBERS, "a whole number"),
    **dict.fromkeys(_DECIMALS, "a number"),
    **dict.fromkeys(("string_type", "string_unicode", "invalid_key"), "a text"),
    **dict.fromkeys(("bool_parsing", "bool_type"), "true or false"),
    **dict.fromkeys(("list_type", "tuple_type"), "a list"),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "a group of settings"),
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
    "too_short": "a list that is not empty",
    "too_long": "a list of {max_length}",
}
_OF_FORM = ("string_pattern_mismatch", "string_too_short", "string_too_long")
# What fits where a pattern or a length decides.
_FORMS = {
    "tenant_id": "2 to 39 lower-case letters, digits and hyphens, the first a letter",
    "currency": "three capital letters such as EUR",
    "nightly_at": "a time of four digits from 00:00 to 23:59, such as 02:00",
    "delimiter": "one character, and at most a space after it",
    "quote_char": "one character",
    "escape_char": "one character",
}
_LISTS = {
    "sheets": "a list of names",
    "weekdays": "a list of days",
    "abc_thresholds": "two numbers that rise, such as [0.8, 0.95]",
    "xyz_thresholds": "two numbers that rise, such as [0.5, 1.0]",
}
# Settings that no default stands for.
_REQUIRED = ("name", "match", "replace")
_MINUTES_OF_A_DAY = 24 * 60


class WrongValueError(ValueError):
    """A value that a model refuses, with what to do about it."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem, self.remedy = problem, remedy
        super().__init__(problem)


def in_words(
    error: ValidationError, content: Mapping[Any, Any], remedy_for: Callable[[Sequence[int | str]], str]
) -> tuple[str, str, str]:
    """The setting's path, what is wrong there, and the remedy, of the first fault in some settings.

    Args:
        error: What the models found.
        content: The settings as the file has them.
        remedy_for: What to do about a setting that there is not where it stands, by its path.
    """
    faults = [(_path(fault, content), fault) for fault in error.errors()]
    # Of a value that may be of two kinds each has a fault; what is at fault inside of one says more.
    first = faults[0][0]
    place = max((path for path, _ in faults if path[: len(first)] == first), key=len)
    same = [fault for path, fault in faults if path == place]
    if same[0]["type"] == "missing" and isinstance(place[-1], int):
        # Of a list that is too short: it is the list that is wrong.
        place = place[:-1]
    problem, remedy = _words(same, place, remedy_for)
    return ".".join(map(str, place)) or "(top level)", problem, remedy


def _path(fault: ErrorDetails, content: Any) -> tuple[int | str, ...]:
    """Where a fault is, as the file has it: without the names of the kinds that a value may be of."""
    path: list[int | str] = []
    for part in fault["loc"]:
        is_key = isinstance(content, Mapping) and part in content
        is_place = isinstance(content, Sequence) and not isinstance(content, str) and isinstance(part, int)
        if is_key or (is_place and int(part) < len(content)):
            content = content[part]
            path.append(part)
        elif fault["type"] == "missing":
            path.append(part)
    return tuple(path)


def _words(
    faults: Sequence[ErrorDetails], path: Sequence[int | str], remedy_for: Callable[[Sequence[int | str]], str]
) -> tuple[str, str]:
    fault = faults[0]
    kind, value = fault["type"], fault["input"]
    name = str(path[-1]) if path else ""
    if kind == "extra_forbidden":
        return "there is no such setting", remedy_for(path)
    if kind == "missing" and name not in _LISTS:
        return "is required and missing", "add it"
    if kind == "value_error":
        raised = fault.get("ctx", {}).get("error")
        return str(raised), raised.remedy if isinstance(raised, WrongValueError) else "correct or remove it"
    if kind == "literal_error" and fault["loc"][-1] == "[key]":
        return f"{value!r} is none of {_allowed(fault)}", _remedy_for_choice(fault)
    expected = list(dict.fromkeys(_expected(one, name) for one in faults))
    if value is None:
        return f"is empty, and has to be {' or '.join(expected)}", "give it a value, or leave the line out"
    return f"has to be {' or '.join(expected)}, not {_shown(value)}", _remedy(faults, name)


def _expected(fault: ErrorDetails, name: str) -> str:
    kind = fault["type"]
    if kind == "literal_error":
        allowed = _allowed(fault)
        return f"one of {allowed}" if "," in allowed else f"the word {allowed}"
    if name in _LISTS and kind in ("list_type", "tuple_type", "missing", "too_long"):
        return _LISTS[name]
    is_of_form = kind in _OF_FORM or (kind == "string_type" and len(fault["loc"]) == 1)
    if is_of_form and name in _FORMS:
        return _FORMS[name]
    words = _BY_KIND.get(kind)
    limits = {key: f"{of:f}" if isinstance(of, Decimal) else of for key, of in fault.get("ctx", {}).items()}
    # The last is of a kind that no setting has yet.
    return words.format(**limits) if words else f"another value ({fault['msg']})"


def _choices(fault: ErrorDetails) -> list[str]:
    return str(fault.get("ctx", {}).get("expected", "")).replace(" or ", ", ").split(", ")


def _allowed(fault: ErrorDetails) -> str:
    bare = [choice.strip("'") for choice in _choices(fault)]
    return ", ".join(choice if choice.isidentifier() else f"'{choice}'" for choice in bare)


def _remedy(faults: Sequence[ErrorDetails], name: str) -> str:
    kinds, value = {fault["type"] for fault in faults}, faults[0]["input"]
    of_setting = _remedy_of_setting(name, value)
    if of_setting:
        return of_setting
    if kinds & {"string_type", "invalid_key"} and isinstance(value, bool | int | float):
        return "put quotation marks around it"
    if "list_type" in kinds and isinstance(value, str):
        parts = value.replace(",", " ").split() if name == "weekdays" else [value]
        return f"write it as {json.dumps(parts, ensure_ascii=False)}"
    if "too_short" in kinds:
        return "name one, or leave the line out for the default"
    choice = next((fault for fault in faults if fault["type"] == "literal_error"), None)
    if choice:
        return _remedy_for_choice(choice)
    return "correct it" if name in _REQUIRED else "correct it, or leave the line out for the default"


def _remedy_of_setting(name: str, value: Any) -> str | None:
    """What to do about a setting whose values are easily written wrong."""
    if name == "nightly_at" and type(value) is int and 0 <= value < _MINUTES_OF_A_DAY:
        time = f"{value // 60:02}:{value % 60:02}"
        return f'write "{time}" with its quotation marks: without them YAML reads a number of minutes'
    if name == "delimiter":
        is_tab = str(value).lower() in ("tab", r"\t")
        other = 'write one, such as "|", or "\\t" for a tab; without the line it is found'
        return 'write a tab as "\\t", in double quotation marks' if is_tab else other
    return "correct it, and name the file like it" if name == "tenant_id" else None


def _remedy_for_choice(fault: ErrorDetails) -> str:
    known = [choice.strip("'") for choice in _choices(fault)]
    close = difflib.get_close_matches(str(fault["input"]), known, n=1)
    return f"did you mean {close[0]}?" if close else "write one of these"


def _shown(value: Any) -> str:
    is_plain = isinstance(value, str) and value.isprintable()
    text = f"'{value}'" if is_plain else json.dumps(value) if isinstance(value, bool) else repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
