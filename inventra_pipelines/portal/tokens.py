"""Who may see which tenant's reports: one token per tenant, derived from one secret.

Belongs here: deriving and comparing tokens. No list of tenants is consulted, so that nothing here can tell a caller
whether a tenant exists.
"""

import base64
import hashlib
import hmac
import re

from inventra_pipelines.errors import PermanentError

_TENANT_ID = re.compile(r"[a-z][a-z0-9-]{1,38}")
_PURPOSE = "inventra-portal|"
_SHORTEST_SECRET = 16


def is_tenant_id(text: str) -> bool:
    """Whether a text has the form of a tenant id; says nothing about whether there is such a tenant."""
    return _TENANT_ID.fullmatch(text) is not None


class TokenBook:
    """Derives each tenant's token from the secret; changing the secret revokes every token.

    Args:
        secret: At least 16 characters.

    Raises:
        PermanentError: The secret is shorter than that.
    """

    def __init__(self, secret: str) -> None:
        if len(secret) < _SHORTEST_SECRET:
            raise PermanentError(
                f"setting INVENTRA_PORTAL_SECRET is shorter than {_SHORTEST_SECRET} characters",
                "set a longer one",
            )
        self._key = secret.encode()

    def token_of(self, tenant_id: str) -> str:
        """The tenant's token: HMAC-SHA256 in URL-safe base64 without padding, 43 characters."""
        digest = hmac.new(self._key, f"{_PURPOSE}{tenant_id}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def accepts(self, tenant_id: str, token: str | None) -> bool:
        """Whether the token is this tenant's, compared in constant time; a malformed tenant id has none."""
        offered = (token or "").encode("utf-8", "surrogatepass")
        matches = hmac.compare_digest(self.token_of(tenant_id).encode(), offered)
        return matches and is_tenant_id(tenant_id)
