"""Words that messages of every kind share.

Belongs here: what would else be spelled out in each message. What a message says stands where it is made.
"""

NO_ROWS = "no rows below the header"


def counted(count: int, noun: str) -> str:
    """A number with its noun, which takes an s: `1 row`, `1,200 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
