"""The FX register, and what an accountant hands in there."""

from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from access.errors import Invalid, Refused
from access.requests import ScopedRequest
from ledger.holes import convert_holes, take_rates
from ledger.rate_files import MOST_BYTES
from ledger.rates import RateFile
from ledger.registers import register
from reports import fx_screen

# As many as one request converts; what is left waits for the next press, or for the command.
DOCUMENTS_AT_ONCE = 2_000


def _page(request: ScopedRequest, refusal: str = "", status: int = 200) -> HttpResponse:
    may_post = "post_entries" in request.actions
    view = fx_screen.register_view(register(request.production), may_post=may_post)
    return render(request, "reports/fx.html", {"fx": view, "refusal": refusal}, status=status)


@require_safe
def fx_register(request: ScopedRequest, code: str) -> HttpResponse:
    """Rates with their source and use, what waits for a rate, and the differences."""
    return _page(request)


@require_POST
def fx_rates(request: ScopedRequest, code: str) -> HttpResponse:
    """Take a rates file in and convert what waited for it; or, without a file, only convert."""
    file = request.FILES.get("file")
    if file is None and "convert" not in request.POST:
        return _page(request, "file: choose a rates file, daily or history, plain or zipped", 422)
    try:
        said = _loaded(request, file) if file is not None else _converted(request)
    except Refused as refusal:
        # Nothing of it was written: the service is a transaction of its own.
        return _page(request, refusal.message, refusal.status)
    messages.success(request, said)
    return redirect("fx_register", request.production.code)


def _loaded(request: ScopedRequest, file: "UploadedFile[Any]") -> str:
    if (file.size or 0) > MOST_BYTES:
        raise Invalid(f"file: expected at most {MOST_BYTES:,} bytes, found {file.size:,}")
    loaded, done = take_rates(
        actor=request.user,
        production=request.production,
        file=RateFile(file.name or "rates", file.read()),
        reason=request.POST.get("reason", ""),
        most=DOCUMENTS_AT_ONCE,
    )
    return fx_screen.loaded_sentence(loaded, done.documents, len(done.missing))


def _converted(request: ScopedRequest) -> str:
    done = convert_holes(actor=request.user, production=request.production, most=DOCUMENTS_AT_ONCE)
    return f"{done.documents} documents converted; {len(done.missing)} rates are still missing."
