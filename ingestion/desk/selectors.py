"""What the quarantine desk asks: causes grouped in the database, and rows by cursor."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import CharField, Count, Func, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import Abs, Coalesce

from access.models import Production
from ingestion.models import DeskAct, DeskFinding, HeldRow, ImportBatch

MOST_CAUSES = 200
ZERO = Decimal(0)
OPEN_ACTS = ("waiting", "working")


@dataclass(frozen=True, slots=True)
class Cause:
    """What is held for one cause: how many rows, how many of them wait for a person, the first
    of them, and how much money, whatever its currency."""

    name: str
    rows: int
    held: int
    first: int
    money: Decimal


def waiting(production: Production, batch_id: int | None = None) -> QuerySet[HeldRow]:
    """The rows at the desk, of one import where it is named. In no order."""
    rows = HeldRow.objects.filter(production=production, state__in=["held", "resubmitted"])
    return rows if batch_id is None else rows.filter(batch_id=batch_id)


def causes(production: Production, batch_id: int | None = None) -> list[Cause]:
    """What is held, the commonest cause first."""
    grouped = (
        waiting(production, batch_id)
        .values_list("cause")
        .annotate(
            rows=Count("pk"),
            held=Count("pk", filter=Q(state="held")),
            first=Min("pk"),
            money=Coalesce(Sum(Abs("amount")), ZERO),
        )
        .order_by("-rows", "cause")
    )
    return [Cause(*row) for row in grouped[:MOST_CAUSES]]


def cause(production: Production, name: str, batch_id: int | None = None) -> Cause | None:
    """One cause, if anything is held for it."""
    found = waiting(production, batch_id).filter(cause=name).aggregate(
        rows=Count("pk"), held=Count("pk", filter=Q(state="held")), first=Min("pk"),
        money=Coalesce(Sum(Abs("amount")), ZERO),
    )  # fmt: skip
    return Cause(name, **found) if found["rows"] else None


def first_rows(production: Production, ids: Sequence[int]) -> dict[int, HeldRow]:
    """The rows of these ids, for what is wrong with them."""
    rows = HeldRow.objects.filter(production=production, pk__in=ids).only("violations")
    return {row.pk: row for row in rows}


def totals(production: Production, batch_id: int | None = None) -> tuple[int, int]:
    """(rows, causes) at the desk, however many there are."""
    found = waiting(production, batch_id).aggregate(
        rows=Count("pk"), causes=Count("cause", distinct=True)
    )
    return found["rows"], found["causes"]


def held_amounts(production: Production, batch_id: int | None = None) -> list[tuple[str, Decimal]]:
    """(currency, amount) held, where the row's amount could be read."""
    sums = (
        waiting(production, batch_id)
        .filter(amount__isnull=False)
        .values_list("currency")
        .annotate(total=Sum("amount"))
        .order_by("currency")
    )
    return list(sums)


def rows_of_cause(
    production: Production, cause: str, batch_id: int | None = None, *, after: int = 0
) -> QuerySet[HeldRow]:
    """The rows of one cause, as they came, from behind the row `after`: a cursor, since an offset
    would count its way through all that lies before."""
    return (
        waiting(production, batch_id)
        .filter(cause=cause, pk__gt=after)
        .select_related("batch__document")
        .order_by("pk")
    )


@dataclass(frozen=True, slots=True)
class Extent:
    """How many rows of a cause wait for a person, how much money, and which came last."""

    rows: int
    money: Decimal
    last: int


def extent(production: Production, cause: str, batch_id: int | None = None) -> Extent:
    """What an act on the whole cause would be about, at this moment."""
    found = (
        waiting(production, batch_id)
        .filter(cause=cause, state="held")
        .aggregate(rows=Count("pk"), money=Sum(Abs("amount")), last=Max("pk"))
    )
    return Extent(found["rows"], found["money"] or ZERO, found["last"] or 0)


def sources_of(production: Production, cause: str, batch_id: int | None = None) -> list[str]:
    """The sources whose files have rows of a cause."""
    rows = waiting(production, batch_id).filter(cause=cause, state="held")
    return sorted(rows.values_list("batch__source", flat=True).distinct())


def found_in(production: Production, cause: str, field: str) -> str:
    """What a field says in the rows of a cause, whole: a cause's name has the beginning of it."""
    rows = waiting(production).filter(cause=cause, state="held").order_by("pk")
    cells = rows.values_list("cells", flat=True).first() or {}
    return str(cells.get(field, ""))


def held_neighbours(row: HeldRow) -> tuple[int | None, int | None]:
    """The ids of the held rows before and after this one, in the desk's order."""
    held = HeldRow.objects.filter(production_id=row.production_id, state="held")
    before = held.filter(pk__lt=row.pk).order_by("-pk").values_list("pk", flat=True).first()
    after = held.filter(pk__gt=row.pk).order_by("pk").values_list("pk", flat=True).first()
    return before, after


def next_of_cause(row: HeldRow, cause: str, batch_id: int | None) -> int | None:
    """The next row of a cause that waits for a person: behind this one, else from the first on."""
    held = (
        waiting(row.production, batch_id)
        .filter(cause=cause, state="held")
        .exclude(pk=row.pk)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    return held.filter(pk__gt=row.pk).first() or held.first()


def acts(production: Production) -> QuerySet[DeskAct]:
    """What was decided of many rows at once, newest first."""
    return (
        DeskAct.objects.filter(production=production)
        .select_related("made_by", "batch", "document", "production")
        .order_by("-pk")
    )


def act_by_id(production: Production, act_id: int) -> DeskAct | None:
    """One act of this production."""
    return acts(production).filter(pk=act_id).first()


def open_acts(production: Production) -> QuerySet[DeskAct]:
    """The acts the worker has not ended yet."""
    return acts(production).filter(state__in=OPEN_ACTS)


def rows_of_act(act: DeskAct, limit: int) -> list[HeldRow]:
    """The next rows of a whole cause that an act is about and nobody has dealt with since."""
    rows = HeldRow.objects.filter(
        production_id=act.production_id, cause=act.cause, state="held",
        pk__gt=act.position, pk__lte=act.last_row,
    )  # fmt: skip
    if act.batch_id is not None:
        rows = rows.filter(batch_id=act.batch_id)
    return _with_imports(rows.order_by("pk").select_for_update(of=("self",))[:limit])


def _with_imports(rows: QuerySet[HeldRow]) -> list[HeldRow]:
    """The rows with what settling asks of them. Each import is read once, and not with every row
    of it: that took two fifths of the time."""
    found = list(
        rows.only("production_id", "batch_id", "row", "line", "byte_start", "byte_end",
                  "payload_sha256", "cells", "state")
    )  # fmt: skip
    imports = ImportBatch.objects.select_related(
        "document", "unit", "production", "created_by"
    ).in_bulk({row.batch_id for row in found})
    for row in found:
        row.batch = imports[row.batch_id]
    return found


def locked_rows(act: DeskAct, ids: Sequence[int]) -> dict[int, HeldRow]:
    """The rows of these ids, locked in one order, whatever became of them."""
    rows = HeldRow.objects.filter(production_id=act.production_id, pk__in=ids)
    found = _with_imports(rows.order_by("pk").select_for_update(of=("self",)))
    return {row.pk: row for row in found}


def findings(act: DeskAct) -> QuerySet[DeskFinding]:
    """The lines of a fixed file that were not taken, in order."""
    return DeskFinding.objects.filter(production_id=act.production_id, act=act).order_by("pk")


def fields_held(rows: QuerySet[HeldRow]) -> set[str]:
    """The fields that any of these rows has."""
    each = Func("cells", function="jsonb_object_keys", output_field=CharField())
    names = rows.order_by().annotate(name=each)
    return set(names.values_list("name", flat=True).distinct())


def rows_to_export(
    production: Production, cause: str, batch_id: int | None, after: int
) -> QuerySet[HeldRow]:
    """The rows that wait for a person, of one cause where it is named, from behind a row."""
    rows = waiting(production, batch_id).filter(state="held", pk__gt=after)
    if cause:
        rows = rows.filter(cause=cause)
    return rows.defer("payload").select_related("batch").order_by("pk")
