"""While somebody views as another member: whose rows are shown, and what is not done meanwhile.

Stands inside the scope middleware, which has let the request pass as the viewer's own. Since nobody
views as somebody who may do more, nothing is opened here that was not open; this only narrows.
"""

import logging
from collections.abc import Callable
from typing import Any, Final, cast

from django.contrib import messages
from django.db import InternalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from psycopg.errors import ReadOnlySqlTransaction

from access import context, roles, selectors
from access.errors import Refused
from access.middleware import refused
from access.models import User
from access.requests import VIEWING, ScopedRequest, Viewing
from readlog import viewing

log = logging.getLogger(__name__)
STOP: Final = "view_as_stop"
_SIGNING_OUT: Final = frozenset({"logout", "account_logout"})
View = Callable[..., HttpResponse]


class OnlyLooking(Refused):
    """What is not done, or not shown, to who views as another."""

    code = "only_looking"
    status = 403


class ViewAsMiddleware:
    """Enters the context of the person viewed as, and lets nothing but reading through."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Nothing for who views as nobody; else the same request as the person viewed as."""
        user, kept = request.user, request.session.get(VIEWING)
        if kept is None or not isinstance(user, User):
            return None
        match = request.resolver_match
        name = (match.url_name or "") if match else ""
        if request.method == "POST" and name in {STOP, *_SIGNING_OUT}:
            if name in _SIGNING_OUT:
                _end_with_session(request, user)
            return None
        number, production_id = kept
        context.enter(user_id=user.pk, production_id=production_id)
        found = viewing.held(number, viewing.mark_of(request.session.session_key))
        if found is None or found.standing != viewing.OPEN:
            return _over(request, found)
        self._enter(request, user, number, found)
        why = _why_not(request, name, str(kwargs.get("code", "")), found.code)
        return refused(request, OnlyLooking(why)) if why else None

    def _enter(self, request: HttpRequest, viewer: User, number: int, found: viewing.Held) -> None:
        """From here on the request is that of the person viewed as, and only reads."""
        person = selectors.person_by_id(found.person)
        assert person is not None, "people are deactivated, never deleted"
        context.enter(user_id=person.pk, production_id=found.production_id, viewer_id=viewer.pk)
        membership = selectors.membership_on(person, found.code)
        assert membership is not None, "checked when the view was asked for"
        scoped = cast("ScopedRequest", request)
        scoped.user = person
        scoped.membership = membership
        scoped.production = membership.production
        scoped.actions = selectors.granted_on(person, membership.production)
        request.viewing = Viewing(  # type: ignore[attr-defined]
            number, viewer, person, roles.label_of(membership.role), found.code, found.ends_at
        )

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A page that would write is not shown to who only looks."""
        is_writing = isinstance(error, InternalError) and isinstance(
            error.__cause__, ReadOnlySqlTransaction
        )
        if not is_writing or not hasattr(request, "viewing"):
            return None
        log.warning("%r writes when it is read", request.path)
        return refused(request, OnlyLooking("This page would change something."))


def _end_with_session(request: HttpRequest, user: User) -> None:
    """Signing out ends the view; then the request goes on as one about no production."""
    number, production_id = request.session[VIEWING]
    context.enter(user_id=user.pk, production_id=production_id)
    mark = viewing.mark_of(request.session.session_key)
    viewing.end(actor=user, number=number, mark=mark, how="session")
    context.enter(user_id=user.pk, production_id=context.NO_PRODUCTION)


def _over(request: HttpRequest, found: viewing.Held | None) -> HttpResponse:
    """The view is over: nothing is shown to whoever does not know it yet."""
    del request.session[VIEWING]
    why = viewing.ENDED[found.standing] if found else "the session is another one"
    messages.warning(request, f"You no longer view as somebody else: {why}.")
    return redirect("productions")


def _why_not(request: HttpRequest, name: str, code: str, viewed_code: str) -> str:
    """Why this request is refused to who views as another, in words; '' if it is not."""
    action = roles.URL_ACTIONS[name]
    if request.method not in ("GET", "HEAD"):
        return "You only look: nothing is changed or sent while you view as somebody else."
    if name in roles.NOT_VIEWED:
        return "Signing is each person's own: this page is not shown while you view as another."
    if action in (roles.ANYBODY, roles.ENROLLING, roles.PERSON) or not code:
        return "This page is each person's own: it is not shown while you view as another."
    if code.upper() != viewed_code.upper():
        return "You view as a member of another production. Stop that first."
    may: frozenset[str] = request.actions  # type: ignore[attr-defined]
    if action != roles.MEMBER and action not in may:
        return "They may not open this page."
    return ""
