"""What a person did with a held row is taken back by a step more, and nothing is erased."""

import json

import pytest
from django.db import DatabaseError, connection, transaction

from access.errors import Invalid
from ingestion.models import HeldRow, ImportBatch, RevisionOutcome, RowRevision
from ledger.corrections import reverse_document
from ledger.models import LogEntry, Transaction
from ledger.services import close_period
from ledger.verify import verify_production
from purchasing.models import Entry
from tests.factories import Film, acting, cost_line, cost_lines, import_data, role
from tests.ingestion.books import counts, decide, entries, held, money, table
from tests.purchasing.office import DAY


def one_held(film: Film, **cell: str) -> HeldRow:
    """A file of two rows, the first of which is held."""
    import_data(film, cost_lines([cost_line(1, **cell), cost_line(2)]))
    (row,) = held(film)
    return row


def undo(film: Film, row: HeldRow, reason: str = "a slip") -> RevisionOutcome:
    """Take the last step of a row back."""
    return decide(film, row, action="undo", reason=reason)


def last_said(film: Film) -> dict[str, object]:
    """The data of the log's last entry about the desk."""
    entry = LogEntry.objects.filter(production=film.production, type="resolve").latest("seq")
    found: dict[str, object] = json.loads(entry.line)["data"]
    return found


def test_a_fix_that_did_not_post_is_offset_and_the_fields_are_as_before(film: Film) -> None:
    row = one_held(film, account="33l0", amount="x")
    decide(film, row, values={"account_code": "3310", "vendor": "Arri"})
    assert row.cause == "E_AMOUNT|amount|x"
    outcome = undo(film, row)
    assert (outcome.outcome, row.state) == ("held", "held")
    assert row.cells is not None
    assert (row.cells["account_code"], row.cells["vendor"]) == ("33l0", "Panavision")
    assert row.codes == ["E_ACCOUNT", "E_AMOUNT"]
    fix, offset = RowRevision.objects.filter(held_row=row).order_by("pk")
    assert offset.values == fix.was
    assert offset.was == fix.values
    assert (last_said(film)["action"], last_said(film)["reason"]) == ("undo", "a slip")
    with pytest.raises(Invalid, match="nothing here can be taken back"):
        undo(film, row)


def test_taking_a_fix_back_posts_nothing_even_where_nothing_is_wrong_any_more(film: Film) -> None:
    row = one_held(film, account="33l0")
    decide(film, row, values={"amount": "x"})
    decide(film, row, values={"account_code": "3310"})
    decide(film, row, values={"amount": "7.00", "account_code": "33l0"})
    assert row.codes == ["E_ACCOUNT"]
    assert undo(film, row).outcome == "held"
    assert row.codes == ["E_AMOUNT"]
    # A row that was right without its fix waits for a person all the same.
    other = held(film)[0]
    decide(film, other, values={"amount": "125.00", "currency": "US$"})
    decide(film, other, values={"account_code": "33l0", "currency": "USD"})
    assert undo(film, other).outcome == "held"
    assert other.codes == ["E_CURRENCY"]
    assert len(money(film)) == 1


def test_a_rejection_taken_back_puts_the_row_on_the_desk_again(film: Film) -> None:
    row = one_held(film, account="33l0")
    decide(film, row, action="reject", reason="the studio's")
    before = counts(ImportBatch.objects.get(pk=row.batch_id))
    assert undo(film, row, "it is ours after all").outcome == "held"
    assert (row.state, row.codes) == ("held", ["E_ACCOUNT"])
    assert counts(ImportBatch.objects.get(pk=row.batch_id)) == before
    assert last_said(film)["outcome"] == "held"
    assert decide(film, row, values={"account_code": "3310"}).outcome == "posted"


def test_what_has_posted_is_reversed_once_in_its_own_week_and_names_the_row(film: Film) -> None:
    row = one_held(film, account="33l0")
    posted = decide(film, row, values={"account_code": "3310"})
    outcome = undo(film, row, "the wrong account")
    assert (outcome.outcome, row.state) == ("undone", "posted")
    first, other, back = (entry for entry in (entries(film)[1], entries(film)[0], entries(film)[2]))
    assert (first.amount, back.amount, other.amount) == ("125.00", "-125.00", "125.00")
    assert (first.week, first.account) == (back.week, back.account)
    document = Transaction.objects.get(batch_id=outcome.batch_id)
    assert document.reverses_batch_id == posted.batch_id
    assert document.description == f"Undo of row 1 of {row.batch.file_name}: the wrong account"
    assert last_said(film)["outcome"] == "undone"
    with pytest.raises(Invalid, match="nothing here can be taken back"):
        undo(film, row)
    assert verify_production(film.production).findings == []


def test_a_posting_of_a_closed_week_is_reversed_in_the_first_open_one(film: Film) -> None:
    row = one_held(film, account="33l0")
    decide(film, row, values={"account_code": "3310"})
    week = entries(film)[1].week
    with role("web"), acting(film, "amir"):
        for number in range(1, week + 1):
            close_period(actor=film.cast["amir"], production=film.production, number=number)
    assert undo(film, row).outcome == "undone"
    assert entries(film)[2].week == week + 1


def test_what_was_reversed_in_the_ledger_is_not_reversed_here(film: Film) -> None:
    row = one_held(film, account="33l0")
    posted = decide(film, row, values={"account_code": "3310"})
    with role("web"), acting(film, "amir"):
        reverse_document(
            actor=film.cast["amir"], production=film.production, key=(posted.batch_id or 0, 1),
            day=DAY, reason="twice",
        )  # fmt: skip
    with pytest.raises(Invalid, match="nothing here can be taken back"):
        undo(film, row)


def test_an_envelope_or_journal_that_a_row_completed_is_voided_as_a_whole(film: Film) -> None:
    header = "Journal Number,Date,Account,Debit,Credit,Description"
    rows = ["J1,2026-01-14,33l0,10.00,,a", "J1,2026-01-14,2220,,10.00,b"]
    batch = import_data(film, table(header, rows), source="journals")
    assert batch.quarantined == 2
    wrong = next(r for r in held(film) if "E_ACCOUNT" in r.codes)
    assert decide(film, wrong, values={"account_code": "3310"}).outcome == "posted"
    assert undo(film, wrong).outcome == "undone"
    assert sum(float(entry.amount) for entry in entries(film)) == 0
    entry = Entry.objects.get(production=film.production, kind="journal")
    assert Transaction.objects.filter(reverses_batch_id=entry.batch_id).count() == 1


def test_nothing_is_taken_back_without_a_reason_or_where_nothing_was_done(film: Film) -> None:
    row = one_held(film, account="33l0")
    with pytest.raises(Invalid, match="nothing here"):
        undo(film, row)
    decide(film, row, values={"account_code": "3310"})
    with pytest.raises(Invalid, match="say why it is taken back"):
        undo(film, row, "  ")
    assert len(money(film)) == 2


def test_the_database_moves_no_rejected_row_that_nobody_takes_back(film: Film) -> None:
    row = one_held(film, account="33l0")
    decide(film, row, action="reject", reason="the studio's")
    for name in ("web", "worker"):
        with (
            role(name),
            acting(film, "amir"),
            pytest.raises(DatabaseError, match="is rejected, and what was received"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(
                "UPDATE ingestion_heldrow SET state = 'resubmitted' WHERE id = %s", [row.pk]
            )
    undo(film, row)
    decide(film, row, action="reject", reason="it is not")
    with (
        role("worker"),
        acting(film, "amir"),
        pytest.raises(DatabaseError, match="is rejected"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE ingestion_heldrow SET state = 'resubmitted' WHERE id = %s", [row.pk])


def test_the_database_takes_no_step_back_without_a_reason(film: Film) -> None:
    row = one_held(film, account="33l0")
    with (
        role("web"),
        acting(film, "amir"),
        pytest.raises(DatabaseError, match="with a reason"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "INSERT INTO ingestion_rowrevision (production_id, held_row_id, action, values, reason,"
            " made_by_id) VALUES (%s, %s, 'undo', '{}', ' ', %s)",
            [film.production.pk, row.pk, film.cast["amir"].pk],
        )
