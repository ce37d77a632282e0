"""The segments of a production: which codes there are of episode, location, set and the like."""

from access.errors import Invalid
from access.models import Production, User
from ledger import selectors
from ledger.segment_tables import Segment
from ledger.segments import CODE, KINDS

MOST_NAME = 120


def add_segment(*, actor: User, production: Production, kind: str, code: str, name: str) -> Segment:
    """Add a code that lines may carry from now on. Raises Invalid naming the field at fault."""
    assert actor.is_active
    if kind not in KINDS:
        raise Invalid(f"Segment: expected one of {', '.join(KINDS)}, found {kind[:20]!r}.")
    code = code.strip().upper()
    if not CODE.fullmatch(code):
        raise Invalid(
            "Code: expected up to 16 letters, digits and . _ / -, beginning with a letter or a "
            f"digit, found {code[:20]!r}."
        )
    if not 0 < len(name.strip()) <= MOST_NAME:
        raise Invalid(f"Name: expected 1 to {MOST_NAME} characters, found {len(name.strip())}.")
    if code in selectors.known_segments(production).get(kind, {}):
        raise Invalid(f"Code: {KINDS[kind].lower()} {code} is there already.")
    return Segment.objects.create(production=production, kind=kind, code=code, name=name.strip())


def use_segment(*, actor: User, segment: Segment, is_active: bool) -> Segment:
    """Let a code be named from now on, or no longer. What carries it keeps it."""
    assert actor.is_active
    Segment.objects.filter(pk=segment.pk).update(is_active=is_active)
    segment.refresh_from_db()
    return segment
