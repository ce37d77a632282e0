"""Realised when paid, unrealised at a week's end; each figure worked by hand."""

from datetime import date
from decimal import Decimal

import pytest
from django.db.utils import DatabaseError

from access.errors import Invalid, Refused
from ledger import verify
from ledger.differences import NoRate, Revaluation, revalue_period
from ledger.registers import register
from ledger.services import close_period
from reports.cost_report import cost_report, trial_balance
from tests.factories import Film, acting, cost_line, cost_lines, import_data, role
from tests.ledger.fx_house import balances, bill, history, load, pay
from tests.ledger.raw_batches import query, words, write_batch

D = Decimal
FRIDAYS = {2: date(2026, 1, 16), 3: date(2026, 1, 23), 4: date(2026, 1, 30)}


def revalue(film: Film, number: int) -> Revaluation:
    with role("web"), acting(film, "amir"):
        return revalue_period(actor=film.cast["amir"], production=film.production, number=number)


def upto(film: Film, number: int) -> dict[str, Decimal]:
    """Account -> its balance in dollars at the end of a week."""
    with role("owner"):
        return dict(
            query(
                "SELECT a.code, sum(t.base_amount) FROM ledger_batchtotal t"
                " JOIN ledger_account a ON a.id = t.account_id"
                " JOIN ledger_period e ON e.id = t.period_id"
                " WHERE t.production_id = %s AND e.number <= %s"
                " GROUP BY 1 HAVING sum(t.base_amount) <> 0",
                film.production.pk, number,
            )
        )  # fmt: skip


def test_an_invoice_paid_at_a_dearer_rate_is_a_realised_loss(film: Film) -> None:
    load(film)
    bill(film)  # 1,000 CAD on the 14th at 0.78125: 781.25
    pay(film, "1000.00", FRIDAYS[3])  # at 0.84: 840.00
    assert balances(film) == {
        "3310": D("781.25"),
        "7015": D("58.75"),  # 840.00 - 781.25
        "0100": D("-840.00"),
    }
    # Nothing is left of the debt, in either currency, and no Canadian dollar was made of rates.
    assert balances(film, "amount") == {"3310": D(1000), "0100": D(-1000)}
    with role("web"), acting(film, "amir"):
        total = cost_report(film.production).total.to_date
        assert total == D("840.00")  # the film has cost what it has paid
        rows = trial_balance(film.production)
        assert ("7015", "CAD") not in {(b.account.code, b.currency) for b in rows}
        assert register(film.production).realised == D("58.75")
    with role("owner"):
        assert verify.verify_production(film.production).findings == []


def test_an_invoice_paid_at_a_cheaper_rate_is_a_realised_gain(film: Film) -> None:
    load(film)
    bill(film)
    pay(film, "1000.00", FRIDAYS[4])  # at 0.75: 750.00
    assert balances(film) == {"3310": D("781.25"), "7015": D("-31.25"), "0100": D("-750.00")}


def test_part_payments_at_two_rates_leave_nothing_of_the_debt(film: Film) -> None:
    load(film)
    bill(film)
    pay(film, "400.00", FRIDAYS[2])
    # 400 x 0.80 = 320.00 against 312.50 of what was carried: 7.50 lost, 468.75 still carried
    assert balances(film)["0300"] == D("-468.75")
    assert balances(film)["7015"] == D("7.50")
    pay(film, "600.00", FRIDAYS[3], before="400.00")
    # 600 x 0.84 = 504.00: a further 35.25
    assert balances(film) == {"3310": D("781.25"), "7015": D("42.75"), "0100": D("-824.00")}


def test_a_payment_waits_for_its_rate_and_is_not_above_what_is_open(film: Film) -> None:
    load(film, history(date(2026, 1, 14)))
    bill(film)
    with pytest.raises(NoRate, match="No rate from CAD to USD for 23 Jan 2026"):
        pay(film, "1000.00", FRIDAYS[3])
    load(film)
    with pytest.raises(NoRate, match="posted without a rate and has no value yet"):
        pay(film, "1000.00", FRIDAYS[3], base=None)
    for amount in ("1000.01", "-1.00"):
        with pytest.raises(Invalid, match=r"Payment: expected at most 1000 CAD"):
            pay(film, amount, FRIDAYS[3])


def test_an_open_debt_is_revalued_at_the_end_and_taken_back_the_day_after(film: Film) -> None:
    load(film)
    bill(film)
    done = revalue(film, 3)  # Sunday the 25th takes the rate of Friday the 23rd: 0.84
    ((line,), gain) = done.lines, done.gain
    assert (line.account, line.currency, line.balance) == ("0300", "CAD", D(-1000))
    assert (line.carried, line.value, gain) == (D("-781.25"), D("-840.00"), D("-58.75"))
    assert upto(film, 2) == {"3310": D("781.25"), "0300": D("-781.25")}
    assert upto(film, 3) == {"3310": D("781.25"), "0300": D("-840.00"), "0500": D("58.75")}
    assert upto(film, 4) == {"3310": D("781.25"), "0300": D("-781.25")}
    with role("web"), acting(film, "amir"):
        # It is no cost: the report of the week is what it was.
        assert cost_report(film.production, number=3).total.to_date == D("781.25")
    with role("owner"):
        assert query(
            "SELECT t.effective_date, t.reverses_batch_id = %s FROM ledger_transaction t"
            " WHERE t.batch_id = %s",
            done.batches[0].pk, done.taken_back[0].pk,
        ) == [(date(2026, 1, 26), True)]  # fmt: skip
        assert verify.verify_production(film.production).findings == []


def test_revaluing_and_then_paying_counts_no_difference_twice(film: Film) -> None:
    load(film)
    bill(film)
    revalue(film, 3)
    pay(film, "1000.00", FRIDAYS[4])  # 0.75: a gain of 31.25
    assert balances(film) == {"3310": D("781.25"), "7015": D("-31.25"), "0100": D("-750.00")}
    # The bank is 1,000 Canadian dollars short, at 0.75: nothing to revalue in week 4.
    assert revalue(film, 4).batches == ()


def test_run_again_it_posts_only_what_has_changed(film: Film) -> None:
    load(film)
    bill(film, 1)
    assert revalue(film, 3).gain == D("-58.75")
    again = revalue(film, 3)
    assert (again.gain, again.batches) == (D(0), ())
    bill(film, 2, "100.00")  # carried at 78.12 (78.125), worth 84.00
    more = revalue(film, 3)
    assert more.gain == D("-5.88")
    assert upto(film, 3)["0500"] == D("64.63")  # 58.75 + 5.88
    assert "0500" not in upto(film, 4)


def test_each_unit_has_its_own_difference(film: Film) -> None:
    load(film)
    bill(film)
    row = cost_line(50, amount="10.00", currency="CAD")
    import_data(film, cost_lines([row]), unit="SECOND", name="second.csv")
    done = revalue(film, 3)
    # 10 CAD: carried 7.81 (7.8125), worth 8.40
    assert [(v.unit, v.gain) for v in done.lines] == [
        ("MAIN", D("-58.75")), ("SECOND", D("-0.59")),
    ]  # fmt: skip


def test_a_week_is_revalued_while_it_and_the_next_are_open(film: Film) -> None:
    load(film)
    bill(film)
    with pytest.raises(Refused, match="Wk 13 is not open: the unrealised difference of wk 12"):
        revalue(film, 12)
    with pytest.raises(Refused, match="Wk 99 is not open"):
        revalue(film, 99)
    with pytest.raises(NoRate, match="No rate from CAD to USD for 15 Feb 2026"):
        revalue(film, 6)
    with role("web"), acting(film, "amir"):
        close_period(actor=film.cast["amir"], production=film.production, number=1)
    with pytest.raises(Refused, match="Wk 1 is not open: revalue a period before it is closed"):
        revalue(film, 1)


def test_only_who_posts_entries_revalues(film: Film) -> None:
    load(film)
    bill(film)
    with role("web"), pytest.raises(DatabaseError, match="row-level"), acting(film, "lena"):
        revalue_period(actor=film.cast["lena"], production=film.production, number=3)


def test_a_difference_is_taken_back_exactly_or_not_at_all(film: Film) -> None:
    load(film)
    bill(film)
    w = words(film)
    line = {
        "component": "fx_unrealised", "amount": D(0), "base_amount": D("1.00"), "currency": "CAD",
        "account_id": w.clearing["fx_unrealised"], "counter_account_id": w.clearing["payables"],
    }  # fmt: skip
    with role("worker"), acting(film, "amir"):
        batch = write_batch(w, postings=[line])
    back = {"reverses_batch_id": batch, "reverses_number": 1}
    refused = pytest.raises(DatabaseError, match="not the exact opposite")
    with role("worker"), refused, acting(film, "amir"):
        write_batch(w, transactions=[back], postings=[{**line, "base_amount": D("-0.99")}])
    with role("worker"), acting(film, "amir"):
        write_batch(w, transactions=[back], postings=[{**line, "base_amount": D("-1.00")}])
    assert "0500" not in balances(film)
