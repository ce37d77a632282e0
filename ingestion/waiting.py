"""What can be asked about limits, dead letters and decisions."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Case, IntegerField, QuerySet, Value, When

from access.models import Production
from ingestion.models import ImportBatch, WorkItem
from ingestion.tables.letters import DeadLetter, Decision, Threshold

# What goes through by itself where a production has set no limit: a film's largest exports are a
# tenth of it.
DEFAULT_ROWS = 2_000_000
DEFAULT_BYTES = 256 * 1024 * 1024
SETTLED = (DeadLetter.State.DONE, DeadLetter.State.DROPPED)
DECIDABLE = (DeadLetter.State.WAITING, DeadLetter.State.GIVEN_UP, DeadLetter.State.RETRYING)


@dataclass(frozen=True, slots=True)
class Limit:
    """The largest file of a source that goes through without a person."""

    most_rows: int = DEFAULT_ROWS
    most_bytes: int = DEFAULT_BYTES
    set_by: str = ""
    reason: str = ""


def limits(production: Production) -> dict[str, Limit]:
    """The limits in force by source, '' for those that have none of their own."""
    rows = Threshold.objects.filter(production=production).select_related("made_by").order_by("pk")
    return {"": Limit()} | {
        t.source: Limit(t.most_rows, t.most_bytes, str(t.made_by), t.reason) for t in rows
    }


def limit_for(batch: ImportBatch) -> Limit:
    """The limit an import is held to."""
    known = limits(batch.production)
    return known.get(batch.source, known[""])


def dead_letters(production: Production) -> QuerySet[DeadLetter]:
    """The production's dead letters: those that wait first, newest first."""
    return (
        DeadLetter.objects.filter(production=production)
        .select_related("document", "batch")
        .annotate(
            settled=Case(
                When(state__in=SETTLED, then=Value(1)), default=Value(0),
                output_field=IntegerField(),
            )
        )
        .order_by("settled", "-pk")
    )  # fmt: skip


def open_letters(production: Production) -> QuerySet[DeadLetter]:
    """Those that are not settled."""
    return DeadLetter.objects.filter(production=production).exclude(state__in=SETTLED)


def letters_to_decide(
    production: Production, numbers: Collection[int] | None = None
) -> list[DeadLetter]:
    """The letters a person can decide on: those with these numbers, or all."""
    found = (
        open_letters(production)
        .filter(state__in=DECIDABLE)
        .select_related("batch", "document")
        .order_by("pk")
    )
    return list(found if numbers is None else found.filter(pk__in=numbers))


def letters_waiting(production: Production) -> int:
    """How many wait for a person."""
    return (
        open_letters(production)
        .filter(state__in=(DeadLetter.State.WAITING, DeadLetter.State.GIVEN_UP))
        .count()
    )


def open_letter_of(production: Production, kind: str, subject_id: int) -> DeadLetter | None:
    """The open letter about this, if there is one."""
    return open_letters(production).filter(kind=kind, subject_id=subject_id).first()


def decisions_of(production: Production, letters: Collection[int]) -> dict[int, Decision]:
    """The last decision on each letter."""
    rows = (
        Decision.objects.filter(production=production, letter_id__in=letters)
        .select_related("made_by")
        .order_by("pk")
    )
    return {d.letter_id: d for d in rows if d.letter_id is not None}


def decisions_on(batch: ImportBatch) -> QuerySet[Decision]:
    """What people decided of an import, oldest first."""
    return (
        Decision.objects.filter(production_id=batch.production_id, batch=batch)
        .select_related("made_by")
        .order_by("pk")
    )


def decision_by_id(production_id: int, decision_id: int) -> Decision:
    """One decision with what it is about."""
    return Decision.objects.select_related(
        "made_by", "letter", "batch__unit", "batch__document", "batch__production", "production"
    ).get(pk=decision_id, production_id=production_id)


def work_item(production: Production, item_id: int) -> WorkItem | None:
    """One work item of this production."""
    return WorkItem.objects.filter(production=production, pk=item_id).first()
