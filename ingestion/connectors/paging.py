"""Which page comes next, and whether a vendor's pages lead in a circle. Pure.

A position is what is asked for: nothing for the first page, else a link, a cursor or a number.
"""

from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

import httpx

from ingestion.connectors.terms import Terms

LONGEST_POSITION = 2_000


class Astray(Exception):
    """The pages do not lead on; the sentence says how. Asking again would not help."""


def address_of(terms: Terms, position: str) -> str:
    """The address of the page at a position."""
    if terms.paging == "next":
        return position or terms.url
    if terms.paging == "page":
        wanted = position or str(terms.first_page)
    elif terms.paging == "cursor" and position:
        wanted = position
    else:
        return terms.url
    return str(httpx.URL(terms.url).copy_set_param(terms.parameter, wanted))


def next_position(terms: Terms, position: str, said: Mapping[str, str], rows: int) -> str | None:
    """The position after this page, or None after the last. Raises Astray off the vendor's host."""
    if terms.paging == "none":
        return None
    if terms.paging == "page":
        # A count of pages that a vendor states is not believed: an empty page is the end.
        return str(int(position or terms.first_page) + 1) if rows else None
    stated = said.get(terms.next_path, "")
    if stated in {"", "false"}:
        return None
    if terms.paging == "next":
        stated = urljoin(address_of(terms, position), stated)
        if urlsplit(stated)[:2] != urlsplit(terms.url)[:2]:
            raise Astray("the next page it names is on another host; it was not asked for")
    if len(stated) > LONGEST_POSITION or not stated.isprintable():
        raise Astray(f"it names a next page in {len(stated):,} characters; expected a short text")
    return stated


def stated_total(terms: Terms, said: Mapping[str, str]) -> int | None:
    """How many rows the vendor says there are in all, where it says so."""
    text = said.get(terms.total_path, "") if terms.total_path else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
