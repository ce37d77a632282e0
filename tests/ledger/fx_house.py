"""Invented rates on a film's days, and what a test asks of its foreign money."""

from datetime import date
from decimal import Decimal

from ledger import entries, rates
from ledger.differences import Debt, settlement_difference
from ledger.entries import Amount, Entry
from ledger.fx import Sheet
from ledger.models import Batch
from ledger.rate_files import history_file
from ledger.rates import Loaded, RateFile
from taxonomy import selectors as taxonomy
from tests.factories import Film, acting, cost_line, cost_lines, import_data, role
from tests.ledger.raw_batches import query

D = Decimal
# One euro in dollars and Canadian dollars, and so one Canadian dollar in dollars.
SHEETS = {
    date(2026, 1, 9): ("1.20", "1.50"),  # Friday: 0.80
    date(2026, 1, 14): ("1.25", "1.60"),  # Wednesday: 0.78125
    date(2026, 1, 16): ("1.20", "1.50"),  # Friday: 0.80
    date(2026, 1, 23): ("1.26", "1.50"),  # Friday: 0.84
    date(2026, 1, 30): ("1.20", "1.60"),  # Friday: 0.75
}


def history(*days: date) -> bytes:
    """A history file of the days asked for, all of them when none is."""
    return history_file(
        [Sheet(0, d, {"USD": u, "CAD": c}) for d, (u, c) in SHEETS.items() if not days or d in days]
    )


def load(film: Film, data: bytes | None = None, reason: str = "", person: str = "amir") -> Loaded:
    """Take a rates file in as the web role, as an accountant would."""
    file = RateFile("rates.csv", history() if data is None else data)
    with role("web"), acting(film, person):
        return rates.load_rates(
            actor=film.cast[person], production=film.production, file=file, reason=reason
        )


def bill(
    film: Film,
    number: int = 1,
    amount: str = "1000.00",
    day: str = "2026-01-14",
    currency: str = "CAD",
) -> tuple[int, int]:
    """An imported cost of camera; (batch, number) of its document."""
    row = cost_line(number, amount=amount, currency=currency, day=day)
    import_data(film, cost_lines([row]), name=f"{number}.csv")
    with role("owner"):
        ((batch,),) = query(
            "SELECT max(id) FROM ledger_batch WHERE production_id = %s AND kind = 'import'",
            film.production.pk,
        )
    return batch, 1


def balances(film: Film, what: str = "base_amount") -> dict[str, Decimal]:
    """Account -> its balance in dollars, from the totals; those at zero left out."""
    column = {"base_amount": "t.base_amount", "amount": "t.amount"}[what]
    with role("owner"):
        return dict(
            query(
                f"SELECT a.code, sum({column}) FROM ledger_batchtotal t"
                " JOIN ledger_account a ON a.id = t.account_id WHERE t.production_id = %s"
                f" AND t.book = 1 GROUP BY 1 HAVING sum({column}) <> 0",
                film.production.pk,
            )
        )


def pay(
    film: Film, amount: str, day: date, base: str | None = "781.25", before: str = "0"
) -> Batch:
    """Pay a part of a debt of 1,000 CAD from the bank, its difference booked with it."""
    with role("web"), acting(film, "amir"):
        unit = taxonomy.unit_by_code(film.production, "MAIN")
        assert unit is not None
        form = entries.form_for(film.production, unit)
        center = form.account("3310", "Line 1").cost_center_id
        assert center is not None
        paid = Amount(D(amount), "CAD", day)
        line = form.posting(form.role("payables"), form.role("bank"), center, paid)
        debt = Debt(D(1000), None if base is None else D(base), D(before))
        found = settlement_difference(form, debt=debt, paid=paid, payment=line)
        legs = (line,) if found.posting is None else (line, found.posting)
        entry = Entry("PAY-1", "Panavision", "", day, legs)
        return entries.enter(
            actor=film.cast["amir"], form=form, kind="payment",
            said={"pay": amount, "day": day, "before": before}, entries=[entry],
        )  # fmt: skip
