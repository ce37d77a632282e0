"""Whoever reads more than anybody reads waits: 429 in words, with Retry-After, and written down."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve

from access.models import User
from readlog import reading
from readlog.rows import rows_worth


class ReadingPaceMiddleware:
    """Stands inside the refusals and around everything that reads."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user  # kept: it may be who they view as, afterwards
        if not isinstance(user, User):
            return self.get_response(request)
        if wait := reading.seconds_to_wait(user.pk):
            return _held(request, wait)
        response = self.get_response(request)
        if rows := _rows_of(response):
            reading.count_rows(user.pk, rows)
        return response


def _rows_of(response: HttpResponse) -> int:
    if response.streaming or response.status_code >= 400:
        return 0
    counted: int | None = getattr(response, "rows_shown", None)
    if counted is not None:
        return counted
    return rows_worth(response.headers.get("Content-Type", ""), response.content)


def _held(request: HttpRequest, wait: int) -> HttpResponse:
    """The answer to one request too many; what it was for is known to whoever writes it down."""
    try:
        request.resolver_match = resolve(request.path_info)
    except Resolver404:
        request.resolver_match = None
    request.is_read_too_much = True  # type: ignore[attr-defined]
    words = (
        f"More is being read in your name than a person reads: {reading.limits_in_words()}. "
        f"Nothing more is shown for {wait:,} seconds. Whoever manages access has been told."
    )
    response: HttpResponse
    if request.headers.get("Accept", "").startswith("application/json"):
        response = JsonResponse({"code": "reading", "words": words, "wait_seconds": wait})
    else:
        response = HttpResponse(render_to_string("paced.html", {"words": words}))
    response.status_code = 429
    response.headers["Retry-After"] = str(wait)
    response.headers["Cache-Control"] = "no-store"
    return response
