"""Asking a vendor's API for one page, and saying what its answer means. Pure.

The client goes by the one road out of the house; it keeps no cursor and tries nothing again: both
are the feed's rows in the database, which outlive it.
"""

import json
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlencode

from access.outbound import Answer, Outbound
from ingestion.backoff import asked_seconds
from ingestion.connectors.terms import Terms

AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class CallFailed(Exception):
    """The call gave no page. `seconds` is how long the vendor asks to be left alone."""

    def __init__(self, why: str, *, is_final: bool = False, seconds: float | None = None) -> None:
        super().__init__(why)
        self.is_final = is_final
        self.seconds = seconds


@dataclass
class Client:
    """One feed's client for one run."""

    terms: Terms
    secret: str = field(repr=False)
    out: Outbound
    _token: str = field(default="", repr=False)

    async def page(self, address: str) -> bytes:
        """The bytes of one page. Raises CallFailed."""
        if self.terms.auth == "oauth2" and not self._token:
            self._token = await self._fresh_token()
        answer = await self.out.send("GET", address, self._headers())
        if answer.status == 401 and self._token:
            # A token that has run out between two pages is no refusal yet.
            self._token = await self._fresh_token()
            answer = await self.out.send("GET", address, self._headers())
        _judge(answer)
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind and not kind.endswith("json"):
            raise CallFailed(f"expected JSON, found {kind[:60]}")
        return answer.body

    def _headers(self) -> dict[str, str]:
        said = {"Accept": "application/json", "User-Agent": "prodacct"}
        if self.terms.auth == "header":
            said[self.terms.header] = self.secret
        elif self._token:
            said["Authorization"] = f"Bearer {self._token}"
        return said

    async def _fresh_token(self) -> str:
        """A token for the client's own credentials (RFC 6749, 4.4)."""
        asked = {"grant_type": "client_credentials"}
        if self.terms.scope:
            asked["scope"] = self.terms.scope
        basic = b64encode(f"{self.terms.client_id}:{self.secret}".encode()).decode()
        answer = await self.out.send(
            "POST",
            self.terms.token_url,
            {
                "Authorization": f"Basic {basic}", "Accept": "application/json",
                "Content-Type": "application/x-www-form-urlencoded",
            },
            urlencode(asked).encode(),
        )  # fmt: skip
        _judge(answer)
        try:
            token = json.loads(answer.body)["access_token"]
        except (ValueError, LookupError, TypeError, RecursionError):
            token = None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise CallFailed("signing in: expected an access token, found none")
        return token


def _judge(answer: Answer) -> None:
    """Raises CallFailed for every answer but 200, with how long to wait where it says so."""
    if answer.status == 200:
        return
    asked = asked_seconds(answer.headers.get("retry-after", ""), datetime.now(UTC))
    if answer.status in AGAIN:
        words = "it asks for fewer calls" if answer.status == 429 else "it cannot answer now"
        raise CallFailed(f"{words} ({answer.status})", seconds=asked)
    if answer.status in {401, 403}:
        raise CallFailed(
            f"it does not let us in ({answer.status}); renew the feed's secret", is_final=True
        )
    raise CallFailed(f"expected a page (200), found {answer.status}", is_final=True)
