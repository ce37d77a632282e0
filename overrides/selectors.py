"""What can be read of overrides, their steps, keys and mandates. Scope is the database's."""

import json
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db import connection
from django.db.models import (
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    QuerySet,
    Value,
)
from django.db.models.functions import Least, Now

from access.models import Production, User
from ledger.models import Account, LogEntry
from overrides import policies
from overrides.models import (
    Confirmation,
    Key,
    Mandate,
    Override,
    SealedKey,
    SigningRule,
    Step,
    Told,
)
from overrides.policies import Policy
from overrides.states import APPROVED, EXECUTED, REJECTED, REQUESTED
from taxonomy.classify import side
from taxonomy.models import CostNode, NodeFlag

PENDING = (REQUESTED, APPROVED, EXECUTED)


def overrides(production: Production) -> QuerySet[Override]:
    """All overrides the asker may see, the newest first."""
    rows = Override.objects.filter(production=production)
    return rows.select_related("requested_by", "production").order_by("-number")


def override(production: Production, number: int) -> Override | None:
    """The override with this number."""
    return overrides(production).filter(number=number).first()


def override_by_id(override_id: int) -> Override | None:
    """The override with this id, if it is there for whoever asks."""
    found = Override.objects.filter(pk=override_id)
    return found.select_related("production", "requested_by").first()


def may_follow(found: Override, user: User) -> bool:
    """Whether this person may ask again for what they asked for: it was sent back, and was not
    asked for again yet."""
    if found.state != REJECTED or found.requested_by_id != user.pk:
        return False
    sent_back = Step.objects.filter(override=found, step="reject").exclude(back_to="nowhere")
    return sent_back.exists() and followed_by(found) is None


def followed_by(found: Override) -> Override | None:
    """The request that asks again for this one."""
    return Override.objects.filter(production_id=found.production_id, follows=found).first()


class Document(NamedTuple):
    """The file that supports a request: its name, its kind by its first bytes, its hash, itself."""

    name: str
    media_type: str
    sha256: bytes
    data: bytes


def document_of(found: Override) -> Document | None:
    """The file that supports a request, for those who sign it; None once it was withdrawn."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, media_type, sha256, data FROM journal.override_document(%s)",
            [found.number],
        )
        row = cursor.fetchone()
    return None if row is None else Document(row[0], row[1], bytes(row[2]), bytes(row[3]))


def steps(found: Override) -> list[Step]:
    """The override's steps in the order they were taken."""
    rows = Step.objects.filter(production_id=found.production_id, override=found)
    return list(rows.select_related("person", "key").order_by("number"))


def steps_of(found: Sequence[Override]) -> dict[int, list[Step]]:
    """override id -> its steps in order, for many overrides of one production."""
    made: dict[int, list[Step]] = {each.pk: [] for each in found}
    if found:
        rows = Step.objects.filter(production_id=found[0].production_id, override_id__in=made)
        for step in rows.select_related("person", "key").order_by("number"):
            made[step.override_id].append(step)
    return made


def undecided(production: Production) -> list[Override]:
    """What people must still sign: asked for, or carried out and not ratified; oldest first."""
    rows = overrides(production).filter(state__in=(REQUESTED, EXECUTED))
    return list(rows.order_by("number"))


def key_holders(production: Production) -> dict[str, list[str]]:
    """role -> the names of those who have a key in force for it."""
    rows = keys(production).filter(revoked_by__isnull=True).order_by("person__name")
    made: dict[str, list[str]] = {}
    for role, name in rows.values_list("role", "person__name"):
        if name not in made.setdefault(role, []):
            made[role].append(name)
    return made


def pending_ids(production: Production) -> list[int]:
    """The overrides that the clock may have to do something about."""
    rows = Override.objects.filter(production=production, state__in=PENDING)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def untold_requests(production: Production) -> list[Override]:
    """Requests that nobody was told of yet, in order."""
    told = Told.objects.filter(override=OuterRef("pk"), kind="asked")
    rows = Override.objects.filter(~Exists(told), production=production)
    return list(rows.select_related("production").order_by("number"))


def untold_steps(production: Production) -> list[Step]:
    """Steps that nobody was told of yet, in order."""
    told = Told.objects.filter(override=OuterRef("override"), number=OuterRef("number"))
    # What cannot be taken back is told by the day, which is no step's number.
    rows = Step.objects.filter(~Exists(told.exclude(kind="stuck")), production=production)
    return list(rows.select_related("override__production").order_by("taken_at", "number"))


def untold_due(production: Production) -> list[Override]:
    """What is carried out and must be ratified soon: within a day, and the last quarter of its
    time."""
    told = Told.objects.filter(override=OuterRef("pk"), kind="due")
    rows = Override.objects.filter(~Exists(told), production=production, state=EXECUTED)
    soon = rows.filter(
        ratify_by__gt=Now(),
        ratify_by__lt=Now() + Least(
            Value(timedelta(days=1)),
            ExpressionWrapper(
                F("signing_rule__ratify_hours") * Value(timedelta(minutes=15)),
                output_field=DurationField(),
            ),
        ),
    )  # fmt: skip
    return list(soon.select_related("production").order_by("number"))


def has_ended(found: Override) -> bool:
    """Whether the override's window is over, by the database's clock."""
    until = found.ratify_by if found.state == EXECUTED else found.expires_at
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp() > %s", [until])
        return bool((cursor.fetchone() or [False])[0])


def mandates(production: Production) -> QuerySet[Mandate]:
    """Everything proposed and in force about keys and rules, the newest first."""
    rows = Mandate.objects.filter(production=production)
    return rows.select_related("person", "proposed_by").order_by("-number")


def confirmations(mandate: Mandate) -> list[Confirmation]:
    """Who has confirmed a mandate so far."""
    rows = Confirmation.objects.filter(mandate=mandate).select_related("person")
    return list(rows.order_by("pk"))


def keys(production: Production) -> QuerySet[Key]:
    """All keys there ever were, in order."""
    return Key.objects.filter(production=production).select_related("person").order_by("number")


def live_keys(production: Production, person: User) -> list[Key]:
    """The person's keys in force."""
    return list(keys(production).filter(person=person, revoked_by__isnull=True))


def sealed_key(key: Key) -> SealedKey | None:
    """The sealed private half of a fallback key; to its owner alone."""
    rows = SealedKey.objects.filter(production_id=key.production_id, user_id=key.person_id)
    return rows.filter(public=key.public).first()


def is_founded(production: Production) -> bool:
    """Whether three people have had keys, from when on mandates are signed."""
    return keys(production).values("person").distinct().count() >= 3


def has_begun() -> bool:
    """Whether overrides can be asked for yet, for whoever may ask."""
    return _asking()[0]


def locked_number() -> int | None:
    """The number of the locked budget, for whoever may ask, though they see no budget."""
    return _asking()[1]


def _asking() -> tuple[bool, int | None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT founded, locked FROM journal.asking_facts()")
        row = cursor.fetchone()
    return (False, None) if row is None else (bool(row[0]), row[1])


def home_of(account: Account) -> str:
    """The code of an account's cost centre, for whoever may ask that a cost be moved there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT journal.home_of(%s)", [account.code])
        return str((cursor.fetchone() or [""])[0])


def policy(production: Production) -> Policy | None:
    """The signing rules in force; None before there are any."""
    rows = mandates(production).filter(type="policy.set", state="in force")
    version = SigningRule.objects.filter(production=production).order_by("-version").first()
    if version is None:
        return None
    found = rows.filter(pk=version.mandate_id).first()
    return None if found is None else policies.read(found.said)


def origins_ever(production: Production) -> set[str]:
    """Every address people could sign at, under any rules that were in force."""
    rows = mandates(production).filter(type="policy.set", state="in force")
    return {origin for row in rows for origin in json.loads(row.said)["origins"]}


def entry_of_batch(production: Production, batch_id: int) -> bytes | None:
    """The leaf of the log entry that sealed a batch."""
    rows = LogEntry.objects.filter(production=production, batch_id=batch_id)
    found = rows.values_list("leaf", flat=True).first()
    return None if found is None else bytes(found)


def leaf_about(production: Production, kind: str, told: str, value: object) -> bytes | None:
    """The leaf of the newest log entry of a kind whose data tell this of it: what an override
    departs from, by digest."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.leaf FROM journal.entries_seen(NULL, NULL, NULL) e JOIN taxonomy_unit u"
            " ON u.id = e.unit_id AND u.production_id = %s WHERE e.type = %s"
            " AND e.line::json -> 'data' ->> %s = %s ORDER BY e.seq DESC LIMIT 1",
            [production.pk, kind, told, str(value)],
        )
        row = cursor.fetchone()
    return None if row is None else bytes(row[0])


def batch_of_this_transaction(production: Production, kind: str) -> int:
    """The batch of a kind that this database transaction has posted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(id) FROM ledger_batch WHERE production_id = %s AND kind = %s"
            " AND xid = pg_current_xact_id()",
            [production.pk, kind],
        )
        row = cursor.fetchone()
    assert row is not None and row[0] is not None, "the step before this one posted it"
    return int(row[0])


def posted_lines(batch_id: int) -> list[dict[str, str]]:
    """What a batch moves, by account and cost centre, as an override proposes it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.code, CASE a.statement WHEN 'cost' THEN c.code ELSE '' END,"
            " sum(t.amount)::numeric(19, 4)::text FROM ledger_batchtotal t"
            " JOIN ledger_account a ON a.id = t.account_id"
            " JOIN taxonomy_costcenter c ON c.id = t.cost_center_id"
            " WHERE t.batch_id = %s AND a.clearing_role <> 'book_control'"
            " GROUP BY 1, 2 HAVING sum(t.amount) <> 0 ORDER BY 3, 1, 2",
            [batch_id],
        )
        return [
            {"account": account, "amount": amount, "cost_center": center}
            for account, center, amount in cursor.fetchall()
        ]


def flags(batch_ids: Sequence[int]) -> dict[int, str]:
    """batch -> the flag of those that were posted under an override, for whoever reads them."""
    if not batch_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT batch, number, step FROM journal.overrides_of(%s)", [sorted(set(batch_ids))]
        )
        return {
            batch: f"OVR-{number:04d} taken back"
            if step == "revert"
            else f"OVERRIDE OVR-{number:04d}"
            for batch, number, step in cursor.fetchall()
        }


def drawn_by_side(accounts: Sequence[Account], amounts: Sequence[Decimal]) -> dict[str, Decimal]:
    """What lines give to each side of the line, contingency itself left out."""
    found = {"ATL": Decimal(0), "BTL": Decimal(0)}
    for account, amount in zip(accounts, amounts, strict=True):
        if account.line != "CONT":
            found[side(account.line)] += amount
    return found


def unsigned_crossings(production: Production) -> list[str]:
    """What moved a cost or budget across the line after the first lock, under no override."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 'batch ' || b.id FROM ledger_batch b JOIN ledger_batchtotal t"
            " ON t.batch_id = b.id AND t.book = 1"
            " JOIN ledger_account a ON a.id = t.account_id AND a.line = 'ATL'"
            " WHERE b.production_id = %(p)s AND b.kind = 'was_is' AND b.id > ("
            "   SELECT min(v.batch_id) FROM budgets_budgetversion v WHERE v.production_id = %(p)s)"
            " AND NOT EXISTS (SELECT 1 FROM overrides_step s WHERE s.batch_id = b.id)"
            " GROUP BY b.id HAVING sum(t.amount) <> 0"
            " UNION ALL SELECT 'BC-' || lpad(c.number::text, 4, '0') FROM budgets_budgetchange c"
            " JOIN budgets_budgetchangeline l ON l.change_id = c.id"
            " JOIN ledger_account a ON a.id = l.account_id AND a.line = 'ATL'"
            " WHERE c.production_id = %(p)s AND c.kind = 'transfer' AND c.state = 'approved'"
            " AND c.takes_back_id IS NULL"
            " AND NOT EXISTS (SELECT 1 FROM overrides_step s WHERE s.batch_id = c.batch_id)"
            " GROUP BY c.id HAVING sum(l.amount) <> 0 ORDER BY 1",
            {"p": production.pk},
        )
        return [row[0] for row in cursor.fetchall()]


def branch_of(found: Override) -> CostNode | None:
    """The branch that an override hung beside the node it departs from."""
    rows = CostNode.objects.filter(
        production_id=found.production_id, flag=NodeFlag.OVERRIDE, original=found.target_digest,
        reason__startswith=f"OVERRIDE {found.reference}: ",
    )  # fmt: skip
    return rows.select_related("production", "unit").first()


def log_lines(production: Production, unit_id: int) -> list[tuple[int, str, bytes]]:
    """(number, line, leaf) of a unit's log, whole. For those who see every row of it."""
    rows = LogEntry.objects.filter(production=production, unit_id=unit_id).order_by("seq")
    return [(seq, line, bytes(leaf)) for seq, line, leaf in rows.values_list("seq", "line", "leaf")]
