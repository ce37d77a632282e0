"""Whatever an accountant does, in whatever order: what must be true of the books stays true.

Hypothesis chooses the acts. After every act, done or refused, the invariants are read from the
database as its owner sees it, and not from anything the services keep.
"""

import os
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from access.errors import Refused
from budgets import changes, efc
from budgets import selectors as budgets
from budgets.models import BudgetChange, EfcEntry
from budgets.selectors import Standing
from ledger import corrections, differences, holes
from ledger.corrections import Change
from ledger.rates import RateFile
from ledger.services import close_period
from ledger.verify import verify_production
from purchasing import funds, invoices, journals, orders, papers, payments, selectors
from purchasing.funds import FundPlan
from purchasing.invoices import InvoicePlan
from purchasing.journals import JournalLine, JournalPlan
from purchasing.models import Entry, Fund, PurchaseOrder
from purchasing.orders import LinePlan
from purchasing.papers import CostLine
from purchasing.payments import PaymentPlan
from tests.budgets.films import budget_film, locked
from tests.factories import Cast, cost_line, cost_lines, import_data, role
from tests.ledger import fx_house
from tests.ledger.raw_batches import query
from tests.purchasing.office import Office, office
from tests.stories.invariants import INVARIANTS

AMOUNTS = st.sampled_from(["0.01", "10.00", "99.99", "250.00", "-40.00"])
DAYS = st.sampled_from([date(2026, 1, 7), date(2026, 1, 14), date(2026, 2, 3)])
ACCOUNTS = st.sampled_from(["3310", "3301", "2220", "1401"])

BUDGET = {
    "1101": Decimal(40000), "1401": Decimal(250000), "2210": Decimal(60000),
    "2220": Decimal(20000), "3301": Decimal(90000), "3310": Decimal(50000), "8001": Decimal(51000),
}  # fmt: skip
# (kind, taken from, given to). The last four make money out of nothing, cross the line, or leave
# the one road into or out of contingency.
CONSERVING = [
    ("transfer", "2220", "3310"), ("transfer", "3310", "2220"), ("transfer", "1101", "1401"),
    ("draw", "8001", "1401"), ("draw", "8001", "3310"), ("overage", "", "3310"),
    ("overage", "", "1401"),
]  # fmt: skip
MOVES = st.sampled_from([
    *CONSERVING, ("transfer", "", "3310"), ("transfer", "2220", "1401"),
    ("transfer", "8001", "3310"), ("draw", "2220", "8001"),
])  # fmt: skip
# Some of them more than the accounts have.
MOVED = st.sampled_from(["0.01", "750.00", "19000.00", "45000.00"])
STATED = st.sampled_from(["0.01", "400.00", "51000.00", "-200.00"])

# What stands on each cost account, by book.
STANDING = (
    "SELECT t.book, a.code, a.line, sum(t.amount) FROM ledger_batchtotal t"
    " JOIN ledger_account a ON a.id = t.account_id AND a.statement = 'cost'"
    " WHERE t.production_id = %s GROUP BY 1, 2, 3"
)


def _side(account: str) -> str:
    return "ATL" if account in {"1101", "1401"} else "BTL"


def _to_go(standing: Standing) -> Decimal:
    """ETC, and below nothing what is spent beyond the EFC."""
    return standing.outlook.etc - standing.outlook.overrun


class Books(RuleBasedStateMachine):
    """A film's office. An act that is refused must leave every count as it was.

    The budget is kept here a second time: what each account has, what overages raised it by, and
    what was given to accounts above the line. So are the EFCs that were entered.
    """

    cast: Cast
    looks = 0

    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        self.orders: list[PurchaseOrder] = []
        self.papers: list[Entry] = []
        self.imported: list[tuple[tuple[int, int], str]] = []
        self.closed = 0
        self.asked: list[tuple[BudgetChange, dict[str, Decimal]]] = []
        self.decided: set[int] = set()
        self.budget = dict(BUDGET)
        self.raised = {"ATL": Decimal(0), "BTL": Decimal(0)}
        self.drawn = {"ATL": Decimal(0), "BTL": Decimal(0)}
        self.efc: dict[str, tuple[Decimal, date]] = {}
        self.sheets: set[date] = set()

    @initialize()
    def open_the_film(self) -> None:
        film = budget_film(self.cast)
        locked(film)
        self.o: Office = office(film)
        self.vendor = self.o.vendor()
        with self.o.acts() as amir:
            plan = FundPlan(self.o.unit, self.o.centers["CAM"], "petty_cash", "Cho", "USD", "500")
            self.fund: Fund = funds.open_fund(actor=amir, production=film.production, plan=plan)

    def next(self) -> str:
        self.number += 1
        return str(self.number)

    def _do(self, act: "object", person: str = "amir") -> object:
        """Do it, or be refused and find everything as it was."""
        before = self.o.traces()
        try:
            with self.o.acts(person) as actor:
                return act(actor)  # type: ignore[operator]
        except Refused:
            assert self.o.traces() == before, "a refused act leaves no trace"
            return None

    @rule(amount=AMOUNTS, account=ACCOUNTS)
    def a_cost_comes_in_a_file(self, amount: str, account: str) -> None:
        line = cost_line(f"T{self.next()}", account=account, amount=amount)
        before = self._standing(account)
        batch = import_data(self.o.film, cost_lines([line]), name=f"{self.number}.csv")
        assert batch.posted == 1
        after = self._standing(account)
        assert after.total_cost == before.total_cost + Decimal(amount)
        spent = max(before.total_cost, after.total_cost)
        if account in self.efc or spent <= after.final_budget:
            assert after.outlook.efc == before.outlook.efc, "a cost moves no EFC"
            assert _to_go(after) == _to_go(before) - Decimal(amount), "it is taken off the ETC"
        with role("owner"):
            production = self.o.film.production.pk
            sql = "SELECT max(id) FROM ledger_batch WHERE production_id = %s"
            self.imported.append(((query(sql, production)[0][0], 1), account))

    @rule(amount=AMOUNTS, account=ACCOUNTS, day=DAYS)
    def a_foreign_cost_comes_in_a_file(self, amount: str, account: str, day: date) -> None:
        line = cost_line(
            f"T{self.next()}", account=account, amount=amount, currency="CAD", day=str(day)
        )
        before = self._standing(account)
        batch = import_data(self.o.film, cost_lines([line]), name=f"{self.number}.csv")
        assert batch.posted == 1
        after = self._standing(account)
        assert after.total_cost == before.total_cost + self._in_dollars(amount, day)
        with role("owner"):
            production = self.o.film.production.pk
            sql = "SELECT max(id) FROM ledger_batch WHERE production_id = %s"
            self.imported.append(((query(sql, production)[0][0], 1), account))

    @rule(amount=AMOUNTS, day=DAYS)
    def a_foreign_invoice_is_entered(self, amount: str, day: date) -> None:
        plan = InvoicePlan(
            self.o.unit, self.vendor, self.next(), day, "CAD", (CostLine("3310", amount),)
        )
        made = self._do(
            lambda amir: invoices.enter_invoice(
                actor=amir, production=self.o.film.production, plan=plan
            )
        )
        if isinstance(made, Entry):
            self.papers.append(made)

    @rule(day=st.sampled_from([date(2026, 1, 9), date(2026, 1, 14), date(2026, 1, 30)]))
    def rates_of_a_day_arrive(self, day: date) -> None:
        file = RateFile("rates.csv", fx_house.history(day))
        done = self._do(
            lambda amir: holes.take_rates(actor=amir, production=self.o.film.production, file=file)
        )
        if done is not None:
            self.sheets.add(day)

    @rule(ahead=st.integers(0, 2))
    def foreign_balances_are_brought_to_a_weeks_last_rate(self, ahead: int) -> None:
        self._do(
            lambda amir: differences.revalue_period(
                actor=amir, production=self.o.film.production, number=self.closed + 1 + ahead
            )
        )

    @rule(amount=st.sampled_from(["50.00", "300.00"]))
    def an_order_is_opened(self, amount: str) -> None:
        self.orders.append(self.o.opened(LinePlan("3310", "1", amount)))

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), amount=AMOUNTS, day=DAYS, final=st.booleans(), over=st.booleans())
    def an_invoice_names_an_order(
        self, data: st.DataObject, amount: str, day: date, final: bool, over: bool
    ) -> None:
        order = data.draw(st.sampled_from(self.orders))
        line = CostLine("3310", amount, "", order.number, 1, final)
        plan = InvoicePlan(
            self.o.unit, self.vendor, self.next(), day, "USD", (line,), accepts_over=over
        )
        made = self._do(
            lambda amir: invoices.enter_invoice(
                actor=amir, production=self.o.film.production, plan=plan
            )
        )
        if isinstance(made, Entry):
            self.papers.append(made)

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def an_order_is_closed_or_voided(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(self.orders))
        order.refresh_from_db()
        act = data.draw(st.sampled_from([orders.close_order, orders.void_order]))
        self._do(lambda amir: act(actor=amir, order=order, day=date(2026, 1, 14), reason="done"))

    @precondition(lambda self: self.papers)
    @rule(data=st.data(), amount=AMOUNTS, day=DAYS)
    def an_invoice_is_paid(self, data: st.DataObject, amount: str, day: date) -> None:
        invoice = data.draw(st.sampled_from(self.papers))
        plan = PaymentPlan(self.vendor, self.next(), day, ((invoice.pk, amount),))
        made = self._do(
            lambda amir: payments.pay_invoices(
                actor=amir, production=self.o.film.production, plan=plan
            )
        )
        if isinstance(made, Entry):
            self.papers.append(made)

    @precondition(lambda self: self.papers)
    @rule(data=st.data(), day=DAYS)
    def a_paper_is_voided(self, data: st.DataObject, day: date) -> None:
        entry = data.draw(st.sampled_from(self.papers))
        self._do(
            lambda amir: papers.void_paper(
                actor=amir, production=self.o.film.production, entry_id=entry.pk, day=day,
                reason="wrong",
            )
        )  # fmt: skip

    @precondition(lambda self: self.imported)
    @rule(data=st.data(), account=ACCOUNTS, day=DAYS, moves=st.booleans())
    def an_import_is_corrected(
        self, data: st.DataObject, account: str, day: date, moves: bool
    ) -> None:
        key, was = data.draw(st.sampled_from(self.imported))
        common = {"production": self.o.film.production, "key": key, "day": day, "reason": "wrong"}
        if moves:
            done = self._do(
                lambda amir: corrections.change_distribution(
                    actor=amir, changes=(Change(1, account),), **common
                )
            )
            assert done is None or _side(was) == _side(account), "the lock froze the boundary"
        else:
            self._do(lambda amir: corrections.reverse_document(actor=amir, **common))

    @rule(amount=AMOUNTS, left=ACCOUNTS, right=ACCOUNTS, day=DAYS)
    def a_journal_is_entered(self, amount: str, left: str, right: str, day: date) -> None:
        lines = (JournalLine(left, debit=amount), JournalLine(right, credit=amount))
        plan = JournalPlan(self.o.unit, day, "USD", "accrual", lines, self.next())
        self._do(
            lambda amir: journals.enter_journal(
                actor=amir, production=self.o.film.production, plan=plan,
                cost_centers=list(self.o.centers.values()),
            )
        )  # fmt: skip

    @rule(kind=st.sampled_from(["advance", "reimbursement", "return"]), amount=AMOUNTS, day=DAYS)
    def cash_moves(self, kind: str, amount: str, day: date) -> None:
        self._do(
            lambda amir: funds.move_cash(
                actor=amir, fund=self.fund, kind=kind, number=self.next(), day=day, amount=amount
            )
        )

    @rule(amount=AMOUNTS, day=DAYS)
    def an_envelope_is_posted(self, amount: str, day: date) -> None:
        self._do(
            lambda amir: funds.post_envelope(
                actor=amir, fund=self.fund, number=self.next(), day=day,
                lines=(CostLine("3310", amount),),
            )
        )  # fmt: skip

    @rule(ahead=st.integers(0, 1))
    def a_period_is_closed(self, ahead: int) -> None:
        wanted = self.closed + 1 + ahead
        if wanted > 10:
            return
        done = self._do(
            lambda amir: close_period(actor=amir, production=self.o.film.production, number=wanted)
        )
        assert (done is not None) == (ahead == 0), "periods close in their order"
        self.closed += done is not None

    @rule(move=MOVES, amount=MOVED)
    def a_change_of_the_budget_is_asked_for(self, move: tuple[str, str, str], amount: str) -> None:
        kind, taken_from, given_to = move
        lines = [(given_to, amount)] + ([(taken_from, f"-{amount}")] if taken_from else [])
        made = self._do(
            lambda amir: changes.request_change(
                actor=amir, production=self.o.film.production, kind=kind, day=date(2026, 1, 14),
                reason="weather cover", lines=lines,
            )
        )  # fmt: skip
        assert (made is not None) == (move in CONSERVING), "a change conserves, or is refused"
        if isinstance(made, BudgetChange):
            self.asked.append((made, {code: Decimal(m) for code, m in lines}))

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), person=st.sampled_from(["lena", "lena", "amir"]), approves=st.booleans())
    def a_change_of_the_budget_is_decided(
        self, data: st.DataObject, person: str, approves: bool
    ) -> None:
        """Once, by Lena and not by Amir, who asked; and nothing moves that is not there."""
        change, lines = data.draw(st.sampled_from(self.asked))
        is_there = all(self.budget[code] + m >= 0 for code, m in lines.items())
        act = changes.approve_change if approves else changes.reject_change
        done = self._do(lambda actor: act(actor=actor, change=change), person)
        expected = person == "lena" and change.pk not in self.decided
        assert (done is not None) == (expected and (is_there or not approves))
        if done is None:
            return
        self.decided.add(change.pk)
        if not approves:
            return
        for code, amount in lines.items():
            self.budget[code] += amount
            if change.kind == "overage":
                self.raised[_side(code)] += amount
            elif change.kind == "draw" and code != "8001":
                self.drawn[_side(code)] += amount

    @rule(account=ACCOUNTS, way=st.sampled_from(["efc", "etc", "delta"]), stated=STATED, day=DAYS)
    def an_estimate_is_entered(self, account: str, way: str, stated: str, day: date) -> None:
        """Unless it says less than is spent, is dated before the last one, or changes nothing."""
        cost, amount = self._standing(account).total_cost, Decimal(stated)
        was = max(self.budget[account], cost) if self.budget[account] else cost
        was, last = self.efc.get(account, (was, date.min))
        wanted = {"efc": amount, "etc": cost + amount, "delta": was + amount}[way]
        posted = wanted - was if account in self.efc else wanted
        made = self._do(
            lambda amir: efc.enter_efc(
                actor=amir, production=self.o.film.production,
                account=efc.account_to_forecast(self.o.film.production, account),
                asked=efc.Asked(way, stated, day, "three extra days"),
            )
        )  # fmt: skip
        assert (made is not None) == (wanted >= cost and day >= last and posted != 0)
        if isinstance(made, EfcEntry):
            self.efc[account] = (wanted, day)

    def _standing(self, account: str) -> Standing:
        with self.o.acts():
            found = efc.account_to_forecast(self.o.film.production, account)
            return budgets.standing(self.o.film.production, found)

    def _in_dollars(self, amount: str, day: date) -> Decimal:
        """Canadian dollars of a day by the last sheet of the week before it; nothing without."""
        known = [d for d in self.sheets if day - timedelta(days=7) <= d <= day]
        if not known:
            return Decimal(0)
        dollars, canadian = map(Decimal, fx_house.SHEETS[max(known)])
        return (Decimal(amount) * dollars / canadian).quantize(Decimal("0.01"), ROUND_HALF_EVEN)

    @invariant()
    def budget_and_forecast_move_by_their_own_acts_alone(self) -> None:
        if not hasattr(self, "o"):
            return
        with role("owner"):
            rows = query(STANDING, self.o.film.production.pk)
        budget = {code: amount for book, code, _, amount in rows if book == 3}
        assert budget == self.budget
        tiers = {
            line: sum(m for book, _, of, m in rows if book == 3 and of == line)
            for line in ("ATL", "BTL", "CONT")
        }
        assert tiers == {
            "ATL": 290_000 + self.drawn["ATL"] + self.raised["ATL"],
            "BTL": 220_000 + self.drawn["BTL"] + self.raised["BTL"],
            "CONT": 51_000 - sum(self.drawn.values()),
        }, "a side of the line grows by draws and overages alone"
        assert sum(tiers.values()) == 561_000 + sum(self.raised.values()), "the total is conserved"
        forecast = {code: amount for book, code, _, amount in rows if book == 4}
        assert forecast == {code: efc for code, (efc, _) in self.efc.items()}

    @invariant()
    def the_books_are_right(self) -> None:
        if not hasattr(self, "o"):
            return
        type(self).looks += 1
        with role("owner"):
            for name, sql in INVARIANTS.items():
                assert query(sql.replace("%(p)s", "%s"), *[self.o.film.production.pk] * sql.count(
                    "%(p)s")) == [], name  # fmt: skip

    def teardown(self) -> None:
        if not hasattr(self, "o"):
            return
        with role("owner"):
            assert verify_production(self.o.film.production).findings == []
        with self.o.acts():
            assert selectors.fund_balance(self.fund) >= Decimal(0)


@pytest.mark.parametrize("part", [1, 2])
def test_the_books_stay_right_whatever_is_done(cast: Cast, part: int) -> None:
    """Two parts, so that two processes share the work. More examples: BOOKS_EXAMPLES=100."""
    machine = type(f"Books{part}", (Books,), {"cast": cast})
    examples = int(os.environ.get("BOOKS_EXAMPLES", "6"))
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert machine.looks >= examples, "the invariants were looked at"
