"""What was refused, for administrators."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from access.requests import ScopedRequest
from reports.attempt_screen import attempts_view


@require_safe
def attempts(request: ScopedRequest, code: str) -> HttpResponse:
    """Refused requests, filtered."""
    page = attempts_view(request.production, request.GET.dict())
    return render(request, "reports/attempts.html", page, status=422 if "problem" in page else 200)
