"""EFC entries: numbered, dated, reasoned, forward-only. Never a cell that is overwritten."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import transaction

from access.errors import Invalid, NotFoundHere
from access.models import Production, User
from budgets import selectors
from budgets.forecast import efc_wanted
from budgets.models import WAYS, EfcEntry
from budgets.posting import Leg, center_of, office_form, one_at_a_time, post
from ledger import entries, services
from ledger import selectors as ledger
from ledger.models import Account, Batch
from taxonomy.money import format_amount

ZERO = Decimal(0)


class NegativeEtc(Invalid):
    """The EFC asked for is less than what is spent and ordered already."""

    code = "E_NEGATIVE_ETC"


class Backdated(Invalid):
    """The entry is dated before the account's last one."""

    code = "E_BACKDATED"


@dataclass(frozen=True, slots=True)
class Asked:
    """An entry as a person makes it: set final to X, Y still to spend, or Z more."""

    way: str
    stated: str
    day: date
    reason: str


def account_to_forecast(production: Production, code: str) -> Account:
    """The detail cost account with this code. Raises NotFoundHere."""
    found = ledger.account_by_code(production, code)
    if found is None or not found.is_postable or found.statement != "cost":
        raise NotFoundHere
    return found


@transaction.atomic
def enter_efc(*, actor: User, production: Production, account: Account, asked: Asked) -> EfcEntry:
    """Change an account's EFC by a numbered entry, posted to the forecast book.

    The first entry takes over the EFC the account had by default. Raises NegativeEtc, Backdated,
    and Invalid when nothing would change or no reason is given.
    """
    if asked.way not in WAYS:
        raise Invalid(f"Way: expected one of {', '.join(WAYS)}, found {asked.way[:20]!r}.")
    if not asked.reason.strip():
        raise Invalid("Reason: expected why the estimate changes, found nothing.")
    stated = _stated(asked, production.currency)
    one_at_a_time(production)
    now = selectors.standing(production, account)
    before = now.outlook.efc
    after = efc_wanted(asked.way, stated, total_cost=now.total_cost, efc=before)
    _check(production, account, asked, after, now.total_cost)
    opening = before if now.entered is None else ZERO
    if opening + after - before == 0:
        raise Invalid(
            f"{account.code}: its EFC is {format_amount(before, production.currency)} already. "
            "Nothing was entered."
        )
    entry = EfcEntry(
        production=production, number=_next_number(production), account=account,
        cost_center_id=center_of(account), day=asked.day, way=asked.way, stated=stated,
        total_cost=now.total_cost, opening=opening, efc_before=before, efc_after=after,
        reason=asked.reason.strip(), entered_by=actor,
    )  # fmt: skip
    _post(actor, entry)
    return entry


def _stated(asked: Asked, currency: str) -> Decimal:
    plain = asked.stated.strip().replace(",", "")
    if asked.way != "delta" and plain.replace(".", "", 1).strip("0") == "" and "0" in plain:
        return ZERO  # nothing more to spend, or a final cost of nothing: both are said
    return entries.amount_of(asked.stated, currency, asked.way.upper())


def _next_number(production: Production) -> int:
    last = EfcEntry.objects.filter(production=production).order_by("-number").first()
    return last.number + 1 if last else 1


def _check(
    production: Production, account: Account, asked: Asked, after: Decimal, total_cost: Decimal
) -> None:
    if after < total_cost:
        raise NegativeEtc(
            f"{account.code}: an EFC of {format_amount(after, production.currency)} is less than "
            f"the total cost of {format_amount(total_cost, production.currency)}. There is no "
            "negative ETC: state at least the total cost, or correct the cost."
        )
    last = selectors.entries(production, account)
    if last and asked.day < last[0].day:
        raise Backdated(
            f"{account.code}: {last[0].reference} is dated {last[0].day:%d %b %Y}. Date the entry "
            "on or after it."
        )


def _post(actor: User, entry: EfcEntry) -> None:
    form = office_form(entry.production)
    said = {
        "entry": entry.reference, "account": entry.account.code, "way": entry.way,
        "stated": f"{entry.stated:f}", "efc_before": f"{entry.efc_before:f}",
        "efc_after": f"{entry.efc_after:f}", "day": entry.day.isoformat(),
        "reason": entry.reason, "by": actor.pk,
    }  # fmt: skip
    data = json.dumps(said, sort_keys=True, ensure_ascii=False).encode()
    document = services.keep_document(
        actor=actor, production=entry.production, name=f"{entry.reference}.json",
        sha256=hashlib.sha256(data).digest(), byte_size=len(data), data=[data],
    )  # fmt: skip

    def link(batch: Batch) -> None:
        entry.batch = batch
        entry.save(force_insert=True)

    parts = (("opening", entry.opening), ("change", entry.efc_after - entry.efc_before))
    legs = [
        Leg(entry.account, amount, name, entry.reference, entry.reason, row, 1, 0, len(data))
        for row, (name, amount) in enumerate(parts, 1)
        if amount
    ]
    post(
        actor=actor, form=form, kind="efc", day=(entry.day, form.period_id(entry.day)),
        document=document, legs=legs, link=link,
    )  # fmt: skip
