"""The quarantine desk: one gate for all, nothing lost, every decision on record."""

import hashlib
import json

import pytest
from django.db import connection

from access.errors import Invalid
from access.services import console_person, give_membership
from ingestion import selectors, work
from ingestion.desk import resolving
from ingestion.desk import selectors as desk_selectors
from ingestion.models import HeldRow, ImportBatch, RowRevision
from ingestion.services import NoLongerAllowed
from tests.factories import Film, acting, cost_line, cost_lines, import_data, role
from tests.ingestion.books import codes, counts, decide, entries, held, log_types, money, table

INVOICES = "Vendor,Invoice Number,Invoice Date,Account Number,Amount"


def import_of(film: Film, row: HeldRow) -> ImportBatch:
    return ImportBatch.objects.get(pk=row.batch_id)


def one_held(film: Film, **cell: str) -> HeldRow:
    """A file of two rows, the first of which is held."""
    import_data(film, cost_lines([cost_line(1, **cell), cost_line(2)]))
    (row,) = held(film)
    return row


def test_a_fixed_row_posts_with_the_place_it_came_from(film: Film) -> None:
    row = one_held(film, account="33l0")
    outcome = decide(film, row, values={"account_code": "3310"})
    assert (outcome.outcome, row.state) == ("posted", "posted")
    assert row.resolved_at is not None
    assert money(film)[1] == ("3310", "0300", "125.00", "USD")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reference, source_row, source_line, source_start, source_end, b.origin"
            " FROM ledger_transaction t JOIN ledger_batch b ON b.id = t.batch_id"
            " WHERE b.id = %s",
            [outcome.batch_id],
        )
        assert cursor.fetchall() == [
            ("TX000001", 1, row.line, row.byte_start, row.byte_end, "cost-lines v2, fixed")
        ]


def test_a_fixed_row_moves_the_import_s_counters_and_its_state(film: Film) -> None:
    row = one_held(film, account="33l0")
    assert (counts(import_of(film, row)), import_of(film, row).state) == (
        (2, 1, 0, 1),
        "posted_with_quarantine",
    )
    decide(film, row, values={"account_code": "3310"})
    assert (counts(import_of(film, row)), import_of(film, row).state) == ((2, 2, 0, 0), "posted")


def test_a_row_fixed_into_a_posted_document_is_a_duplicate(film: Film) -> None:
    row = one_held(film, account="33l0")
    import_data(film, cost_lines([cost_line(1)]))
    outcome = decide(film, row, values={"account_code": "3310"})
    assert (outcome.outcome, row.state) == ("duplicate", "duplicate")
    assert counts(import_of(film, row)) == (2, 1, 1, 0)
    assert len(money(film)) == 2


def test_a_row_still_wrong_is_held_again_with_its_new_reasons_and_its_fixes(film: Film) -> None:
    row = one_held(film, account="33l0", amount="x")
    assert row.codes == ["E_ACCOUNT", "E_AMOUNT"]
    outcome = decide(film, row, values={"account_code": "3310", "amount": "1.005"})
    assert (outcome.outcome, row.state) == ("held", "held")
    assert row.codes == ["E_AMOUNT", "E_MINOR_UNITS"]
    assert row.cause == "E_MINOR_UNITS|amount|1.005"
    assert row.cells is not None
    assert (row.cells["account_code"], row.cells["amount"]) == ("3310", "1.005")
    assert [v["code"] for v in outcome.violations] == ["E_MINOR_UNITS"]
    assert counts(import_of(film, row)) == (2, 1, 0, 1)
    # What was fixed stays fixed: the next attempt needs only what is still wrong.
    assert decide(film, row, values={"amount": "1.00"}).outcome == "posted"


def test_a_row_that_contradicts_a_posted_document_is_held_again_as_a_conflict(film: Film) -> None:
    row = one_held(film, account="33l0")
    import_data(film, cost_lines([cost_line(1, amount="9.00")]))
    decide(film, row, values={"account_code": "3310"})
    assert (row.state, row.codes) == ("held", ["E_CONFLICT"])
    assert len(money(film)) == 2


def test_what_was_received_never_changes(film: Film) -> None:
    row = one_held(film, account="33l0")
    before = bytes(row.payload), bytes(row.payload_sha256)
    assert before[0] == cost_line(1, account="33l0").encode() + b"\n"
    assert before[1] == hashlib.sha256(before[0]).digest()
    decide(film, row, values={"amount": "7.00"})
    assert (bytes(row.payload), bytes(row.payload_sha256)) == before
    decide(film, row, values={"account_code": "3310"})
    assert (bytes(row.payload), bytes(row.payload_sha256)) == before


def test_a_rejected_row_leaves_the_desk_and_stays_counted(film: Film) -> None:
    row = one_held(film, account="33l0")
    outcome = decide(film, row, action="reject", reason=" paid by the studio ")
    assert (outcome.outcome, row.state) == ("rejected", "rejected")
    assert counts(import_of(film, row)) == (2, 1, 0, 1)
    assert RowRevision.objects.get(held_row=row).reason == "paid by the studio"
    with role("worker"), acting(film, "amir"):
        assert selectors.held_count(film.production) == 0


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"action": "reject", "reason": "  "}, "reason"),
        ({"action": "forget"}, "action"),
        ({"values": {"price": "1"}}, "price"),
        ({"values": {"vendor": "a\0b"}}, "vendor"),
        ({"values": {"vendor": "\ud800"}}, "vendor"),
        ({"action": "reject", "reason": "a\0"}, "reason"),
    ],
)
def test_a_decision_that_cannot_be_recorded_is_refused(
    film: Film, asked: dict[str, object], said: str
) -> None:
    row = one_held(film, account="33l0")
    with pytest.raises(Invalid) as refused:
        decide(film, row, **asked)  # type: ignore[arg-type]
    assert said in refused.value.message
    row.refresh_from_db()
    assert row.state == "held"
    assert not RowRevision.objects.filter(held_row=row).exists()


def test_a_row_already_handed_in_cannot_be_handed_in_again(film: Film) -> None:
    row = one_held(film, account="33l0")
    with role("worker"), acting(film, "amir"):
        asked = {"actor": film.cast["amir"], "row": row, "action": "resubmit", "reason": ""}
        resolving.revise_row(**asked, values={"account_code": "3310"})  # type: ignore[arg-type]
        with pytest.raises(Invalid) as refused:
            resolving.revise_row(**asked, values={"account_code": "3310"})  # type: ignore[arg-type]
    assert "not held any more" in refused.value.message


@pytest.mark.parametrize("action", ["resubmit", "reject"])
def test_a_settled_row_is_settled_for_good(film: Film, action: str) -> None:
    row = one_held(film, account="33l0")
    decide(film, row, values={"account_code": "3310"})
    with pytest.raises(Invalid):
        decide(film, row, action=action, values={}, reason="again")
    assert len(money(film)) == 2


def test_a_decision_carried_out_twice_is_carried_out_once(film: Film) -> None:
    row = one_held(film, account="33l0")
    decide(film, row, values={"account_code": "3310"})
    revision = RowRevision.objects.get(held_row=row)
    with role("worker"):
        resolving.run_revision(
            revision_id=revision.pk, production_id=film.production.pk,
            user_id=film.cast["amir"].pk,
        )  # fmt: skip
    assert len(money(film)) == 2
    assert counts(import_of(film, row)) == (2, 2, 0, 0)


def test_every_end_is_said_in_the_log_and_a_row_held_again_is_no_end(film: Film) -> None:
    row = one_held(film, account="33l0")
    decide(film, row, values={"amount": "7.00"})
    assert "resolve" not in log_types(film)
    decide(film, row, values={"account_code": "3310"})
    assert log_types(film).count("resolve") == 1
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT line FROM ledger_logentry WHERE production_id = %s AND type = 'resolve'",
            [film.production.pk],
        )
        said = json.loads(cursor.fetchone()[0])["data"]
    assert said == {
        "action": "resubmit", "import": str(row.batch_id), "outcome": "posted",
        "payload": bytes(row.payload_sha256).hex(), "person": str(film.cast["amir"].pk),
        "reason": "", "row": "1", "values": {"account_code": "3310"},
    }  # fmt: skip


def test_two_equal_receipts_held_for_one_fault_both_post(film: Film) -> None:
    header = "Purchase Date,Merchant Name,Amount,Account Code"
    coffee = "2026-01-15,Blue Bottle,4.75,22Z0"
    batch = import_data(film, table(header, [coffee, coffee]), source="pex-cards")
    assert counts(batch) == (2, 0, 0, 2)
    for row in held(film):
        assert decide(film, row, values={"account_code": "2220"}).outcome == "posted"
    assert money(film) == [("2220", "0160", "4.75", "USD")] * 2
    fixed = table(header, [coffee.replace("22Z0", "2220")] * 2)
    assert counts(import_data(film, fixed, source="pex-cards")) == (2, 0, 2, 0)


def test_a_held_twin_comes_after_the_one_that_posted(film: Film) -> None:
    header = "Purchase Date,Merchant Name,Amount,Account Code"
    rows = ["2026-01-15,Blue Bottle,4.75,22Z0", "2026-01-15,Blue Bottle,4.75,2220"]
    import_data(film, table(header, rows), source="pex-cards")
    decide(film, held(film)[0], values={"account_code": "2220"})
    assert money(film) == [("2220", "0160", "4.75", "USD")] * 2


@pytest.mark.parametrize(("amount", "state"), [("100", "duplicate"), ("101", "held")])
def test_a_line_that_states_its_number_is_never_counted_on(
    film: Film, amount: str, state: str
) -> None:
    rows = ["Arri,77,2026-01-14,3310,100,1", f"Arri,77,2026-01-14,33l0,{amount},1"]
    import_data(film, table(INVOICES + ",Invoice Line", rows), source="vendor-invoices")
    (row,) = held(film)
    decide(film, row, values={"account_code": "3310"})
    assert row.state == state
    assert [entry.amount for entry in entries(film)] == ["100.00"]


def test_one_row_held_under_two_sources_posts_under_one(film: Film) -> None:
    data = table(
        "Date,Vendor,Invoice Number,Account Code,Amount,Purchase Date,Merchant Name",
        ["2026-01-14,Arri,77,33l0,100,2026-01-14,Arri"],
    )
    import_data(film, data, source="vendor-invoices")
    import_data(film, data, source="pex-cards")
    outcomes = [decide(film, r, values={"account_code": "3310"}).outcome for r in held(film)]
    assert outcomes == ["posted", "duplicate"]
    assert len(money(film)) == 1


def test_a_row_whose_bytes_could_not_be_read_is_typed_in_at_the_desk(film: Film) -> None:
    bad = cost_line(1).encode().replace(b"Panavision", b"Caf\xe9")
    import_data(film, cost_lines([]) + bad + b"\n")
    (row,) = held(film)
    assert (row.codes, row.cells) == (["E_ENCODING_ROW"], None)
    assert bytes(row.payload) == bad + b"\n"
    cells = dict(
        zip(
            ("transaction_id", "account_code", "cost_center", "amount", "currency",
             "jurisdiction", "transaction_date", "vendor"),
            cost_line(1, vendor="Café").split(","),
            strict=True,
        )
    )  # fmt: skip
    assert decide(film, row, values=cells).outcome == "posted"
    assert len(money(film)) == 1


def test_a_person_who_may_no_longer_resolve_changes_nothing(film: Film) -> None:
    row = one_held(film, account="33l0")
    with role("worker"), acting(film, "amir"):
        revision = resolving.revise_row(
            actor=film.cast["amir"], row=row, action="resubmit",
            values={"account_code": "3310"}, reason="",
        )  # fmt: skip
        item = selectors.work_of("revision", [revision.pk]).get()
    give_membership(
        actor=console_person(), production=film.production, user=film.cast["amir"],
        role="studio_executive",
    )  # fmt: skip
    with role("worker"), pytest.raises(NoLongerAllowed):
        work.drain(only=item.pk)
    assert len(money(film)) == 1


def test_the_desk_lists_the_commonest_cause_first_and_what_is_at_stake(film: Film) -> None:
    rows = [cost_line(n, account="33l0", amount="10.00") for n in range(1, 4)]
    rows += [
        cost_line(9, day="14.1.2026", currency="EUR", amount="5.00"),
        cost_line(10, amount="x"),
    ]
    import_data(film, cost_lines(rows))
    with role("worker"), acting(film, "amir"):
        found = [(c.name, c.rows) for c in desk_selectors.causes(film.production)]
        amounts = desk_selectors.held_amounts(film.production)
        first, second = selectors.held_rows(film.production)[:2]
        assert desk_selectors.held_neighbours(second)[0] == first.pk
    assert found[0] == ("E_ACCOUNT|account_code|33l0", 3)
    assert {cause for cause, _ in found[1:]} == {
        "E_DATE|transaction_date|14.1.2026", "E_AMOUNT|amount|x",
    }  # fmt: skip
    assert [(currency, f"{amount:.2f}") for currency, amount in amounts] == [
        ("EUR", "5.00"), ("USD", "30.00"),
    ]  # fmt: skip
    assert codes(film)[4] == ["E_DATE"]
