"""The people of a production, for whoever gives and takes their places."""

from datetime import date
from typing import Any

from allauth.core.exceptions import ReauthenticationRequired
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from access import roles, stepup
from access.errors import Invalid, NotFoundHere, Refused
from access.requests import ScopedRequest
from access.services import CONSOLE_EMAIL
from taxonomy import people as placing
from taxonomy.people import PersonRow, Place

MOST_INVITATIONS = 100


def _prove(request: ScopedRequest) -> None:
    """A stolen session gives nobody a place: who they are is proved again, then the form opens."""
    if not stepup.proved_lately(request, request.user):
        raise ReauthenticationRequired()


def _row(request: ScopedRequest, row: PersonRow) -> dict[str, Any]:
    today = timezone.now().date()
    is_over = row.ends_on is not None and row.ends_on < today
    standing = "over" if is_over else "to come" if row.starts_on > today else "here"
    return {
        "row": row,
        "role": roles.label_of(row.role),
        "standing": standing if row.is_active else "account closed",
        "is_self": row.person == request.user.pk,
        "is_over": is_over,
        "may_change": row.person != request.user.pk and row.role in placing.GIVEN,
    }


@require_safe
def people(request: ScopedRequest, code: str) -> HttpResponse:
    """Who is on the production, and who has been invited."""
    rows = [r for r in placing.people() if r.email != CONSOLE_EMAIL]
    now = timezone.now()
    waiting = [
        {
            "sent": sent,
            "role": roles.label_of(sent.role),
            "state": "expired" if sent.state == "sent" and sent.expires_at <= now else sent.state,
            "letter": placing.letter_state(sent.mail) if sent.state == "sent" else "",
        }
        for sent in placing.invitations(request.production)[:MOST_INVITATIONS]
    ]
    page = {"people": [_row(request, row) for row in rows], "invitations": waiting}
    return render(request, "taxonomy/people.html", page)


def _place(sent: Any) -> Place:
    """The place a form asks for. Raises Invalid for a day that is none."""

    def day(name: str, label: str) -> date | None:
        said = sent.get(name, "").strip()
        try:
            return date.fromisoformat(said) if said else None
        except ValueError:
            raise Invalid(f"{label}: expected a date, found {said[:20]!r}.") from None

    starts_on = day("starts_on", "First day")
    if starts_on is None:
        raise Invalid("First day: expected a date, found nothing.")
    return Place(
        sent.get("role", ""), tuple(sent.getlist("centers")), starts_on, day("ends_on", "Last day")
    )


def _form(held: dict[str, Any], refusal: Refused | None) -> dict[str, Any]:
    """What the fields of a place show."""
    return {
        "held": held,
        "roles": [(role, roles.label_of(role)) for role in placing.GIVEN],
        "centers": [(c, n, c in held["centers"]) for c, n in placing.centers_to_give()],
        "refusal": refusal.message if refusal else "",
    }


def _sent(request: ScopedRequest) -> dict[str, Any]:
    sent = request.POST
    names = ("email", "role", "starts_on", "ends_on", "reason")
    return {**{n: sent.get(n, "") for n in names}, "centers": sent.getlist("centers")}


@require_http_methods(["GET", "HEAD", "POST"])
def person_invite(request: ScopedRequest, code: str) -> HttpResponse:
    """Invite an address to a place."""
    _prove(request)
    refusal = None
    if request.method == "POST":
        email = request.POST.get("email", "")
        try:
            placing.invite(
                actor=request.user, production=request.production, email=email,
                place=_place(request.POST),
                link=lambda token: request.build_absolute_uri(
                    reverse("join_begin", args=[request.production.code, token])
                ),
            )  # fmt: skip
        except NotFoundHere:
            raise
        except Refused as fault:
            refusal = fault
        else:
            messages.success(request, f"{email.strip()} is invited. The letter goes out by itself.")
            return redirect("people", code)
    today = timezone.now().date().isoformat()
    held = {"centers": [], "role": "", "starts_on": today}
    page = _form(_sent(request) if refusal else held, refusal)
    return render(request, "taxonomy/invite.html", page, status=refusal.status if refusal else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def person(request: ScopedRequest, code: str, person_id: int) -> HttpResponse:
    """One member: change the place, end it, and what it was."""
    _prove(request)
    found = next((r for r in placing.people() if r.person == person_id), None)
    if found is None or found.email == CONSOLE_EMAIL:
        raise NotFoundHere
    refusal = None
    if request.method == "POST":
        try:
            placing.change_place(
                actor=request.user, production=request.production, person_id=person_id,
                place=_place(request.POST), reason=request.POST.get("reason", ""),
            )  # fmt: skip
        except NotFoundHere:
            raise
        except Refused as fault:
            refusal = fault
        else:
            messages.success(request, f"The place of {found.name} was changed.")
            return redirect("person", code, person_id)
    return _person_page(request, found, refusal)


def _person_page(
    request: ScopedRequest, found: PersonRow, refusal: Refused | None = None
) -> HttpResponse:
    held = {
        "role": found.role, "starts_on": found.starts_on.isoformat(), "reason": "",
        "ends_on": found.ends_on.isoformat() if found.ends_on else "", "centers": found.centers,
    }  # fmt: skip
    page = {
        **_form(_sent(request) if refusal and request.POST.get("role") else held, refusal),
        **_row(request, found),
        "versions": [
            {**v, "label": roles.label_of(v["role"])}
            for v in placing.versions_of(request.production, found.person)
        ],
    }
    return render(request, "taxonomy/person.html", page, status=refusal.status if refusal else 200)


@require_POST
def person_end(request: ScopedRequest, code: str, person_id: int) -> HttpResponse:
    """End a member's place at once."""
    _prove(request)
    found = next((r for r in placing.people() if r.person == person_id), None)
    if found is None or found.email == CONSOLE_EMAIL:
        raise NotFoundHere
    try:
        placing.end_place(
            actor=request.user, production=request.production, person_id=person_id,
            reason=request.POST.get("reason", ""),
        )  # fmt: skip
    except NotFoundHere:
        raise
    except Refused as fault:
        return _person_page(request, found, fault)
    messages.success(request, f"The place of {found.name} has ended, and their sessions with it.")
    return redirect("people", code)


@require_POST
def invitation_withdraw(request: ScopedRequest, code: str, invitation_id: int) -> HttpResponse:
    """Take an invitation back."""
    _prove(request)
    placing.withdraw(actor=request.user, production=request.production, invitation_id=invitation_id)
    return redirect("people", code)
