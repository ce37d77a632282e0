"""A request that has passed the scope middleware."""

from django.http import HttpRequest, HttpResponse

from access.models import Membership, Production, User


class ScopedRequest(HttpRequest):
    """What every view below a production can rely on: who asks, as what, and what they may do."""

    user: User
    membership: Membership
    production: Production
    actions: frozenset[str]


class WrittenDown(HttpResponse):
    """A refusal of which something was written down, which stays though nothing else does."""
