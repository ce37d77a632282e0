"""Changing the address one signs in with."""

from allauth.core.exceptions import ReauthenticationRequired
from allauth.core.internal.ratelimit import consume
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from access import addresses, door, notices, stepup
from access.errors import Refused
from access.models import User
from access.requests import WrittenDown

KEPT = "address_change"
# Nobody fills a mailbox by it.
LIMITS = {"asked": "5/h/key"}


@require_http_methods(["GET", "HEAD", "POST"])
def address(request: HttpRequest) -> HttpResponse:
    """Ask for another address; who just proved who they are."""
    user = _person(request)
    if not stepup.proved_lately(request, user):
        raise ReauthenticationRequired()
    refusal: Refused | None = None
    if request.method == "POST":
        try:
            return _ask(request, user)
        except Refused as fault:
            refusal = fault
    waiting = addresses.waiting_for(user)
    page = {
        "waiting": waiting if waiting and waiting.expires_at > timezone.now() else None,
        "said": request.POST.get("address", ""),
        "refusal": refusal.message if refusal else "",
    }
    return render(request, "access/address.html", page, status=refusal.status if refusal else 200)


def _ask(request: HttpRequest, user: User) -> HttpResponse:
    new = addresses.checked(actor=user, address=request.POST.get("address", ""))
    if not consume(request, app="access.address", action="asked", config=LIMITS, key=str(user.pk)):
        return render(request, "429.html", status=429)
    addresses.ask(
        actor=user, new=new,
        link=lambda token: request.build_absolute_uri(reverse("address_begin", args=[token])),
    )  # fmt: skip
    notices.note_and_tell(request, user, "address_asked")
    messages.success(request, f"A letter is on its way to {new}. Open its link within a day.")
    return redirect("address")


@require_safe
def address_begin(request: HttpRequest, token: str) -> HttpResponse:
    """Where the letter leads: the token leaves the address bar."""
    request.session[KEPT] = addresses.hash_of(token[:200]).hex()
    return redirect("address_confirm")


@require_http_methods(["GET", "HEAD", "POST"])
def address_confirm(request: HttpRequest) -> HttpResponse:
    """Confirm the new address, by a click of one's own."""
    user = _person(request)
    kept = bytes.fromhex(request.session.get(KEPT, ""))
    if not kept:
        return _refused(request, user, "unknown")
    if request.method != "POST":
        return render(
            request, "access/address_confirm.html", {"waiting": addresses.waiting_for(user)}
        )
    old = user.email
    said = addresses.confirm(actor=user, token_hash=kept, session_key=request.session.session_key)
    del request.session[KEPT]
    if said != "confirmed":
        return _refused(request, user, said)
    notices.note_and_tell(request, user, "address_changed", to=old)
    messages.success(request, f"You sign in with {user.email} from now on. Other sessions ended.")
    return redirect("sessions")


def _refused(request: HttpRequest, user: User, why: str) -> HttpResponse:
    door.note(request, "address_refused", user.email)
    said = {"refusal": addresses.REFUSALS[why]}
    page = render_to_string("access/address_refused.html", said, request)
    return WrittenDown(page, status=410)


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
