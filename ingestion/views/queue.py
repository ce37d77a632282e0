"""What waits: dead letters with the limits that make some of them, and cancelling an import."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from access.errors import Invalid, NotFoundHere, Refused
from access.requests import ScopedRequest
from ingestion import letters, tasks, waiting
from ingestion.screens import imports, queue
from ingestion.views.imports import asked_import

MEGABYTE = 1_000_000


def _numbers(texts: list[str]) -> list[int]:
    """Ids as a form sends them; anything else is nothing that is here."""
    if not all(t.isascii() and t.isdigit() and len(t) < 19 for t in texts):
        raise NotFoundHere
    return [int(t) for t in texts]


@require_http_methods(["GET", "HEAD", "POST"])
def dead_letters(request: ScopedRequest, code: str) -> HttpResponse:
    """What did not go through by itself; a POST re-drives or drops one, those ticked, or all."""
    refusal = ""
    if request.method == "POST":
        try:
            return _decided(request)
        except Refused as error:
            if error.status == 404:
                raise
            refusal = error.message
    page = queue.dead_letters_view(request.production)
    page |= {"refusal": refusal, "reason": request.POST.get("reason", "")}
    return render(request, "ingestion/dead_letters.html", page, status=422 if refusal else 200)


def _decided(request: ScopedRequest) -> HttpResponse:
    asked = None if "all" in request.POST else _numbers(request.POST.getlist("letter"))
    if asked == []:
        raise Invalid("dead letters: tick those you mean, or tick all of them")
    found = waiting.letters_to_decide(request.production, asked)
    if not found:
        raise Invalid("none of these waits any more; look at the list again")
    action = request.POST.get("action", "")
    made = letters.decide(
        actor=request.user, letters=found, action=action, reason=request.POST.get("reason", "")
    )
    tasks.wake()
    done = "taken up again" if action == "redrive" else "dropped"
    messages.success(request, f"{len(made)} dead letter{'s' * (len(made) != 1)}: {done}.")
    return redirect("dead_letters", request.production.code)


@require_POST
def threshold_set(request: ScopedRequest, code: str) -> HttpResponse:
    """Set the largest file of a source that goes through without a person."""
    try:
        letters.set_threshold(
            actor=request.user,
            production=request.production,
            source=request.POST.get("source", ""),
            most=(_figure(request, "rows"), _figure(request, "megabytes") * MEGABYTE),
            reason=request.POST.get("reason", ""),
        )
    except Refused as error:
        page = queue.dead_letters_view(request.production)
        page |= {"limit_refusal": error.message, "limit": request.POST}
        return render(request, "ingestion/dead_letters.html", page, status=422)
    messages.success(request, "The limit holds for files that are read from now on.")
    return redirect("dead_letters", request.production.code)


def _figure(request: ScopedRequest, name: str) -> int:
    text = request.POST.get(name, "").replace(",", "").strip()
    if not (text.isascii() and text.isdigit() and len(text) < 13):
        raise Invalid(f"{name}: expected a whole number, found {text[:40]!r}")
    return int(text)


@require_POST
def import_cancel(request: ScopedRequest, code: str, import_id: int) -> HttpResponse:
    """End an import that waits or runs, for a reason."""
    batch = asked_import(request, import_id)
    try:
        letters.cancel_import(
            actor=request.user, batch=batch, reason=request.POST.get("reason", "")
        )
    except Refused as error:
        view = imports.import_view(batch)
        page = {"batch": view, "may_cancel": True, "cancel_error": error.message}
        return render(request, "ingestion/import_detail.html", page, status=error.status)
    tasks.wake()
    return redirect("import_detail", request.production.code, import_id)
