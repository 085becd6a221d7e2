"""The download site: a tenant's reports by day and kind, behind that tenant's token.

Belongs here: the routes and who may see what. What a file is and how it is opened is `artifacts.py`, tokens are
`tokens.py`, headers and limits `guard.py`, looks `pages.py`, running it `serve.py`.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from time import monotonic
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from inventra_pipelines.errors import InventraError, PermanentError, TransientError
from inventra_pipelines.portal import pages
from inventra_pipelines.portal.artifacts import (
    Artifact,
    ArtifactChangedError,
    ArtifactMissingError,
    ArtifactStore,
    open_artifact,
    stream,
)
from inventra_pipelines.portal.guard import (
    Headers,
    LoginLimit,
    is_from_our_pages,
    logger,
    page_after_login,
    read_form,
)
from inventra_pipelines.portal.tokens import TokenBook, is_tenant_id

_COOKIE_SECONDS = 30 * 24 * 3600
_READ = ["GET", "HEAD"]


class _NotSignedInError(Exception):
    """Nobody is signed in for the tenant that a page belongs to."""


def cookie_name(tenant_id: str) -> str:
    """The cookie that holds a tenant's token; it is sent to that tenant's pages alone."""
    return f"inventra_{tenant_id}"


def create_app(
    store: ArtifactStore,
    artifacts_folder: Path,
    tokens: TokenBook,
    *,
    public_address: str = "http://localhost:3001",
    logins_per_minute: int = 10,
    clock: Callable[[], float] = monotonic,
) -> FastAPI:
    """Make the site.

    Args:
        store: What there is to download.
        artifacts_folder: Root of the report files; a tenant's lie in its own folder below it.
        tokens: Who may see which tenant.
        public_address: Address at which people reach the site; its host is allowed besides localhost, and https makes
            the cookies Secure.
        logins_per_minute: Failed logins per client address and minute before it has to wait.
        clock: Seconds that only go forward, for that limit.

    Raises:
        PermanentError: The public address is not `http(s)://host[:port]`.
    """
    host, is_https = _split_address(public_address)
    app = FastAPI(title="Inventra reports", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["localhost", "127.0.0.1", host], www_redirect=False)
    app.add_middleware(Headers, broken=lambda: _message_page(500, "Something went wrong here", "Try again later."))
    _add_error_pages(app)
    app.include_router(_plain_routes())
    app.include_router(_login_routes(tokens, LoginLimit(logins_per_minute, clock), is_https))
    app.include_router(_report_routes(store, artifacts_folder, tokens))
    return app


def _split_address(public_address: str) -> tuple[str, bool]:
    parts = urlsplit(public_address)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}:
        raise PermanentError(
            f"setting INVENTRA_PORTAL_URL {public_address!r} is not the address of a site",
            "write it as https://reports.example.com, without a path",
        )
    return parts.hostname, parts.scheme == "https"


def _plain_routes() -> APIRouter:
    router = APIRouter()

    @router.api_route("/healthz", methods=_READ)
    async def healthz() -> Response:
        return PlainTextResponse("ok\n")

    @router.api_route("/_/portal.css", methods=_READ)
    async def stylesheet() -> Response:
        text, _ = pages.stylesheet()
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(text, media_type="text/css", headers=headers)

    @router.api_route("/", methods=_READ)
    async def home() -> Response:
        return _login_page(200)

    return router


def _login_routes(tokens: TokenBook, limit: LoginLimit, is_https: bool) -> APIRouter:
    router = APIRouter()

    @router.post("/login")
    async def login(request: Request) -> Response:
        client = request.client.host if request.client else ""
        wait = limit.wait_seconds(client)
        answer: Response
        if wait:
            answer = _message_page(429, "Too many attempts", f"Wait {wait} seconds, then try again.")
            answer.headers["Retry-After"] = str(wait)
            return answer
        form = await read_form(request)
        if form is None or not is_from_our_pages(request):
            return _message_page(400, "That form was not understood", "Open the sign-in page and fill it in there.")
        tenant_id, token = form.get("tenant", "").strip(), form.get("token", "").strip()
        wanted = form.get("next", "")
        if not tokens.accepts(tenant_id, token):
            limit.record_failure(client)
            return _login_page(401, tenant_id=tenant_id[:64], wanted=wanted, failed=True)
        answer = RedirectResponse(page_after_login(tenant_id, wanted), status_code=303)
        answer.set_cookie(
            cookie_name(tenant_id),
            token,
            max_age=_COOKIE_SECONDS,
            path=f"/{tenant_id}/",
            secure=is_https,
            httponly=True,
            samesite="strict",
        )
        return answer

    @router.post("/{tenant_id}/logout")
    async def logout(request: Request, tenant_id: str) -> Response:
        if not is_tenant_id(tenant_id) or not is_from_our_pages(request):
            return _message_page(400, "That form was not understood", "Use the sign-out button of a page.")
        answer = RedirectResponse("/", status_code=303)
        answer.delete_cookie(
            cookie_name(tenant_id), path=f"/{tenant_id}/", secure=is_https, httponly=True, samesite="strict"
        )
        return answer

    return router


def _report_routes(store: ArtifactStore, artifacts_folder: Path, tokens: TokenBook) -> APIRouter:
    router = APIRouter()

    def signed_in(request: Request, tenant_id: str) -> str:
        # Before anything is looked up: without the token, what exists and what does not look the same.
        if not tokens.accepts(tenant_id, request.cookies.get(cookie_name(tenant_id))):
            raise _NotSignedInError
        return tenant_id

    tenant = Annotated[str, Depends(signed_in)]

    @router.api_route("/{tenant_id}/", methods=_READ)
    def list_days(tenant_id: tenant) -> Response:
        days = list(store.list_days(tenant_id))
        latest = max(days, default=None)
        artifacts = store.list_artifacts(tenant_id, latest) if latest else []
        months = pages.by_month(days)
        return _page("days.html", tenant_id=tenant_id, months=months, latest=latest, artifacts=artifacts)

    @router.api_route("/{tenant_id}/{day_text}/", methods=_READ)
    def list_reports(tenant_id: tenant, day_text: str) -> Response:
        day = _parse_day(day_text)
        artifacts = store.list_artifacts(tenant_id, day)
        before, after = pages.neighbours(store.list_days(tenant_id), day)
        status = 200 if artifacts else 404
        values = {"day": day, "artifacts": artifacts, "before": before, "after": after}
        return _page("day.html", status, tenant_id=tenant_id, **values)

    @router.api_route("/{tenant_id}/{day_text}/{report}/{file_name}", methods=_READ)
    def download(request: Request, tenant_id: tenant, day_text: str, report: str, file_name: str) -> Response:
        artifact = store.find(tenant_id, _parse_day(day_text), report)
        if artifact is None or artifact.file_name != file_name:
            raise HTTPException(404)
        return _send(request, artifact, tenant_id, artifacts_folder)

    return router


def _parse_day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise HTTPException(404) from None
    if day.isoformat() != text:
        raise HTTPException(404)
    return day


def _send(request: Request, artifact: Artifact, tenant_id: str, artifacts_folder: Path) -> Response:
    tag = f'"{artifact.sha256}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    known = [value.strip().removeprefix("W/") for value in request.headers.get("if-none-match", "").split(",")]
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    try:
        handle, size = open_artifact(artifact, tenant_id, artifacts_folder)
    except (ArtifactMissingError, ArtifactChangedError) as error:
        logger.warning("%s", error)
        is_missing = isinstance(error, ArtifactMissingError)
        return _page(
            "missing.html", 404 if is_missing else 500, tenant_id=tenant_id, artifact=artifact, is_missing=is_missing
        )
    headers |= {
        "Content-Type": pages.content_type(artifact.file_name),
        "Content-Length": str(size),
        "Content-Disposition": pages.content_disposition(artifact.file_name),
    }
    if request.method == "HEAD":
        handle.close()
        return Response(headers=headers)
    return StreamingResponse(stream(handle), headers=headers)


def _add_error_pages(app: FastAPI) -> None:
    @app.exception_handler(_NotSignedInError)
    async def not_signed_in(request: Request, error: _NotSignedInError) -> Response:
        tenant_id = str(request.path_params.get("tenant_id", ""))
        if not is_tenant_id(tenant_id):
            return _no_such_page()
        return _login_page(401, tenant_id=tenant_id, wanted=quote(request.scope["path"]), is_link=True)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404:
            # Known here only after a tenant's route ran, and those run for its own readers alone.
            return _no_such_page(str(request.path_params.get("tenant_id", "")))
        answer = _message_page(error.status_code, "That is not possible", str(error.detail))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(InventraError)
    async def unable(request: Request, error: InventraError) -> Response:
        logger.error("%s", error)
        if isinstance(error, TransientError):
            answer = _message_page(503, "The reports cannot be looked up right now", "Try again in a minute.")
            answer.headers["Retry-After"] = "30"
            return answer
        return _message_page(500, "The reports cannot be looked up", "Tell the person who runs Inventra for you.")


def _page(template: str, status: int = 200, **values: object) -> HTMLResponse:
    return HTMLResponse(pages.render(template, **values), status_code=status)


def _message_page(status: int, title: str, advice: str, tenant_id: str = "") -> HTMLResponse:
    return _page("message.html", status, tenant_id=tenant_id, title=title, advice=advice)


def _no_such_page(tenant_id: str = "") -> HTMLResponse:
    return _message_page(404, "There is no such page", "Check the address, or start at the first page.", tenant_id)


def _login_page(
    status: int, tenant_id: str = "", wanted: str = "", failed: bool = False, is_link: bool = False
) -> HTMLResponse:
    values = {"asked_tenant_id": tenant_id, "wanted": wanted, "failed": failed, "is_link": is_link}
    answer = _page("login.html", status, tenant_id="", **values)
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Cookie realm="Inventra reports", form-action="/login"'
    return answer
