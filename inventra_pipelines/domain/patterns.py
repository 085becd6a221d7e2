"""Regular expressions of a tenant's file: those that Postgres and whoever wrote them read alike.

Belongs here: `pattern_fault`, which finds without a database what Postgres refuses or reads otherwise than other tools.
`db/tenants.py` tries each pattern once more where it is recorded: what is too complex only Postgres knows for certain.

Source: https://www.postgresql.org/docs/current/functions-matching.html#POSIX-SYNTAX-DETAILS
"""

import re
import warnings
from collections.abc import Iterator

# A bracket expression, an escape, a comment, what opens a group, what closes it, a quantifier, or any other character.
_TOKEN = re.compile(
    r"(?P<bracket>\[\^?\]?(?:\\.|\[:\w*:\]|[^\]\\])*\])"
    r"|(?P<escape>\\(?:x[0-9A-Fa-f]*|N\{[^}]*\}|.))"
    r"|(?P<comment>\(\?#[^)]*\))"
    r"|(?P<open>\((?:\?(?:P[<=>]|<[=!]|[A-Za-z]*(?:-[A-Za-z]*)?[:)]|.))?)"
    r"|(?P<close>\))"
    r"|(?P<quantifier>[*+?]|\{\d[^}]*\}?|\{,\d*\})"
    r"|(?P<other>.)",
    re.DOTALL,
)
_BOUND = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_LOOKAROUNDS = ("(?=", "(?!", "(?<=", "(?<!")
_FLAGS = re.compile(r"\(\?[imsx]+\)")

# Within brackets: a class by name, what begins like one, an escape, or any other character.
_NAMES = "alnum|alpha|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit"
_IN_BRACKETS = re.compile(
    rf"\[:(?:{_NAMES}):\]|\[[:.=]|\\(?:x[0-9A-Fa-f]*|u[0-9A-Fa-f]{{4}}|U[0-9A-Fa-f]{{8}}|.)|.", re.DOTALL
)
_CLASS = re.compile(r"\[:\w+:\]|\\[dswDSW]")
_EDGES = re.compile(r"((?<!\\)(?:\\\\)*)\\[yYmM]")

_MOST_REPEATS = 255
# Counts within counts: what they come to together is what Postgres has to build.
_MOST_REPEATS_NESTED = 10_000


def pattern_fault(pattern: str) -> tuple[str, str] | None:
    """What is wrong with a pattern and what to do about it; None where nothing is.

    Args:
        pattern: A regular expression as Postgres reads it, of what other tools read the same way; `\\y`, the edge of a
            word, and `\\m`, `\\M` and `\\Y` are Postgres's own.
    """
    if not pattern.isascii() and any("\ud800" <= sign <= "\udfff" for sign in pattern):
        return "it has half a character", "write the whole one"
    if "\x00" in pattern:
        return "it has a NUL character, which no text holds", "leave it out"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            re.compile(_EDGES.sub(r"\1\\b", pattern))
    except re.error as error:
        return str(error), "correct it"
    except (RecursionError, OverflowError):
        return "it is too complex", "write several"
    return next(_faults(pattern), None)


def _faults(pattern: str) -> Iterator[tuple[str, str]]:
    """Each construct that is another one to Postgres, or none, with its remedy."""
    groups: list[str] = []
    before, closed = "", ""
    for token in _TOKEN.finditer(pattern):
        kind, text = str(token.lastgroup), token[0]
        if kind == "comment":
            continue
        if kind == "bracket":
            yield from _faults_in_brackets(text)
        elif kind == "escape":
            yield from _faults_of_escape(text, any(group in _LOOKAROUNDS for group in groups))
        elif kind == "open":
            yield from _faults_of_group(text, token.start(), groups)
            if not text.endswith(")"):
                groups.append(text)
        elif kind == "close":
            closed = groups.pop() if groups else ""
        elif kind == "quantifier":
            yield from _faults_of_quantifier(text, before, closed)
        before = kind if text != "?" or before != "quantifier" else "lazy"
    if _repeats(pattern) > _MOST_REPEATS_NESTED:
        yield "its counts multiply to more than Postgres builds", "repeat fewer times, or write + or *"


def _faults_of_escape(text: str, in_lookaround: bool) -> Iterator[tuple[str, str]]:
    if text in ("\\b", "\\B"):
        edge = "\\y" if text == "\\b" else "\\Y"
        yield f"{text} is no edge of a word to Postgres", f"write {edge}"
    elif text.startswith("\\N"):
        yield f"Postgres has no {text}", "write the character itself"
    elif text.startswith("\\x") and len(text) > len("\\xff"):
        yield f"Postgres reads {text} as one character", f"write \\u00{text[2:4]}{text[4:]}"
    elif in_lookaround and text[1] in "123456789":
        yield f"Postgres takes no {text} in a lookahead or lookbehind", "write out what it stands for"


def _faults_of_group(text: str, place: int, groups: list[str]) -> Iterator[tuple[str, str]]:
    if text.startswith("(?P"):
        yield "Postgres has no named groups, (?P", "write (...), and \\1 for what the first one found"
    elif text == "(?>":
        yield "Postgres has no atomic groups, (?>", "write (?:...)"
    elif text == "(?(":
        yield "Postgres has no conditions, (?(", "write both cases with | between them"
    elif text.endswith(")"):
        if place or not _FLAGS.fullmatch(text):
            yield f"Postgres takes no {text} there", "write flags of i, m, s and x once, at the very start"
    elif text.endswith(":") and text != "(?:":
        yield f"Postgres takes no flags for a part, {text}", "write (?i) at the very start, or both cases as in [Aa]"
    elif text == "(" and any(group in _LOOKAROUNDS for group in groups):
        yield "Postgres does not number a group in a lookahead or lookbehind", "write (?:...) there"


def _faults_of_quantifier(text: str, before: str, closed: str) -> Iterator[tuple[str, str]]:
    if text.startswith("{,"):
        yield f"Postgres reads {text} as it stands", f"write {{0{text[1:]}"
    elif text.startswith("{"):
        bound = _BOUND.fullmatch(text)
        if bound is None:
            yield f"Postgres reads {text} as a count", "write \\{ for the sign"
        elif max(int(number) for number in bound.groups() if number) > _MOST_REPEATS:
            yield f"Postgres repeats no more than {_MOST_REPEATS} times, not {text}", "write + or *"
    if before == "close" and closed in _LOOKAROUNDS:
        yield f"Postgres repeats no lookahead or lookbehind, {closed}...){text}", f"leave out the {text}"
    if before in ("quantifier", "lazy") and text != "?":
        yield (
            f"Postgres has no possessive counts, {text} after another one",
            f"leave it out, or write \\{text} for the sign",
        )


def _faults_in_brackets(text: str) -> Iterator[tuple[str, str]]:
    items = _IN_BRACKETS.findall(text[1:-1].removeprefix("^"))
    for item in items:
        if item in ("[:", "[.", "[="):
            yield f"Postgres reads {item} in {text} as the start of a class", "write \\[ for the sign"
        elif re.fullmatch(r"\\[1-9yYmM]", item):
            yield f"Postgres takes no {item} in {text}", "write the character itself, or the rest without brackets"
        elif item.startswith("\\x"):
            yield from _faults_of_escape(item, in_lookaround=False)
    place = 0
    while place < len(items):
        is_range = items[place + 1 : place + 2] == ["-"] and place + 2 < len(items)
        last = place + 2 if is_range else place
        begins_with_class = is_range and _CLASS.fullmatch(items[place])
        goes_on = is_range and items[last + 1 : last + 2] == ["-"] and last + 2 < len(items)
        if begins_with_class or goes_on:
            yield (
                f"Postgres takes no - after {items[place if begins_with_class else last]} in {text}",
                "write \\- for it",
            )
        place = last + 1


def _repeats(pattern: str) -> int:
    """The most that counts within counts multiply to."""
    groups, last = [1], 1
    for token in _TOKEN.finditer(pattern):
        kind, bound = token.lastgroup, _BOUND.fullmatch(token[0])
        if kind == "open" and not token[0].endswith(")"):
            groups.append(1)
        elif kind == "close" and groups[1:]:
            last = groups.pop()
        elif bound:
            last *= max(int(number) for number in bound.groups() if number)
        elif kind != "comment":
            last = 1
        if kind in ("close", "quantifier"):
            groups[-1] = max(groups[-1], last)
    return max(groups)
