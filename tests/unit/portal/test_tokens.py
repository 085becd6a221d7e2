import base64
import hashlib
import hmac
from pathlib import Path

import pytest

from inventra_pipelines.errors import PermanentError
from inventra_pipelines.portal.serve import token_book
from inventra_pipelines.portal.tokens import TokenBook, is_tenant_id
from inventra_pipelines.settings import Settings

SECRET = "a secret of some length"


def test_a_token_is_the_hmac_of_the_tenant_under_the_secret() -> None:
    digest = hmac.new(SECRET.encode(), b"inventra-portal|gifts", hashlib.sha256).digest()
    assert TokenBook(SECRET).token_of("gifts") + "=" == base64.urlsafe_b64encode(digest).decode()


@pytest.mark.parametrize("token", [None, "", "x", "ä", "\udc80", "A" * 43], ids=repr)
def test_what_is_not_the_token_is_refused(token: str | None) -> None:
    assert not TokenBook(SECRET).accepts("gifts", token)


def test_a_token_opens_its_own_tenant_only() -> None:
    book = TokenBook(SECRET)
    assert book.accepts("gifts", book.token_of("gifts"))
    assert not book.accepts("gifts-export", book.token_of("gifts"))
    assert not TokenBook(SECRET + ".").accepts("gifts", book.token_of("gifts"))


@pytest.mark.parametrize("tenant", ["", "a", "Gifts", "../x", "_", "gifts\n", "1a", "a" * 40], ids=repr)
def test_a_malformed_tenant_has_no_token(tenant: str) -> None:
    book = TokenBook(SECRET)
    assert not is_tenant_id(tenant)
    assert not book.accepts(tenant, book.token_of(tenant))


def test_a_short_secret_is_an_error_that_names_the_setting() -> None:
    with pytest.raises(PermanentError, match="INVENTRA_PORTAL_SECRET"):
        TokenBook("short")


def test_a_secret_that_is_not_set_is_an_error_that_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="INVENTRA_PORTAL_SECRET"):
        token_book(Settings(home=tmp_path, portal_secret=None))
