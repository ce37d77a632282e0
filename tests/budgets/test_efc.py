"""EFC and ETC: numbered, dated, reasoned entries, and the arithmetic worked by hand."""

from datetime import date
from decimal import Decimal

import pytest
from django.db.utils import DatabaseError

from access.errors import Invalid, NotFoundHere
from budgets import efc, selectors
from budgets.efc import Backdated, NegativeEtc
from budgets.selectors import Standing
from tests.budgets.films import DAY, book, changed, estimated, locked
from tests.factories import Film, acting, cost_line, cost_lines, import_data, role
from tests.ledger.raw_batches import query, words, write_batch


def standing(film: Film, account: str) -> Standing:
    with role("web"), acting(film, "amir"):
        return selectors.standing(
            film.production, efc.account_to_forecast(film.production, account)
        )


def cost(film: Film, number: int, amount: str) -> None:
    assert import_data(film, cost_lines([cost_line(number, amount=amount)])).posted == 1


def test_an_account_nobody_touched_ends_at_its_budget_or_at_its_cost(film: Film) -> None:
    assert standing(film, "3310").outlook == (0, 0, 0, 0)
    locked(film)
    assert standing(film, "3310").outlook == (50000, 50000, 0, 0)
    cost(film, 1, "20000.00")
    assert standing(film, "3310").outlook == (50000, 30000, 0, 0)
    cost(film, 2, "31000.00")
    assert standing(film, "3310").outlook == (51000, 0, 0, -1000)


def test_an_efc_is_set_by_its_end_by_what_is_still_to_spend_or_by_a_difference(film: Film) -> None:
    locked(film)
    cost(film, 1, "20000.00")
    first = estimated(film, "3310", "efc", "58200")
    # Budget 50,000, spent 20,000, final 58,200: still to spend 38,200, over by 8,200.
    assert (first.reference, first.opening, first.efc_before, first.efc_after) == (
        "VE-0001", 50000, 50000, 58200,
    )  # fmt: skip
    assert standing(film, "3310").outlook == (58200, 38200, 0, -8200)
    second = estimated(film, "3310", "etc", "25,000.50")
    assert (second.efc_before, second.efc_after, second.opening) == (58200, Decimal("45000.50"), 0)
    third = estimated(film, "3310", "delta", "(0.50)")
    assert standing(film, "3310").outlook == (45000, 25000, 0, 5000)
    assert third.reference == "VE-0003"
    assert book(film, 4) == {"3310": 45000}
    with role("owner"):
        rows = query(
            "SELECT t.reference, p.component, p.amount FROM ledger_posting p"
            " JOIN ledger_transaction t ON t.production_id = p.production_id"
            " AND t.batch_id = p.batch_id AND t.number = p.transaction_number"
            " WHERE p.production_id = %s AND p.book = 4 ORDER BY p.batch_id, p.line_no",
            film.production.pk,
        )
    assert rows == [
        ("VE-0001", "opening", 50000), ("VE-0001", "change", 8200),
        ("VE-0002", "change", Decimal("-13199.5")), ("VE-0003", "change", Decimal("-0.5")),
    ]  # fmt: skip


def test_a_posted_cost_lowers_the_etc_and_never_moves_the_efc(film: Film) -> None:
    locked(film)
    estimated(film, "3310", "efc", "60000")
    for number, spent, outlook in (
        (1, "45000.00", (60000, 15000, 0, -10000)),
        (2, "15000.00", (60000, 0, 0, -10000)),
        (3, "250.00", (60000, 0, 250, -10000)),
    ):
        cost(film, number, spent)
        assert standing(film, "3310").outlook == outlook
    entry = estimated(film, "3310", "etc", "0")
    assert entry.efc_after == 60250
    assert standing(film, "3310").outlook == (60250, 0, 0, -10250)


def test_a_budget_change_moves_the_efc_of_an_untouched_account_only(film: Film) -> None:
    locked(film)
    estimated(film, "3310", "efc", "50000")
    changed(film, "overage", ("3310", "1000"), ("3301", "2000"))
    assert standing(film, "3310").outlook == (50000, 50000, 0, 1000)
    assert standing(film, "3301").outlook == (92000, 92000, 0, 0)


def test_there_is_no_negative_etc_no_backdating_and_no_change_without_a_reason(film: Film) -> None:
    cost(film, 1, "100.00")
    for way, stated in (("efc", "99.99"), ("delta", "-0.01"), ("etc", "-1")):
        with pytest.raises(NegativeEtc, match="no negative ETC"):
            estimated(film, "3310", way, stated)
    estimated(film, "3310", "efc", "200")
    with pytest.raises(Backdated, match="VE-0001 is dated 14 Jan 2026"):
        estimated(film, "3310", "efc", "300", date(2026, 1, 13))
    with pytest.raises(Invalid, match=r"is 200\.00 already"):
        estimated(film, "3310", "efc", "200.00")
    with pytest.raises(Invalid, match="Way"):
        estimated(film, "3310", "final", "300")
    with pytest.raises(Invalid, match="is not an amount"):
        estimated(film, "3310", "efc", "lots")
    with pytest.raises(Invalid, match="Reason"), role("web"), acting(film, "amir"):
        efc.enter_efc(
            actor=film.cast["amir"], production=film.production,
            account=efc.account_to_forecast(film.production, "3310"),
            asked=efc.Asked("efc", "300", DAY, "  "),
        )  # fmt: skip
    for code in ("3300", "0950", "nothing"):
        with pytest.raises(NotFoundHere):
            estimated(film, code, "efc", "1")
    assert book(film, 4) == {"3310": 200}


def test_the_same_estimate_can_be_set_again_after_another(film: Film) -> None:
    for stated in ("200", "300", "200", "300"):
        estimated(film, "3310", "efc", stated)
    assert book(film, 4) == {"3310": 300}


def test_the_forecast_book_moves_by_numbered_entries_alone(film: Film) -> None:
    w = words(film)
    posting = {"book": 4, "counter_account_id": w.clearing["book_control"]}
    with (
        role("worker"),
        pytest.raises(DatabaseError, match="without a numbered entry"),
        acting(film, "amir"),
    ):
        write_batch(w, batch={"kind": "efc"}, postings=[posting])
    entry = (
        "INSERT INTO budgets_efcentry (production_id, number, account_id, cost_center_id, day, way,"
        " stated, total_cost, opening, efc_before, efc_after, reason, entered_by_id, batch_id)"
        " VALUES (%s, 1, %s, %s, '2026-01-14', 'efc', 10, 0, 0, 0, %s, 'why', %s, %s)"
    )
    for said, account in ((11, "3310"), (10, "3301")):
        with (
            role("worker"),
            pytest.raises(DatabaseError, match="where the entry says"),
            acting(film, "amir"),
        ):
            batch = write_batch(w, batch={"kind": "efc"}, postings=[posting])
            query(entry, w.production, w.accounts[account], w.centers["CAM"], said, w.actor, batch)
    assert book(film, 4) == {}


def test_entries_are_kept_for_good_and_in_the_name_of_who_makes_them(film: Film) -> None:
    entry = estimated(film, "3310", "efc", "200")
    with role("owner"), pytest.raises(DatabaseError, match="append-only"), acting(film, "amir"):
        query("UPDATE budgets_efcentry SET reason = 'x' WHERE id = %s", entry.pk)
    with role("worker"), pytest.raises(DatabaseError, match="go forward"), acting(film, "lena"):
        query(
            "INSERT INTO budgets_efcentry (production_id, number, account_id, cost_center_id, day,"
            " way, stated, total_cost, opening, efc_before, efc_after, reason, entered_by_id,"
            " batch_id) SELECT production_id, 2, account_id, cost_center_id, day - 1, way, stated,"
            " 0, 0, 0, 0, reason, entered_by_id, batch_id FROM budgets_efcentry WHERE id = %s",
            entry.pk,
        )  # fmt: skip


@pytest.mark.parametrize("person", ["lena", "cho", "bea"])
def test_only_who_posts_entries_makes_an_estimate(film: Film, person: str) -> None:
    with pytest.raises(DatabaseError, match="row-level security"):
        estimated(film, "3310", "efc", "10", person=person)


def test_a_department_head_reads_the_entries_of_the_own_accounts(film: Film) -> None:
    estimated(film, "3310", "efc", "10")
    estimated(film, "2220", "efc", "20")
    with role("web"), acting(film, "cho"):
        for code, count in (("3310", 1), ("2220", 0)):
            account = efc.account_to_forecast(film.production, code)
            assert len(selectors.entries(film.production, account)) == count
