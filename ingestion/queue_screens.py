"""What the dead-letter screen shows, ready for its template."""

from typing import Any

from django.urls import reverse

from access.models import Production
from ingestion import waiting
from ingestion.letter_tables import DeadLetter, Decision
from ingestion.screens import moment, source_choices
from ingestion.sources import REGISTRY

SHOWN = 200
KINDS = {"file": "File", "call": "Vendor's API", "work": "Work"}


def dead_letters_view(production: Production) -> dict[str, Any]:
    """The letters, those that wait first, and the limits in force."""
    found = list(waiting.dead_letters(production)[:SHOWN])
    decided = waiting.decisions_of(production, [letter.pk for letter in found])
    rows = [_letter(letter, decided.get(letter.pk), production.code) for letter in found]
    return {
        "letters": rows,
        "any_to_decide": any(row["may_decide"] for row in rows),
        "limits": [
            {
                "source": REGISTRY[source].label if source in REGISTRY else "Every other source",
                "rows": limit.most_rows,
                "bytes": limit.most_bytes,
                "set_by": limit.set_by or "as installed",
                "reason": limit.reason,
            }
            for source, limit in sorted(waiting.limits(production).items())
        ],
        "sources": source_choices(),
    }


def _letter(letter: DeadLetter, decision: Decision | None, code: str) -> dict[str, Any]:
    batch = letter.batch
    return {
        "id": letter.pk,
        "kind": KINDS[letter.kind],
        "label": letter.label,
        "url": reverse("import_detail", args=[code, batch.pk]) if batch else "",
        "source": REGISTRY[letter.source].label if letter.source in REGISTRY else letter.source,
        "cause": letter.cause,
        "code": letter.code,
        "sha256": bytes(letter.document.sha256).hex() if letter.document else "",
        "attempts": letter.attempts,
        "next_try": moment(letter.next_try_at),
        "state": letter.state,
        "state_label": DeadLetter.State(letter.state).label,
        "opened": moment(letter.opened_at),
        "may_decide": letter.state in waiting.DECIDABLE,
        "decided": ""
        if decision is None
        else f"{'Re-driven' if decision.action == 'redrive' else 'Dropped'} by "
        f"{decision.made_by}, {moment(decision.made_at)}: {decision.reason}",
    }
