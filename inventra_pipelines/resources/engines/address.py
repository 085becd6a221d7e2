"""Where a cluster is, read from INVENTRA_ENGINE_ADDRESS, and whether anything answers there.

Belongs here: nothing that needs an engine's package. An address may hold a password: what is shown of it is its
host and port.
"""

import re
import socket

from inventra_pipelines.errors import TransientError
from inventra_pipelines.settings import Settings

_SECONDS_TO_ANSWER = 5

# Schemes whose host and port are a socket that this process opens, with the port where none is given.
_DEFAULT_PORTS = {"tcp": 8786, "tls": 8786, "spark": 7077}
_SOCKET = re.compile(r"(?:(?P<scheme>tcp|tls|spark)://)?(?P<host>[\w.-]+)(?::(?P<port>\d{1,5}))?(?=$|[/,])")


def socket_of(address: str) -> tuple[str, int] | None:
    """Host and port of an address; None where it names neither, as `auto`, `yarn` or `local[4]` do."""
    found = _SOCKET.match(address)
    if found is None or not (found["scheme"] or found["port"]):
        return None
    return found["host"], int(found["port"] or _DEFAULT_PORTS[found["scheme"]])


def shown(address: str) -> str:
    """What may be printed of an address: host and port, or what stands before its parameters."""
    place = socket_of(address)
    return f"{place[0]}:{place[1]}" if place else re.split(r"[;?]", address)[0].rsplit("@", 1)[-1]


def check_reachable(settings: Settings) -> None:
    """Open and close a connection to the cluster where its address names a host; engines would try for minutes.

    Raises:
        TransientError: Nothing answers.
    """
    address = settings.cluster_address
    place = socket_of(address) if address else None
    if place is None:
        return
    try:
        socket.create_connection(place, timeout=_SECONDS_TO_ANSWER).close()
    except OSError as error:
        raise TransientError(
            f"engine {settings.engine}: nothing answers at {place[0]}:{place[1]} ({error.strerror or error})",
            "start the cluster, or correct INVENTRA_ENGINE_ADDRESS",
        ) from None
