"""A forgotten password: a letter with a link, good once and for an hour, to the address on file.

What is answered does not say whether an address is known. A new password ends every session of
before, and signs nobody in: the password is given again, and the second factor is asked for.
"""

from allauth.core.internal.ratelimit import consume
from django.contrib import messages
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from access import door, letters, notices, selectors, services
from access.models import User
from access.requests import WrittenDown

KEPT = "password_reset"
LIMITS = {"asked": "20/m/ip,5/h/key", "tried": "30/m/ip"}
TOKENS = PasswordResetTokenGenerator()


def _is_too_often(request: HttpRequest, action: str, key: str = "") -> bool:
    return not consume(
        request, app="access.reset", action=action, config=LIMITS, key=key, limit_get=True
    )


@require_http_methods(["GET", "HEAD", "POST"])
def password_forgotten(request: HttpRequest) -> HttpResponse:
    """Ask for the letter."""
    page = {"can_send": letters.can_send(), "is_asked": request.method == "POST"}
    if request.method == "POST":
        email = request.POST.get("email", "").strip().lower()[:254]
        if _is_too_often(request, "asked", email):
            return render(request, "429.html", status=429)
        door.note(request, "reset_asked", email)
        person = selectors.person_by_email(email)
        if person is not None and person.is_active:
            _send(request, person)
    return render(request, "access/forgotten.html", page)


def _send(request: HttpRequest, person: User) -> None:
    path = reverse("password_reset_begin", args=[person.pk, TOKENS.make_token(person)])
    letters.put(
        to=person.email,
        subject="prodacct: set a new password",
        text=(
            f"Somebody, probably you, asked to set a new password for {person.email}. Open this "
            f"within an hour:\n\n{request.build_absolute_uri(path)}\n\n"
            "It works once. If it was not you, do nothing: your password stays as it is.\n"
        ),
    )


@require_safe
def password_reset_begin(request: HttpRequest, person: int, token: str) -> HttpResponse:
    """Where the letter leads: the token leaves the address bar."""
    request.session[KEPT] = [person, token[:100]]
    return redirect("password_reset")


@require_http_methods(["GET", "HEAD", "POST"])
def password_reset(request: HttpRequest) -> HttpResponse:
    """Set the new password."""
    if _is_too_often(request, "tried"):
        return render(request, "429.html", status=429)
    number, token = request.session.get(KEPT, (0, ""))
    person = selectors.person_by_id(number)
    if person is None or not person.is_active or not TOKENS.check_token(person, token):
        door.note(request, "reset_refused", person.email if person else "")
        return WrittenDown(render_to_string("access/forgotten_refused.html", {}, request),
                           status=410)  # fmt: skip
    fault = ""
    if request.method == "POST":
        password = request.POST.get("password", "")
        fault = _fault(password, request.POST.get("again", ""), person)
        if not fault:
            services.set_password(actor=person, password=password)
            notices.note_and_tell(request, person, "password_set")
            request.session.flush()
            messages.success(request, "The password is set. Sign in with it.")
            return redirect("login")
    page = {"person": person, "fault": fault}
    return render(request, "access/forgotten_set.html", page, status=422 if fault else 200)


def _fault(password: str, again: str, person: User) -> str:
    if password != again:
        return "The two passwords are not the same."
    try:
        validate_password(password, person)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""
