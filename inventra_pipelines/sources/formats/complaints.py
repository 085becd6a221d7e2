"""What a parser complains of, as the words in brackets of a refusal.

Belongs here: `in_words`. Names of classes, paths of the copy that is read and advice to programmers are left out.
"""

import re
import struct

_MOST_CHARACTERS = 200
_CLASS = re.compile(r"\b[\w.]*[a-z](?:Error|Exception)\b:?\s*|\bcalamine error: ")
# From here on a parser speaks to whoever calls it, or gives the path of the copy.
_ADVICE = re.compile(r"[;,.:]? (?:Context: |use \w+[_.]|see xml|\(<string>|to \w+\()")
_OF_PYTHON = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, UnicodeError),
    struct.error,
)


def in_words(error: BaseException) -> str:
    """The complaint on one line; that it is damaged, where the words were none for a reader."""
    if not isinstance(error, Exception) or isinstance(error, _OF_PYTHON) or type(error) is ValueError:
        # A panic of a parser, or a slip over what it did not expect.
        return "a part of it is cut short or damaged"
    said = (error.strerror if isinstance(error, OSError) else None) or str(error)
    text = _ADVICE.split(" ".join(said.split()))[0]
    text = _CLASS.sub("", text).strip(" .:;,")
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown[:_MOST_CHARACTERS] or "it is damaged"
