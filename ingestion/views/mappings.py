"""The mapping wizard at an import, and the registry of mappings with the drift log."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from access.errors import Invalid, Refused
from access.requests import ScopedRequest
from ingestion import dry_runs, mappings, tasks
from ingestion.mappings import Proposal
from ingestion.models import ImportBatch, ImportState
from ingestion.screens import mappings as mapping_screens
from ingestion.views.imports import asked_import

MOST_COLUMNS = 512


@require_http_methods(["GET", "HEAD", "POST"])
def import_mapping(request: ScopedRequest, code: str, import_id: int) -> HttpResponse:
    """What an import's columns are, decided by a person: tried without posting, then accepted."""
    batch = asked_import(request, import_id)
    sent = request.POST.dict() if request.method == "POST" else {}
    refusal, status = "", 200
    shape = batch.shape or {"header": []}
    if request.method == "POST":
        try:
            shape = _shape(request, batch)
            answer = _acted(request, batch, shape)
            if answer is not None:
                return answer
        except Refused as error:
            refusal, status = error.message, error.status
    page = mapping_screens.wizard_view(batch, shape, sent) | {"refusal": refusal}
    return render(request, "ingestion/import_mapping.html", page, status=status)


def _shape(request: ScopedRequest, batch: ImportBatch) -> dict[str, Any]:
    """The columns as they are when the text is read as the person says."""
    encoding, delimiter = request.POST.get("encoding", ""), request.POST.get("delimiter", "")
    if not (encoding or delimiter) or batch.state != ImportState.MAPPING_NEEDED:
        return batch.shape or {"header": []}
    return mappings.looked_at(
        actor=request.user, batch=batch, encoding=encoding, delimiter=delimiter
    )


def _acted(
    request: ScopedRequest, batch: ImportBatch, shape: dict[str, Any]
) -> HttpResponse | None:
    action = request.POST.get("action", "")
    if action == "look":
        return None
    if batch.state != ImportState.MAPPING_NEEDED:
        raise Invalid("this import does not wait for its mapping; open it to see how it stands")
    asked = _proposal(request)
    header: list[str] = shape["header"]
    if action == "accept":
        mappings.accept_mapping(
            actor=request.user, batch=batch, proposal=asked, header=header,
            reason=request.POST.get("reason", ""),
        )  # fmt: skip
        tasks.wake()
        return redirect("import_detail", request.production.code, batch.pk)
    if action == "dry_run":
        dry_runs.ask_dry_run(actor=request.user, batch=batch, proposal=asked, header=header)
        tasks.wake()
        where = reverse("import_mapping", args=[request.production.code, batch.pk])
        return redirect(f"{where}#effect")
    raise Invalid(f"action: expected accept, dry_run or look, found {action[:40]!r}")


def _proposal(request: ScopedRequest) -> Proposal:
    choices = {
        place: request.POST[f"column-{place}"]
        for place in range(MOST_COLUMNS)
        if f"column-{place}" in request.POST
    }
    seen = request.POST.get("number", "")
    if not (seen.isascii() and seen.isdigit() and len(seen) < 9):
        raise Invalid("number: expected the version the page was made for; open the page again")
    return Proposal(choices, mapping_screens.normal_of(request.POST.dict()), int(seen))


@require_http_methods(["GET", "HEAD", "POST"])
def registry(request: ScopedRequest, code: str) -> HttpResponse:
    """Every source's versions and the drift log. A POST leaves a column out, or says how a source
    writes: a new version either way."""
    sent = request.POST.dict() if request.method == "POST" else {}
    refusal, status = "", 200
    if request.method == "POST":
        header = request.POST.get("header", "")
        rule = (
            {"kind": "ignore", "header": header}
            if header
            else {"kind": "normal", **mapping_screens.normal_of(sent)}
        )
        try:
            mappings.add_rule(
                actor=request.user, production=request.production,
                source=request.POST.get("source", ""), rule=rule,
                reason=request.POST.get("reason", ""),
            )  # fmt: skip
            return redirect("mappings", request.production.code)
        except Refused as error:
            refusal, status = error.message, error.status
    page = mapping_screens.registry_view(request.production, sent) | {"refusal": refusal}
    return render(request, "ingestion/mappings.html", page, status=status)
