"""Bytes to UTF-8: a byte-order mark decides, then strict UTF-8 over the whole file, then the mapping's setting.

Belongs here: finding the encoding, and the stream of UTF-8 blocks with one kind of line end that everything after it
reads. An encoding is never guessed.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.domain.tenant import FileMapping

_CHECKED_BYTES = 2**20
_BEGINNING_CHARACTERS = 1000
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)


@dataclass(frozen=True)
class Encoding:
    """How a file's bytes become text.

    Attributes:
        codec: Python's name of it.
        mark_bytes: Length of the byte-order mark.
        label: What a person calls it.
    """

    codec: str
    mark_bytes: int
    label: str


def find_encoding(path: Path, mapping: FileMapping, name: str) -> Encoding:
    """The encoding in which the whole of a file is text.

    Raises:
        FileRejected: No text in the byte-order mark's encoding, in UTF-8 or in the mapping's encoding; or it begins as
            binary data does.
    """
    with path.open("rb") as stream:
        beginning = stream.read(4)
    for mark, codec, label in _BYTE_ORDER_MARKS:
        if beginning.startswith(mark):
            tried = [Encoding(codec, len(mark), f"{label} with byte-order mark")]
            break
    else:
        tried = [Encoding("utf-8", 0, "UTF-8")]
        if mapping.encoding:
            tried.append(Encoding(_known(mapping.encoding), 0, mapping.encoding))
    problems = []
    for encoding in tried:
        problem = _problem(path, encoding)
        if problem is None:
            return encoding
        problems.append(f"{encoding.label} ({problem})")
    remedy = "save it as UTF-8" if mapping.encoding else "save it as UTF-8, or set encoding (such as cp1252, utf-16-le)"
    raise FileRejected(FileReason.BAD_ENCODING, f"{name}: not text in {' or '.join(problems)}", remedy)


def utf8_blocks(path: Path, encoding: Encoding, block_bytes: int) -> Iterator[bytes]:
    """A file's text in UTF-8, every line end made one line feed; blocks end anywhere, but never inside a line end."""
    decoder = None if encoding.codec == "utf-8" else codecs.getincrementaldecoder(encoding.codec)()
    held = b""
    with path.open("rb") as stream:
        stream.seek(encoding.mark_bytes)
        while content := stream.read(block_bytes):
            block = held + (decoder.decode(content).encode() if decoder else content)
            held = b"\r" if block.endswith(b"\r") else b""
            yield _one_line_end(block.removesuffix(held))
    if decoder:
        held += decoder.decode(b"", True).encode()
    if held:
        yield _one_line_end(held)


def _one_line_end(block: bytes) -> bytes:
    return block.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in block else block


def _known(encoding: str) -> str:
    try:
        b"-".decode(encoding)
    except LookupError:
        raise FileRejected(
            FileReason.UNUSABLE_MAPPING,
            f"setting encoding: there is no encoding {encoding!r}",
            "write it as utf-8, cp1252, latin-1 or utf-16",
        ) from None
    except UnicodeError:
        pass  # An encoding of wider units, or one that the file will be measured against.
    return encoding


def _problem(path: Path, encoding: Encoding) -> str | None:
    """Why a file is no text in an encoding, if it is none."""
    is_utf8 = encoding.codec == "utf-8"
    before = encoding.mark_bytes
    decoder = codecs.getincrementaldecoder(encoding.codec)()
    pending = 0
    beginning = ""
    with path.open("rb") as stream:
        stream.seek(before)
        while True:
            content = stream.read(_CHECKED_BYTES)
            try:
                if is_utf8 and content and not pending and content.isascii():
                    text = content[:_BEGINNING_CHARACTERS].decode() if not beginning else ""
                else:
                    text = decoder.decode(content, not content)
                    pending = len(decoder.getstate()[0])
                    if not is_utf8:
                        text.encode()
            except UnicodeDecodeError as error:
                return (
                    f"byte {before - pending + error.start + 1:,} is 0x{error.object[error.start]:02x}: {error.reason}"
                )
            except UnicodeError as error:
                return str(error)
            beginning = beginning or text[:_BEGINNING_CHARACTERS]
            if "\x00" in beginning:
                return "it holds NUL characters from its beginning on, as UTF-16 or binary data does"
            if not content:
                return None
            before += len(content)
