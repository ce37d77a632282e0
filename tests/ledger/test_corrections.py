"""Reverse, distribution change and entry by hand, as the accountant's own web session does them."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from access.errors import Invalid, NotFoundHere, Refused
from ledger import corrections, entries, selectors
from ledger.corrections import Change, Reissued
from ledger.models import Batch
from ledger.services import close_period
from reports.cost_report import trial_balance
from taxonomy import selectors as taxonomy
from tests.factories import Film, acting, cost_line, cost_lines, import_data, role
from tests.ledger.raw_batches import query

DAY = date(2026, 1, 20)


def invoice(film: Film, number: int | str = 1, amount: str = "125.00") -> tuple[int, int]:
    """An imported cost of camera in week 2; (batch, number)."""
    import_data(film, cost_lines([cost_line(number, amount=amount)]), name=f"{number}.csv")
    with role("owner"):
        ((batch,),) = query(
            "SELECT max(batch_id) FROM ledger_transaction WHERE production_id = %s",
            film.production.pk,
        )
    return batch, 1


def reverse(film: Film, key: tuple[int, int], person: str = "amir", reason: str = "twice") -> Batch:
    with role("web"), acting(film, person):
        return corrections.reverse_document(
            actor=film.cast[person], production=film.production, key=key, day=DAY, reason=reason
        )


def move(film: Film, key: tuple[int, int], *changes: Change, reason: str = "miscoded") -> Batch:
    with role("web"), acting(film, "amir"):
        return corrections.change_distribution(
            actor=film.cast["amir"], production=film.production, key=key, day=DAY, reason=reason,
            changes=changes,
        )  # fmt: skip


def reissue(film: Film, key: tuple[int, int], **now: object) -> Batch:
    with role("web"), acting(film, "amir"):
        return corrections.reissue_document(
            actor=film.cast["amir"], production=film.production, key=key, day=DAY,
            reason="wrong amount", now=Reissued(**now),
        )  # fmt: skip


def balances(film: Film) -> dict[str, Decimal]:
    """Account -> its balance to date, in dollars."""
    with role("owner"):
        return dict(
            query(
                "SELECT a.code, sum(t.amount) FROM ledger_batchtotal t"
                " JOIN ledger_account a ON a.id = t.account_id WHERE t.production_id = %s"
                " AND t.book = 1 GROUP BY 1 HAVING sum(t.amount) <> 0",
                film.production.pk,
            )
        )


def test_a_reversal_nets_to_zero_and_names_what_it_takes_back(film: Film) -> None:
    key = invoice(film)
    assert balances(film) == {"3310": Decimal("125"), "0300": Decimal("-125")}
    batch = reverse(film, key)
    assert balances(film) == {}
    with role("web"), acting(film, "amir"):
        taking_back = selectors.reversal_of(film.production, *key)
        assert taking_back is not None
        assert (taking_back.batch_id, taking_back.number) == (batch.pk, 1)
        assert (taking_back.reference, taking_back.description) == ("REV TX000001", "twice")
        assert all(b.debit == b.credit == 0 for b in trial_balance(film.production))


def test_nothing_is_reversed_twice_and_no_reversal_is_reversed(film: Film) -> None:
    key = invoice(film)
    batch = reverse(film, key)
    with pytest.raises(Refused, match="reversed already, by"):
        reverse(film, key, reason="again")
    with pytest.raises(Refused, match="takes another document back"):
        reverse(film, (batch.pk, 1))
    assert balances(film) == {}


def test_a_document_of_a_closed_week_is_reversed_in_the_open_one(film: Film) -> None:
    key = invoice(film)
    with role("web"), acting(film, "amir"):
        for week in (1, 2):
            close_period(actor=film.cast["amir"], production=film.production, number=week)
    reverse(film, key)
    with role("owner"):
        weeks = query(
            "SELECT p.number, t.effective_date FROM ledger_transaction t"
            " JOIN ledger_period p ON p.id = t.period_id WHERE t.production_id = %s ORDER BY 1",
            film.production.pk,
        )
    assert weeks == [(2, date(2026, 1, 14)), (3, DAY)]


def test_a_distribution_change_shows_was_and_is_and_moves_nothing_else(film: Film) -> None:
    key = invoice(film)
    batch = move(film, key, Change(1, "2220"))
    assert balances(film) == {"2220": Decimal("125"), "0300": Decimal("-125")}
    with role("web"), acting(film, "amir"):
        was, now = (selectors.document(film.production, batch.pk, n) for n in (1, 2))
        assert was is not None
        assert now is not None
        assert (was[0].reference, now[0].reference) == ("REV TX000001", "DC TX000001")
        assert now[1][0].rule == "distribution change"
        art = taxonomy.cost_centers(film.production).get(code="ART")
        assert now[1][0].cost_center_id == art.pk


def test_a_document_is_reversed_and_reissued_with_what_was_wrong_put_right(film: Film) -> None:
    key = invoice(film, amount="152.00")
    batch = reissue(film, key, vendor="ARRI Rental", amounts={1: "125.00"})
    assert balances(film) == {"3310": Decimal("125"), "0300": Decimal("-125")}
    with role("web"), acting(film, "amir"):
        found = selectors.document(film.production, batch.pk, 2)
        assert found is not None
        assert (found[0].reference, found[0].vendor) == ("TX000001", "ARRI Rental")
    with pytest.raises(Refused, match="reversed already"):
        reissue(film, key, amounts={1: "1.00"})


Act = Callable[[Film, tuple[int, int]], object]
REFUSED: dict[str, tuple[Act, type[Refused], str]] = {
    "an account there is not": (
        lambda f, k: move(f, k, Change(1, "9999")), Invalid, "Line 1: expected an account"),
    "a category": (lambda f, k: move(f, k, Change(1, "3300")), Invalid, "only adds up"),
    "a line there is not": (lambda f, k: move(f, k, Change(2, "2220")), Invalid, "no line 2"),
    "its own counter account": (
        lambda f, k: move(f, k, Change(1, "0300")), Invalid, "stands against"),
    "where it is already": (
        lambda f, k: move(f, k, Change(1, "3310")), Invalid, "every line stays"),
    "reissued with a wrong amount": (
        lambda f, k: reissue(f, k, amounts={1: "1.234"}), Invalid, "Line 1: .*more decimals"),
    "reissued as it was": (reissue, Invalid, "nothing differs"),
    "reissued with a line there is not": (
        lambda f, k: reissue(f, k, amounts={3: "1.00"}), Invalid, "no line 3"),
    "no reason": (lambda f, k: reverse(f, k, reason=" "), Invalid, "Reason: expected"),
    "a document there is not": (lambda f, k: reverse(f, (k[0], 7)), NotFoundHere, "Not found"),
    "another department's document": (
        lambda f, k: reverse(f, k, person="ada"), NotFoundHere, "Not found"),
    "a stranger's": (lambda f, k: reverse(f, k, person="otto"), NotFoundHere, "Not found"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_correction_is_refused_and_leaves_no_trace(film: Film, case: str) -> None:
    act, error, sentence = REFUSED[case]
    key = invoice(film)
    with role("owner"):
        before = query("SELECT count(*) FROM ledger_batch")
    with pytest.raises(error, match=sentence):
        act(film, key)
    with role("owner"):
        assert query("SELECT count(*) FROM ledger_batch") == before


@pytest.mark.parametrize("person", ["lena", "cho"])
def test_who_sees_a_document_and_may_not_post_is_refused_by_the_database(
    film: Film, person: str
) -> None:
    from django.db import ProgrammingError

    key = invoice(film)
    with pytest.raises(ProgrammingError, match="row-level security"):
        reverse(film, key, person=person)
    assert balances(film) == {"3310": Decimal("125"), "0300": Decimal("-125")}


def test_an_entry_sent_twice_is_posted_once(film: Film) -> None:
    def post() -> None:
        with role("web"), acting(film, "amir"):
            unit = taxonomy.unit_by_code(film.production, "MAIN")
            assert unit is not None
            form = entries.form_for(film.production, unit)
            account = form.account("3310", "Line 1")
            assert account.cost_center_id is not None
            leg = form.posting(
                account, form.role("journal_clearing"), account.cost_center_id,
                entries.Amount(Decimal("10.00"), "USD", DAY),
            )  # fmt: skip
            back = leg._replace(
                account_id=form.account("3301", "Line 2").pk,
                node_id=form.chart.node_id(form.account("3301", "Line 2")),
                amount=-leg.amount,
                base_amount=-leg.amount,
            )
            entry = entries.Entry("JE1", "", "lens", DAY, (leg, back))
            entries.enter(
                actor=film.cast["amir"], form=form, kind="journal", said={"n": 1}, entries=[entry]
            )

    post()
    with pytest.raises(Refused, match="entered already"):
        post()
    assert balances(film) == {"3310": Decimal("10"), "3301": Decimal("-10")}
    with role("web"), acting(film, "amir"):
        ((text,),) = query("SELECT journal.source_row(max(batch_id), 1) FROM ledger_transaction")
    assert bytes(text) == b'{"kind": "journal", "n": 1}'


def test_a_journal_that_does_not_balance_is_refused_in_the_seal_s_own_words(film: Film) -> None:
    with role("web"), acting(film, "amir"):
        unit = taxonomy.unit_by_code(film.production, "MAIN")
        assert unit is not None
        form = entries.form_for(film.production, unit)
        account = form.account("3310", "Line 1")
        assert account.cost_center_id is not None
        leg = form.posting(
            account, form.role("journal_clearing"), account.cost_center_id,
            entries.Amount(Decimal("10.00"), "USD", DAY),
        )  # fmt: skip
        with pytest.raises(Refused, match=r"does not balance: -10\.0000 USD"):
            entries.enter(
                actor=film.cast["amir"], form=form, kind="journal", said={},
                entries=[entries.Entry("JE1", "", "", DAY, (leg,))],
            )  # fmt: skip
    assert balances(film) == {}


@pytest.mark.parametrize(
    ("typed", "amount"),
    [("1,500", 1500), ("1,500.25", Decimal("1500.25")), ("(2,000)", -2000), (" 12.50 ", "12.50"),
     ("-1,234,567", -1234567)],
)  # fmt: skip
def test_an_amount_is_taken_as_people_type_it(typed: str, amount: Decimal) -> None:
    assert entries.amount_of(typed, "USD", "Line 1") == Decimal(amount)


@pytest.mark.parametrize("typed", ["1,50", "1,5000", "1.500,00", "1 500", "12.505", "", "ten"])
def test_an_amount_that_could_be_another_is_refused(typed: str) -> None:
    with pytest.raises(Invalid, match="Line 1: "):
        entries.amount_of(typed, "USD", "Line 1")
