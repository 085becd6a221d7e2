"""What stands between the network and the pages.

Belongs here: the headers that every answer carries, the answer of last resort, the bound on login attempts, reading a
small form, and where a login may return to. The pages themselves are `app.py`.
"""

import logging
import re
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from urllib.parse import parse_qsl

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inventra_pipelines.portal.tokens import is_tenant_id

logger = logging.getLogger("inventra.portal")

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_LONGEST_FORM_BYTES = 8192
_RETURN = re.compile(
    r"/(?P<tenant>[a-z][a-z0-9-]{1,38})/(?:(?P<day>\d{4}-\d{2}-\d{2})/(?:(?P<report>[a-z0-9_]{1,64})/[^/]+)?)?"
)


class Headers:
    """ASGI middleware: security headers on every answer, and a plain 500 page when the application broke.

    Args:
        app: The application within.
        broken: Makes the 500 answer.
    """

    def __init__(self, app: ASGIApp, broken: Callable[[], Response]) -> None:
        self._app = app
        self._broken = broken

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; see the class."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self._app(scope, receive, guarded)
        except Exception:
            # The path alone: a query string is not ours to keep.
            logger.exception("%s %s failed", scope["method"], scope["path"])
            if started:
                raise
            await self._broken()(scope, receive, guarded)


@dataclass
class LoginLimit:
    """Bounds failed logins per client address in any minute; kept in memory, bounded itself.

    Attributes:
        per_minute: Failures after which further attempts are refused, right ones included.
        clock: Seconds that only go forward.
    """

    per_minute: int = 10
    clock: Callable[[], float] = monotonic
    _failures: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)

    _MOST_CLIENTS = 10_000
    _WINDOW_SECONDS = 60.0

    def wait_seconds(self, client: str) -> int:
        """How long the client has to wait before its next attempt; 0 when it may go on."""
        failures = self._failures.get(client)
        if failures is None:
            return 0
        now = self.clock()
        while failures and failures[0] <= now - self._WINDOW_SECONDS:
            failures.popleft()
        if not failures:
            del self._failures[client]
        if len(failures) < self.per_minute:
            return 0
        return int(failures[0] + self._WINDOW_SECONDS - now) + 1

    def record_failure(self, client: str) -> None:
        """Count a failed attempt."""
        self._failures.setdefault(client, deque(maxlen=self.per_minute)).append(self.clock())
        self._failures.move_to_end(client)
        while len(self._failures) > self._MOST_CLIENTS:
            self._failures.popitem(last=False)


async def read_form(request: Request) -> dict[str, str] | None:
    """The fields of a small URL-encoded form; None where it is something else or larger than 8 KiB."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return None
    body = bytearray()
    async for block in request.stream():
        body += block
        if len(body) > _LONGEST_FORM_BYTES:
            return None
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=16, errors="strict"))
    except ValueError:
        return None


def is_from_our_pages(request: Request) -> bool:
    """Whether a POST was sent by one of our own pages, as far as the browser says; other clients say nothing."""
    return request.headers.get("sec-fetch-site", "none") in {"same-origin", "none"}


def page_after_login(tenant_id: str, wanted: str) -> str:
    """Where a login leads: the wanted page of that tenant, or its first page.

    The answer is put together from parts that were recognized, never from the text itself, so that it cannot lead to
    another site or another tenant. A file leads to its day's page, at that report: a browser that is sent straight to
    a download stays on the login form.
    """
    match = _RETURN.fullmatch(wanted)
    first_page = f"/{tenant_id}/"
    if match is None or match["tenant"] != tenant_id or not is_tenant_id(tenant_id) or not match["day"]:
        return first_page
    day_page = f"{first_page}{match['day']}/"
    return f"{day_page}#{match['report']}" if match["report"] else day_page
