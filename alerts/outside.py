"""Where this installation lets anything be sent or fetched, and how others reach its pages."""

from django.conf import settings
from django.urls import reverse

from access.outbound import Road
from alerts.kinds import Kind


def road() -> Road:
    """The installation's hosts, as its settings say."""
    return Road(settings.OUTBOUND_HOSTS, settings.OUTBOUND_LOOPBACK, settings.OUTBOUND_PRIVATE)


def page_of(kind: Kind, code: str, source: str) -> str:
    """The path of the screen where an alert is seen to; '' where there is none."""
    if not kind.page:
        return ""
    number = source.rpartition("-")[2]
    return reverse(kind.page, args=[code, int(number)] if kind.is_numbered else [code])


def address_of(kind: Kind, code: str, source: str) -> str:
    """The same with the installation's own host before it, if its settings name one."""
    path, hosts = page_of(kind, code, source), settings.CSRF_TRUSTED_ORIGINS
    return f"{hosts[0]}{path}" if path and hosts else ""
