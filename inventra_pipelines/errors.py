"""The errors that a person may meet.

Belongs here: the base class and the two kinds that retry policy tells apart. An error with a reason code of its own is
declared beside the code that raises it and derives from one of these.
"""


class InventraError(Exception):
    """One clear line: what is wrong, with its name, and what to do about it.

    Args:
        message: What happened; names the tenant, file, row, table or setting.
        remedy: What the reader can do now, as a sentence; empty where nothing can be said.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        self.message = message.rstrip(". ")
        self.remedy = remedy.rstrip(". ")
        end = "" if self.remedy.endswith("?") else "."
        super().__init__(f"{self.message}. {self.remedy}{end}" if self.remedy else f"{self.message}.")

    def __reduce__(self) -> tuple[type["InventraError"], tuple[str, str]]:
        """Pickle by message and remedy, so that an error crosses a process boundary whole."""
        return type(self), (self.message, self.remedy)


class PermanentError(InventraError):
    """Trying again cannot help: a file, a setting or a request is wrong."""


class TransientError(InventraError):
    """Trying again may help: a server, a disk or a network did not answer."""
