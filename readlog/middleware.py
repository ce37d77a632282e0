"""Every request of a bond representative or an auditor is recorded before its answer leaves.

One transaction holds the request and its entry: both are there when the body is sent, or neither.
Where the entry cannot be written there is a page that says so, and nothing was shown or changed.
"""

import json
import logging
import time
from collections.abc import Callable

from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from access import roles, stepup
from access.models import Membership, User
from readlog import services
from readlog.rows import rows_in

log = logging.getLogger(__name__)


class ReadLogMiddleware:
    """Stands around the scope middleware, whose transaction becomes a part of this one's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user  # kept: signing out puts nobody in its place
        if not isinstance(user, User):
            return self.get_response(request)
        began, strength = time.monotonic(), _strength(request, user)
        recorded: list[Membership] = []
        try:
            with transaction.atomic():
                response = self.get_response(request)
                recorded += _memberships(request, user)
                asked = _asked(request, strength)
                for membership in recorded:
                    services.record_read(
                        actor=user, production_id=membership.production_id, asked=asked,
                        answer=_answer(request, response, began),
                    )  # fmt: skip
        except DatabaseError as fault:
            # At the commit it may be what anybody's request meets, and is not ours to explain.
            if not recorded:
                raise
            log.error("nothing is shown at %r: not recorded", request.path, exc_info=fault)
            return HttpResponse(render_to_string("unrecorded.html"), status=503)
        return response


def _strength(request: HttpRequest, user: User) -> str:
    """What this session has proved of the person: password + totp."""
    proofs = stepup.proofs(request, user)
    return " + ".join(dict.fromkeys(str(p.get("type") or p["method"]) for p in proofs))[:60]


def _memberships(request: HttpRequest, user: User) -> list[Membership]:
    """Under which memberships the request is recorded: of the production it is about, or, where
    it is about none that is theirs, each under which everything they do is."""
    membership: Membership | None = getattr(request, "membership", None)
    if membership is not None:
        return [membership] if membership.role in roles.READ_LOGGED else []
    return services.recorded_memberships(user)


def _asked(request: HttpRequest, strength: str) -> services.Asked:
    match = request.resolver_match
    about_another = request.path.startswith("/p/") and not hasattr(request, "membership")
    return services.Asked(
        strength=strength,
        method=(request.method or "")[:10],
        route=((match.url_name if match else None) or "")[:60],
        # What a production is called is not told to those of another.
        address="/p/…" if about_another else request.path,
        filters=json.dumps(dict(request.GET.lists()), sort_keys=True, ensure_ascii=False),
    )


def _answer(request: HttpRequest, response: HttpResponse, began: float) -> services.Answer:
    assert not response.streaming, "what is sent in parts cannot be recorded before it is sent"
    body = b"" if request.method == "HEAD" else response.content
    counted = getattr(response, "rows_shown", None)
    return services.Answer(
        body=body,
        status=response.status_code,
        rows=rows_in(response.headers.get("Content-Type", ""), body)
        if counted is None else counted,
        is_download="attachment" in response.headers.get("Content-Disposition", ""),
        duration_ms=round((time.monotonic() - began) * 1000),
    )  # fmt: skip
