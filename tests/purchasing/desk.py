"""What tests of the desk's screens share: clients by name, addresses, and forms with lines."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from tests.factories import Film

Browse = Callable[[str], Client]
HOSTILE = "<script>alert(1)</script>'\"<img src=x onerror=alert(2)>{{7*7}}"


def url(film: Film, name: str, *args: object) -> str:
    return reverse(name, args=[film.code, *args])


def lines(*rows: dict[str, str]) -> dict[str, str]:
    """The lines of a grid as a form sends them."""
    sent = {"lines": str(max(len(rows), 1))}
    for n, row in enumerate(rows):
        sent |= {f"{column}-{n}": value for column, value in row.items()}
    return sent


def text_of(response: HttpResponse) -> str:
    """What a page says, without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def alert(response: HttpResponse) -> str:
    """What stands in the page's alert."""
    page = response.content.decode()
    found = re.search(r'role="alert"[^>]*>(.*?)</div>', page, re.DOTALL)
    assert found is not None, "nothing is said aloud"
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", found[1])).split())


def value_of(response: HttpResponse, name: str) -> str:
    """The value a field is shown with."""
    page = response.content.decode()
    found = re.search(rf'<input[^>]* name="{re.escape(name)}" value="([^"]*)"', page)
    assert found is not None, name
    return unescape(found[1])


def fault_at(response: HttpResponse, name: str) -> str:
    """What is said beside a field, which must be marked as wrong."""
    page = response.content.decode()
    assert re.search(
        rf'id="f-{re.escape(name)}"[^>]*aria-invalid="true" aria-describedby="e-{name}"', page
    ), name
    found = re.search(rf'id="e-{re.escape(name)}">([^<]*)<', page)
    assert found is not None, name
    return unescape(found[1])


def refused(response: HttpResponse, status: int, *words: str) -> str:
    """The alert of a page that refused with this status and said these words."""
    assert response.status_code == status, text_of(response)[:600]
    said = alert(response)
    for word in words:
        assert word in said, said
    return said


def posted(response: HttpResponse) -> str:
    """Where a form that was taken goes on to."""
    assert response.status_code == 302, text_of(response)[:900]
    return str(response.headers["Location"])


Values = dict[str, Any]
