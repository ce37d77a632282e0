"""Signing in and choosing a production."""

from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from access import roles, selectors
from access.models import User
from access.requests import ScopedRequest

login = LoginView.as_view(template_name="access/login.html", redirect_authenticated_user=True)
logout = LogoutView.as_view()

# Where a member starts: the first of these screens the role may see.
FIRST_SCREEN = (("import_files", "imports"), ("view_costs", "cost_report"))


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


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The one answer for what is not there and what is not yours."""
    return render(request, "404.html", status=404)
