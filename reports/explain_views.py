"""Why a person sees a document: asked in the browser by whoever gives and takes memberships."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from access import selectors as people
from access.requests import ScopedRequest
from reports import explaining
from reports.queries import document_key


@require_safe
def explain(request: ScopedRequest, code: str) -> HttpResponse:
    """The form, and the answer to what was asked by it."""
    members = list(people.people_of(request.production))
    asked, said = request.GET.get("person", ""), request.GET.get("document", "").strip()
    page: dict[str, Any] = {"members": members, "asked": asked, "document": said, "problem": ""}
    if not said:
        return render(request, "reports/explain.html", page)
    person = next((p for p in members if str(p.pk) == asked), None)
    key = document_key(said)
    if person is None:
        page["problem"] = "Person: choose one of the list."
    elif key is None:
        page["problem"] = (
            f"Document: expected a batch and a number such as 12-4, found {said[:40]!r}."
        )
    else:
        page["found"] = explaining.explain(
            asker=request.user, production=request.production, person=person, key=key
        )
        if page["found"] is None:
            page["problem"] = f"Document: there is no document {said} on this production."
    return render(request, "reports/explain.html", page, status=422 if page["problem"] else 200)
