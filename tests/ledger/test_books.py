"""The four books and reversals: what the seal refuses, in raw SQL by the role that may post."""

from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest
from django.db.utils import DatabaseError, IntegrityError

from ledger import services
from ledger.models import Commitment
from purchasing.orders import LinePlan
from purchasing.selectors import committed_lines
from tests.factories import Film, acting, role
from tests.ledger.raw_batches import Values, Words, draft, header, query, words, write_batch
from tests.purchasing.office import office

TEN = Decimal(10)


def order(w: Words, *, account: str = "3310", center: str = "CAM", currency: str = "USD") -> int:
    """A commitment; inside a transaction of whoever may post."""
    made = Commitment.objects.create(
        production_id=w.production,
        unit_id=w.units["MAIN"],
        account_id=w.accounts[account],
        cost_center_id=w.centers[center],
        currency=currency,
        reference="PO-0001/1",
    )
    return made.pk


def ordered(w: Words, commitment: int, amount: Decimal = TEN, component: str = "ordered") -> Values:
    """One posting of the commitment book."""
    return {
        "book": 2,
        "counter_account_id": w.clearing["book_control"],
        "component": component,
        "commitment_id": commitment,
        "amount": amount,
    }


def standing(w: Words) -> list[tuple[str, Decimal]]:
    with role("owner"):
        return query(
            "SELECT component, sum(amount) FROM ledger_posting WHERE production_id = %s"
            " AND book = 2 GROUP BY 1 ORDER BY 1",
            w.production,
        )


def in_force(film: Film) -> int:
    """The commitment of an order of 10.00 that was approved and opened."""
    o = office(film)
    made = o.opened(LinePlan("3310", "1", "10.00"))
    with o.acts():
        (line,) = committed_lines(film.production, [made])[made.pk]
    return line.commitment_id


def test_an_order_is_relieved_cancelled_or_open(film: Film) -> None:
    w, one = words(film), in_force(film)
    with role("worker"), acting(film, "amir"):
        write_batch(w, postings=[{"amount": Decimal(6)}, ordered(w, one, Decimal(-6), "relieved")])
    with role("worker"), acting(film, "amir"):
        write_batch(w, postings=[ordered(w, one, Decimal(-4), "cancelled")])
    assert standing(w) == [("cancelled", -4), ("ordered", 10), ("relieved", -6)]


Broken = Callable[[Words, int], Sequence[Values]]
WRONG: dict[str, tuple[Broken, str]] = {
    "a cost against the control account": (
        lambda w, c: [{"counter_account_id": w.clearing["book_control"]}], "stand against"),
    "a cost to the control account": (
        lambda w, c: [{"account_id": w.clearing["book_control"]}], "stand against"),
    "an order against payables": (
        lambda w, c: [{**ordered(w, c), "counter_account_id": w.clearing["payables"]}],
        "stand against"),
    "a budget against payables": (lambda w, c: [{"book": 3}], "stand against"),
    "a fifth book": (
        lambda w, c: [{"book": 5, "counter_account_id": w.clearing["book_control"]}],
        "stand against"),
    "an order that names none": (
        lambda w, c: [{**ordered(w, c), "commitment_id": None}], "stand against"),
    "a cost that names an order": (lambda w, c: [{"commitment_id": c}], "stand against"),
    "an order there is not": (lambda w, c: [ordered(w, 2**40)], "not about the account"),
    "another account than the order's": (
        lambda w, c: [{**ordered(w, c), "account_id": w.accounts["3301"]}],
        "not about the account"),
    "another cost centre than the order's": (
        lambda w, c: [{**ordered(w, c), "cost_center_id": w.centers["ART"]}],
        "not about the account"),
    "another currency than the order's": (
        lambda w, c: [{**ordered(w, c), "currency": "CAD", "base_amount": None}],
        "not about the account"),
    "a component there is not": (
        lambda w, c: [ordered(w, c, TEN, "cost")], "not about the account"),
    "more relieved than ordered": (
        lambda w, c: [ordered(w, c), ordered(w, c, Decimal(-11), "relieved")],
        "PO-0001/1 would have -1.0000 USD open"),
    "more cancelled than ordered": (
        lambda w, c: [ordered(w, c), ordered(w, c, Decimal(-11), "cancelled")], "would have"),
    "relief given back that was never taken": (
        lambda w, c: [ordered(w, c), ordered(w, c, TEN, "relieved")], "would have"),
}  # fmt: skip


@pytest.mark.parametrize("rule", WRONG)
def test_the_seal_refuses_in_the_books(film: Film, rule: str) -> None:
    broken, sentence = WRONG[rule]
    w = words(film)
    with role("worker"), pytest.raises(DatabaseError, match=sentence), acting(film, "amir"):
        write_batch(w, postings=broken(w, order(w)))
    assert standing(w) == []


def test_what_two_invoices_relieve_at_once_is_refused_to_the_second(film: Film) -> None:
    w, one = words(film), in_force(film)
    relief = [ordered(w, one, Decimal(-7), "relieved")]
    with role("worker"), acting(film, "amir"):
        write_batch(w, postings=relief)
    refused = pytest.raises(DatabaseError, match=r"-4\.0000 USD open")
    with role("worker"), refused, acting(film, "amir"):
        write_batch(w, postings=relief)
    assert standing(w) == [("ordered", 10), ("relieved", -7)]


def posted(film: Film, w: Words, **changed: object) -> tuple[int, int]:
    """A posted document of 10.00 and 2.50, as (batch, number)."""
    with role("worker"), acting(film, "amir"):
        batch = services.post_batch(
            actor=film.cast["amir"],
            header=header(film, w),
            drafts=[draft(w, amounts=("10.00", "2.50"))._replace(**changed)],
        )
    return batch.pk, 1


def test_a_reversal_is_the_exact_opposite_and_happens_once(film: Film) -> None:
    w = words(film)
    original = posted(film, w)
    takes_back = draft(w, amounts=("-10.00", "-2.50"))._replace(reverses=original)
    with role("worker"), acting(film, "amir"):
        services.post_batch(actor=film.cast["amir"], header=header(film, w), drafts=[takes_back])
    again = draft(w, amounts=("-10.00", "-2.50"))._replace(reverses=original)
    with (
        role("worker"),
        pytest.raises(IntegrityError, match="transaction_reversed_once"),
        acting(film, "amir"),
    ):
        services.post_batch(actor=film.cast["amir"], header=header(film, w), drafts=[again])


@pytest.mark.parametrize(
    "amounts",
    [("-10.00",), ("-10.00", "-2.51"), ("10.00", "2.50"), ("-10.00", "-2.50", "-1.00"),
     ("-12.50",), ("-10.00", "-2.50", "-2.50")],
)  # fmt: skip
def test_a_reversal_that_is_not_the_exact_opposite_is_refused(
    film: Film, amounts: tuple[str, ...]
) -> None:
    w = words(film)
    original = posted(film, w)
    wrong = draft(w, amounts=amounts)._replace(reverses=original)
    with (
        role("worker"),
        pytest.raises(DatabaseError, match="exact opposite"),
        acting(film, "amir"),
    ):
        services.post_batch(actor=film.cast["amir"], header=header(film, w), drafts=[wrong])


def test_only_a_posted_document_of_the_same_unit_is_taken_back(film: Film) -> None:
    w = words(film)
    original = posted(film, w)
    opposite = draft(w, amounts=("-10.00", "-2.50"))
    with role("worker"), acting(film, "amir"):
        reversal = services.post_batch(
            actor=film.cast["amir"],
            header=header(film, w),
            drafts=[opposite._replace(reverses=original)],
        )
    there_is_none = (original[0], 2)
    taking_back = (reversal.pk, 1)
    for target in (there_is_none, taking_back):
        wrong = draft(w, amounts=("10.00", "2.50"))._replace(reverses=target)
        with (
            role("worker"),
            pytest.raises(DatabaseError, match="takes back"),
            acting(film, "amir"),
        ):
            services.post_batch(actor=film.cast["amir"], header=header(film, w), drafts=[wrong])
    other_unit = draft(w, unit="SECOND", amounts=("-10.00", "-2.50"))
    second = posted(film, w)
    with (
        role("worker"),
        pytest.raises(DatabaseError, match="takes back"),
        acting(film, "amir"),
    ):
        services.post_batch(
            actor=film.cast["amir"],
            header=header(film, w, unit="SECOND"),
            drafts=[other_unit._replace(reverses=second)],
        )


def test_a_period_closes_after_those_before_it_and_says_so_in_the_office_log(film: Film) -> None:
    w = words(film)
    close = "UPDATE ledger_period SET state = 'closed' WHERE id = %s RETURNING number"
    with role("web"), pytest.raises(DatabaseError, match="still open"), acting(film, "amir"):
        query(close, w.periods[3])
    with role("web"), acting(film, "amir"):
        assert query(close, w.periods[1]) == [(1,)]
        assert query(close, w.periods[2]) == [(2,)]
    with role("owner"):
        entries = query(
            "SELECT u.code, line FROM ledger_logentry e JOIN taxonomy_unit u ON u.id = e.unit_id"
            " WHERE e.production_id = %s AND type = 'period.close' ORDER BY seq",
            w.production,
        )
    assert [unit for unit, _ in entries] == ["OFFICE"] * len(entries)
    assert '"period": "2"' in entries[-1][1]


@pytest.mark.parametrize("person", ["lena", "cho", "bea", "otto"])
def test_a_period_is_closed_only_by_who_may(film: Film, person: str) -> None:
    w = words(film)
    with role("web"), acting(film, person):
        assert query(
            "UPDATE ledger_period SET state = 'closed' WHERE id = %s RETURNING 1", w.periods[1]
        ) == []  # fmt: skip
