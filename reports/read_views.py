"""The query log: what was asked for by those whose every request is recorded."""

from datetime import UTC, datetime

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from access.errors import NotFoundHere
from access.requests import ScopedRequest
from reports import read_screen, tables

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_safe
def query_log(request: ScopedRequest, code: str) -> HttpResponse:
    """The entries the person may see: their own, or everybody's."""
    page = read_screen.query_log_view(request.membership, request.GET.dict())
    return render(request, "reports/query_log.html", page, status=422 if "problem" in page else 200)


@require_safe
def query_log_export(request: ScopedRequest, code: str) -> HttpResponse:
    """The same entries as a file."""
    form = request.GET.get("format", "csv")
    if form not in ("csv", "xlsx"):
        raise NotFoundHere
    rows = read_screen.exported_rows(request.production, request.GET.dict())
    if form == "csv":
        said = tables.as_csv(read_screen.HEADER, rows, read_screen.FIGURES)
        response = HttpResponse(said, content_type="text/csv; charset=utf-8")
    else:
        book = tables.as_workbook("Query log", read_screen.HEADER, rows, read_screen.FIGURES)
        response = HttpResponse(book, content_type=XLSX)
    name = f"{request.production.code}-query-log-{datetime.now(UTC):%Y%m%d-%H%M}.{form}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response.rows_shown = len(rows)  # type: ignore[attr-defined]
    return response
