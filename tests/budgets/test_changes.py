"""After the lock: transfers, draws and overages conserve what they must, by two people."""

from decimal import Decimal

import pytest
from django.db.utils import DatabaseError

from access.errors import Invalid, Refused
from budgets import changes, posting, selectors
from budgets.changes import NotConserved, NotLocked
from budgets.models import BudgetChange
from ingestion.models import HeldRow
from ledger.entries import Amount
from tests.budgets.films import DAY, book, changed, imported, locked, requested
from tests.factories import Film, acting, cost_line, cost_lines, import_data, role
from tests.ledger.raw_batches import query, words, write_batch

TOTAL = Decimal(561000)


def approve(film: Film, change: object, person: str = "lena") -> None:
    with role("web"), acting(film, person):
        changes.approve_change(actor=film.cast[person], change=change)  # type: ignore[arg-type]


def test_a_transfer_moves_budget_and_makes_none(film: Film) -> None:
    locked(film)
    before = book(film, 3)
    change = changed(film, "transfer", ("2210", "-1500.50"), ("3301", "1500.50"))
    after = book(film, 3)
    assert sum(after.values()) == sum(before.values()) == TOTAL
    assert (after["2210"], after["3301"]) == (Decimal("58499.50"), Decimal("91500.50"))
    assert (change.reference, change.state) == ("BC-0001", "approved")
    with role("web"), acting(film, "cho"):
        assert list(selectors.changes(film.production)) == []


def test_a_draw_takes_from_contingency_and_is_tracked_by_whom_it_goes_to(film: Film) -> None:
    locked(film)
    changed(film, "draw", ("8001", "-12000"), ("1401", "10000"), ("3310", "2000"))
    changed(film, "draw", ("8001", "-9000"), ("2220", "9000"))
    requested(film, "draw", ("8001", "-500"), ("2220", "500"))
    with role("web"), acting(film, "lena"):
        found = selectors.contingency(film.production)
    assert found.original == 51000
    assert found.drawn == {"ATL": Decimal(10000), "BTL": Decimal(11000)}
    assert (found.remains, found.asked) == (30000, 500)
    assert book(film, 3)["8001"] == 30000
    assert sum(book(film, 3).values()) == TOTAL


def test_an_overage_alone_raises_the_final_budget_and_is_kept_apart(film: Film) -> None:
    locked(film)
    changed(film, "overage", ("3310", "7500"))
    assert sum(book(film, 3).values()) == TOTAL + 7500
    with role("web"), acting(film, "amir"):
        found = selectors.totals_of_kind(film.production, "overage")
        account = {a.pk: a.code for a in selectors.ledger.accounts(film.production)}
        kept = {account[pk]: amount for (pk, _), (amount, _) in found.items()}
    assert kept["3310"] == 7500


WRONG: dict[str, tuple[str, tuple[tuple[str, str], ...], str]] = {
    "a transfer that makes money": ("transfer", (("2210", "-10"), ("3301", "11")), "net to 1"),
    "a transfer of one line": ("transfer", (("2210", "-10"),), "net to -10"),
    "a transfer out of contingency": ("transfer", (("8001", "-10"), ("3301", "10")), "by a draw"),
    "a transfer across the line": ("transfer", (("2210", "-10"), ("1401", "10")), "across"),
    "a draw that makes money": ("draw", (("8001", "-10"), ("3301", "20")), "net to 10"),
    "a draw into contingency": ("draw", (("8001", "10"), ("3301", "-10")), "takes from"),
    "a draw out of an account": (
        "draw", (("8001", "-10"), ("3301", "-5"), ("2220", "15")), "takes from"),
    "an overage that takes": ("overage", (("3301", "-10"),), "positive"),
    "an overage of contingency": ("overage", (("8001", "10"),), "leaves contingency"),
}  # fmt: skip


@pytest.mark.parametrize("rule", WRONG)
def test_what_is_not_conserved_is_refused_in_words_and_by_the_database(
    film: Film, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, lines, sentence = WRONG[rule]
    locked(film)
    with pytest.raises(NotConserved, match=sentence):
        requested(film, kind, *lines)
    monkeypatch.setattr(changes, "check_conservation", lambda kind, lines, **more: None)
    with pytest.raises(Refused, match="the total is conserved"):
        requested(film, kind, *lines)


def test_a_change_needs_a_locked_budget_a_reason_and_real_accounts(film: Film) -> None:
    imported(film)
    with pytest.raises(NotLocked):
        requested(film, "overage", ("3301", "10"))
    locked(film)
    for lines, said in (
        ((("9999", "1"),), "account of the chart"),
        ((("3300", "1"),), "only adds up"),
        ((("3301", "1"), ("3301", "2")), "stands there twice"),
        ((("3301", "0"),), "other than zero"),
        ((), "Lines: expected"),
    ):
        with pytest.raises(Invalid, match=said):
            requested(film, "overage", *lines)
    with pytest.raises(Invalid, match="Reason"), role("web"), acting(film, "amir"):
        changes.request_change(
            actor=film.cast["amir"], production=film.production, kind="overage", day=DAY,
            reason=" ", lines=[("3301", "5")],
        )  # fmt: skip


def test_who_asks_does_not_decide_and_nothing_is_decided_twice(film: Film) -> None:
    locked(film)
    change = requested(film, "overage", ("3301", "10"))
    with pytest.raises(Refused, match="another person decides"):
        approve(film, change, "amir")
    approve(film, change)
    for again in (approve, _reject):
        with pytest.raises(Refused, match="approved already"):
            again(film, change)
    second = requested(film, "overage", ("3301", "11"))
    _reject(film, second)
    with pytest.raises(Refused, match="rejected already"):
        approve(film, second)
    assert sum(book(film, 3).values()) == TOTAL + 10


def _reject(film: Film, change: object) -> None:
    with role("web"), acting(film, "lena"):
        changes.reject_change(actor=film.cast["lena"], change=change)  # type: ignore[arg-type]


def test_contingency_never_goes_below_zero(film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    locked(film)
    changed(film, "draw", ("8001", "-50000"), ("3301", "50000"))
    change = requested(film, "draw", ("8001", "-1000.01"), ("3301", "1000.01"))
    with pytest.raises(NotConserved, match=r"1,000\.00 is left"):
        approve(film, change)
    monkeypatch.setattr(changes, "_enough_there", lambda *given: None)
    with pytest.raises(Refused, match=r"would be at -0\.0100"):
        approve(film, change)
    assert book(film, 3)["8001"] == 1000
    monkeypatch.undo()
    changed(film, "draw", ("8001", "-1000"), ("3301", "1000"))
    assert "8001" not in book(film, 3)


def test_a_transfer_takes_no_more_than_is_there(
    film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked(film)
    changed(film, "transfer", ("2220", "-15000"), ("2210", "15000"))
    change = requested(film, "transfer", ("2220", "-5000.01"), ("3301", "5000.01"))
    with pytest.raises(NotConserved, match=r"moves 5,000\.01 of 2220, and 5,000\.00 is left"):
        approve(film, change)
    monkeypatch.setattr(changes, "_enough_there", lambda *given: None)
    with pytest.raises(Refused, match=r"budget of account 2220 would be at -0\.0100"):
        approve(film, change)
    assert book(film, 3)["2220"] == 5000
    approve(film, requested(film, "transfer", ("2220", "-5000"), ("3301", "5000")))
    assert "2220" not in book(film, 3)


@pytest.mark.parametrize(
    "change",
    [
        "state = 'approved', decided_by_id = {lena}, decided_at = now()",
        "state = 'approved', decided_by_id = {amir}, decided_at = now(), batch_id = 1",
        "state = 'rejected', decided_by_id = {amir}, decided_at = now()",
        "batch_id = 1",
    ],
)
def test_the_database_refuses_a_change_decided_otherwise(film: Film, change: str) -> None:
    locked(film)
    asked = requested(film, "overage", ("3301", "10"))
    text = change.format(lena=film.cast["lena"].pk, amir=film.cast["amir"].pk)
    with role("web"), pytest.raises(DatabaseError, match="decided once"), acting(film, "lena"):
        query(f"UPDATE budgets_budgetchange SET {text} WHERE id = %s", asked.pk)
    with role("web"), pytest.raises(DatabaseError, match="permission"), acting(film, "lena"):
        query("UPDATE budgets_budgetchange SET reason = 'x' WHERE id = %s", asked.pk)


def test_nothing_reaches_the_budget_book_but_what_was_approved(film: Film) -> None:
    locked(film)
    w = words(film)

    def to_budget(account: str, amount: int) -> dict[str, object]:
        center = {"3": "CAM", "2": "ART"}[account[0]]
        return {
            "book": 3, "account_id": w.accounts[account], "amount": Decimal(amount),
            "counter_account_id": w.clearing["book_control"], "cost_center_id": w.centers[center],
        }  # fmt: skip

    balanced = [to_budget("3301", 10), to_budget("2210", -10)]
    for kind in ("budget", "transfer", "overage", "journal"):
        with (
            role("worker"),
            pytest.raises(DatabaseError, match="neither the lock"),
            acting(film, "amir"),
        ):
            write_batch(w, batch={"kind": kind}, postings=balanced)
    with role("worker"), pytest.raises(DatabaseError, match="mixes"), acting(film, "amir"):
        write_batch(w, postings=[{}, to_budget("3301", 10)])
    asked = requested(film, "overage", ("3301", "10"))
    link = (
        "UPDATE budgets_budgetchange SET state = 'approved', decided_at = now(),"
        " decided_by_id = %s, batch_id = %s WHERE id = %s"
    )
    sentence = "posts 11.0000 to the budget of 3301, and 10.0000"
    with role("worker"), pytest.raises(DatabaseError, match=sentence), acting(film, "lena"):
        batch = write_batch(
            w, batch={"kind": "overage", "actor_id": film.cast["lena"].pk},
            postings=[to_budget("3301", 11)],
        )  # fmt: skip
        query(link, film.cast["lena"].pk, batch, asked.pk)
    assert sum(book(film, 3).values()) == TOTAL


def test_nothing_is_spent_or_ordered_on_contingency(film: Film) -> None:
    w = words(film)
    with role("owner"):
        (center,) = query(
            "SELECT cost_center_id FROM ledger_account WHERE production_id = %s AND code = '8001'",
            w.production,
        )[0]
    on_contingency = {"account_id": w.accounts["8001"], "cost_center_id": center}
    refused = pytest.raises(DatabaseError, match="nothing is spent or ordered on contingency")
    with role("worker"), refused, acting(film, "amir"):
        write_batch(w, postings=[on_contingency])
    with role("worker"), refused, acting(film, "amir"):
        (order,) = query(
            "INSERT INTO ledger_commitment (production_id, unit_id, account_id, cost_center_id,"
            " currency, reference) VALUES (%s, %s, %s, %s, 'USD', 'PO-1/1') RETURNING id",
            w.production, w.units["MAIN"], w.accounts["8001"], center,
        )[0]  # fmt: skip
        ordered = {"book": 2, "counter_account_id": w.clearing["book_control"],
                   "component": "ordered", "commitment_id": order}  # fmt: skip
        write_batch(w, postings=[{**on_contingency, **ordered}])


def test_a_row_coded_to_contingency_is_held_and_the_rest_is_posted(film: Film) -> None:
    rows = [cost_line(1), cost_line(2, account="8001", center="CON"), cost_line(3)]
    batch = import_data(film, cost_lines(rows))
    assert (batch.posted, batch.quarantined) == (2, 1)
    with role("owner"):
        (held,) = HeldRow.objects.filter(batch_id=batch.pk)
    assert held.codes[0] == "E_ACCOUNT"
    assert "8001 is contingency" in held.violations[0]["expected"]


def test_nothing_is_entered_by_hand_on_contingency(film: Film) -> None:
    with role("web"), acting(film, "amir"):
        form = posting.office_form(film.production)
        account = form.account("8001", "Line 1")
        for number in (1, 2):
            with pytest.raises(Invalid, match="nothing is spent or ordered on contingency"):
                form.posting(
                    account, form.role("payables"), account.cost_center_id or 0,
                    Amount(Decimal(5), "USD", DAY), book=number,
                )  # fmt: skip


@pytest.mark.parametrize("person", ["cho", "bea", "eve"])
def test_only_who_posts_entries_asks_for_a_change(film: Film, person: str) -> None:
    locked(film)
    with pytest.raises((DatabaseError, NotLocked)):
        requested(film, "overage", ("3301", "10"), person=person)


def test_a_line_producer_posts_to_the_budget_and_to_nothing_else(film: Film) -> None:
    w = words(film)
    lena = {"actor_id": film.cast["lena"].pk}
    with role("web"), pytest.raises(DatabaseError, match="row-level"), acting(film, "lena"):
        write_batch(w, batch=lena)
    with role("web"), pytest.raises(DatabaseError, match="row-level"), acting(film, "lena"):
        write_batch(w, batch={**lena, "kind": "budget"})


def take_back(film: Film, change: BudgetChange) -> BudgetChange:
    with role("web"), acting(film, "amir"):
        return changes.ask_to_take_back(
            actor=film.cast["amir"], change=change, day=DAY, reason="not ratified"
        )


def test_a_draw_and_an_overage_are_taken_back_line_by_line_and_once(film: Film) -> None:
    locked(film)
    before = book(film, 3)
    draw = changed(film, "draw", ("8001", "-12000"), ("1401", "10000"), ("3310", "2000"))
    overage = changed(film, "overage", ("3310", "7500"))
    for change in (draw, overage):
        approve(film, take_back(film, change))
        with pytest.raises(Refused, match="already"):
            take_back(film, change)
    assert book(film, 3) == before
    with role("web"), acting(film, "lena"):
        assert selectors.contingency(film.production).remains == 51000
        assert sum(a for a, _ in selectors.totals_of_kind(film.production, "overage").values()) == 0


def test_what_takes_a_change_back_says_exactly_its_opposite(film: Film) -> None:
    locked(film)
    draw = changed(film, "draw", ("8001", "-100"), ("3310", "100"))
    asked = requested(film, "draw", ("8001", "-50"), ("3310", "50"))
    with pytest.raises(Refused, match="no approved change"):
        take_back(film, asked)
    sentence = "every line of it, and nothing else"
    with role("owner"), pytest.raises(DatabaseError, match=sentence):
        query(
            "SELECT journal.check_change(jsonb_populate_record(c,"
            " jsonb_build_object('takes_back_id', %s::bigint))) FROM budgets_budgetchange c"
            " WHERE c.id = %s", draw.pk, asked.pk,
        )  # fmt: skip
