"""The production office of a test film: what its accountant does, in its own web session."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from access.models import User
from ledger import coding
from ledger import selectors as ledger
from purchasing import orders, selectors
from purchasing.funds import FundPlan, open_fund
from purchasing.invoices import InvoicePlan, enter_invoice
from purchasing.models import Entry, PurchaseOrder, Vendor
from purchasing.orders import LinePlan, OrderPlan
from purchasing.papers import CostLine
from purchasing.payments import PaymentPlan, pay_invoices
from taxonomy import selectors as taxonomy
from taxonomy.models import CostCenter, Unit
from tests.factories import Film, acting, role
from tests.ledger.raw_batches import query

DAY = date(2026, 1, 14)


@dataclass(frozen=True)
class Office:
    """A film and its words. Every act is a transaction of its own by the web role."""

    film: Film
    unit: Unit
    centers: dict[str, CostCenter]

    @contextmanager
    def acts(self, person: str = "amir") -> Iterator[User]:
        with role("web"), acting(self.film, person):
            yield self.film.cast[person]

    def vendor(self, name: str = "Panavision") -> Vendor:
        with self.acts() as amir:
            found = selectors.vendor_by_name(self.film.production, name)
            return found or orders.add_vendor(
                actor=amir, production=self.film.production, name=name
            )

    def segment(self, kind: str, code: str) -> str:
        """A code that lines may carry, there from now on: `set=STAGE`."""
        with self.acts() as amir:
            production = self.film.production
            found = ledger.segments(production).filter(kind=kind, code=code).first()
            if found is None:
                new = coding.NewSegment(kind, code, f"{kind} {code}")
                (found,) = coding.add_segments(actor=amir, production=production, rows=[new])
            return str(found)

    def vendor_(self, name: str = "Panavision") -> Vendor:
        """The vendor, inside an act."""
        found = selectors.vendor_by_name(self.film.production, name)
        assert found is not None
        return found

    def draft(self, *lines: LinePlan, currency: str = "USD", **more: Any) -> PurchaseOrder:
        vendor = self.vendor(more.pop("vendor", "Panavision"))
        with self.acts() as amir:
            plan = OrderPlan(
                unit=self.unit, cost_center=self.centers[more.pop("center", "CAM")], vendor=vendor,
                kind=more.pop("kind", "purchase"), currency=currency, ordered_on=DAY,
                lines=lines or (LinePlan("3310", "1", "1000.00"),), **more,
            )  # fmt: skip
            return orders.create_order(actor=amir, production=self.film.production, plan=plan)

    def opened(self, *lines: LinePlan, **more: Any) -> PurchaseOrder:
        return self.approve_and_open(self.draft(*lines, **more))

    def approve_and_open(self, order: PurchaseOrder) -> PurchaseOrder:
        with self.acts("lena") as lena:
            order = orders.approve_order(actor=lena, order=order)
        with self.acts() as amir:
            return orders.open_order(actor=amir, order=order, day=DAY)

    def standing(self, order: PurchaseOrder) -> list[tuple[Decimal, Decimal, Decimal, Decimal]]:
        """(ordered, relieved, open, cancelled) of each line."""
        with self.acts():
            lines = selectors.committed_lines(self.film.production, [order])[order.pk]
        return [
            (s.ordered, s.relieved, s.open, s.cancelled) for s in (line.standing for line in lines)
        ]

    def status(self, order: PurchaseOrder) -> str:
        with self.acts():
            lines = selectors.committed_lines(self.film.production, [order])[order.pk]
            found = selectors.order_by_number(self.film.production, order.number)
            assert found is not None
            return selectors.status_of(found, lines)

    def paper(self, entry: Entry) -> selectors.Paper:
        with self.acts():
            found = selectors.paper(self.film.production, entry.pk)
            assert found is not None
            return found

    def balances(self, book: int = 1) -> dict[tuple[str, str], Decimal]:
        """(account, currency) -> what it stands at, where that is not zero."""
        with role("owner"):
            return {
                (code, currency): amount
                for code, currency, amount in query(
                    "SELECT a.code, t.currency, sum(t.amount) FROM ledger_batchtotal t"
                    " JOIN ledger_account a ON a.id = t.account_id WHERE t.production_id = %s"
                    " AND t.book = %s GROUP BY 1, 2 HAVING sum(t.amount) <> 0",
                    self.film.production.pk, book,
                )
            }  # fmt: skip

    def traces(self) -> list[int]:
        """How many rows there are of everything an act writes."""
        tables = ("ledger_batch", "ledger_posting", "ledger_logentry", "ledger_sourcedocument",
                  "ledger_commitment", "ledger_segment", "purchasing_entry",
                  "purchasing_settlement",
                  "purchasing_purchaseorder", "purchasing_orderline", "purchasing_fund",
                  "purchasing_vendor", "budgets_budgetchange", "budgets_budgetchangeline",
                  "budgets_efcentry", "budgets_refusedcrossing")  # fmt: skip
        counts = (f"(SELECT count(*) FROM {t} WHERE production_id = %(p)s)" for t in tables)
        with role("owner"), connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {', '.join(counts)}",
                {"p": self.film.production.pk},
            )
            return list(cursor.fetchall()[0])


def office(film: Film) -> Office:
    with role("web"), acting(film, "amir"):
        unit = taxonomy.unit_by_code(film.production, "MAIN")
        assert unit is not None
        return Office(film, unit, {c.code: c for c in taxonomy.cost_centers(film.production)})


def paperwork(o: Office, center: str, account: str, text: str) -> None:
    """An order of 9.00, opened, invoiced by 5.00 and paid, and a float; all called `text`. What is
    ordered and costs is coded to a set of the department's."""
    vendor, coded = o.vendor(f"Vendor of {center}"), o.segment("set", f"SET-{center}")
    order = o.opened(LinePlan(account, "1", "9.00", text, coded), center=center, vendor=vendor.name)
    production = o.film.production
    with o.acts() as amir:
        lines = (CostLine(account, "5.00", text, order.number, 1, segments=coded),)
        plan = InvoicePlan(o.unit, vendor, text, DAY, "USD", lines)
        invoice = enter_invoice(actor=amir, production=production, plan=plan)
        paid = PaymentPlan(vendor, text, DAY, ((invoice.pk, "5.00"),))
        pay_invoices(actor=amir, production=production, plan=paid)
        fund = FundPlan(o.unit, o.centers[center], "petty_cash", text, "USD", "9.00")
        open_fund(actor=amir, production=production, plan=fund)
