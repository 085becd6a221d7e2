import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from inventra_pipelines.errors import PermanentError
from inventra_pipelines.portal.guard import LoginLimit, page_after_login
from tests.unit.portal.memory_site import DAY, Site

FILE_URL = f"/gifts/{DAY}/daily_pdf/gifts-{DAY}.pdf"


def _login(client: TestClient, tenant: str, token: str, wanted: str = "", **headers: str) -> Response:
    return client.post("/login", data={"tenant": tenant, "token": token, "next": wanted}, headers=headers)


def test_the_right_token_sets_a_cookie_for_that_tenant_alone(site: Site) -> None:
    answer = _login(site.visitor(), "gifts", f" {site.tokens.token_of('gifts')}\n")
    assert answer.status_code == 303 and answer.headers["location"] == "/gifts/"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"inventra_gifts={site.tokens.token_of('gifts')};")
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Path=/gifts/" in cookie
    assert "Secure" not in cookie


def test_a_cookie_is_secure_behind_a_public_https_address(make_site: Callable[..., Site]) -> None:
    site = make_site(public_address="https://reports.example.com")
    answer = _login(site.visitor("https://reports.example.com"), "gifts", site.tokens.token_of("gifts"))
    assert "; Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "path", ["/gifts/", f"/gifts/{DAY}/", "/gifts/1999-01-01/", "/gifts/nonsense/", FILE_URL, f"/gifts/{DAY}/x/y.pdf"]
)
def test_without_the_token_nothing_tells_what_exists(site: Site, method: str, path: str) -> None:
    """The same answer, but for the name that was asked for, whoever asks and whatever there is; nothing looked up."""
    visitors = {"nobody": site.visitor(), "another tenant": site.reader("gifts-export"), "a forger": site.visitor()}
    visitors["a forger"].cookies.set("inventra_gifts", site.tokens.token_of("gifts-export"))
    answers = set()
    for client in visitors.values():
        for tenant in ("gifts", "nosuch"):
            answer = client.request(method, path.replace("gifts", tenant))
            headers = tuple((name, value) for name, value in answer.headers.items() if name != "content-length")
            answers.add((answer.status_code, answer.text.replace(tenant, "T"), headers))
    assert len(answers) == 1 and next(iter(answers))[0] == 401
    assert site.store.calls == []


def test_a_wrong_token_and_an_unknown_tenant_get_the_same_answer(site: Site) -> None:
    answers = set()
    for tenant, token in [
        ("gifts", "wrong"),
        ("gifts", site.tokens.token_of("gifts-export")),
        ("nosuch", "wrong"),
        ("nosuch", site.tokens.token_of("gifts")),
        ("NOT-AN-ID", "wrong"),
        ("_", site.tokens.token_of("_")),
    ]:
        answer = _login(site.visitor(), tenant, token)
        assert "set-cookie" not in answer.headers
        answers.add((answer.status_code, answer.text.replace(f'value="{tenant}"', "")))
    assert len(answers) == 1 and next(iter(answers))[0] == 401
    assert site.store.calls == []


def test_the_cookie_of_one_tenant_is_not_sent_to_another(site: Site) -> None:
    client = site.reader("gifts")
    assert client.get("/gifts/").status_code == 200
    assert "cookie" not in client.get("/gifts-export/").request.headers


def test_a_link_leads_to_the_form_and_from_there_to_its_page(site: Site) -> None:
    client = site.visitor()
    form = client.get(f"/gifts/{DAY}/")
    assert form.status_code == 401
    wanted = re.search(r'name="next" value="([^"]*)"', form.text)
    assert wanted is not None
    answer = _login(client, "gifts", site.tokens.token_of("gifts"), wanted[1])
    assert answer.headers["location"] == f"/gifts/{DAY}/"
    assert client.get(answer.headers["location"]).status_code == 200


def test_the_wanted_page_survives_a_mistyped_token(site: Site) -> None:
    assert f'name="next" value="/gifts/{DAY}/"' in _login(site.visitor(), "gifts", "wrong", f"/gifts/{DAY}/").text


def test_a_link_to_a_file_leads_to_its_place_on_the_day_page(site: Site) -> None:
    answer = _login(site.visitor(), "gifts", site.tokens.token_of("gifts"), FILE_URL)
    assert answer.headers["location"] == f"/gifts/{DAY}/#daily_pdf"
    assert 'id="daily_pdf"' in site.reader().get(f"/gifts/{DAY}/").text


@pytest.mark.parametrize(
    "wanted",
    ["", "https://evil.example/", "//evil.example/", "/\\evil.example/", "/gifts/..//evil.example/", "gifts/",
     "/gifts-export/", "/gifts-export/2011-12-09/", "javascript:alert(1)", "/gifts/\r\nSet-Cookie: a=b",
     "/gifts/2011-12-09/daily_pdf/a/b", "/gifts/x/", "/healthz", "\x00/gifts/2011-12-09/"],
    ids=repr,
)  # fmt: skip
def test_a_login_never_leads_to_another_site_or_tenant(wanted: str, site: Site) -> None:
    assert page_after_login("gifts", wanted) == "/gifts/"
    answer = _login(site.visitor(), "gifts", site.tokens.token_of("gifts"), wanted)
    assert answer.headers["location"] == "/gifts/"


def test_what_was_typed_comes_back_escaped(site: Site) -> None:
    text = _login(site.visitor(), '"><script>1</script>', "x", '"><script>2</script>').text
    assert "<script" not in text


def test_signing_out_takes_the_cookie_away(site: Site) -> None:
    client = site.reader()
    answer = client.post("/gifts/logout")
    assert answer.status_code == 303 and answer.headers["location"] == "/"
    assert client.get("/gifts/").status_code == 401
    assert client.get("/gifts/logout").status_code in {401, 404, 405}


def test_another_site_can_neither_sign_in_nor_out(site: Site) -> None:
    client = site.reader()
    cross = {"Sec-Fetch-Site": "cross-site"}
    assert client.post("/gifts/logout", headers=cross).status_code == 400
    assert _login(client, "gifts", site.tokens.token_of("gifts"), **cross).status_code == 400
    assert client.get("/gifts/").status_code == 200


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"a" * 9000, "application/x-www-form-urlencoded"), (b"\xff=1", "application/x-www-form-urlencoded"),
     (b"a=%ff", "application/x-www-form-urlencoded"), (b"&".join([b"a=1"] * 17), "application/x-www-form-urlencoded"),
     (b"{}", "application/json")],
    ids=["too large", "not ascii", "not utf-8", "too many fields", "json"],
)  # fmt: skip
def test_a_form_that_is_none_is_refused(site: Site, body: bytes, kind: str) -> None:
    assert site.visitor().post("/login", content=body, headers={"Content-Type": kind}).status_code == 400


def test_failed_logins_are_bounded_per_minute(make_site: Callable[..., Site]) -> None:
    site = make_site(logins_per_minute=3)
    client = site.visitor()
    token = site.tokens.token_of("gifts")
    assert [_login(client, "gifts", "wrong").status_code for _ in range(4)] == [401, 401, 401, 429]
    refused = _login(client, "gifts", token)
    assert refused.status_code == 429 and refused.headers["retry-after"] == "61"
    site.seconds[0] += 61
    assert [_login(client, "gifts", token).status_code for _ in range(5)] == [303] * 5


def test_the_limit_forgets_and_stays_small() -> None:
    now = [0.0]
    limit = LoginLimit(2, lambda: now[0])
    for number in range(10_500):
        limit.record_failure(f"client {number}")
    assert len(limit._failures) == 10_000
    limit.record_failure("client 10499")
    assert limit.wait_seconds("client 10499") == 61 and limit.wait_seconds("client 10498") == 0
    now[0] = 60.0
    assert limit.wait_seconds("client 10499") == 0 and "client 10499" not in limit._failures


@pytest.mark.parametrize(
    "address", ["reports.example.com", "ftp://example.com", "https://example.com/inventra", "https://"]
)
def test_a_public_address_that_is_none_names_its_setting(make_site: Callable[..., Site], address: str) -> None:
    with pytest.raises(PermanentError, match="INVENTRA_PORTAL_URL"):
        make_site(public_address=address)
