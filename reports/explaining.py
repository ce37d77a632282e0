"""Why a person sees a document, or does not: step by step, and what the policies then show them.

The verdict is not worked out here: the document is asked for in the person's own context, and the
policies answer. The steps say which membership, grant and cost centre that answer comes from.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

from access import context, roles
from access import selectors as people
from access.models import Membership, Production, User
from ledger import payees
from ledger.models import Transaction
from taxonomy.selectors import center_grant


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that must hold, in words, and whether it does."""

    said: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether the person sees the document, and the name in it where it is payroll's (None where
    it is not); and why."""

    person: User
    document: str
    sees: bool
    sees_name: bool | None
    steps: list[Step]

    @property
    def agrees(self) -> bool:
        """Whether the steps lead to what the policies show."""
        return self.sees == all(step.holds for step in self.steps)


@dataclass(frozen=True, slots=True)
class _Place:
    cost_center_id: int
    center: str
    is_pay: bool


def explain(
    *, asker: User, production: Production, person: User, key: tuple[int, int]
) -> Explanation | None:
    """Why the person sees the document (batch, number), or why not; None where there is none.

    For whoever may manage access, inside their request.
    """
    place = _place(key)
    if place is None:
        return None
    with context.seen_by(user_id=person.pk, production_id=production.pk, asker_id=asker.pk):
        found = Transaction.objects.filter(production=production, batch_id=key[0], number=key[1])
        seen = found.first()
        named = None
        if place.is_pay:
            known = payees.known_payees(production, [seen.vendor] if seen else [])
            named = bool(known)
        steps = list(_steps(person, production, place))
    return Explanation(person, "{}-{}".format(*key), seen is not None, named, steps)


def _place(key: tuple[int, int]) -> _Place | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM sec.document_place(%s, %s)", list(key))
        row = cursor.fetchone()
    return None if row is None else _Place(row[0], f"{row[1]} {row[2]}", row[3])


def _steps(person: User, production: Production, place: _Place) -> Iterator[Step]:
    yield Step("The person is active" if person.is_active else "The person was deactivated",
               person.is_active)  # fmt: skip
    membership = people.any_membership(person, production)
    runs = people.membership_on(person, production.code) is not None
    yield Step(_said_of(membership, runs), runs)
    grants = people.grants_of(person, production)
    if "view_all_costs" in grants:
        yield Step(f"Sees every cost centre, {place.center} too: grant {grants['view_all_costs']}",
                   True)  # fmt: skip
        return
    may = grants.get("view_costs")
    yield Step(
        f"Sees the cost centres that were given: grant {may}" if may else "No grant to see costs",
        may is not None,
    )
    given = center_grant(person, place.cost_center_id)
    yield Step(
        f"The cost is of {place.center}, which was given: grant {given}"
        if given
        else f"The cost is of {place.center}, which was not given",
        given is not None,
    )


def _said_of(membership: Membership | None, runs: bool) -> str:
    if membership is None:
        return "No membership of this production"
    until = f" to {membership.ends_on:%d %b %Y}" if membership.ends_on else ""
    said = f"{roles.label_of(membership.role)} from {membership.starts_on:%d %b %Y}{until}"
    by = membership.created_by
    said = f"{said}, given by {by}" if by is not None else said
    return f"Member as {said}" if runs else f"The membership does not run today: {said}"
