"""A whole cause settled at once: one decision, every row with its own end, exactly once."""

import json
import os
import random
import signal
import time
from collections.abc import Sequence

import pytest
from django.db import DatabaseError, connection, transaction

from access.errors import Invalid, Refused
from access.services import console_person, give_membership
from ingestion import selectors, work
from ingestion.desk import acts
from ingestion.desk import selectors as desk_selectors
from ingestion.desk.acts import CauseAsked
from ingestion.gate import pipeline
from ingestion.models import DeskAct, HeldRow, ImportBatch, RevisionOutcome, RowRevision, WorkItem
from ingestion.services import NoLongerAllowed
from ledger.verify import verify_production
from tests.factories import Film, acting, cost_line, cost_lines, import_data, role
from tests.ingestion.books import counts, decide, held, log_types, money, table
from tests.ingestion.workers import Workers, workers

KILLS = 12
CAUSE = "E_ACCOUNT|account_code|33l0"


def held_cause(film: Film, rows: int, **cell: str) -> ImportBatch:
    """A file of so many rows held for one cause, and one that posts."""
    lines = [cost_line(n, **{"account": "33l0", **cell}) for n in range(1, rows + 1)]
    return import_data(film, cost_lines([*lines, cost_line(9_999)]))


def asked(rows: int, **said: object) -> CauseAsked:
    """What a person asks who has seen so many rows, and types it."""
    given = {"cause": CAUSE, "batch": None, "action": "fix", "value": "3310", "reason": "",
             "count": str(rows), "typed": f"{rows:,}"}  # fmt: skip
    return CauseAsked(**{**given, **said})  # type: ignore[arg-type]


def decided(film: Film, what: CauseAsked, person: str = "amir") -> DeskAct:
    """Decide as somebody at the desk, as the web's own database role."""
    with role("web"), acting(film, person):
        return acts.act_on_cause(actor=film.cast[person], production=film.production, asked=what)


def item_of(film: Film, act: DeskAct) -> WorkItem:
    with acting(film, "amir"):
        return selectors.work_of("act", [act.pk]).get()


def carried_out(film: Film, act: DeskAct) -> DeskAct:
    """Let the worker do it; the act as it ended."""
    with role("worker"):
        work.drain(only=item_of(film, act).pk)
    act.refresh_from_db()
    return act


def figures(act: DeskAct) -> tuple[str, int, int, int, int, int]:
    """(state, posted, duplicate, held again, rejected, passed over)."""
    return act.state, act.posted, act.duplicate, act.held, act.rejected, act.passed


def test_all_rows_of_a_cause_post_as_one_act_in_few_batches(
    film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "CHUNK_ROWS", 20)
    batch = held_cause(film, 50)
    act = carried_out(film, decided(film, asked(50, reason="their old chart")))
    assert figures(act) == ("done", 50, 0, 0, 0, 0)
    batch.refresh_from_db()
    assert (counts(batch), batch.state) == ((51, 51, 0, 0), "posted")
    assert {(m[0], m[2]) for m in money(film)} == {("3310", "125.00")}
    made = RowRevision.objects.filter(act=act)
    assert {(r.action, r.reason, str(r.values)) for r in made} == {
        ("resubmit", "their old chart", "{'account_code': '3310'}")
    }
    posted = RevisionOutcome.objects.filter(revision__in=made)
    assert posted.filter(outcome="posted").count() == 50
    assert posted.values("batch_id").distinct().count() == 3, "a batch a chunk, not one a row"
    assert {row.state for row in held(film)} == {"posted"}
    assert verify_production(film.production).findings == []


def test_the_log_says_who_decided_what_of_how_many_rows(film: Film) -> None:
    held_cause(film, 2)
    act = carried_out(film, decided(film, asked(2, reason="their old chart")))
    assert log_types(film).count("resolve") == 1
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT line FROM ledger_logentry WHERE production_id = %s AND type = 'resolve'",
            [film.production.pk],
        )
        said = json.loads(cursor.fetchone()[0])["data"]
    digest = said.pop("rows_sha256")
    assert said == {
        "act": str(act.pk), "action": "resubmit", "cause": CAUSE, "outcomes": {"posted": "2"},
        "person": str(film.cast["amir"].pk), "reason": "their old chart", "rows": "2",
        "values": {"account_code": "3310"},
    }  # fmt: skip
    assert len(digest) == 64


def test_rows_end_each_in_its_own_way_and_nothing_is_lost(film: Film) -> None:
    lines = [cost_line(n, account="33l0") for n in (1, 2)]
    lines += [cost_line(3, account="33l0", amount="x"), cost_line(4, account="33l0", amount="8.00")]
    batch = import_data(film, cost_lines(lines))
    import_data(film, cost_lines([cost_line(1), cost_line(4)]), name="again.csv")
    act = carried_out(film, decided(film, asked(4)))
    # Posted, a duplicate of another file's, still wrong, and contradicting what is posted.
    assert figures(act) == ("done", 1, 1, 2, 0, 0)
    assert [row.state for row in held(film)] == ["duplicate", "posted", "held", "held"]
    assert [row.cause for row in held(film)[2:]] == [
        "E_AMOUNT|amount|x", "E_CONFLICT|reference|TX000004",
    ]  # fmt: skip
    batch.refresh_from_db()
    assert counts(batch) == (4, 1, 1, 2)


def test_equal_rows_of_one_file_keep_their_own_places(film: Film) -> None:
    header = "Purchase Date,Merchant Name,Amount,Account Code"
    coffee, bad = "2026-01-15,Blue Bottle,4.75,2220", "2026-01-15,Blue Bottle,4.75,22Z0"
    rows = [coffee, bad, coffee, coffee, bad, coffee, bad]
    import_data(film, table(header, rows), source="pex-cards")
    cause = asked(3, cause="E_ACCOUNT|account_code|22Z0", value="2220")
    act = carried_out(film, decided(film, cause))
    assert figures(act) == ("done", 3, 0, 0, 0, 0)
    assert len(money(film)) == 7
    whole = table(header, [coffee] * 7)
    assert counts(import_data(film, whole, source="pex-cards")) == (7, 0, 7, 0)


def test_a_whole_cause_is_rejected_with_a_reason_and_stays_counted(film: Film) -> None:
    batch = held_cause(film, 3)
    with pytest.raises(Invalid, match="reason"):
        decided(film, asked(3, action="reject"))
    act = carried_out(film, decided(film, asked(3, action="reject", reason="the studio's")))
    assert figures(act) == ("done", 0, 0, 0, 3, 0)
    assert {row.state for row in held(film)} == {"rejected"}
    batch.refresh_from_db()
    assert counts(batch) == (4, 1, 0, 3)
    assert len(money(film)) == 1


def test_a_rule_settles_the_cause_and_reads_later_files_of_the_source(film: Film) -> None:
    first = held_cause(film, 2, account="3310", currency="US$")
    rule = asked(2, action="rule", cause="E_CURRENCY|currency|US$", value="USD")
    act = carried_out(film, decided(film, rule))
    assert figures(act) == ("done", 2, 0, 0, 0, 0)
    later = [cost_line(n, currency="US$") for n in (1, 2, 3)]
    batch = import_data(film, cost_lines(later), name="later.csv")
    # The first two are the same documents, though they were posted fixed.
    assert counts(batch) == (3, 1, 2, 0)
    assert batch.mapping != first.mapping, "by a version of its own"


def test_a_rule_is_one_source_s(film: Film) -> None:
    held_cause(film, 1, account="3310", currency="US$")
    card = "2026-01-15,Blue Bottle,4.75,2220,US$"
    header = "Purchase Date,Merchant Name,Amount,Account Code,Currency"
    import_data(film, table(header, [card]), source="pex-cards")
    with pytest.raises(Invalid, match="one source"):
        decided(film, asked(2, action="rule", cause="E_CURRENCY|currency|US$", value="USD"))
    assert not DeskAct.objects.filter(production=film.production).exists()


def test_only_the_rows_of_one_import_where_it_is_named(film: Film) -> None:
    first = held_cause(film, 2)
    import_data(film, cost_lines([cost_line(7, account="33l0")]), name="other.csv")
    act = carried_out(film, decided(film, asked(2, batch=first)))
    assert figures(act) == ("done", 2, 0, 0, 0, 0)
    assert [row.state for row in held(film)] == ["posted", "posted", "held"]


def test_rows_handed_in_as_they_are_go_through_the_gate_again(film: Film) -> None:
    held_cause(film, 2)
    act = carried_out(film, decided(film, asked(2, action="again", value="")))
    assert figures(act) == ("done", 0, 0, 2, 0, 0)
    again = carried_out(film, decided(film, asked(2)))
    assert figures(again) == ("done", 2, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"typed": ""}, "type how many"),
        ({"typed": "29"}, "type how many"),
        ({"count": "29"}, "30 rows wait"),
        ({"value": " "}, "value"),
        ({"value": "33\0"}, "invisible"),
        ({"action": "forget"}, "action"),
        ({"cause": "E_ACCOUNT|account_code|nothing"}, "No row waits"),
        ({"cause": "E_TOTAL_ROW|row|"}, "no field in common"),
        ({"cause": "E_CONFLICT|reference|TX1"}, "no field in common"),
    ],
)
def test_what_is_not_confirmed_or_not_said_changes_nothing(
    film: Film, said: dict[str, str], words: str
) -> None:
    held_cause(film, 30)
    with pytest.raises(Refused) as refused:
        decided(film, asked(30, **said))
    assert words in refused.value.message
    assert not DeskAct.objects.filter(production=film.production).exists()


@pytest.mark.parametrize(("rows", "amount", "asks"), [(25, "1.00", False), (26, "1.00", True),
                                                      (2, "-5000.01", True)])  # fmt: skip
def test_many_rows_or_much_money_are_confirmed_by_typing(
    film: Film, rows: int, amount: str, asks: bool
) -> None:
    held_cause(film, rows, amount=amount)
    if asks:
        with pytest.raises(Invalid):
            decided(film, asked(rows, typed=""))
    else:
        assert decided(film, asked(rows, typed="")).rows == rows


def test_two_people_who_settle_one_cause_at_once_settle_it_once(film: Film) -> None:
    held_cause(film, 3)
    act = decided(film, asked(3))
    with pytest.raises(Refused, match="Somebody is settling this cause"):
        decided(film, asked(3, value="3301"))
    assert figures(carried_out(film, act)) == ("done", 3, 0, 0, 0, 0)
    with pytest.raises(Refused, match="No row waits"):
        decided(film, asked(3, value="3301"))
    assert len(money(film)) == 4


def test_a_row_somebody_settled_meanwhile_is_passed_over(film: Film) -> None:
    held_cause(film, 3)
    act = decided(film, asked(3))
    decide(film, held(film)[1], values={"account_code": "2220"})
    assert figures(carried_out(film, act)) == ("done", 2, 0, 0, 0, 1)
    assert sorted(m[0] for m in money(film)) == ["2220", "3310", "3310", "3310"]


def test_an_act_is_stopped_before_its_rows_are_settled(film: Film) -> None:
    held_cause(film, 3)
    act = decided(film, asked(3))
    with role("web"), acting(film, "amir"):
        acts.stop_act(actor=film.cast["amir"], act=act)
    assert figures(carried_out(film, act)) == ("stopped", 0, 0, 0, 0, 0)
    assert {row.state for row in held(film)} == {"held"}
    with role("web"), acting(film, "amir"), pytest.raises(Refused):
        acts.stop_act(actor=film.cast["amir"], act=act)
    # The cause is free again.
    assert figures(carried_out(film, decided(film, asked(3)))) == ("done", 3, 0, 0, 0, 0)


def test_a_person_who_may_no_longer_resolve_settles_nothing(film: Film) -> None:
    held_cause(film, 2)
    act = decided(film, asked(2))
    give_membership(
        actor=console_person(), production=film.production, user=film.cast["amir"],
        role="studio_executive",
    )  # fmt: skip
    item = WorkItem.objects.get(kind="act", subject_id=act.pk)
    with role("worker"), pytest.raises(NoLongerAllowed):
        work.drain(only=item.pk)
    assert {row.state for row in held(film)} == {"held"}


@pytest.mark.parametrize(
    "forged",
    [
        {"posted": 2}, {"state": "done"}, {"finished_at": "2026-01-01T00:00Z"}, {"position": 7},
        {"made_by_id": "other"},
    ],
)  # fmt: skip
def test_the_web_role_cannot_make_up_an_act_that_is_done(
    film: Film, forged: dict[str, object]
) -> None:
    given = {"production": film.production, "kind": "cause", "action": "reject", "rows": 2,
             "made_by_id": film.cast["amir"].pk}  # fmt: skip
    if forged.get("made_by_id"):
        forged = {"made_by_id": film.cast["lena"].pk}
    with role("web"), acting(film, "amir"):
        with pytest.raises(DatabaseError), transaction.atomic():
            DeskAct.objects.create(**{**given, **forged})  # type: ignore[arg-type]
        act = DeskAct.objects.create(**given)  # type: ignore[arg-type]
        for change in ({"posted": 1}, {"state": "done"}):
            with pytest.raises(DatabaseError), transaction.atomic():
                DeskAct.objects.filter(pk=act.pk).update(**change)


def test_what_was_decided_never_changes_by_any_road(film: Film) -> None:
    held_cause(film, 2)
    act = carried_out(film, decided(film, asked(2)))
    for sql in ("UPDATE ingestion_deskact SET reason = 'x' WHERE id = %s",
                "UPDATE ingestion_deskact SET posted = 9 WHERE id = %s",
                "DELETE FROM ingestion_deskact WHERE id = %s"):  # fmt: skip
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, [act.pk])


def settled(act: DeskAct) -> Sequence[int]:
    """(rows the act counts, revisions, outcomes, rows off the desk, rows in the journal), of one
    moment."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.posted + a.duplicate + a.held,"
            " (SELECT count(*) FROM ingestion_rowrevision r WHERE r.act_id = a.id),"
            " (SELECT count(*) FROM ingestion_rowrevision r JOIN ingestion_revisionoutcome o"
            "  ON o.revision_id = r.id WHERE r.act_id = a.id),"
            " (SELECT count(*) FROM ingestion_heldrow h WHERE h.production_id = a.production_id"
            "  AND h.state = 'posted'),"
            " (SELECT count(*) FROM ledger_transaction t WHERE t.production_id = a.production_id)"
            " FROM ingestion_deskact a WHERE a.id = %s",
            [act.pk],
        )
        return [int(n) for n in cursor.fetchone()]


def killed_at(crew: Workers, item: int, seconds: float) -> None:
    """A worker at the item, killed after so long."""
    (pid,) = crew.fork({"do": "drain", "items": [item]})
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    crew.wait(pid)
    deadline = time.monotonic() + 30
    while WorkItem.objects.get(pk=item).state == "running" and time.monotonic() < deadline:
        work.sweep()
        time.sleep(0.005)
    WorkItem.objects.filter(pk=item, state="ready").update(run_after="2026-01-01T00:00Z")


def test_a_worker_killed_in_the_middle_of_an_act_settles_every_row_once(film: Film) -> None:
    rows = 300
    batch = held_cause(film, rows)
    act = decided(film, asked(rows))
    dice = random.Random(int(os.environ.get("PRODACCT_SEED", "1912")))
    item = item_of(film, act).pk
    part_way = 0
    with workers(15) as crew, role("worker"):
        for _ in range(KILLS):
            killed_at(crew, item, dice.uniform(0.05, 0.5))
            with role("owner"):
                done, revisions, outcomes, off_desk, posted = settled(act)
            assert done == revisions == outcomes == off_desk == posted - 1
            assert done % 15 == 0
            part_way += 0 < done < rows
        work.drain(only=item)
    assert part_way > 0, "no kill came in the middle"
    act.refresh_from_db()
    batch.refresh_from_db()
    assert figures(act) == ("done", rows, 0, 0, 0, 0)
    assert counts(batch) == (rows + 1, rows + 1, 0, 0)
    assert verify_production(film.production).findings == []


def test_a_page_of_a_cause_goes_on_behind_the_last_row_of_the_page_before(film: Film) -> None:
    held_cause(film, 5)
    with role("web"), acting(film, "amir"):
        first = list(desk_selectors.rows_of_cause(film.production, CAUSE)[:2])
        then = list(desk_selectors.rows_of_cause(film.production, CAUSE, after=first[-1].pk))
    assert [row.row for row in (*first, *then)] == [1, 2, 3, 4, 5]
    assert HeldRow.objects.filter(production=film.production).count() == 5
