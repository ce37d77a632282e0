"""Whether guardian's grants, memberships and the policies' own view agree, person by person.

Three answers to who may see what: what the membership's role says, what guardian was told, and what
the policies compute when that person asks. Where two differ, one was changed past the others.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

from access import context, roles, selectors
from access.models import Production, User
from taxonomy.models import AccessFinding
from taxonomy.selectors import cost_centers, granted_center_ids


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Whom it is about (None: the installation), and what differs."""

    user: User | None
    said: str


def disagreements(production: Production) -> list[Disagreement]:
    """All that is found of a production, as a worker: each person is asked for in their own name.

    The context is left as the last person's; whoever goes on enters one of their own.
    """
    with context.acting(user_id=context.NOBODY, production_id=production.pk):
        people = _column("SELECT sec.people_with_access() ORDER BY 1")
        found = [Disagreement(None, said) for said in _column("SELECT sec.wider_than_grants()")]
        centers = {c.pk: c.code for c in cost_centers(production)}
    for user in User.objects.filter(pk__in=people).order_by("pk"):
        with context.acting(user_id=user.pk, production_id=production.pk):
            found += [Disagreement(user, said) for said in _of(user, production, centers)]
    return found


def record(production: Production, found: Iterable[Disagreement]) -> None:
    """Keep what was found, for whoever gives and takes memberships."""
    with context.acting(user_id=context.NOBODY, production_id=production.pk):
        AccessFinding.objects.bulk_create(
            AccessFinding(production=production, user=one.user, said=one.said[:300])
            for one in found
        )


def _of(user: User, production: Production, centers: dict[int, str]) -> Iterator[str]:
    member = selectors.any_membership(user, production)
    granted = selectors.granted_on(user, production)
    given = granted_center_ids(user, production)
    runs = selectors.membership_on(user, production.code) is not None
    if member is None:
        yield f"holds grants and is no member: {_words(granted) or 'cost centres'}"
    else:
        role = roles.actions_of(member.role)
        yield from _differ(f"role {member.role}", role, "guardian's grants", granted)
    counted = granted if runs else frozenset()
    policies = frozenset(_column("SELECT a FROM unnest(%s::text[]) a WHERE sec.may(a)",
                                 list(roles.ACTIONS)))  # fmt: skip
    yield from _differ("guardian's grants", counted, "the policies", policies)
    seen = frozenset(_column("SELECT sec.cost_center_ids()"))
    may = frozenset(centers) if "view_all_costs" in counted else given
    may = may if counted & {"view_all_costs", "view_costs"} else frozenset()
    yield from _differ(
        "cost centres granted", _codes(may, centers), "the policies", _codes(seen, centers)
    )


def _codes(ids: Iterable[int], centers: dict[int, str]) -> frozenset[str]:
    return frozenset(centers.get(pk, f"number {pk}") for pk in ids)


def _differ(one: str, mine: frozenset[str], other: str, theirs: frozenset[str]) -> Iterator[str]:
    if mine - theirs:
        yield f"{one}: {_words(mine - theirs)}; not so by {other}"
    if theirs - mine:
        yield f"{other}: {_words(theirs - mine)}; not so by {one}"


def _words(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _column(sql: str, *asked: list[str]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, asked or None)
        return [row[0] for row in cursor.fetchall()]
