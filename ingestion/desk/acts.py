"""Acts on many held rows at once, as people decide them: fixed, handed in again or rejected.

The act is one row; ingestion/desk/work.py carries it out.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db import IntegrityError, transaction

from access.errors import Invalid, Refused
from access.models import Production, User
from ingestion.desk import selectors as desk_selectors
from ingestion.desk.resolving import UNSTORABLE, check_release
from ingestion.formats.container import display_name
from ingestion.gate import likeness
from ingestion.layouts.mapping import ALL_FIELDS
from ingestion.mappings import add_rule
from ingestion.models import DeskAct, ImportBatch, WorkItem
from ingestion.services import hash_of
from ledger import services as posting

# Above either of these the count is typed, not only looked at.
UNTYPED_ROWS = 25
UNTYPED_MONEY = Decimal(10_000)
# These ask for something else in every row, or for nothing that could be written into one.
SETTLED_ONE_BY_ONE = frozenset({"E_CONFLICT", "E_NET_PAY", likeness.CODE})


@dataclass(frozen=True, slots=True)
class CauseAsked:
    """What a person asks of a whole cause. `count` is what the page showed them, `typed` what they
    wrote to confirm it."""

    cause: str
    batch: ImportBatch | None
    action: str
    value: str
    reason: str
    count: str
    typed: str


def field_of(cause: str) -> str:
    """The field that can be written into every row of a cause; '' when none can."""
    code, field, *_ = [*cause.split("|", 2), "", ""]
    return field if field in ALL_FIELDS and code not in SETTLED_ONE_BY_ONE else ""


def needs_typing(rows: int, money: Decimal) -> bool:
    """Whether so much is confirmed by typing the count."""
    return rows > UNTYPED_ROWS or money > UNTYPED_MONEY


@transaction.atomic
def act_on_cause(*, actor: User, production: Production, asked: CauseAsked) -> DeskAct:
    """Fix all rows of a cause with one value, hand them in again as they are, release them as no
    duplicates, or reject them.

    Returns at once; a worker does the rest. Raises Invalid where something is missing, or where
    there are other rows now than the person saw.
    """
    reason = asked.reason.strip()
    values = _values(asked)
    if asked.action == "reject" and not reason:
        raise Invalid("reason: say why the rows are rejected; it stays on record")
    if asked.action == "release":
        check_release([asked.cause.partition("|")[0]], values, reason)
    for name, text in {**values, "reason": reason}.items():
        if UNSTORABLE.search(text):
            raise Invalid(f"{name}: delete the invisible character and try again")
    now = desk_selectors.extent(production, asked.cause, asked.batch.pk if asked.batch else None)
    _confirm(asked, now)
    if asked.action == "rule":
        _make_rule(actor, production, asked, values)
    try:
        with transaction.atomic():
            act = DeskAct.objects.create(
                production=production, kind="cause", cause=asked.cause, batch=asked.batch,
                action=asked.action if asked.action in {"reject", "release"} else "resubmit",
                values=values, reason=reason, rows=now.rows, last_row=now.last, made_by=actor,
            )  # fmt: skip
    except IntegrityError as error:
        if "one_act_on_a_cause" not in str(error):
            raise
        raise Refused(
            "Somebody is settling this cause already; see below how far it is. What is left "
            "afterwards can be settled then."
        ) from None
    WorkItem.objects.create(production=production, kind="act", subject_id=act.pk, priority=60)
    return act


def _make_rule(
    actor: User, production: Production, asked: CauseAsked, values: dict[str, str]
) -> None:
    """Have later files of the source read so too: what was found means this value, by a new version
    of its mapping. The rows of the cause are given the same value as they are resubmitted."""
    [(field, meant)] = values.items()
    source, *others = desk_selectors.sources_of(
        production, asked.cause, asked.batch.pk if asked.batch else None
    )
    if others:
        raise Invalid(
            f"rule: these rows came from {', '.join([source, *others])}; a rule is one source's. "
            "Open one import's rows, and make it there."
        )
    found = desk_selectors.found_in(production, asked.cause, field)
    if not found:
        raise Invalid("rule: nothing was found in that field, so nothing could mean a value")
    rule = {"kind": "word", "field": field, "found": found, "meant": meant}
    add_rule(
        actor=actor, production=production, source=source, rule=rule,
        reason=asked.reason.strip() or f"{found} means {meant}, said at the quarantine desk",
    )  # fmt: skip


def _values(asked: CauseAsked) -> dict[str, str]:
    if asked.action not in {"fix", "rule", "again", "release", "reject"}:
        raise Invalid(
            f"action: expected fix, rule, again, release or reject, found {asked.action!r}"
        )
    if asked.action not in {"fix", "rule"}:
        return {}
    field = field_of(asked.cause)
    if not field:
        raise Invalid("value: these rows have no field in common to fix; open them one by one")
    if not asked.value.strip():
        raise Invalid("value: write what all these rows should say; nothing was changed")
    return {field: asked.value.strip()}


def _confirm(asked: CauseAsked, now: desk_selectors.Extent) -> None:
    if not now.rows:
        raise Refused("No row waits for this cause any more: somebody has dealt with them.")
    if _number(asked.count) != now.rows:
        raise Refused(
            f"{now.rows:,} rows wait for this cause now, and the page showed {asked.count or 0}. "
            "Look at them again; nothing was changed."
        )
    if needs_typing(now.rows, now.money) and _number(asked.typed) != now.rows:
        raise Invalid(
            f"count: type how many rows this is about to confirm it: {now.rows}, found "
            f"{asked.typed.strip()[:20] or 'nothing'}"
        )


def _number(text: str) -> int:
    digits = text.replace(",", "").replace(" ", "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else -1


def stop_act(*, actor: User, act: DeskAct) -> None:
    """Leave the rows that are not settled yet as they are. What is posted stays posted.

    Raises Refused when nothing is left to stop.
    """
    assert actor.is_active
    moved = DeskAct.objects.filter(pk=act.pk, state__in=desk_selectors.OPEN_ACTS).update(
        state="stopped"
    )
    if moved != 1:
        raise Refused("All its rows are settled; what was posted is taken back by a reversal.")


@transaction.atomic
def receive_fixed(
    *, actor: User, production: Production, name: str, read: Callable[[], Iterable[bytes]],
    reason: str,
) -> DeskAct:  # fmt: skip
    """Keep a fixed list of held rows, and queue its reading. Returns at once.

    `read` gives the bytes from the start each time it is called.
    """
    if UNSTORABLE.search(reason):
        raise Invalid("reason: delete the invisible character and try again")
    sha256, size = hash_of(read())
    if not size:
        raise Invalid("file: choose the list that was exported and fixed; this file is empty")
    document = posting.keep_document(
        actor=actor, production=production, name=display_name(name), sha256=sha256, byte_size=size,
        data=read(),
    )  # fmt: skip
    act = DeskAct.objects.create(
        production=production, kind="upload", action="resubmit", document=document,
        reason=reason.strip(), rows=0, made_by=actor,
    )  # fmt: skip
    WorkItem.objects.create(production=production, kind="act", subject_id=act.pk, priority=60)
    return act
