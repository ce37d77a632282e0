"""Codes of an authenticator app that are asked for inside a session, and how often one may try.

What is counted and used up is kept with the answer's transaction: whoever answers a wrong try
answers with something that is written down (access/requests.py).
"""

from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.db.models import QuerySet

from access.errors import Refused
from access.models import User

MOST_TRIES, TRY_SECONDS = 5, 300


class TooManyTries(Refused):
    """A person has tried too often; it says nothing of what was tried."""

    code = "E_TRIES"
    status = 429

    def __init__(self) -> None:
        super().__init__("Too many attempts. Wait five minutes, then try again.")


def begin_try(user: User, what: str) -> str:
    """One of the few places a person has to try in; each is free again after five minutes.

    Raises TooManyTries. Two at once take two places: the second waits for the first (attempts.py).
    """
    for number in range(MOST_TRIES):
        place = f"prodacct.try:{what}:{user.pk}:{number}"
        if cache.add(place, 1, TRY_SECONDS):
            return place
    raise TooManyTries


def give_back(place: str) -> None:
    """The try was right, and does not count."""
    cache.delete(place)


def has_app(user: User) -> bool:
    """Whether the person has an authenticator app."""
    return _apps(user).exists()


def takes_code(user: User, code: str) -> bool:
    """Whether this is what the person's app shows and was not given before; it is used up."""
    found = _apps(user).first()
    return found is not None and bool(found.wrap().validate_code(code))


def _apps(user: User) -> QuerySet[Authenticator]:
    found: QuerySet[Authenticator] = Authenticator.objects.filter(
        user_id=user.pk, type=Authenticator.Type.TOTP
    )
    return found
