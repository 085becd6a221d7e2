"""What is wrong with a tenant's settings, in sentences of our own: which setting, what it has, and what is expected.

Belongs here: the words for each kind of fault that the models find. The models are `tenant.py`, the files `tenants.py`.
"""

import difflib
import json
from collections.abc import Callable, Mapping, Sequence
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
    "tenant_id": "lower-case letters, digits and hyphens, 2 to 39 of them, and begin with a letter",
    "currency": "three capital letters such as EUR",
    "nightly_at": "a time from 00:00 to 23:59 such as 02:00",
    "delimiter": "one character, and at most a space after it",
    "quote_char": "one character",
    "escape_char": "one character",
}


class WrongValueError(ValueError):
    """A value that a model refuses, with what to do about it."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem, self.remedy = problem, remedy
        super().__init__(problem)


def in_words(
    error: ValidationError, content: Mapping[Any, Any], close_to: Callable[[str], str | None]
) -> tuple[str, str, str]:
    """The setting's path, what is wrong there, and the remedy, of the first fault in some settings.

    Args:
        error: What the models found.
        content: The settings as the file has them.
        close_to: The setting that is spelled most like a name, if any is.
    """
    faults = [(_path(fault, content), fault) for fault in error.errors()]
    # Of a value that may be of two kinds each has a fault; what is at fault inside of one says more.
    first = faults[0][0]
    place = max((path for path, _ in faults if path[: len(first)] == first), key=len)
    same = [fault for path, fault in faults if path == place]
    problem, remedy = _words(same, place, close_to)
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
    faults: Sequence[ErrorDetails], path: Sequence[int | str], close_to: Callable[[str], str | None]
) -> tuple[str, str]:
    fault = faults[0]
    kind, value = fault["type"], fault["input"]
    name = str(path[-1]) if path else ""
    if kind == "extra_forbidden":
        close = close_to(name)
        return "there is no such setting", f"did you mean {close}?" if close else "remove it"
    if kind == "missing":
        return "is required and missing", "add it"
    if kind == "value_error":
        raised = fault.get("ctx", {}).get("error")
        return str(raised), raised.remedy if isinstance(raised, WrongValueError) else "correct or remove it"
    if kind == "literal_error" and fault["loc"][-1] == "[key]":
        return f"{value!r} is none of {_allowed(fault)}", _remedy_for_choice(fault)
    expected = list(dict.fromkeys(_expected(one, name) for one in faults))
    if value is None:
        return f"is empty, and has to be {' or '.join(expected)}", "give it a value, or leave the line out"
    return f"has to be {' or '.join(expected)}, not {_shown(value)}", _remedy(faults)


def _expected(fault: ErrorDetails, name: str) -> str:
    kind = fault["type"]
    if kind == "literal_error":
        allowed = _allowed(fault)
        return f"one of {allowed}" if "," in allowed else allowed
    if kind in _OF_FORM and name in _FORMS:
        return _FORMS[name]
    words = _BY_KIND.get(kind)
    # Of a kind that no setting has yet.
    return words.format(**fault.get("ctx", {})) if words else f"another value ({fault['msg']})"


def _choices(fault: ErrorDetails) -> list[str]:
    return str(fault.get("ctx", {}).get("expected", "")).replace(" or ", ", ").split(", ")


def _allowed(fault: ErrorDetails) -> str:
    bare = [choice.strip("'") for choice in _choices(fault)]
    return ", ".join(choice if choice.isidentifier() else f"'{choice}'" for choice in bare)


def _remedy(faults: Sequence[ErrorDetails]) -> str:
    kinds, value = {fault["type"] for fault in faults}, faults[0]["input"]
    if kinds & {"string_type", "invalid_key"} and isinstance(value, bool | int | float):
        return "put quotation marks around it"
    if "list_type" in kinds and isinstance(value, str):
        return f"write it as [{json.dumps(value, ensure_ascii=False)}]"
    if "too_short" in kinds:
        return "name one, or leave the line out for the default"
    choice = next((fault for fault in faults if fault["type"] == "literal_error"), None)
    return _remedy_for_choice(choice) if choice else "correct it, or leave the line out for the default"


def _remedy_for_choice(fault: ErrorDetails) -> str:
    known = [choice.strip("'") for choice in _choices(fault)]
    close = difflib.get_close_matches(str(fault["input"]), known, n=1)
    return f"did you mean {close[0]}?" if close else "write one of these"


def _shown(value: Any) -> str:
    text = json.dumps(value) if isinstance(value, bool) else repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
