"""A held row is posted as it stands under an override for just that row, and for few violations."""

import json
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError

from access import context
from access.errors import Invalid, NotFoundHere, Refused
from ingestion.gate.waivers import never
from ingestion.models import HeldRow, ImportBatch, RevisionOutcome, RowRevision
from ingestion.screens import desk
from ledger.models import Batch, LogEntry
from ledger.override_tree import WAIVABLE
from ledger.verify import verify_production
from overrides import selectors
from overrides.carrying import Asked
from overrides.models import Override, Step
from overrides.verifying import verify_overrides
from reports import bible
from tests.budgets.films import DAY, book
from tests.factories import Cast, acting, cost_line, cost_lines, import_data, role
from tests.ingestion.books import codes, counts, decide, held
from tests.ingestion.test_payroll import ANN, BO, imported, paid
from tests.ledger.raw_batches import query
from tests.overrides.signing import Signing, founded, move_clock

WRONG = (*ANN[:-1], "643.00")  # 633.00 would be right


@pytest.fixture
def signing(cast: Cast) -> Signing:
    """A film with signers and one held payroll row: its net pay does not add up."""
    made = founded(cast)
    imported(made.film, paid(WRONG, BO))
    return made


def row_of(signing: Signing, code: str = "E_NET_PAY") -> HeldRow:
    with role("owner"):
        return next(row for row in held(signing.film) if code in row.codes)


def asks(signing: Signing, row: HeldRow, by: str = "amir") -> Override:
    return signing.asks(Asked("validation_waiver", DAY, row=(row.batch_id, row.row)), by)


def test_a_held_row_is_posted_as_it_stands_and_its_history_says_under_what(
    signing: Signing,
) -> None:
    row = row_of(signing)
    found = asks(signing, row)
    assert found.proposed["lines"] == [
        {"account": "0310", "amount": "-734.2000", "cost_center": ""},
        {"account": "0312", "amount": "-192.0000", "cost_center": ""},
        {"account": "3301", "amount": "825.0000", "cost_center": "CAM"},
        {"account": "3399", "amount": "101.2000", "cost_center": "CAM"},
    ]
    assert (found.target, found.amount) == (f"row 1 of import {row.batch_id}", Decimal("926.2"))
    assert "3301" not in book(signing.film, 1), "asking posts nothing"
    signing.executed(found)
    assert book(signing.film, 1)["3301"] == 825
    with role("owner"):
        row.refresh_from_db()
        revision = RowRevision.objects.get(held_row=row)
        outcome = RevisionOutcome.objects.get(pk=revision.pk)
        batch = Batch.objects.get(pk=outcome.batch_id)
        assert counts(ImportBatch.objects.get(pk=row.batch_id)) == (2, 2, 0, 0)
        said = LogEntry.objects.filter(production=signing.film.production, type="resolve").get()
    assert (row.state, revision.action, revision.made_by_id) == (
        "posted", "waive", signing.person("amir").pk)  # fmt: skip
    assert batch.origin.endswith(f"OVERRIDE {found.reference}")
    assert json.loads(said.line)["data"]["action"] == "waive"
    with role("web"), acting(signing.film, "amir"):
        history = desk.row_view(row)["history"]
    assert [(e["what"], found.reference in e["detail"]) for e in history] == [
        ("Held", False), ("Passed over, as it stands", True), ("Posted", False)]  # fmt: skip


def test_the_bible_flags_it_for_whoever_reads_the_line(signing: Signing) -> None:
    found = signing.executed(asks(signing, row_of(signing)))
    flag = f"OVERRIDE {found.reference}"
    for name in ("amir", "cho"):
        with role("web"), acting(signing.film, name):
            lines = bible.bible(signing.film.production).lines
        of_ann = [line.flag for line in lines if line.amount in (800, 25)]
        assert of_ann == [flag, flag], name
        assert {line.flag for line in lines if "OVERRIDE" not in line.origin} <= {""}, name


def test_what_nobody_ratifies_is_reversed_and_the_row_says_so(signing: Signing) -> None:
    before = book(signing.film, 1)
    row = row_of(signing)
    found = signing.executed(asks(signing, row))
    with pytest.raises(Refused, match="waits to be ratified"):
        decide(signing.film, row, action="undo", reason="mine")
    move_clock(found, "ratify_by")
    assert signing.works() == 1
    assert book(signing.film, 1) == before
    with role("web"), acting(signing.film, "amir"):
        row.refresh_from_db()
        page = desk.row_view(row)
    assert page["row"]["state_label"] == "Posted, then reversed"
    assert [e["what"] for e in page["history"]][-2:] == ["Taken back", "Reversed in the ledger"]
    assert page["undo"] is None
    with role("owner"):
        assert verify_production(signing.film.production).findings == []
    production = signing.film.production
    with role("worker"), context.acting(user_id=context.NOBODY, production_id=production.pk):
        said = verify_overrides(production)[1]
    assert [x for x in said if found.reference not in x] == []


def test_once_ratified_the_row_is_taken_back_by_a_person_like_any_other(signing: Signing) -> None:
    row = row_of(signing)
    found = signing.executed(asks(signing, row))
    for name in ("amir", "lena"):
        signing.decides(name, signing.now(found), "ratify")
    assert decide(signing.film, row, action="undo", reason="the wrong week").outcome == "undone"


def test_what_was_put_right_or_settled_meanwhile_is_not_posted(signing: Signing) -> None:
    changed = row_of(signing)
    found = signing.approved(asks(signing, changed))
    decide(signing.film, changed, values={"net_pay": "700.00"})
    assert signing.works() == 1
    again = signing.approved(asks(signing, changed))
    decide(signing.film, changed, action="reject", reason="the studio's")
    assert signing.works() == 1
    for each in (found, again):
        with role("web"), acting(signing.film, "amir"):
            stop = selectors.steps(each)[-1]
        assert (stop.step, stop.becomes) == ("stop", "rejected")
        assert "changed or settled at the desk" in stop.reason
    assert "3301" not in book(signing.film, 1)


NEVER = {
    "E_ACCOUNT": {"account": "9999"},
    "E_DATE": {"day": "2031-01-01"},
    "E_AMOUNT": {"amount": "0"},
    "E_CURRENCY": {"currency": "US$"},
    "E_COST_CENTER": {"center": "NONE"},
    "E_JURISDICTION": {"jurisdiction": ""},
}


def test_little_is_passed_over(signing: Signing) -> None:
    rows = [cost_line(n, **cell) for n, cell in enumerate(NEVER.values(), 1)]  # type: ignore[arg-type]
    import_data(signing.film, cost_lines(rows))
    for code in NEVER:
        row = row_of(signing, code)
        with pytest.raises(Refused, match=f"{code} is never passed over"):
            asks(signing, row)
        with role("web"), acting(signing.film, "amir"):
            assert not desk.row_view(row)["waiver"]
    import_data(signing.film, cost_lines([cost_line(50)]), name="a.csv")
    import_data(signing.film, cost_lines([cost_line(50, amount="9.00")]), name="b.csv")
    with pytest.raises(Refused, match="posted already with other facts"):
        asks(signing, row_of(signing, "E_CONFLICT"))
    assert never(sorted(WAIVABLE)) == ""
    assert "resubmit" in never([])


def test_it_is_asked_for_by_who_settles_rows_about_a_row_that_is_held(signing: Signing) -> None:
    row = row_of(signing)
    with pytest.raises(Refused, match="posts entries and settles held rows"):
        asks(signing, row, by="lena")
    with pytest.raises(NotFoundHere):
        signing.asks(Asked("validation_waiver", DAY, row=(row.batch_id, 77)))
    with pytest.raises(Invalid, match="its import and its number"):
        signing.asks(Asked("validation_waiver", DAY))
    decide(signing.film, row, values={"net_pay": "633.00"})
    with pytest.raises(Refused, match="is posted"):
        asks(signing, row)


ATTACKS = {
    "held for what is never passed over": ("codes", ["E_ACCOUNT"]),
    "another row": ("held_row", 1),
    "other bytes": ("payload", "00" * 32),
    "another number": ("row", 2),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_database_takes_no_request_about_another_row(signing: Signing, attack: str) -> None:
    found = asks(signing, row_of(signing))
    name, value = ATTACKS[attack]
    with role("web"), acting(signing.film, "amir"):
        other = Override.objects.get(pk=found.pk)
        other.pk, other.proposed = None, found.proposed | {name: value}
        with pytest.raises(DatabaseError, match=r"about a row that is held|held for"):
            other.save(force_insert=True)


def test_nobody_passes_a_row_over_without_the_signatures(signing: Signing) -> None:
    row, other = row_of(signing), signing.draw()
    found = asks(signing, row)
    made = {
        "production": signing.film.production, "held_row": row, "reason": "because",
        "made_by": signing.person("amir"),
    }  # fmt: skip
    for name, under in (("web", found), ("worker", found), ("worker", other)):
        with (
            role(name), acting(signing.film, "amir"),
            pytest.raises(DatabaseError, match="under a signed override for that row"),
        ):  # fmt: skip
            RowRevision.objects.create(action="waive", override=under, **made)
    with role("worker"), acting(signing.film, "amir"), pytest.raises(
        (DatabaseError, IntegrityError), match=r"signed override|revision_action"
    ):  # fmt: skip
        RowRevision.objects.create(action="waive", **made)


def test_the_step_is_the_rows_own_posting(signing: Signing) -> None:
    found = signing.approved(asks(signing, row_of(signing)))
    decide(signing.film, row_of(signing), values={"net_pay": "633.00"})
    with role("owner"):
        [(batch,)] = query(
            "SELECT max(id) FROM ledger_batch WHERE production_id = %s", signing.film.production.pk
        )
    with (
        role("worker"), acting(signing.film, "amir"),
        pytest.raises(DatabaseError, match=r"sealed batch of its own|the row it was signed for"),
    ):  # fmt: skip
        Step.objects.create(
            production=signing.film.production, override=found, number=0, step="execute",
            becomes="", taken_at="2000-01-01T00:00Z", leaf=b"", batch_id=batch, checked="x",
        )  # fmt: skip
    assert codes(signing.film) == {}
