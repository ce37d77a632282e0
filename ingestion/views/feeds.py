"""Alerts to the accounting team, and vendors' APIs: what is read, from where, and how it goes."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from access.errors import Invalid, NotFoundHere, Refused
from access.requests import ScopedRequest
from alerts import selectors as told
from alerts import services as alerting
from ingestion import feeds, tasks
from ingestion.alerting import telling
from ingestion.connectors.folder import FolderTerms
from ingestion.connectors.terms import Terms
from ingestion.screens import queue
from ingestion.services import unit_for
from ingestion.tables.feeds import Feed
from taxonomy.selectors import unit_by_code, units


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotFoundHere
    return int(text)


@require_http_methods(["GET", "HEAD", "POST"])
def alerts_page(request: ScopedRequest, code: str) -> HttpResponse:
    """What this person is told. A POST marks one alert as read by this person; the accounting team
    closes it, for everybody."""
    may_close = "import_files" in request.actions
    page = queue.alerts_view(request.production, request.user) | {"may_close": may_close}
    if request.method == "POST":
        action = request.POST.get("action", "")
        if action not in {"read", "close"} or (action == "close" and not may_close):
            wanted = "read or close" if may_close else "read; the accounting team closes alerts"
            page["refusal"] = f"action: expected {wanted}, found {action[:20]!r}"
            return render(request, "ingestion/alerts.html", page, status=422)
        alert = told.alert_by_id(request.production, _number(request.POST.get("alert", "")))
        if alert is None:
            raise NotFoundHere
        step = alerting.mark_read if action == "read" else alerting.close_alert
        step(actor=request.user, alert=alert)
        return redirect("alerts", request.production.code)
    return render(request, "ingestion/alerts.html", page)


@require_POST
def hook_set(request: ScopedRequest, code: str) -> HttpResponse:
    """Say where this production's alerts are sent to."""
    url = request.POST.get("url", "").strip()
    try:
        if "url" not in request.POST:
            raise Invalid("address: expected https://HOST/PATH, or nothing for nowhere")
        alerting.set_hook(
            actor=request.user, production=request.production, url=url,
            secret=request.POST.get("secret", ""),
        )  # fmt: skip
    except Refused as refusal:
        page = queue.alerts_view(request.production, request.user)
        page |= {"may_close": True, "hook_refusal": refusal.message, "hook_url": url}
        return render(request, "ingestion/alerts.html", page, status=refusal.status)
    messages.success(request, f"Alerts are sent to {url}." if url else "Alerts are sent nowhere.")
    return redirect("alerts", request.production.code)


@require_http_methods(["GET", "HEAD", "POST"])
def feeds_page(request: ScopedRequest, code: str) -> HttpResponse:
    """The vendors' APIs that are read, and how the last readings went; a POST adds one."""
    refusal = ""
    if request.method == "POST":
        try:
            return _added(request)
        except Refused as error:
            refusal = error.message
    page = queue.feeds_view(request.production, request.POST.get("source", ""))
    page |= {
        "refusal": refusal,
        "sent": request.POST,
        "units": [{"code": u.code, "name": u.name} for u in units(request.production)],
    }
    return render(request, "ingestion/feeds.html", page, status=422 if refusal else 200)


def _added(request: ScopedRequest) -> HttpResponse:
    sent = _sent(request)
    feed = Feed(
        name=sent.get("name", "")[:60], source=sent.get("source", ""), **_pace(request, sent)
    )
    feeds.add_feed(
        actor=request.user, production=request.production, feed=feed, terms=_terms(sent),
        secret=sent.get("secret", ""),
    )  # fmt: skip
    messages.success(request, f"{feed.name} is read from now on, every {feed.every_minutes} min.")
    return redirect("feeds", request.production.code)


def _sent(request: ScopedRequest) -> dict[str, str]:
    # As lines end here, whatever a browser makes of them.
    return {k: v.replace("\r\n", "\n").strip() for k, v in request.POST.dict().items()}


def _pace(request: ScopedRequest, sent: dict[str, str]) -> dict[str, Any]:
    code = sent.get("unit", "")
    return {
        "unit": unit_for(request.production, unit_by_code(request.production, code), code),
        "calls_per_minute": _figure(sent, "calls_per_minute", "60"),
        "every_minutes": _figure(sent, "every_minutes", "60"),
    }


def _terms(sent: dict[str, str]) -> feeds.AnyTerms:
    """The terms as a form states them, of the kind it is a form of."""
    if sent.get("kind") == "sftp":
        return FolderTerms(
            host=sent.get("host", ""),
            port=_figure(sent, "port", "22"),
            user=sent.get("user", ""),
            host_key=sent.get("host_key", ""),
            auth=sent.get("auth", "password"),
            folder=sent.get("folder", ""),
            pattern=sent.get("pattern", "") or "*",
            most_bytes=_figure(sent, "most_megabytes", "100") * 1_000_000,
        )
    return Terms(
        url=sent.get("url", ""),
        columns=_columns(sent.get("columns", "")),
        rows=sent.get("rows", ""),
        auth=sent.get("auth", "none"),
        header=sent.get("header", ""),
        token_url=sent.get("token_url", ""),
        client_id=sent.get("client_id", ""),
        scope=sent.get("scope", ""),
        paging=sent.get("paging", "none"),
        next_path=sent.get("next_path", ""),
        parameter=sent.get("parameter", ""),
        total_path=sent.get("total_path", ""),
        start=sent.get("start", ""),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def feed(request: ScopedRequest, code: str, feed_id: int) -> HttpResponse:
    """A feed's terms; a POST changes them from its next reading on."""
    found = telling.feed_by_id(request.production, feed_id)
    if found is None:
        raise NotFoundHere
    refusal, sent = "", queue.terms_sent(found)
    if request.method == "POST":
        sent = {**_sent(request), "kind": sent["kind"], "name": found.name}
        try:
            for name, value in _pace(request, sent).items():
                setattr(found, name, value)
            feeds.change_terms(
                actor=request.user, feed=found, terms=_terms(sent), secret=sent.get("secret", "")
            )
            messages.success(request, f"{found.name} is read on these terms from now on.")
            return redirect("feeds", request.production.code)
        except Refused as error:
            refusal = error.message
    page = {
        "feed": found, "sent": sent, "refusal": refusal, "is_edit": True,
        "units": [{"code": u.code, "name": u.name} for u in units(request.production)],
    }  # fmt: skip
    return render(request, "ingestion/feed.html", page, status=422 if refusal else 200)


def _figure(sent: dict[str, str], name: str, usual: str) -> int:
    text = sent.get(name) or usual
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise Invalid(f"{name.replace('_', ' ')}: expected a whole number, found {text[:20]!r}")
    return int(text)


def _columns(text: str) -> tuple[tuple[str, str], ...]:
    """Lines of COLUMN = path."""
    found = []
    for line in text.splitlines():
        column, sign, path = line.partition("=")
        if line.strip() and not sign:
            raise Invalid(f"columns: expected COLUMN = path, found {line[:60]!r}")
        if line.strip():
            found.append((column.strip(), path.strip()))
    return tuple(found)


@require_POST
def feed_step(request: ScopedRequest, code: str, feed_id: int) -> HttpResponse:
    """Read a feed now, stop it, take it up again, or give it another secret."""
    found = telling.feed_by_id(request.production, feed_id)
    if found is None:
        raise NotFoundHere
    step = request.POST.get("step", "")
    try:
        if step == "run":
            feeds.start_run(actor=request.user, feed=found)
            tasks.wake()
        elif step in {"stop", "resume"}:
            feeds.switch_feed(actor=request.user, feed=found, is_active=step == "resume")
        elif step == "secret":
            feeds.renew_secret(
                actor=request.user, feed=found, secret=_sent(request).get("secret", "")
            )
        else:
            raise Invalid(f"step: expected run, stop, resume or secret, found {step[:20]!r}")
    except Refused as refusal:
        page = queue.feeds_view(request.production, "")
        page |= {
            "refusal": refusal.message,
            "units": [{"code": u.code, "name": u.name} for u in units(request.production)],
        }
        return render(request, "ingestion/feeds.html", page, status=refusal.status)
    return redirect("feeds", request.production.code)
