"""The FX register's page, ready for its template."""

from typing import Any

from django.urls import reverse

from access.models import Production
from ledger.rates import SOURCES, Loaded
from ledger.registers import HoleLine, RateLine, Register
from ledger.selectors import standings
from taxonomy.money import format_amount, format_over_under

STEPS_SHOWN = 50


def register_view(found: Register, *, may_post: bool) -> dict[str, Any]:
    """Rates, holes and differences; a loss is shown as a cost, a gain in parentheses."""
    home = found.production.currency
    return {
        "title": "FX register",
        "currency": home,
        "may_post": may_post,
        "rates": [_rate_view(found.production, line) for line in found.lines],
        "holes": [_hole_view(hole, home) for hole in found.holes],
        "ready": sum(hole.documents for hole in found.holes if hole.missing is None),
        "differences": [
            {"name": name, "amount": format_over_under(amount, home)}
            for name, amount in (
                ("Realised, in the cost report", found.realised),
                ("Unrealised, in the balance sheet", found.unrealised),
                ("Currency rounding", found.rounding),
            )
        ],
        "logs": standings(found.production),
        "affected": [
            {
                "name": entry.reference or f"{entry.batch_id}-{entry.number}",
                "url": _document_url(found.production, entry.batch_id, entry.number),
                "currency": entry.currency,
                "day": f"{entry.day:%d %b %Y}",
            }
            for entry in found.affected
        ],
    }


def _document_url(production: Production, batch_id: int, number: int) -> str:
    return reverse("transaction", args=[production.code, f"{batch_id}-{number}"])


def _rate_view(production: Production, line: RateLine) -> dict[str, Any]:
    sheet, file = line.sheet, line.document
    sha256 = bytes(file.sha256).hex() if file else ""
    return {
        "day": f"{sheet.published_on:%d %b %Y}",
        "pair": f"{line.rate.currency} to {line.rate.target}",
        "path": line.rate.path,
        "rate": f"{line.rate.shown:f}",
        "legs": f"{line.rate.numerator} / {line.rate.denominator}",
        "source": SOURCES.get(sheet.source, sheet.source),
        "file_name": file.name if file else "",
        "file_url": reverse("source_file", args=[production.code, sha256]) if file else "",
        "sha8": sha256[:8],
        "url": sheet.url,
        "fetched_at": f"{sheet.fetched_at:%d %b %Y %H:%M UTC}",
        "by": str(sheet.actor),
        "used": line.used,
        "state": "current" if line.is_current else "corrected since",
        "reason": sheet.reason,
    }


def _hole_view(hole: HoleLine, home: str) -> dict[str, Any]:
    return {
        "currency": hole.currency,
        "day": f"{hole.day:%d %b %Y}",
        "amount": format_amount(hole.amount, hole.currency),
        "documents": hole.documents,
        "what": str(hole.missing) if hole.missing else f"Its rate to {home} is known: convert it.",
    }


def loaded_sentence(loaded: Loaded, documents: int, missing: int) -> str:
    """What a file of rates has done, in a sentence."""
    said = (
        f"{loaded.document.name}: {loaded.new} days new, {loaded.corrected} corrected, "
        f"{loaded.known} known already. {documents} documents converted"
    )
    return f"{said}; {missing} rates are still missing." if missing else f"{said}."
