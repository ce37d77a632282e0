"""Budget versions: import, approve, and lock by two people. The lock posts the baseline."""

import hashlib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from access.errors import Invalid, Refused
from access.models import Production, User
from budgets import matching, selectors
from budgets.formats import opening
from budgets.formats.stated import Fault, Row
from budgets.models import BudgetLine, BudgetVersion
from budgets.posting import Leg, center_of, kept_by, office_form, one_at_a_time, post
from ledger import entries, services
from ledger import selectors as ledger
from ledger.models import Account, Batch
from taxonomy import money

MOST_FAULTS = 200


class BadBudget(Invalid):
    """The file cannot be taken as it is; `faults` has everything that is wrong with it."""

    code = "E_BUDGET"

    def __init__(self, name: str, faults: list[Fault]) -> None:
        self.faults = faults
        shown = "\n".join(map(str, faults[:MOST_FAULTS]))
        super().__init__(f"{name}: nothing was loaded. {len(faults)} to correct:\n{shown}")


class WrongTotal(Invalid):
    """The total typed to confirm the lock is not the budget's."""

    code = "E_TOTAL"


class SamePerson(Refused):
    """Two people are needed, and it was one."""

    code = "E_SAME_PERSON"


class WrongStep(Refused):
    """The version is not where this step begins."""

    code = "E_STEP"


@dataclass(frozen=True, slots=True)
class BudgetFile:
    """A file to be imported. `rate` turns its currency into the production's, if it differs."""

    name: str
    data: bytes
    version_name: str = ""
    rate: Decimal | None = None


@transaction.atomic
def import_budget(*, actor: User, production: Production, file: BudgetFile) -> BudgetVersion:
    """Make a draft of a budget file, whole or not at all.

    Raises BadBudget with every fault of the file at once, accounts the chart has not included.
    """
    reading = opening.read(file.data, production.currency)
    if reading.faults:
        raise BadBudget(file.name, list(reading.faults))
    currency = reading.currency or production.currency
    rate = _rate(production, currency, file.rate)
    chart = {a.code: a for a in ledger.accounts(production) if a.statement == "cost"}
    loaded, faults = _matched(reading.rows, chart)
    if faults:
        raise BadBudget(file.name, faults)
    one_at_a_time(production)
    last = selectors.versions(production).first()
    number = last.number + 1 if last else 1
    sha256 = hashlib.sha256(file.data).digest()
    document = services.keep_document(
        actor=actor, production=production, name=file.name[:150], sha256=sha256,
        byte_size=len(file.data), data=[file.data],
    )  # fmt: skip
    amounts = [money.round_half_up(r.amount * rate, production.currency) for r, _ in loaded]
    version = BudgetVersion.objects.create(
        production=production, number=number, name=(file.version_name or f"v{number}")[:80],
        currency=currency, rate=rate, document=document, document_sha256=sha256,
        file_name=file.name[:150], total=sum(amounts, Decimal(0)), line_count=len(loaded),
        made_by=actor,
    )  # fmt: skip
    BudgetLine.objects.bulk_create(
        _line(version, row, account, amount)
        for (row, account), amount in zip(loaded, amounts, strict=True)
    )
    services.seal_now()
    return version


def _rate(production: Production, currency: str, rate: Decimal | None) -> Decimal:
    if currency == production.currency:
        if rate is not None and rate != 1:
            raise Invalid(f"rate: the file is in {currency} already. Leave the rate out.")
        return Decimal(1)
    if rate is None or not rate.is_finite() or rate <= 0:
        raise Invalid(
            f"rate: the file is in {currency}, the production in {production.currency}. State "
            f"what one {currency} is in {production.currency}."
        )
    return rate


def _line(version: BudgetVersion, row: Row, account: Account, amount: Decimal) -> BudgetLine:
    return BudgetLine(
        production_id=version.production_id, version=version, number=row.number, account=account,
        cost_center_id=center_of(account), line=account.line or "OTHER",
        stated_account=" ".join(filter(None, (row.account, row.sub_account)))[:40],
        description=row.description, amount=amount, original_amount=row.amount,
        source_line=row.line, source_start=row.start, source_end=row.end,
    )  # fmt: skip


def _matched(
    rows: tuple[Row, ...], chart: dict[str, Account]
) -> tuple[list[tuple[Row, Account]], list[Fault]]:
    """The rows of detail accounts with their accounts; sums of the file are checked, not loaded."""
    words = matching.words_of((a.code, a.is_postable) for a in chart.values())
    loaded: list[tuple[Row, Account]] = []
    faults: list[Fault] = []
    stated: list[tuple[Row, Account | None]] = []
    for row in rows:
        if not row.account and not row.sub_account:
            stated.append((row, None))
            continue
        found = matching.match(words, row.account, row.sub_account)
        if found is None or not found.code:
            said = " ".join(filter(None, (row.account, row.sub_account)))
            others = found.others if found else ()
            fix = (
                f"It could be {' or '.join(others)}: write the code as the chart does."
                if others
                else "Add the account to the chart, or correct the code."
            )
            faults.append(Fault(row.line, "account", "an account of the chart", said[:40], fix))
        elif found.is_category:
            stated.append((row, chart[found.code]))
        else:
            loaded.append((row, chart[found.code]))
    faults += _wrong_sums(stated, loaded)
    if not loaded and not faults:
        fix = "Export the detail accounts, not the top sheet alone."
        faults.append(Fault(0, "file", "a budget of detail accounts", "sums only", fix))
    return loaded, faults


def _wrong_sums(
    stated: list[tuple[Row, Account | None]], loaded: list[tuple[Row, Account]]
) -> list[Fault]:
    """Categories' sums and the grand total must be those of the rows; subtotals are passed over."""
    faults = []
    total = sum((r.amount for r, _ in loaded), Decimal(0))
    for row, category in stated:
        if category is None:
            words = row.description.casefold()
            if "grand total" not in words and words != "total":
                continue
            sum_, name = total, "the grand total"
        else:
            below = [r.amount for r, a in loaded if a.category_id == category.pk]
            if row.amount == 0 or (not below and not row.amount):
                continue
            sum_, name = sum(below, Decimal(0)), category.code
        if row.amount != sum_:
            fix = "Export the details of the account too, or correct its sum."
            faults.append(Fault(row.line, name, f"{sum_:,f}, what its rows sum to",
                                f"{row.amount:,f}", fix))  # fmt: skip
    return faults


def approve_version(*, actor: User, version: BudgetVersion) -> BudgetVersion:
    """Approve a draft somebody else made; drafts before it are superseded."""
    if version.state != "draft":
        raise WrongStep(f"v{version.number} is {version.state}: only a draft is approved.")
    if version.made_by_id == actor.pk:
        raise SamePerson(
            f"v{version.number} was made by you: another person approves it, the line producer "
            "for one."
        )
    rows = BudgetVersion.objects.filter(pk=version.pk, state="draft")
    _stepped(rows.update(state="approved", approved_by=actor, approved_at=timezone.now()), version)
    BudgetVersion.objects.filter(
        production_id=version.production_id, number__lt=version.number, state="draft"
    ).update(state="superseded")
    version.refresh_from_db()
    return version


def ask_lock(*, actor: User, version: BudgetVersion) -> BudgetVersion:
    """The first of the two people: ask for an approved version to be locked."""
    _lockable(version)
    if version.lock_asked_by_id is not None:
        raise WrongStep(f"The lock of v{version.number} was asked for. Another person confirms it.")
    rows = BudgetVersion.objects.filter(pk=version.pk, state="approved", lock_asked_by=None)
    _stepped(rows.update(lock_asked_by=actor, lock_asked_at=timezone.now()), version)
    version.refresh_from_db()
    return version


def _lockable(version: BudgetVersion) -> None:
    if version.state != "approved":
        raise WrongStep(f"v{version.number} is {version.state}: only an approved budget is locked.")
    locked = selectors.locked_version(version.production)
    if locked is not None:
        raise WrongStep(
            f"v{locked.number} is locked, once and for all. Change the budget by a transfer, a "
            "contingency draw or an approved overage."
        )


@transaction.atomic
def confirm_lock(*, actor: User, version: BudgetVersion, typed_total: str, day: date) -> Batch:
    """The second of the two people: lock, post the baseline to the budget book, freeze ATL/BTL.

    `typed_total` is the exact figure as a person types it. Raises WrongTotal, SamePerson, and
    WrongStep when nobody asked for the lock.
    """
    production = version.production
    one_at_a_time(production)
    _lockable(version)
    if version.lock_asked_by_id is None:
        raise WrongStep(f"Nobody has asked for the lock of v{version.number} yet: ask for it.")
    if version.lock_asked_by_id == actor.pk:
        raise SamePerson(
            f"You asked for the lock of v{version.number}: another person confirms it."
        )
    typed = entries.amount_of(typed_total, production.currency, "Total")
    if typed != version.total:
        raise WrongTotal(
            f"Total: expected the exact total of v{version.number}, found {typed:,f}. Look the "
            "version over, and type its total as it stands there."
        )
    form = office_form(production)
    if not form.periods:
        raise entries.NoOpenPeriod("Every period is closed. The baseline needs an open one.")

    def link(batch: Batch) -> None:
        rows = BudgetVersion.objects.filter(pk=version.pk, state="approved")
        now = timezone.now()
        _stepped(rows.update(state="locked", locked_by=actor, locked_at=now, typed_total=typed,
                             batch=batch), version)  # fmt: skip
        BudgetVersion.objects.filter(production=production, state__in=["draft", "approved"]).update(
            state="superseded"
        )

    batch = post(
        actor=actor, form=form, kind="budget", day=(day, form.periods[0][2]),
        document=kept_by(version.document_id, bytes(version.document_sha256)),
        legs=[_leg(version, row) for row in selectors.lines(version) if row.amount], link=link,
    )  # fmt: skip
    version.refresh_from_db()
    return batch


def _leg(version: BudgetVersion, row: BudgetLine) -> Leg:
    return Leg(
        row.account, row.amount, "locked", f"Budget v{version.number}", row.description,
        row.number, row.source_line, row.source_start, row.source_end,
    )  # fmt: skip


def _stepped(changed: int, version: BudgetVersion) -> None:
    if changed != 1:
        raise WrongStep(
            f"v{version.number} was changed by somebody else, or the step is not yours to take."
        )
