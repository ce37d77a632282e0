"""Looking at pages as another member: whom one may choose, who looked as whom, and stopping."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from access import door, roles
from access.devices import device_of
from access.errors import NotFoundHere, Refused
from access.requests import VIEWING, ScopedRequest
from access.selectors import person_by_id
from readlog import viewing
from readlog.viewing_tables import Viewing


@require_safe
def view_as(request: ScopedRequest, code: str) -> HttpResponse:
    """Choose somebody, and who looked as whom."""
    return _page(request)


def _page(request: ScopedRequest, refusal: Refused | None = None) -> HttpResponse:
    may = "view_as" in request.actions
    page = {
        "may": may,
        "people": [(v, roles.label_of(v.role)) for v in viewing.people()] if may else [],
        "views": [_row(v) for v in viewing.views_of(request.production)],
        "chosen": request.POST.get("person", request.GET.get("person", "")),
        "reason": request.POST.get("reason", ""),
        "refusal": refusal.message if refusal else "",
    }
    return render(request, "reports/view_as.html", page, status=refusal.status if refusal else 200)


def _row(found: Viewing) -> dict[str, Any]:
    is_over = found.ended_at is not None or found.ends_at <= timezone.now()
    return {
        "found": found,
        "is_over": is_over,
        "ended_at": found.ended_at or found.ends_at,
        "ended": viewing.ENDED[found.ended_by or "time"] if is_over else "",
        "device": device_of(found.agent),
    }


@require_POST
def view_as_begin(request: ScopedRequest, code: str) -> HttpResponse:
    """Begin: from the next page on it is theirs that are shown."""
    said = request.POST.get("person", "")
    person = (
        person_by_id(int(said)) if said.isascii() and said.isdigit() and len(said) < 19 else None
    )
    try:
        number = viewing.begin(
            actor=request.user, person_id=person.pk if person else 0,
            reason=request.POST.get("reason", ""),
            mark=viewing.mark_of(request.session.session_key), came_from=door.came_from(request),
        )  # fmt: skip
    except Refused as fault:
        return _page(request, fault)
    assert person is not None, "the database knows whom"
    request.session[VIEWING] = [number, request.production.pk]
    door.note(request, "view_began", request.user.email)
    door.note(request, "seen_as", person.email)
    return redirect("landing", code)


@require_POST
def view_as_stop(request: ScopedRequest, code: str) -> HttpResponse:
    """Stop: from the next page on it is one's own."""
    number, production_id = request.session.get(VIEWING, (0, request.production.pk))
    if production_id != request.production.pk:
        raise NotFoundHere
    request.session.pop(VIEWING, None)
    mark = viewing.mark_of(request.session.session_key)
    if viewing.end(actor=request.user, number=number, mark=mark, how="button"):
        door.note(request, "view_ended", request.user.email)
        messages.success(request, "You see your own pages again.")
    return redirect("view_as", code)
