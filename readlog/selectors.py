"""What the read log and the kept refusals say, as far as whoever asks may see it.

Row security picks the rows.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar

from django.db.models import QuerySet

from access.models import Production, User
from readlog.attempt_tables import Attempt
from readlog.models import Read

PAGE_ROWS = 100
MOST_EXPORTED = 100_000
M = TypeVar("M", Read, Attempt)


@dataclass(frozen=True)
class ReadFilter:
    """Which entries are wanted: of a person, between two days (UTC, both included), before one."""

    person_id: int | None = None
    first_day: date | None = None
    last_day: date | None = None
    before_id: int | None = None


def reads(production: Production, wanted: ReadFilter) -> QuerySet[Read]:
    """The entries the asker may see, newest first."""
    found = Read.objects.filter(production=production).select_related("user")
    if wanted.person_id is not None:
        found = found.filter(user_id=wanted.person_id)
    found = _between(found, "at", wanted.first_day, wanted.last_day)
    if wanted.before_id is not None:
        found = found.filter(pk__lt=wanted.before_id)
    return found.order_by("-pk")


def readers(production: Production) -> list[User]:
    """The people of whom the asker may see any entry, by name."""
    ids = Read.objects.filter(production=production).order_by().values("user_id").distinct()
    return list(User.objects.filter(pk__in=ids).order_by("name", "pk"))


@dataclass(frozen=True)
class AttemptFilter:
    """Which refusals are wanted: for a reason, from an address, between two days (UTC)."""

    reason: str = ""
    ip: str = ""
    first_day: date | None = None
    last_day: date | None = None
    before_id: int | None = None


def attempts(wanted: AttemptFilter) -> QuerySet[Attempt]:
    """The refusals the asker may see, newest first; of people unknown too."""
    found = Attempt.objects.select_related("user")
    if wanted.reason:
        found = found.filter(reason=wanted.reason)
    if wanted.ip:
        found = found.filter(ip=wanted.ip)
    found = _between(found, "last_at", wanted.first_day, wanted.last_day)
    if wanted.before_id is not None:
        found = found.filter(pk__lt=wanted.before_id)
    return found.order_by("-pk")


def _between(found: QuerySet[M], column: str, first: date | None, last: date | None) -> QuerySet[M]:
    """Those of the days from first to last, by UTC, both included."""
    if first is not None:
        found = found.filter(**{f"{column}__gte": datetime.combine(first, time.min, UTC)})
    if last is not None and last < date.max:
        following = last + timedelta(days=1)
        found = found.filter(**{f"{column}__lt": datetime.combine(following, time.min, UTC)})
    return found
