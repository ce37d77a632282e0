"""What the query log shows, on the screen and in the files taken out of it."""

from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from access import roles
from access.errors import Invalid
from access.models import Membership, Production
from readlog.models import Read
from readlog.selectors import MOST_EXPORTED, PAGE_ROWS, ReadFilter, readers, reads

HEADER = (
    "Time (UTC)", "Who", "Role", "Signed in by", "Method", "Screen", "Address", "Filters",
    "Rows shown", "Status", "Download", "Bytes", "Body SHA-256", "Milliseconds",
)  # fmt: skip
FIGURES = {8, 9, 11, 13}
_ASKED = ("person", "from", "to")


def asked_filter(sent: dict[str, str]) -> ReadFilter:
    """The filter a query string asks for. Raises Invalid with the sentence for what is wrong."""
    return ReadFilter(
        number_sent(sent, "person"),
        day_sent(sent, "from"),
        day_sent(sent, "to"),
        number_sent(sent, "before"),
    )


def query_log_view(membership: Membership, sent: dict[str, str]) -> dict[str, Any]:
    """One page of the entries, newest first."""
    production = membership.production
    view: dict[str, Any] = {
        "sent": {key: sent.get(key, "") for key in _ASKED},
        "people": [(str(person.pk), str(person)) for person in readers(production)],
        "is_recorded": membership.role in roles.READ_LOGGED,
    }
    try:
        wanted = asked_filter(sent)
    except Invalid as error:
        return {**view, "problem": error.message}
    page = list(reads(production, wanted)[: PAGE_ROWS + 1])
    shown = page[:PAGE_ROWS]
    kept = {key: value for key, value in view["sent"].items() if value}
    if len(page) > len(shown):
        following = urlencode({**kept, "before": shown[-1].pk})
        view["next_url"] = f"{reverse('query_log', args=[production.code])}?{following}"
    export = reverse("query_log_export", args=[production.code])
    return {
        **view,
        "entries": [_row(read) for read in shown],
        "exports": [
            (form.upper(), f"{export}?{urlencode({**kept, 'format': form})}")
            for form in ("csv", "xlsx")
        ],
    }


def exported_rows(production: Production, sent: dict[str, str]) -> list[tuple[str, ...]]:
    """Every entry the filters leave, as texts under HEADER. Raises Invalid for more than fit."""
    found = list(reads(production, asked_filter(sent))[: MOST_EXPORTED + 1])
    if len(found) > MOST_EXPORTED:
        raise Invalid(f"more than {MOST_EXPORTED:,} entries: choose a person or fewer days")
    return [_cells(read) for read in found]


def _row(read: Read) -> dict[str, Any]:
    return {
        "at": _moment(read.at),
        "who": str(read.user),
        "role": roles.label_of(read.role),
        "strength": read.strength,
        "method": read.method,
        "screen": _screen(read),
        "address": read.address,
        "filters": "" if read.filters == "{}" else read.filters,
        "rows": "" if read.rows_shown is None else f"{read.rows_shown:,}",
        "status": read.status,
        "is_download": read.is_download,
        "size": f"{read.body_bytes:,}",
        "sha256": bytes(read.sha256).hex(),
        "digest8": bytes(read.sha256).hex()[:8],
    }


def _cells(read: Read) -> tuple[str, ...]:
    return (
        _moment(read.at), str(read.user), roles.label_of(read.role), read.strength, read.method,
        _screen(read), read.address, read.filters,
        "" if read.rows_shown is None else str(read.rows_shown), str(read.status),
        "yes" if read.is_download else "no", str(read.body_bytes), bytes(read.sha256).hex(),
        str(read.duration_ms),
    )  # fmt: skip


def _screen(read: Read) -> str:
    return read.route.replace("_", " ").capitalize() or "No such address"


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def number_sent(sent: dict[str, str], key: str) -> int | None:
    """A number of a query string. Raises Invalid."""
    text = sent.get(key, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Invalid(f"{key}: expected a number from the list, found {text[:40]!r}")
    return int(text)


def day_sent(sent: dict[str, str], key: str) -> date | None:
    """A day of a query string. Raises Invalid."""
    text = sent.get(key, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid(f"{key}: expected a day such as 2026-01-31, found {text[:40]!r}") from None
