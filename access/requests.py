"""A request that has passed the scope middleware."""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse

from access.models import Membership, Production, User

VIEWING = "viewing"  # in the session: the number of the view, and its production's


@dataclass(frozen=True, slots=True)
class Viewing:
    """Somebody looks at the pages of a production as another member, to read only."""

    id: int
    viewer: User
    person: User
    role: str
    code: str
    ends_at: datetime


class ScopedRequest(HttpRequest):
    """What every view below a production can rely on: who asks, as what, and what they may do.

    While somebody views as another (`viewing`), the user is the person they view as.
    """

    user: User
    membership: Membership
    production: Production
    actions: frozenset[str]


class WrittenDown(HttpResponse):
    """A refusal of which something was written down, which stays though nothing else does."""
