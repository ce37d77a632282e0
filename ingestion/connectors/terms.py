"""The terms on which a vendor's API is read: data, not code. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from access.errors import Invalid
from access.outbound import Road, checked_url

AUTH_KINDS: Final = ("none", "header", "oauth2")
PAGING_KINDS: Final = ("none", "next", "cursor", "page")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}", re.ASCII)
_PATH = re.compile(r"[A-Za-z0-9_$@-]+(\.[A-Za-z0-9_$@-]+)*", re.ASCII)
MOST_COLUMNS = 64
LONGEST_START = 1_000
# Headers that are the client's own, or would change what the answer is an answer to.
_OWN_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "accept-encoding", "cookie"}
)


@dataclass(frozen=True, slots=True)
class Terms:
    """Where a feed is, how one signs in, how its pages follow each other, where the rows are."""

    url: str
    columns: tuple[tuple[str, str], ...]
    rows: str = ""
    auth: str = "none"
    header: str = "Authorization"
    token_url: str = ""
    client_id: str = ""
    scope: str = ""
    paging: str = "none"
    next_path: str = ""
    parameter: str = ""
    first_page: int = 1
    total_path: str = ""
    # What is asked for first in each reading; '' for the vendor's own first page.
    start: str = ""

    def as_data(self) -> dict[str, Any]:
        """As it is kept with the feed."""
        said = {name: getattr(self, name) for name in self.__slots__}
        return {**said, "columns": [list(pair) for pair in self.columns]}


def terms_from(data: Mapping[str, Any]) -> Terms:
    """The terms as they were kept."""
    return Terms(**{**data, "columns": tuple((h, p) for h, p in data["columns"])})


def checked_terms(terms: Terms, road: Road) -> Terms:
    """The terms, if they can be followed. Raises Invalid where they cannot, and says where."""
    checked_url(terms.url, road)
    if terms.auth not in AUTH_KINDS:
        raise Invalid(f"signing in: expected one of {', '.join(AUTH_KINDS)}, found {terms.auth!r}")
    if terms.auth == "header" and (
        not _HEADER.fullmatch(terms.header) or terms.header.lower() in _OWN_HEADERS
    ):
        raise Invalid(f"header: expected a name such as Authorization, found {terms.header[:60]!r}")
    if terms.auth == "oauth2":
        checked_url(terms.token_url, road)
        if not terms.client_id:
            raise Invalid("client id: expected the one the vendor gave you")
    if terms.paging not in PAGING_KINDS:
        raise Invalid(f"pages: expected one of {', '.join(PAGING_KINDS)}, found {terms.paging!r}")
    for name, path in (("rows", terms.rows), ("next", terms.next_path), ("total", terms.total_path),
                       *terms.columns):  # fmt: skip
        if path and not _PATH.fullmatch(path):
            raise Invalid(f"{name}: expected a path such as data.items, found {path[:60]!r}")
    if terms.paging in {"next", "cursor"} and not terms.next_path:
        raise Invalid("next: expected the path at which a page names the next one")
    if terms.paging in {"cursor", "page"} and not _PATH.fullmatch(terms.parameter):
        raise Invalid("parameter: expected the name under which the page is asked for")
    _check_start(terms, road)
    if not 0 < len(terms.columns) <= MOST_COLUMNS or not all(h and p for h, p in terms.columns):
        raise Invalid("columns: expected lines of COLUMN = path, one for each column of the source")
    return terms


def _check_start(terms: Terms, road: Road) -> None:
    """Where a reading begins must be something the pages could have led to."""
    if not terms.start:
        return
    if terms.paging == "none":
        raise Invalid("first page: a feed of one page has no other; leave it empty")
    if terms.paging == "page" and not (terms.start.isascii() and terms.start.isdigit()):
        raise Invalid(f"first page: expected a number, found {terms.start[:20]!r}")
    if len(terms.start) > LONGEST_START or not terms.start.isprintable():
        raise Invalid(f"first page: expected at most {LONGEST_START:,} visible characters")
    if terms.paging == "next":
        checked_url(terms.start, road)
        if urlsplit(terms.start)[:2] != urlsplit(terms.url)[:2]:
            raise Invalid("first page: expected an address on the feed's own host")
