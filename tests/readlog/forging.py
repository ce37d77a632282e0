"""What an SQL injection would do inside a request, for tests: statements come in a header."""

import json
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse


class Forger:
    """Stands inside every middleware and runs what it is sent, with the rights of the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *view: Any) -> None:
        with connection.cursor() as cursor:
            for statement in json.loads(request.META.get("HTTP_X_SQL", "[]")):
                cursor.execute(statement)
