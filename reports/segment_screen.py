"""What the screen of segments shows. Every figure opens its lines."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from access.models import Production
from ledger.segment_tables import Segment
from ledger.segments import KINDS
from ledger.selectors import periods, segments
from purchasing.forms import Sent
from purchasing.screens.fields import faults, grid
from reports.coded import Coded, coded_sums
from taxonomy.money import format_over_under

_NOTHING = Coded(Decimal(0), Decimal(0), 0)


def segments_view(production: Production, sent: Sent, *, may_change: bool) -> dict[str, Any]:
    """The codes kind by kind with what stands on them, and the grid that adds some."""
    sums, last = coded_sums(production), periods(production).last()
    every = list(segments(production))
    return {
        "grid": grid(sent, "Codes to add"),
        "lists": {"kinds": list(KINDS.items())},
        "may_change": may_change,
        "opened": not every or bool(sent.values),
        "refusal": sent.refusal.message if sent.refusal else "",
        "faults": faults(sent, []),
        "currency": production.currency,
        "kinds": [
            {
                "label": label,
                "rows": [
                    _row(production, s, sums.get(str(s), _NOTHING), last.number if last else 0)
                    for s in every
                    if s.kind == kind
                ],
            }
            for kind, label in KINDS.items()
            if any(s.kind == kind for s in every)
        ],
    }


def _row(production: Production, segment: Segment, sums: Coded, upto: int) -> dict[str, Any]:
    here = reverse("account_lines", args=[production.code, "all"])
    kept = {"upto": upto, "segment": str(segment)}
    return {
        "id": segment.pk,
        "code": segment.code,
        "name": segment.name,
        "is_active": segment.is_active,
        "actual": format_over_under(sums.actual, production.currency),
        "commitments": format_over_under(sums.commitments, production.currency),
        "without_rate": sums.without_rate,
        "actual_url": f"{here}?{urlencode(kept)}",
        "commitments_url": f"{here}?{urlencode({**kept, 'book': 'commitment'})}",
        "history_url": reverse("history", args=[production.code, "segment", segment.pk]),
    }
