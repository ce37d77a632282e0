"""What several views ask of a request."""

from django.http import HttpRequest

from access.errors import NotFoundHere
from access.models import Production
from purchasing import forms
from purchasing.forms import Sent
from taxonomy.selectors import units


def number_of(text: str) -> int:
    """A number in an address. Raises NotFoundHere."""
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise NotFoundHere
    return int(text)


def start_of(request: HttpRequest) -> int:
    """How many lines a page of a list leaves out before it begins."""
    return number_of(request.GET.get("from", "0"))


def first_unit(production: Production) -> str:
    """The unit a form starts with."""
    return next((u.code for u in units(production)), "")


def is_sent(request: HttpRequest, sent: Sent) -> bool:
    """Whether the form was sent to be entered; else it asks for more lines, or is new."""
    if "add" in sent.values:
        sent.count = min(sent.count + forms.ROWS_ADDED, forms.MOST_ROWS)
    return request.method == "POST" and "add" not in sent.values
