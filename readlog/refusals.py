"""Every refused request is kept for administrators, whoever sent it.

Outside every transaction of the request: what is refused is rolled back, and its record stays.
"""

import logging
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, ProgrammingError
from django.http import HttpRequest, HttpResponse, RawPostDataException, UnreadablePostError
from psycopg.errors import InsufficientPrivilege

from access import context, door
from access.models import User
from access.sessions import hash_of
from readlog import quarantine
from readlog.reasons import Outcome, reason_of

log = logging.getLogger(__name__)
SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")


class RefusalMiddleware:
    """Stands around the read log, behind authentication."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        context.listen()
        named = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
        user = request.user if isinstance(request.user, User) else None
        # What the session said of itself before anybody signed in or out.
        has_dead_session = bool(named) and request.session.session_key is None
        response = self.get_response(request)
        match = request.resolver_match
        kind, email = getattr(request, "door_kind", ("", ""))
        outcome = Outcome(
            status=response.status_code,
            method=request.method or "",
            route=((match.url_name if match else None) or ""),
            door=kind,
            is_form_checked=request.method in SAFE
            or getattr(request, "csrf_processing_done", False),
            has_dead_session=has_dead_session,
            is_refused_by_database=getattr(request, "is_refused_by_database", False),
            is_read_too_much=getattr(request, "is_read_too_much", False),
        )
        wrong = sorted(getattr(request, "context_refusals", ()))
        for reason in [f"context_{word}" for word in wrong] or [reason_of(outcome)]:
            if reason:
                _keep(request, outcome, reason, (user, email, named))
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> None:
        """A right the web role does not have was tried: no page of ours asks for one."""
        if isinstance(error, ProgrammingError) and isinstance(
            error.__cause__, InsufficientPrivilege
        ):
            request.is_refused_by_database = True  # type: ignore[attr-defined]


def _keep(
    request: HttpRequest, outcome: Outcome, reason: str, who: tuple[User | None, str, str]
) -> None:
    user, email, named = who
    match = request.resolver_match
    ip, agent = door.came_from(request)
    refusal = quarantine.Refusal(
        reason=reason, status=outcome.status, method=outcome.method, route=outcome.route,
        code=str(match.kwargs.get("code", "")) if match else "",
        user_id=user.pk if user else None, email=email, ip=ip, agent=agent,
        session_hash=hash_of(named) if named else None, payload=_payload(request),
    )  # fmt: skip
    try:
        quarantine.keep_attempt(refusal)
    except DatabaseError as fault:
        # The request was refused already, and the refusal must arrive.
        log.error("a refused request was not recorded: %s", reason, exc_info=fault)


def keep_of_worker(word: str) -> None:
    """The database refused a context outside of any request: no session, no address."""
    refusal = quarantine.Refusal(
        reason=f"context_{word}", status=0, method="", route="", code="", user_id=None, email="",
        ip=None, agent=settings.ROLE, session_hash=None, payload=b"",
    )  # fmt: skip
    try:
        quarantine.keep_attempt(refusal)
    except DatabaseError as fault:
        log.error("a refused context was not recorded: %s", word, exc_info=fault)


def _payload(request: HttpRequest) -> bytes:
    """What was sent: the line and, as far as it was read, the body."""
    line = f"{request.method} {request.get_full_path()}\n".encode()
    try:
        body: bytes = request.body
    except (RawPostDataException, RequestDataTooBig, UnreadablePostError):
        body = request.META.get("CONTENT_LENGTH", "").encode()
    return line + body
