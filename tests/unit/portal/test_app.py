from collections.abc import Callable
from datetime import date

import pytest
from fastapi.testclient import TestClient

from inventra_pipelines.errors import PermanentError, TransientError
from tests.unit.portal.memory_site import DAY, PDF, Site

FILE_URL = f"/gifts/{DAY}/daily_pdf/gifts-{DAY}.pdf"


def test_the_first_page_says_what_this_is_and_asks_for_tenant_and_token(site: Site) -> None:
    answer = site.visitor().get("/")
    assert answer.status_code == 200
    for part in ("<h1>", 'name="tenant"', 'name="token"', 'action="/login"', "Ask the person who runs Inventra"):
        assert part in answer.text


def test_the_list_shows_the_latest_day_and_every_day_newest_first(site: Site) -> None:
    text = site.reader().get("/gifts/").text
    assert "Friday 9 December 2011" in text and FILE_URL in text
    places = [text.index(part) for part in ("December 2011</h3>", "/gifts/2011-12-07/", "November 2011", "-11-30/")]
    assert places == sorted(places)


def test_a_day_page_lists_its_reports_and_links_to_the_days_beside_it(site: Site) -> None:
    text = site.reader().get("/gifts/2011-12-07/").text
    assert 'rel="prev" href="/gifts/2011-11-30/"' in text and 'rel="next" href="/gifts/2011-12-09/"' in text
    row = site.store.rows["gifts", date(2011, 12, 7), "daily_pdf"]
    assert "Daily report" in text and "17 bytes" in text and f"<code>{row.sha256[:12]}</code>" in text
    assert "Daily workbook" not in text


def test_empty_pages_say_what_to_do(site: Site) -> None:
    assert "inventra run --tenant nothing-yet --date" in site.reader("nothing-yet").get("/nothing-yet/").text
    answer = site.reader().get("/gifts/2011-12-08/")
    assert answer.status_code == 404
    assert "inventra run --tenant gifts --date 2011-12-08" in answer.text and "/gifts/2011-12-07/" in answer.text


@pytest.mark.parametrize(
    ("report", "kind"),
    [
        ("daily_pdf", "application/pdf"),
        ("daily_workbook", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ],
)
def test_a_download_is_the_file_with_its_type_name_and_checksum(site: Site, report: str, kind: str) -> None:
    row = site.store.rows["gifts", DAY, report]
    answer = site.reader().get(f"/gifts/{DAY}/{report}/{row.file_name}")
    assert answer.status_code == 200 and answer.content == (site.folder / row.path).read_bytes()
    assert answer.headers["content-type"] == kind
    assert answer.headers["content-length"] == str(row.bytes)
    assert answer.headers["etag"] == f'"{row.sha256}"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert f'filename="{row.file_name}"' in answer.headers["content-disposition"]


def test_a_head_request_tells_the_size_and_sends_nothing(site: Site) -> None:
    answer = site.reader().head(FILE_URL)
    assert answer.headers["content-length"] == str(len(PDF)) and answer.content == b""


@pytest.mark.parametrize("form", ['"{}"', 'W/"{}"', '"other", "{}"', "*"])
def test_a_file_that_is_known_is_not_sent_again(site: Site, form: str) -> None:
    tag = form.format(site.store.rows["gifts", DAY, "daily_pdf"].sha256)
    answer = site.reader().get(FILE_URL, headers={"If-None-Match": tag})
    assert answer.status_code == 304 and answer.content == b"" and "etag" in answer.headers
    assert site.reader().get(FILE_URL, headers={"If-None-Match": '"other"'}).status_code == 200
    assert site.visitor().get(FILE_URL, headers={"If-None-Match": tag}).status_code == 401


def test_a_missing_file_says_replay_the_day(site: Site) -> None:
    (site.folder / site.store.rows["gifts", DAY, "daily_pdf"].path).unlink()
    answer = site.reader().get(FILE_URL)
    assert answer.status_code == 404
    assert "missing; replay the day" in answer.text and f"--tenant gifts --date {DAY}" in answer.text


def test_a_file_that_is_not_the_one_recorded_is_not_handed_out(site: Site) -> None:
    (site.folder / site.store.rows["gifts", DAY, "daily_pdf"].path).write_bytes(b"%PDF-1.4 another")
    answer = site.reader().get(FILE_URL)
    assert answer.status_code == 500
    assert "replay the day" in answer.text and "another" not in answer.text


def _outside(site: Site) -> list[str]:
    secret = site.folder.parent / "secret.pdf"
    secret.write_bytes(PDF)
    link = site.folder / "gifts" / "link.pdf"
    link.symlink_to(secret)
    folder_link = site.folder / "gifts" / "linked"
    folder_link.symlink_to(site.folder / "gifts-export")
    other = f"gifts-export/{DAY}/gifts-export-{DAY}.pdf"
    return [
        str(secret), "../secret.pdf", "gifts/../../secret.pdf", "gifts/link.pdf", other, f"gifts/../{other}",
        f"gifts/linked/{DAY}/gifts-export-{DAY}.pdf", "gifts", "gifts/\x00.pdf", "gifts/" + "a" * 5000,
    ]  # fmt: skip


def test_a_row_cannot_point_out_of_its_tenants_folder(site: Site) -> None:
    client = site.reader()
    for path in _outside(site):
        site.change(path=path)
        answer = client.get(FILE_URL)
        assert answer.status_code == 404 and answer.content != PDF, path


def test_a_row_with_an_absolute_path_in_the_folder_is_served(site: Site) -> None:
    site.change(path=str((site.folder / site.store.rows["gifts", DAY, "daily_pdf"].path).resolve()))
    assert site.reader().get(FILE_URL).content == PDF


@pytest.mark.parametrize(
    "path",
    [f"/gifts/{DAY}/daily_pdf/other.pdf", f"/gifts/{DAY}/weekly/gifts-{DAY}.pdf", "/gifts/20111209/daily_pdf/a.pdf",
     "/gifts/2011-W49-5/", "/gifts/9999-99-99/", "/gifts/%00/", "/gifts/../gifts-export/", "/..%2f..%2fetc/passwd",
     f"/gifts/{DAY}/daily_pdf/..%2f..%2f..%2fsecret.pdf", f"/gifts/{DAY}/daily_pdf/%2e%2e%2fx.pdf", "/Not%20An%20Id/",
     "/_/other.css", "/docs", "/openapi.json", "/favicon.ico", "/gifts/2011-12-09/daily_pdf"],
)  # fmt: skip
def test_what_is_no_page_is_a_plain_404(site: Site, path: str) -> None:
    client = site.reader()
    client.follow_redirects = True
    answer = client.get(path)
    assert answer.status_code in {401, 404} and PDF not in answer.content
    assert answer.headers["content-type"].startswith("text/html")


def test_every_answer_carries_the_security_headers(site: Site) -> None:
    client = site.reader()
    paths = ["/", "/healthz", "/_/portal.css", "/gifts/", FILE_URL, "/nosuch/", "/gifts/x/", "/a/b/c/d/e", "/gifts"]
    for path in paths:
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        for part in ("default-src 'none'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'"):
            assert part in policy, path
        assert headers["referrer-policy"] == "no-referrer" and headers["x-content-type-options"] == "nosniff"
    assert client.get("/gifts/").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost", 200), ("localhost:3001", 200), ("127.0.0.1:3001", 200), ("reports.example.com", 200),
     ("Reports.Example.com:8443", 200), ("evil.example", 400), ("localhost.evil.example", 400), ("", 400)],
)  # fmt: skip
def test_only_known_hosts_are_answered(make_site: Callable[..., Site], host: str, status: int) -> None:
    client = make_site(public_address="https://reports.example.com:8443").visitor()
    assert client.get("/", headers={"Host": host}).status_code == status


def test_a_database_that_is_down_is_a_503_that_tells_no_more(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    client = site.reader()

    def down(tenant_id: str) -> list[date]:
        raise TransientError("Postgres at db.internal does not answer", "start it")

    monkeypatch.setattr(site.store, "list_days", down)
    answer = client.get("/gifts/")
    assert answer.status_code == 503 and "retry-after" in answer.headers and "db.internal" not in answer.text

    def unmigrated(tenant_id: str) -> list[date]:
        raise PermanentError("table reports.artifacts is not as expected")

    monkeypatch.setattr(site.store, "list_days", unmigrated)
    assert client.get("/gifts/").status_code == 500


def test_a_failure_nobody_thought_of_is_a_page_with_headers_and_a_log_line(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = TestClient(site.app, base_url="http://localhost", raise_server_exceptions=False)
    token = site.tokens.token_of("gifts")
    client.cookies.set("inventra_gifts", token)
    monkeypatch.setattr(site.store, "list_days", lambda tenant_id: 1 / 0)
    answer = client.get("/gifts/?secret=in-the-query")
    assert answer.status_code == 500 and "content-security-policy" in answer.headers
    assert "GET /gifts/ failed" in caplog.text
    assert token not in caplog.text and "in-the-query" not in caplog.text and "ZeroDivision" not in answer.text


def test_the_style_sheet_is_served_under_an_address_that_changes_with_it(site: Site) -> None:
    client = site.visitor()
    page = client.get("/").text
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]
    answer = client.get(address)
    assert answer.headers["content-type"].startswith("text/css") and "immutable" in answer.headers["cache-control"]
    assert len(answer.content) < 12_000


def test_it_says_that_it_is_alive(site: Site) -> None:
    assert site.visitor("http://127.0.0.1:3001").get("/healthz").text == "ok\n"
