"""The segments of a production: which codes there are of episode, location, set and the like."""

from collections.abc import Sequence
from typing import NamedTuple

from django.db import transaction

from access.errors import Invalid
from access.models import Production, User
from ledger import selectors
from ledger.segment_tables import Segment
from ledger.segments import CODE, KINDS

MOST_NAME = 120
_CALLED = {**{kind: kind for kind in KINDS}, **{v.lower(): kind for kind, v in KINDS.items()}}


class NewSegment(NamedTuple):
    """A code as a person enters it; `kind` by its own name or its label (`set`, `Free 1`)."""

    kind: str
    code: str
    name: str


@transaction.atomic
def add_segments(
    *, actor: User, production: Production, rows: Sequence[NewSegment]
) -> list[Segment]:
    """Add codes that lines may carry from now on: all of them or none.

    Raises Invalid naming the line and the field at fault.
    """
    assert actor.is_active
    if not rows:
        raise Invalid("Line 1, code: expected a code, found none.")
    there = {(s.kind, s.code) for s in selectors.segments(production)}
    made = []
    for at, row in enumerate(rows, 1):
        found = _checked(row, f"Line {at}")
        if (found.kind, found.code) in there:
            raise Invalid(
                f"Line {at}, code: {KINDS[found.kind].lower()} {found.code} is there already."
            )
        there.add((found.kind, found.code))
        made.append(Segment(production=production, **found._asdict()))
    return Segment.objects.bulk_create(made)


def _checked(row: NewSegment, where: str) -> NewSegment:
    kind, code, name = _CALLED.get(row.kind.strip().lower()), row.code.strip(), row.name.strip()
    if kind is None:
        raise Invalid(
            f"{where}, kind: expected one of {', '.join(KINDS)}, found {row.kind[:20]!r}."
        )
    if not (code.isascii() and CODE.fullmatch(code.upper())):
        raise Invalid(
            f"{where}, code: expected up to 16 letters, digits and . _ / -, beginning with a "
            f"letter or a digit, found {code[:20]!r}."
        )
    if not 0 < len(name) <= MOST_NAME:
        raise Invalid(f"{where}, name: expected 1 to {MOST_NAME} characters, found {len(name)}.")
    return NewSegment(kind, code.upper(), name)


def use_segment(*, actor: User, segment: Segment, is_active: bool) -> Segment:
    """Let a code be named from now on, or no longer. What carries it keeps it."""
    assert actor.is_active
    Segment.objects.filter(pk=segment.pk).update(is_active=is_active)
    segment.refresh_from_db()
    return segment
