"""Taking up an invitation: the page a letter leads to, for whoever holds what it holds."""

from typing import cast

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from allauth.core.exceptions import ReauthenticationRequired
from allauth.core.internal.ratelimit import consume
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_http_methods, require_safe

from access import context, door, roles, stepup
from access.errors import Invalid
from access.models import User
from access.requests import WrittenDown
from access.selectors import person_by_email
from taxonomy import people as placing
from taxonomy.people import Held

KEPT = "invitation"
# Whoever tries links at random is stopped, and fills no book.
TRIES = {"invitation": "30/m/ip"}


@require_safe
def join_begin(request: HttpRequest, code: str, token: str) -> HttpResponse:
    """Where the letter leads: the token leaves the address bar, and its hash goes with the
    browser."""
    request.session[KEPT] = placing.hash_of(token[:200]).hex()
    return redirect("join", code)


@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, code: str) -> HttpResponse:
    """What the invitation says, and taking it up."""
    if not consume(request, app="allauth.account", action="invitation", config=TRIES,
                   limit_get=True):  # fmt: skip
        return render(request, "429.html", status=429)
    user = request.user if isinstance(request.user, User) else None
    if user is not None:
        context.enter(user_id=user.pk, production_id=context.NO_PRODUCTION)
    token_hash = bytes.fromhex(request.session.get(KEPT, ""))
    held = placing.held_invitation(token_hash)
    if held is None or held.standing != "open":
        return _refused(request, held, held.standing if held else "unknown")
    if user is not None and user.pk != held.person:
        return _refused(request, held, "another")
    if user is not None and stepup.is_enrolled(user) and not stepup.has_passed(request, user):
        raise ReauthenticationRequired()
    if request.method == "POST":
        return _take_up(request, held, token_hash)
    return _page(request, held)


def _page(request: HttpRequest, held: Held, refusal: str = "") -> HttpResponse:
    page = {
        "held": held,
        "role": roles.label_of(held.role),
        "refusal": refusal,
        "name": request.POST.get("name", ""),
        "is_new": held.person is None,
        "is_signed_in": request.user.is_authenticated,
    }
    return render(request, "taxonomy/join.html", page, status=422 if refusal else 200)


def _refused(request: HttpRequest, held: Held | None, why: str) -> HttpResponse:
    """Refused in words, and written down: in the name of whose invitation it was."""
    asker = request.user.email if isinstance(request.user, User) else ""
    door.note(request, "invitation_refused", asker or (held.email if held else ""))
    said = {"refusal": placing.REFUSALS[why]}
    return WrittenDown(render_to_string("taxonomy/join_refused.html", said, request), status=410)


def _take_up(request: HttpRequest, held: Held, token_hash: bytes) -> HttpResponse:
    said = request.POST
    if held.person is None and said.get("password", "") != said.get("again", ""):
        return _page(request, held, "The two passwords are not the same.")
    try:
        came = placing.accept(
            held=held, token_hash=token_hash, name=said.get("name", ""),
            password=said.get("password", ""),
        )  # fmt: skip
    except Invalid as fault:
        return _page(request, held, fault.message)
    if came == "sign in":
        return redirect("join", held.code)
    if came != "accepted":
        return _refused(request, held, came)
    del request.session[KEPT]
    door.note(request, "joined", held.email)
    if held.person is not None:
        return redirect("landing", held.code)
    person = person_by_email(held.email)
    assert person is not None
    login = Login(user=person, email=person.email)
    return cast("HttpResponse", perform_password_login(request, {"email": person.email}, login))
