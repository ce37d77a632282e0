"""One transaction per request, in which the database knows who asks and about what.

The context is set after the session has been read (sessions and people are not a production's
data) and before the view runs. What a person may not do answers exactly like what is not there.
"""

import logging
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import quote, urlsplit

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.account.internal.stagekit import unstash_login
from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.db import DataError, IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve, reverse

from access import context, roles, selectors, stepup
from access.errors import NotAccepted, NotFoundHere, Refused, TooLarge, TooLong
from access.models import User
from access.requests import ScopedRequest, WrittenDown

log = logging.getLogger(__name__)
FORM_BYTES = 100_000  # a form's other fields, and what separates its parts
View = Callable[..., HttpResponse]


class ScopeMiddleware:
    """Sets the signed context, asks the role table, and turns refusals into answers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Here, since the CSRF check reads the whole body of whoever holds a token.
        if (refusal := too_large(request)) is not None:
            return refused(request, refusal)
        with transaction.atomic():
            response = self.get_response(request)
            if wrong := context.refusals():
                # An answer is not sent that was drawn while somebody else was said to ask.
                request.context_refusals = wrong  # type: ignore[attr-defined]
                log.error("a context was refused at %r: %s", request.path, ", ".join(wrong))
                page = render_to_string("not_accepted.html", {"refusal": NotAccepted()})
                response = HttpResponse(page, status=NotAccepted.status)
            # What was counted and written down of a refused attempt at the door stays.
            stays = response.status_code == 429 or isinstance(response, WrittenDown)
            if response.status_code >= 400 and not stays:
                transaction.set_rollback(True)
            assert not response.streaming or request.path.startswith("/static/"), (
                "a streamed answer would read outside the transaction that carries the scope"
            )
        if request.user.is_authenticated:
            response.headers["Cache-Control"] = "no-store"
        return response

    def process_view(
        self, request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Let the request through, send it to the login page, or answer 404."""
        match = request.resolver_match
        action = roles.URL_ACTIONS.get(match.url_name or "") if match else None
        if action == roles.ANYBODY:
            self._enter_as_who_is_signing_in(request)
            return None
        user = request.user
        if not isinstance(user, User) and action is not None:
            return HttpResponseRedirect(f"{reverse('login')}?next={quote(request.get_full_path())}")
        if action is None or not isinstance(user, User):
            return self.process_exception(request, NotFoundHere())
        context.enter(user_id=user.pk, production_id=context.NO_PRODUCTION)
        return None if action == roles.ENROLLING else self._inside(request, user, action, kwargs)

    def _inside(
        self, request: HttpRequest, user: User, action: str, kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Whoever is signed in: as strongly as their roles ask, and to what they may open."""
        if not stepup.has_passed(request, user) and stepup.is_needed(user):
            return _to_second_factor(request, user)
        if action != roles.PERSON and not self._may(request, user, action, kwargs["code"]):
            return self.process_exception(request, NotFoundHere())
        match = request.resolver_match
        is_due = stepup.is_due(request, user, (match.url_name or "") if match else "")
        return _to_proof(request) if is_due else None

    def _enter_as_who_is_signing_in(self, request: HttpRequest) -> None:
        """Between the password and the second factor one's own keys may be read, no more."""
        login = unstash_login(request, peek=True)
        if login is not None and login.user is not None:
            context.enter(user_id=login.user.pk, production_id=context.NO_PRODUCTION)

    def _may(self, request: HttpRequest, user: User, action: str, code: str) -> bool:
        """Enter the production, and leave on the request what the views rely on."""
        membership = selectors.membership_on(user, code)
        if membership is None:
            return False
        context.enter(user_id=user.pk, production_id=membership.production_id)
        allowed = selectors.granted_on(user, membership.production)
        scoped = cast("ScopedRequest", request)
        scoped.membership = membership
        scoped.production = membership.production
        scoped.actions = allowed
        if membership.role in roles.READ_ONLY and request.method not in ("GET", "HEAD"):
            return False
        return action == roles.MEMBER or action in allowed

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A refusal raised anywhere below becomes its page; every other fault stays a fault.

        What the database itself refuses is a refusal too: a key somebody took at the same moment, a
        figure larger than any column, a character no text can hold. It is logged, since a service
        should have said it better; the page reads nothing, as the transaction is over.
        """
        if isinstance(error, DataError | IntegrityError):
            log.error("refused by the database at %r", request.path, exc_info=error)
            return HttpResponse(render_to_string("conflict.html"), status=409)
        if isinstance(error, ReauthenticationRequired):
            return _to_proof(request)
        return refused(request, error) if isinstance(error, Refused) else None


def refused(request: HttpRequest, error: Refused) -> HttpResponse:
    """The page of a refusal."""
    template = "404.html" if error.status == 404 else "refused.html"
    return render(request, template, {"refusal": error}, status=error.status)


def _to_second_factor(request: HttpRequest, user: User) -> HttpResponse:
    """Where a session goes that has passed the password only: to prove a key, or to set one up."""
    return _to_proof(request) if stepup.is_enrolled(user) else redirect("mfa_index")


def _to_proof(request: HttpRequest) -> HttpResponse:
    """To prove again who one is, and then back. What was being sent is not kept: it is sent anew,
    since keeping it would put a form with its cookie into the session's row."""
    methods = get_account_adapter().get_reauthentication_methods(request.user)
    where = methods[0]["url"] if methods else reverse("mfa_index")
    return redirect(f"{where}?next={quote(_page_of(request))}")


def _page_of(request: HttpRequest) -> str:
    """The page to come back to: what was asked for, or the page a form was sent from."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    sent_from: str = request.META.get("HTTP_REFERER", "")
    if get_account_adapter().is_safe_url(sent_from):
        parts = urlsplit(sent_from)
        return parts.path + (f"?{parts.query}" if parts.query else "")
    code = request.resolver_match.kwargs.get("code") if request.resolver_match else None
    return reverse("landing", args=[code]) if code else reverse("productions")


def too_large(request: HttpRequest) -> Refused | None:
    """Why the body is not even read, or None. Nothing of what is refused here reaches the disk."""
    size = body_bytes(request)
    if size <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        return None
    if not request.user.is_authenticated:
        return TooLarge()
    try:
        name = resolve(request.path_info).url_name
    except Resolver404:
        return None
    most = settings.MAX_ATTACHMENT_BYTES
    is_attaching = name in roles.URLS_OF_ATTACHMENTS
    return TooLong(most) if is_attaching and size > most + FORM_BYTES else None


def body_bytes(request: HttpRequest) -> int:
    """How long the request says its body is."""
    stated = request.META.get("CONTENT_LENGTH") or "0"
    return int(stated) if stated.isascii() and stated.isdigit() else 0
