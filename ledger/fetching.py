"""Fetching a rates file from where it is published, by the one road out of the house. Pure."""

import asyncio
from collections.abc import Collection

from access.outbound import Limits, NotFetched, Outbound, Road, send_once

LIMITS = Limits(most_bytes=1_000_000, seconds=10.0)


def fetch(url: str, allowed: Collection[str]) -> bytes:
    """The bytes at an address of an allowed host. Raises Invalid and NotFetched."""
    return fetch_by(Outbound(Road(allowed), LIMITS), url)


def fetch_by(out: Outbound, url: str) -> bytes:
    """The same, by a client of one's own."""
    headers = {"Accept": "text/csv, application/zip"}
    answer = asyncio.run(send_once(out, "GET", url, headers))
    if answer.status != 200:
        raise NotFetched(
            f"expected the file (200), found {answer.status}. Redirects are not followed. "
            "Download the file yourself and load it from disk."
        )
    return answer.body
