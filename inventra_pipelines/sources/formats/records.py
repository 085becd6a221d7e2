"""Records of delimited text, one at a time: the exact rules, for whatever the quick way in `blocks.py` leaves over.

Belongs here: `Dialect`, where a record ends, and its fields. Text is UTF-8 with line feeds. A record that spans lines
must be quoted by the rules (RFC 4180, or the dialect's escape character); where it is not, its first line stands by
itself. So a stray quotation mark costs its own line and nothing after it. In such a line a mark closes a field only
before a delimiter or at the end, and every other one is text (`"5" plate"` is `5" plate`), but none that may open the
next field.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

# As long as a line or a quoted record may be.
MOST_RECORD_BYTES = 16 * 2**20
MOST_FIELDS = 16_384
# Of a line that is not quoted by the rules; each may have the rest of the line looked through.
_MOST_STRAY_MARKS = 1_000
# Bytes that no business file holds, to stand for a mark that is more than one byte.
_STAND_INS = tuple(bytes([byte]) for byte in (0x1F, 0x1E, 0x1D, 0x1C, 0x01, 0x02, 0x03, 0x04))


@dataclass(frozen=True)
class Record:
    """One record.

    Attributes:
        start: Offset of its first byte.
        end: Offset of the line feed that ends it.
        fields: None where a quotation mark is not closed by the end of its line.
    """

    start: int
    end: int
    fields: list[str] | None


@dataclass(frozen=True)
class Dialect:
    """How fields are parted and quoted.

    Attributes:
        delimiter: What parts them, as written.
        quote: What encloses a field, as written.
        escape: What stands before a quotation mark inside a field; without it the mark is written twice.
        stand_ins: Marks of more than one byte, each with the byte that stands for it in prepared text.
    """

    delimiter: str
    quote: str = '"'
    escape: str | None = None
    stand_ins: tuple[tuple[str, bytes], ...] = ()

    @classmethod
    def of_marks(cls, delimiter: str, quote: str, escape: str | None, blocks: Iterable[bytes]) -> "Dialect":
        """A dialect whose longer marks get a stand-in that is in none of the blocks; None is free if all are taken."""
        longer = [mark for mark in (delimiter, quote, escape) if mark and len(mark.encode()) > 1]
        if not longer:
            return cls(delimiter, quote, escape)
        free = list(_STAND_INS)
        for block in blocks:
            free = [byte for byte in free if byte not in block]
        return cls(delimiter, quote, escape, tuple(zip(longer, free, strict=False)))

    def prepared(self, block: bytes) -> bytes:
        """Text in which every mark is one byte."""
        for mark, byte in self.stand_ins:
            block = block.replace(mark.encode(), byte)
        return block

    def restored(self, text: str) -> str:
        """Text as it was written."""
        for mark, byte in self.stand_ins:
            text = text.replace(byte.decode(), mark)
        return text

    def _byte(self, mark: str) -> bytes:
        return dict(self.stand_ins).get(mark) or mark.encode()

    @cached_property
    def delimiter_byte(self) -> bytes:
        """The byte that parts fields in prepared text."""
        return self._byte(self.delimiter)

    @cached_property
    def quote_byte(self) -> bytes:
        """The byte that encloses a field in prepared text."""
        return self._byte(self.quote)

    @cached_property
    def escape_byte(self) -> bytes | None:
        """The byte that takes the meaning from the next one in prepared text."""
        return self._byte(self.escape) if self.escape else None

    @cached_property
    def _patterns(self) -> "_Patterns":
        return _Patterns.of(self.delimiter_byte, self.quote_byte, self.escape_byte)

    def end(self, buffer: bytes, start: int) -> int | None:
        """Where the record ends that begins at an offset, if it is quoted by the rules.

        Args:
            buffer: Text that ends in a line feed.
            start: Offset of a record.
        """
        line_end = buffer.index(b"\n", start)
        if self._opens_no_field(buffer[start:line_end]):
            return line_end
        match = self._patterns.record.match(buffer, start)
        return match.end() if match and match.end() - start <= MOST_RECORD_BYTES else None

    def is_open(self, buffer: bytes, start: int) -> bool:
        """Whether a field that is quoted by the rules opens in the record and is not closed in the buffer."""
        return self._patterns.opened.match(buffer, start) is not None

    def records(self, buffer: bytes) -> Iterator[Record]:
        """The records of a buffer that ends in a line feed; what is not quoted by the rules ends with its line."""
        start = 0
        while start < len(buffer):
            end = self.end(buffer, start)
            if end is None:
                end = buffer.index(b"\n", start)
                yield Record(start, end, self.split_line(buffer[start:end]))
            else:
                yield Record(start, end, self.split(buffer[start:end]))
            start = end + 1

    def count(self, text: bytes) -> int:
        """How many fields a whole record has."""
        return len(self._patterns.field.findall(text))

    def split_line(self, text: bytes) -> list[str] | None:
        """The fields of a line whose quotation marks may be stray; none where one is not closed in it."""
        if self._opens_no_field(text):
            return self.split(text)
        if text.count(self.quote_byte) > _MOST_STRAY_MARKS or not self._patterns.loose_line.fullmatch(text):
            return None
        found = self._patterns.loose_field.findall(text)
        return self._texts(self._value(quoted, plain) for quoted, plain in found)

    def split(self, text: bytes) -> list[str]:
        """The fields of a whole record."""
        if self._opens_no_field(text):
            return self._texts(text.split(self.delimiter_byte))
        return self._texts(self._value(quoted, plain) for quoted, plain in self._patterns.field.findall(text))

    def _texts(self, fields: Iterable[bytes]) -> list[str]:
        texts = [field.decode() for field in fields]
        return [self.restored(text) for text in texts] if self.stand_ins else texts

    def _opens_no_field(self, text: bytes) -> bool:
        """Whether delimiters part the fields wherever they stand; a quotation mark within a field is text."""
        if self.escape_byte is not None and self.escape_byte in text:
            return False
        quote = self.quote_byte
        return quote not in text or not (text.startswith(quote) or self.delimiter_byte + quote in text)

    def _value(self, quoted: bytes, plain: bytes) -> bytes:
        inner = quoted[1:-1]
        if self.escape_byte is None:
            return inner.replace(self.quote_byte * 2, self.quote_byte) or plain
        return self._patterns.escaped.sub(rb"\1\2", inner) or self._patterns.escaped_plain.sub(rb"\1", plain)


@dataclass(frozen=True)
class _Patterns:
    record: re.Pattern[bytes]
    loose_line: re.Pattern[bytes]
    opened: re.Pattern[bytes]
    field: re.Pattern[bytes]
    loose_field: re.Pattern[bytes]
    escaped: re.Pattern[bytes]
    escaped_plain: re.Pattern[bytes]

    @classmethod
    def of(cls, delimiter: bytes, quote: bytes, escape: bytes | None) -> "_Patterns":
        """All quantifiers are possessive, so that every pattern takes time in proportion to the text."""
        d, q, e = re.escape(delimiter), re.escape(quote), re.escape(escape or b"")
        pair, pair_in_line = (rb"%b.|" % e, rb"%b[^\n]|" % e) if escape else (b"", b"")
        quoted = rb"%b(?:%b[^%b%b]++|%b%b)*+%b" % (q, pair, q, e, q, q, q)
        tail = rb"(?:%b[^%b%b\n])*+" % (pair_in_line, d, e)
        plain = rb"(?!%b)%b" % (q, tail)
        strict = rb"(?:%b|%b)" % (quoted, plain)
        stray = rb"(?<!%b)%b(?!%b|\Z)" % (d, q, d)
        closed = rb"%b(?:%b[^%b%b]++|%b%b|%b)*+%b(?=%b|\Z)" % (q, pair, q, e, q, q, stray, q, d)
        # Marks that only stand in a field, as programs write it that do not quote.
        literal = rb"%b[^%b%b\n]*+%b%b(?<!%b)" % (q, q, d, q, tail, q)
        loose = rb"(?>%b|%b|%b)" % (closed, literal, plain)
        return cls(
            record=re.compile(rb"%b(?:%b%b)*+(?=\n)" % (strict, d, strict), re.DOTALL),
            loose_line=re.compile(rb"%b(?:%b%b)*+" % (loose, d, loose), re.DOTALL),
            opened=re.compile(rb"(?:%b%b)*+%b(?:%b[^%b%b]++|%b%b)*+\Z" % (strict, d, q, pair, q, e, q, q), re.DOTALL),
            field=re.compile(rb"(?:\A|%b)(?>(%b)|(%b))" % (d, quoted, plain), re.DOTALL),
            loose_field=re.compile(rb"(?:\A|%b)(?>(%b)|(%b|%b))" % (d, closed, literal, plain), re.DOTALL),
            # Before anything else the escape character is text, as in a path of Windows.
            escaped=re.compile(rb"%b([%b%b])|%b(%b)" % (e or b"(?!)", q, e, q, q)),
            escaped_plain=re.compile(rb"%b([%b%b%b])" % (e or b"(?!)", q, e, d)),
        )
