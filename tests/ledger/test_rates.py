"""Taking rates in, correcting them, and the rate each posting was made with."""

from datetime import date
from decimal import Decimal

import pytest
from django.db.utils import DatabaseError, IntegrityError

from access.errors import Invalid
from ledger import rates, verify
from ledger.fx import Cross
from ledger.rates import RatesDiffer
from taxonomy.currencies import MINOR_UNITS
from tests.factories import Film, acting, cost_line, cost_lines, import_data, role
from tests.ingestion.books import decide, held
from tests.ledger.fx_house import SHEETS, balances, bill, history, load
from tests.ledger.raw_batches import Values, Words, insert, query, words, write_batch

D = Decimal
FRIDAY = date(2026, 1, 16)


def conversions(film: Film) -> list[tuple[object, ...]]:
    with role("owner"):
        return query(
            "SELECT c.currency, c.day, s.published_on, c.numerator, c.denominator, c.lines"
            " FROM ledger_conversion c JOIN ledger_ratesheet s ON s.id = c.sheet_id"
            " WHERE c.production_id = %s ORDER BY c.batch_id, c.day, c.currency",
            film.production.pk,
        )


def test_a_file_is_kept_with_its_bytes_and_each_of_its_days(film: Film) -> None:
    loaded = load(film)
    assert (loaded.new, loaded.known, loaded.corrected, loaded.outside) == (5, 0, 0, 0)
    again = load(film)
    assert (again.new, again.known, again.document.pk) == (0, 5, loaded.document.pk)
    with role("web"), acting(film, "amir"):
        book = rates.rate_book(film.production)
        rate = book.rate("CAD", date(2026, 1, 14))
    assert isinstance(rate, Cross)
    assert (rate.path, rate.shown) == ("CAD>EUR>USD", D("0.78125"))


def test_days_long_before_the_production_are_not_kept(film: Film) -> None:
    data = b"Date,USD,\n2026-01-09,1.2,\n2025-01-04,1.1,\n2025-01-03,1.1,\n2009-01-02,1.1,\n"
    loaded = load(film, data)
    # The first week begins on 5 January 2026; 366 days before it is 4 January 2025.
    assert (loaded.new, loaded.outside) == (2, 2)


def test_a_faulty_file_is_refused_whole_with_every_place(film: Film) -> None:
    with pytest.raises(Invalid) as refusal:
        load(film, b"Date,USD,\n2026-01-09,1.2,\n2026-01-12,x,\n2026-01-13,0,\n")
    assert refusal.value.message == (
        "rates.csv: Line 3, USD: expected a rate above zero, or N/A, found 'x'.\n"
        "Line 4, USD: expected a rate above zero, or N/A, found '0'."
    )
    with role("web"), acting(film, "amir"):
        assert not rates.current_sheets(film.production).exists()


def test_a_file_that_contradicts_needs_a_reason_and_supersedes(film: Film) -> None:
    load(film)
    key = bill(film)
    wrong = b"Date,USD,CAD,\n2026-01-14,1.25,1.00,\n"
    with pytest.raises(RatesDiffer, match=r"14 Jan 2026: CAD was taken as 1\.60 and is 1\.00"):
        load(film, wrong)
    loaded = load(film, wrong, reason="first published with an error")
    assert loaded.corrected == 1
    with role("web"), acting(film, "amir"):
        current = rates.current_sheets(film.production).get(published_on=date(2026, 1, 14))
        assert (current.rates["CAD"], current.reason) == ("1.00", "first published with an error")
        assert current.supersedes is not None
        assert current.supersedes.rates["CAD"] == "1.60"
    # What was posted stays as it was posted; what comes now takes the corrected rate.
    assert balances(film)["3310"] == D("781.25")
    bill(film, 2)
    assert balances(film)["3310"] == D("781.25") + D("1250.00")
    assert key[1] == 1


def test_a_file_that_only_adds_a_currency_needs_no_reason(film: Film) -> None:
    load(film, b"Date,USD,\n2026-01-14,1.25,\n")
    loaded = load(film, b"Date,USD,CAD,\n2026-01-14,1.250,1.60,\n")
    assert (loaded.corrected, loaded.sheets[0].reason) == (1, "also quotes CAD")
    assert load(film, b"Date,CAD,\n2026-01-14,1.60,\n").known == 1


def test_an_import_keeps_one_rate_a_currency_and_day(film: Film) -> None:
    load(film)
    rows = [
        cost_line(1, amount="1000.00", currency="CAD"),
        cost_line(2, amount="10.01", currency="CAD"),
        cost_line(3, amount="80.00", currency="EUR"),
        cost_line(4, amount="100.00", currency="CAD", day="2026-01-17"),  # a Saturday
        cost_line(5, amount="5.00"),
        cost_line(6, amount="7.00", currency="GBP"),
    ]
    import_data(film, cost_lines(rows))
    assert conversions(film) == [
        ("CAD", date(2026, 1, 14), date(2026, 1, 14), D("1.25"), D("1.60"), 2),
        ("EUR", date(2026, 1, 14), date(2026, 1, 14), D("1.25"), D("1"), 1),
        ("CAD", date(2026, 1, 17), FRIDAY, D("1.20"), D("1.50"), 1),
    ]
    # 781.25 + 7.82 (10.01 x 0.78125 = 7.8203125) + 100.00 + 80.00 + 5.00; pounds have no rate
    assert balances(film) == {"3310": D("974.07"), "0300": D("-974.07")}


def test_a_foreign_row_fixed_on_the_desk_is_converted_as_well(film: Film) -> None:
    load(film)
    import_data(film, cost_lines([cost_line(1, amount="100.00", currency="C$")]))
    with role("owner"):
        (row,) = held(film)
        decide(film, row, values={"currency": "CAD"})
    assert balances(film)["3310"] == D("78.12")  # 78.125: the half goes to the even coin
    assert conversions(film)[0][-1] == 1


def test_the_journal_with_rates_is_whole_and_an_altered_rate_is_named(film: Film) -> None:
    load(film)
    bill(film)
    with role("owner"):
        assert verify.verify_production(film.production).findings == []


# --- the database's own walls


def sheet_values(film: Film, w: Words, **changed: object) -> Values:
    with role("owner"):
        document = query(
            "SELECT min(id) FROM ledger_sourcedocument WHERE production_id = %s",
            film.production.pk,
        )[0][0]
    return {
        "production_id": w.production, "source": "ecb", "published_on": date(2026, 1, 20),
        "rates": '{"USD": "1.1"}', "document_id": document, "url": "", "actor_id": w.actor,
        "reason": "", **changed,
    }  # fmt: skip


WRONG_SHEETS: dict[str, tuple[dict[str, object], str]] = {
    "no list": ({"rates": "[]"}, "not a list of currencies"),
    "an empty list": ({"rates": "{}"}, "not a list of currencies"),
    "a number": ({"rates": '{"USD": 1.1}'}, "not a number above zero"),
    "a zero": ({"rates": '{"USD": "0.00"}'}, "not a number above zero"),
    "a minus": ({"rates": '{"USD": "-1"}'}, "not a number above zero"),
    "not a number": ({"rates": '{"USD": "NaN"}'}, "not a number above zero"),
    "a small currency": ({"rates": '{"usd": "1"}'}, "not a number above zero"),
    "the euro in euros": ({"rates": '{"EUR": "1"}'}, "not a number above zero"),
    "a file there is not": ({"document_id": 2**40}, "file of another production"),
    "a day known": ({"published_on": FRIDAY}, "rate_sheet_day"),
}


@pytest.mark.parametrize("rule", WRONG_SHEETS)
def test_the_database_takes_no_sheet_with(film: Film, rule: str) -> None:
    load(film)
    changed, said = WRONG_SHEETS[rule]
    values = sheet_values(film, words(film), **changed)
    with role("worker"), pytest.raises(DatabaseError, match=said), acting(film, "amir"):
        insert("ledger_ratesheet", **values)


def test_a_correction_is_of_the_same_day_has_a_reason_and_happens_once(film: Film) -> None:
    load(film)
    w = words(film)
    with role("owner"):
        ((old,),) = query(
            "SELECT id FROM ledger_ratesheet WHERE production_id = %s AND published_on = %s",
            w.production, FRIDAY,
        )  # fmt: skip
    correction = {"supersedes_id": old, "reason": "an error", "published_on": FRIDAY}
    for changed, said in (
        ({"published_on": date(2026, 1, 20)}, "those of another day"),
        ({"reason": ""}, "rate_sheet_correction_has_reason"),
    ):
        values = sheet_values(film, w, **{**correction, **changed})
        with role("worker"), pytest.raises(DatabaseError, match=said), acting(film, "amir"):
            insert("ledger_ratesheet", **values)
    values = sheet_values(film, w, **correction)
    with role("worker"), acting(film, "amir"):
        insert("ledger_ratesheet", **values)
    with role("worker"), pytest.raises(IntegrityError, match="supersedes"), acting(film, "amir"):
        insert("ledger_ratesheet", **values)


def test_only_who_posts_entries_takes_rates_in_and_in_their_own_name(film: Film) -> None:
    load(film)
    w = words(film)
    for person, actor in (("lena", "lena"), ("cho", "cho"), ("amir", "lena")):
        values = sheet_values(film, w, actor_id=film.cast[actor].pk)
        refused = pytest.raises(DatabaseError, match="row-level security")
        with role("web"), refused, acting(film, person):
            insert("ledger_ratesheet", **values)


@pytest.mark.parametrize("table", ["ledger_ratesheet", "ledger_conversion", "ledger_filledhole"])
def test_nothing_about_rates_is_ever_changed_or_removed(film: Film, table: str) -> None:
    load(film)
    for sql in (
        f"UPDATE {table} SET production_id = production_id", f"DELETE FROM {table}",
        f"TRUNCATE {table} CASCADE",
    ):  # fmt: skip
        with role("owner"), pytest.raises(DatabaseError), acting(film, "amir"):
            query(sql)


def foreign(**changed: object) -> Values:
    """1,000 Canadian dollars of Wednesday, worth 781.25."""
    return {"currency": "CAD", "amount": D(1000), "base_amount": D("781.25"), **changed}


def conversion(film: Film, **changed: object) -> Values:
    with role("owner"):
        sheets = dict(
            query(
                "SELECT published_on, id FROM ledger_ratesheet WHERE production_id = %s",
                film.production.pk,
            )
        )
    wednesday = date(2026, 1, 14)
    sheet = sheets.get(changed.pop("of", wednesday))
    return {
        "production_id": film.production.pk, "currency": "CAD", "day": wednesday,
        "sheet_id": sheet, "numerator": D("1.25"), "denominator": D("1.60"), "lines": 1, **changed,
    }  # fmt: skip


WRONG_VALUES: dict[str, tuple[Values, Values | None, str]] = {
    "no rate kept": ({}, None, "is not 781.2500 USD at a rate the batch keeps"),
    "a coin too much": ({"base_amount": D("781.26")}, {}, "at a rate the batch keeps"),
    "a fraction of a coin": ({"base_amount": D("781.2501")}, {}, "at a rate the batch keeps"),
    "the other sign": ({"base_amount": D("-781.25")}, {}, "at a rate the batch keeps"),
    "a rate of another day": ({}, {"day": date(2026, 1, 15)}, "at a rate the batch keeps"),
    "a rate of another currency": (
        {}, {"currency": "EUR", "denominator": D(1)}, "at a rate the batch keeps"),
    "a rate nobody published": ({}, {"numerator": D("1.26")}, "not what was published"),
    "a leg nobody published": ({}, {"denominator": D("1.61")}, "not what was published"),
    "a rate from the future": (
        {}, {"of": FRIDAY, "numerator": D("1.20"), "denominator": D("1.50")}, "not of that day"),
    "a rate of the week before last": (
        {}, {"of": date(2026, 1, 9), "day": date(2026, 1, 17), "numerator": D("1.20"),
             "denominator": D("1.50")}, "not of that day"),
    "a count that is wrong": ({}, {"lines": 2}, "converted 2 lines; it converted 1"),
    "no lines": ({}, {"lines": 0}, "not what was published"),
    "our own currency": ({}, {"currency": "USD"}, "not what was published"),
    "dollars worth other dollars": (
        {"currency": "USD"}, None, "is in USD and is worth something else"),
    "dollars without a value": (
        {"currency": "USD", "base_amount": None}, None, "is in USD and is worth something else"),
    "a rate without a use": ({"base_amount": None}, {}, "a rate that nothing was converted with"),
    "no amount and no reason for it": (
        {"amount": D(0)}, {}, "posting_amount_not_zero"),
    "a difference with an amount": (
        {"component": "fx_realised"}, {}, "posting_amount_not_zero"),
    "a difference of nothing": (
        {"component": "fx_realised", "amount": D(0), "base_amount": D(0)}, None,
        "posting_amount_not_zero"),
    "a difference in our own currency": (
        {"component": "fx_realised", "amount": D(0), "currency": "USD"}, None,
        "is in USD and is worth something else"),
    "a difference on a cost": (
        {"component": "fx_realised", "amount": D(0)}, None, "stands on its own account"),
}  # fmt: skip


@pytest.mark.parametrize("rule", WRONG_VALUES)
def test_the_seal_takes_no_value_with(film: Film, rule: str) -> None:
    load(film)
    line, kept, said = WRONG_VALUES[rule]
    w = words(film)
    row = None if kept is None else conversion(film, **kept)
    with role("worker"), pytest.raises(DatabaseError, match=said), acting(film, "amir"):
        batch = write_batch(w, postings=[foreign(**line)])
        if row is not None:
            insert("ledger_conversion", batch_id=batch, **row)


def test_the_seal_takes_a_value_at_a_kept_rate_and_a_rounding_of_clearing(film: Film) -> None:
    load(film)
    w = words(film)
    row = conversion(film)
    with role("worker"), acting(film, "amir"):
        batch = write_batch(w, postings=[foreign()])
        insert("ledger_conversion", batch_id=batch, **row)
    with role("worker"), pytest.raises(DatabaseError, match="sealed"), acting(film, "amir"):
        insert("ledger_conversion", batch_id=batch, **{**row, "currency": "EUR"} | {
            "denominator": D(1)})  # fmt: skip
    difference = {
        "component": "fx_rounding", "amount": D(0), "base_amount": D("0.02"),
        "account_id": w.clearing["fx_rounding"], "currency": "CAD",
        "counter_account_id": w.clearing["payables"],
    }  # fmt: skip
    refused = pytest.raises(DatabaseError, match="stands on its own account")
    with role("worker"), refused, acting(film, "amir"):
        write_batch(w, postings=[difference])
    with role("worker"), acting(film, "amir"):
        write_batch(w, postings=[{**difference, "base_amount": D("0.01")}])
    assert balances(film)["0510"] == D("0.01")


def test_the_database_knows_the_coins_of_every_currency() -> None:
    with role("owner"):
        for code, units in MINOR_UNITS.items():
            assert query("SELECT journal.coin(%s)", code) == [(D(1).scaleb(-units),)], code


def test_the_history_made_for_these_tests_is_what_the_tests_say() -> None:
    assert history(FRIDAY) == b"Date,CAD,USD,\n2026-01-16,1.50,1.20,\n"
    assert len(SHEETS) == 5
