"""Choosing a production, and signing out."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from access import door, roles, selectors
from access.errors import NotFoundHere
from access.models import User
from access.requests import ScopedRequest


class SignOut(LogoutView):
    """Signing out ends the session on the server; it is written down whose it was."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if isinstance(request.user, User):
            door.note(request, "went_out", request.user.email)
        return super().post(request, *args, **kwargs)


logout = SignOut.as_view()

# Where a member starts: the first of these screens the role may see.
FIRST_SCREEN = (
    ("import_files", "imports"),
    ("view_costs", "cost_report"),
    ("manage_access", "people"),
)


@require_safe
def productions(request: HttpRequest) -> HttpResponse:
    """The productions a person is on today; straight to it when there is only one."""
    assert isinstance(request.user, User)
    rows = [
        {
            "code": m.production.code,
            "title": m.production.title,
            "currency": m.production.currency,
            "role_label": roles.label_of(m.role),
            "url": f"/p/{m.production.code}/",
        }
        for m in selectors.memberships_of(request.user)
    ]
    if len(rows) == 1 and "all" not in request.GET:
        return redirect(rows[0]["url"])
    return render(request, "access/productions.html", {"productions": rows})


@require_safe
def landing(request: ScopedRequest, code: str) -> HttpResponse:
    """The first screen of a member's role, or a word about what is not published yet."""
    for action, url_name in FIRST_SCREEN:
        if action in request.actions:
            return redirect(url_name, request.production.code)
    message = (
        "Nothing has been published for you yet. The production accountant publishes the weekly "
        "cost report; it appears here when that is done."
    )
    return render(request, "access/nothing.html", {"message": message})


@require_safe
def sessions(request: HttpRequest) -> HttpResponse:
    """Where the person is signed in, and what happened at the door in their name."""
    assert isinstance(request.user, User)
    shown = {
        "sessions": door.sessions_of(request.user, request.session.session_key),
        "entries": door.entries_of(request.user),
        "idle_minutes": settings.SESSION_IDLE_SECONDS // 60,
        "hours": settings.SESSION_COOKIE_AGE // 3600,
    }
    return render(request, "access/sessions.html", shown)


@require_POST
def session_end(request: HttpRequest) -> HttpResponse:
    """End one of the person's sessions, or all but this one."""
    assert isinstance(request.user, User)
    asked, this = request.POST.get("session", ""), request.session.session_key
    if asked == "others":
        ended = door.end_other_sessions(actor=request.user, session_key=this)
    elif asked.isascii() and asked.isdigit() and len(asked) < 19:
        ended = door.end_session(actor=request.user, session_id=int(asked))
    else:
        raise NotFoundHere()
    if not ended and asked != "others":
        raise NotFoundHere()
    door.note(request, "ended", request.user.email)
    if not any(row.is_this for row in door.sessions_of(request.user, this)):
        request.session.flush()
        return redirect("login")
    messages.success(request, f"{ended} ended." if ended != 1 else "The session has ended.")
    return redirect("sessions")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The one answer for what is not there and what is not yours."""
    return render(request, "404.html", status=404)
