"""What a parser complains of, as a sender reads it."""

import struct

import pytest

from inventra_pipelines.sources.formats.complaints import in_words


class _Panic(BaseException):
    """As the panic of a parser that is not written in Python."""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            RuntimeError("calamine error: Cannot detect file format Context: 0: at /kept/ab.xlsx"),
            "Cannot detect file format",
        ),
        (SyntaxError("Excessive depth: 256, use XML_PARSE_HUGE option, line 1"), "Excessive depth: 256"),
        (SyntaxError("Too many entities, see xmlCtxtSetMax., line 1"), "Too many entities"),
        (RuntimeError("No thrift:\nTProtocolException: Exceeded limit"), "No thrift: Exceeded limit"),
        (OSError(5, "Input/output error", "/kept/ab.csv"), "Input/output error"),
        (struct.error("unpack requires a buffer of 4 bytes"), "a part of it is cut short or damaged"),
        (_Panic("index out of bounds: the len is 3"), "a part of it is cut short or damaged"),
        (RuntimeError("\x1b[2J"), "?[2J"),
        (RuntimeError(""), "it is damaged"),
        (RuntimeError("x" * 1000), "x" * 200),
    ],
    ids=["path", "advice", "further-advice", "class", "system", "slip", "panic", "control", "silent", "long"],
)
def test_a_complaint_is_told_without_paths_classes_and_advice(error, words):
    assert in_words(error) == words
