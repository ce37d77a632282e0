"""Posted before the rate was known, converted after; each figure worked by hand."""

from datetime import date
from decimal import Decimal

import pytest
from django.db.utils import DatabaseError

from access.errors import Refused
from ledger import corrections, entries, holes, verify
from ledger.corrections import Change
from ledger.entries import Amount, Entry
from ledger.services import close_period
from reports.cost_report import cost_report, trial_balance
from taxonomy import selectors as taxonomy
from tests.factories import Film, acting, cost_line, cost_lines, import_data, role
from tests.ledger.fx_house import balances, bill, history, load
from tests.ledger.raw_batches import Values, Words, insert, query, words, write_batch

D = Decimal
WEDNESDAY, FRIDAY = date(2026, 1, 14), date(2026, 1, 16)


def convert(film: Film, most: int | None = None) -> holes.Converted:
    with role("web"), acting(film, "amir"):
        return holes.convert_holes(actor=film.cast["amir"], production=film.production, most=most)


def unconverted(film: Film, number: int | None = None) -> dict[str, Decimal]:
    with role("web"), acting(film, "amir"):
        report = cost_report(film.production, number=number)
    return {c: f.to_date for c, f in report.unconverted.items()}


def test_a_hole_is_named_filled_once_and_the_books_come_out_right(film: Film) -> None:
    bill(film)
    assert balances(film) == {}
    assert unconverted(film) == {"CAD": D(1000)}
    waiting = convert(film)
    assert waiting.documents == 0
    assert [(h.currency, h.day) for h in waiting.missing] == [("CAD", WEDNESDAY)]

    load(film)
    done = convert(film)
    assert (done.documents, done.lines, done.missing) == (1, 1, ())
    # 1,000 CAD x 1.25 / 1.60
    assert balances(film) == {"3310": D("781.25"), "0300": D("-781.25")}
    assert balances(film, "amount") == {"3310": D(1000), "0300": D(-1000)}  # no CAD twice
    assert unconverted(film) == {}
    assert convert(film).documents == 0
    with role("owner"):
        assert verify.verify_production(film.production).findings == []


def test_the_cost_report_and_the_trial_balance_are_the_sum_of_all_that_has_a_value(
    film: Film,
) -> None:
    rows = [
        cost_line(1, amount="1000.00", currency="CAD"),
        cost_line(2, amount="50.00"),
        cost_line(3, account="2220", center="ART", amount="16.00", currency="CAD"),
        cost_line(4, amount="9.00", currency="GBP"),
    ]
    import_data(film, cost_lines(rows))
    load(film)
    convert(film)
    with role("web"), acting(film, "amir"):
        report = cost_report(film.production)
        in_base = trial_balance(film.production, in_base=True)
        by_currency = trial_balance(film.production)
    # 781.25 + 50.00 + 12.50 (16 x 0.78125)
    assert report.total.to_date == D("843.75")
    assert {c: f.to_date for c, f in report.unconverted.items()} == {"GBP": D(9)}
    assert [(b.account.code, b.currency, b.debit - b.credit) for b in in_base] == [
        ("0300", "GBP", D(-9)), ("0300", "USD", D("-843.75")), ("2220", "USD", D("12.50")),
        ("3310", "GBP", D(9)), ("3310", "USD", D("831.25")),
    ]  # fmt: skip
    assert {(b.account.code, b.currency): b.debit - b.credit for b in by_currency} == {
        ("0300", "CAD"): D(-1016), ("0300", "GBP"): D(-9), ("0300", "USD"): D(-50),
        ("2220", "CAD"): D(16), ("3310", "CAD"): D(1000), ("3310", "GBP"): D(9),
        ("3310", "USD"): D(50),
    }  # fmt: skip


def test_holes_that_are_opposites_are_named_until_they_are_filled(film: Film) -> None:
    bill(film, 1, "100.00", "2026-01-14", "GBP")
    bill(film, 2, "-100.00", "2026-01-15", "GBP")
    assert unconverted(film) == {"GBP": D(0)}


def test_a_hole_of_a_closed_week_is_filled_in_the_first_open_one(film: Film) -> None:
    bill(film, day="2026-01-09")
    with role("web"), acting(film, "amir"):
        close_period(actor=film.cast["amir"], production=film.production, number=1)
    load(film)
    assert convert(film).documents == 1
    assert unconverted(film, 1) == {"CAD": D(1000)}
    assert unconverted(film, 2) == {}
    with role("web"), acting(film, "amir"):
        report = cost_report(film.production, number=2)
    assert (report.total.period, report.total.to_date) == (D("800.00"), D("800.00"))


def test_some_are_filled_and_the_rest_wait_for_the_next_turn(film: Film) -> None:
    import_data(
        film, cost_lines([cost_line(n, amount="16.00", currency="CAD") for n in range(1, 6)])
    )
    load(film)
    assert convert(film, most=2).documents == 2
    assert balances(film)["3310"] == D("25.00")
    assert convert(film).documents == 3
    assert balances(film)["3310"] == D("62.50")


def test_a_rate_that_comes_later_fills_only_its_own_days(film: Film) -> None:
    bill(film, 1, day="2026-01-14")
    bill(film, 2, day="2026-01-05")
    load(film, history(WEDNESDAY))
    done = convert(film)
    assert (done.documents, [h.day for h in done.missing]) == (1, [date(2026, 1, 5)])


def test_what_was_converted_later_is_taken_back_with_its_value(film: Film) -> None:
    key = bill(film)
    load(film)
    convert(film)
    with role("web"), acting(film, "amir"):
        corrections.reverse_document(
            actor=film.cast["amir"], production=film.production, key=key, day=FRIDAY, reason="twice"
        )
    # At Wednesday's rate, not at Friday's, on which the reversal was entered.
    assert balances(film) == {}
    assert balances(film, "amount") == {}
    assert unconverted(film) == {}
    with role("owner"):
        assert verify.verify_production(film.production).findings == []


def test_a_moved_cost_keeps_the_rate_of_its_own_day(film: Film) -> None:
    hole = bill(film, 1)
    load(film)
    convert(film)
    valued = bill(film, 2, "160.00")
    for key in (hole, valued):
        with role("web"), acting(film, "amir"):
            corrections.change_distribution(
                actor=film.cast["amir"], production=film.production, key=key, day=FRIDAY,
                reason="miscoded", changes=[Change(1, "3301")],
            )  # fmt: skip
    assert balances(film) == {"3301": D("906.25"), "0300": D("-906.25")}  # 781.25 + 125.00
    assert unconverted(film) == {}


def test_a_conversion_is_not_itself_taken_back(film: Film) -> None:
    bill(film)
    load(film)
    (batch,) = convert(film).batches
    refused = pytest.raises(Refused, match="gives a posted document its value in USD")
    with role("web"), refused, acting(film, "amir"):
        corrections.reverse_document(
            actor=film.cast["amir"], production=film.production, key=(batch.pk, 1), day=FRIDAY,
            reason="twice",
        )  # fmt: skip


def test_a_document_entered_by_hand_may_have_a_hole_and_says_so(film: Film) -> None:
    with role("web"), acting(film, "amir"):
        unit = taxonomy.unit_by_code(film.production, "MAIN")
        assert unit is not None
        form = entries.form_for(film.production, unit)
        cost = form.account("3310", "Line 1")
        assert cost.cost_center_id is not None
        money = Amount(D(10), "CAD", WEDNESDAY)
        line = form.posting(cost, form.role("payables"), cost.cost_center_id, money)
        entry = Entry("INV-1", "Panavision", "", WEDNESDAY, (line,))
        (hole,) = entries.holes_in(form, [entry])
        assert "No rate from CAD to USD for 14 Jan 2026" in str(hole)
        entries.enter(
            actor=film.cast["amir"], form=form, kind="invoice", said={"n": 1}, entries=[entry]
        )
    load(film)
    assert convert(film).documents == 1
    assert balances(film)["3310"] == D("7.81")  # 7.8125


@pytest.mark.parametrize("later", [False, True])
def test_what_rounding_leaves_of_a_journal_goes_to_currency_rounding(
    film: Film, later: bool
) -> None:
    if not later:
        load(film)
    with role("web"), acting(film, "amir"):
        unit = taxonomy.unit_by_code(film.production, "MAIN")
        assert unit is not None
        form = entries.form_for(film.production, unit)
        clearing = form.role("journal_clearing")
        center = form.account("3310", "Line 1").cost_center_id
        assert center is not None
        legs = tuple(
            form.posting(form.account(code, code), clearing, center, Amount(D(a), "CAD", FRIDAY))
            for code, a in (("3310", "0.06"), ("3301", "-0.03"), ("2220", "-0.03"))
        )
        entry = Entry("JE-1", "", "three legs", FRIDAY, legs)
        entries.enter(
            actor=film.cast["amir"], form=form, kind="journal", said={"n": 1}, entries=[entry]
        )
    if later:
        load(film)
        convert(film)
    # At 0.80: 0.048 -> 0.05, and twice -0.024 -> -0.02; one coin is left over.
    assert balances(film) == {
        "3310": D("0.05"),
        "3301": D("-0.02"),
        "2220": D("-0.02"),
        "0510": D("-0.01"),
    }
    assert sum(balances(film).values()) == 0
    assert balances(film, "amount")["3310"] == D("0.06")


# --- the database's own walls


def filling(w: Words, hole: tuple[int, int], **changed: object) -> tuple[list[Values], Values]:
    """The two lines that fill a hole of 1,000 CAD, and the row that says so."""
    out = {"currency": "CAD", "amount": D(-1000), "base_amount": None}
    put = {"currency": "CAD", "amount": D(1000), "base_amount": D("781.25"), **changed}
    row = {
        "production_id": w.production, "hole_batch_id": hole[0], "hole_number": hole[1],
        "number": 1,
    }  # fmt: skip
    return [out, put], row


def kept(film: Film) -> Values:
    with role("owner"):
        ((sheet,),) = query(
            "SELECT id FROM ledger_ratesheet WHERE production_id = %s AND published_on = %s",
            film.production.pk, WEDNESDAY,
        )  # fmt: skip
    return {
        "production_id": film.production.pk, "currency": "CAD", "day": WEDNESDAY,
        "sheet_id": sheet, "numerator": D("1.25"), "denominator": D("1.60"), "lines": 1,
    }  # fmt: skip


WRONG: dict[str, tuple[Values, Values, str]] = {
    "another kind of batch": ({"kind": "import"}, {}, "converts nothing that was posted"),
    "another unit": ({"unit": "SECOND"}, {}, "converts nothing that was posted"),
    "a document there is not": ({"hole_number": 7}, {}, "does not put back exactly"),
    "another account": ({}, {"account": "3301"}, "does not put back exactly"),
    "another cost centre": ({}, {"center": "ART"}, "does not put back exactly"),
    "another component": ({}, {"component": "gross"}, "does not put back exactly"),
    "only the value": ({"only": 1}, {}, "does not put back exactly"),
    "no word of what it fills": ({"row": False}, {}, "converts nothing that was posted"),
}


@pytest.mark.parametrize("rule", WRONG)
def test_the_seal_takes_no_filling_with(film: Film, rule: str) -> None:
    load(film, history(FRIDAY))
    hole = bill(film)
    load(film)
    about, line, said = WRONG[rule]
    w = words(film)
    changed: Values = {k: v for k, v in line.items() if k == "component"}
    if "account" in line:
        changed["account_id"] = w.accounts[line["account"]]
    if "center" in line:
        changed["cost_center_id"] = w.centers[line["center"]]
    lines, row = filling(w, hole, **changed)
    unit = w.units[about.get("unit", "MAIN")]
    lines = [{**each, "unit_id": unit} for each in lines[about.get("only", 0) :]]
    rate = kept(film)
    with role("worker"), pytest.raises(DatabaseError, match=said), acting(film, "amir"):
        batch = write_batch(
            w, batch={"kind": about.get("kind", "fx_convert"), "unit_id": unit}, postings=lines
        )
        insert("ledger_conversion", batch_id=batch, **rate)
        if about.get("row", True):
            number = about.get("hole_number", 1)
            insert("ledger_filledhole", **{**row, "batch_id": batch, "hole_number": number})


def test_the_seal_fills_a_hole_once_and_never_at_another_day(film: Film) -> None:
    load(film, history(FRIDAY))
    hole = bill(film)
    load(film)
    w, rate = words(film), kept(film)
    lines, row = filling(w, hole)

    def fill(day: date = WEDNESDAY) -> None:
        with role("worker"), acting(film, "amir"):
            batch = write_batch(
                w, batch={"kind": "fx_convert"}, transactions=[{"effective_date": day}],
                postings=lines,
            )  # fmt: skip
            insert("ledger_conversion", **{**rate, "batch_id": batch, "day": day})
            insert("ledger_filledhole", **row, batch_id=batch)

    with pytest.raises(DatabaseError, match="not at the rate of its day"):
        fill(date(2026, 1, 15))
    fill()
    assert balances(film)["3310"] == D("781.25")
    with pytest.raises(DatabaseError, match="ledger_filledhole_pkey"):
        fill()
