"""An import whose columns nobody knows waits for a person, and goes on by what they decide."""

import os
import signal
import time
from threading import Thread

import pytest
from django.db import connection, transaction

from access.errors import Invalid, Refused
from ingestion import letters, mappings, selectors, work
from ingestion.layouts.sources import REGISTRY
from ingestion.mappings import Decided, MayNotDecide, Proposal
from ingestion.models import ImportBatch
from ingestion.tables.letters import Decision
from ingestion.tables.mappings import MappingVersion
from ledger.verify import verify_production
from tests.factories import Film, acting, cost_line, cost_lines, import_data, receive, role
from tests.ingestion.books import codes, counts, decide, entries, held, log_types, money, table
from tests.ingestion.deciding import accept, carry_out, payroll, proposal, waiting
from tests.ingestion.workers import workers

PAYROLL, BILLS = REGISTRY["wrapbook-payroll"].name, REGISTRY["vendor-invoices"].name
INVOICES = "Vendor,Invoice Number,Invoice Date,Account Number,Amount"


def drift_of(film: Film) -> list[tuple[str, str, str, str, str]]:
    with acting(film, "amir"):
        found = list(selectors.drift_entries(film.production).order_by("pk"))
    return [(d.header, d.change, d.field, d.verdict, d.mapping) for d in found]


def add_rule(film: Film, source: str, person: str = "amir", **rule: object) -> MappingVersion:
    with role("web"), acting(film, person):
        return mappings.add_rule(
            actor=film.cast[person], production=film.production, source=source, rule=rule,
            reason="as the vendor writes it",
        )  # fmt: skip


def test_a_renamed_money_column_waits_is_accepted_and_posts_once(film: Film) -> None:
    batch = waiting(film, payroll())
    assert counts(batch) == (0, 0, 0, 0)
    assert "'GROSS PAY' is unknown and seems to hold money" in batch.reason
    assert batch.shape["samples"][4] == ["100.00", "200.00"]
    decision = accept(film, batch, proposal(batch, GROSS_PAY="amount"))
    done = carry_out(film, decision)
    assert (done.state, done.mapping, done.reason) == ("posted", f"{PAYROLL}+1", "")
    assert counts(done) == (2, 2, 0, 0)
    assert "samples" not in done.shape
    assert [e.amount for e in entries(film)] == ["100.00", "200.00"]
    assert drift_of(film) == [
        ("GROSS PAY", "new", "", "stopped", PAYROLL),
        ("GROSS PAY", "new", "amount", "mapped", f"{PAYROLL}+1"),
        ("GROSS PAY", "renamed", "amount", "resolved", f"{PAYROLL}+1"),
    ]
    with acting(film, "amir"):
        version = selectors.newest_version(film.production, "wrapbook-payroll")
    assert version is not None
    assert (str(version), str(version.accepted_by)) == (f"{PAYROLL}+1", "Amir")
    assert len(version.fingerprint) == 64
    later = import_data(film, payroll(3, first=1), source="wrapbook-payroll")
    assert (later.state, later.mapping) == ("posted", f"{PAYROLL}+1")
    assert counts(later) == (3, 2, 1, 0), "and an overlapping export posts nothing twice"
    assert verify_production(film.production).findings == []


def test_a_file_without_a_required_column_waits_when_it_has_unknown_ones(film: Film) -> None:
    batch = waiting(film, payroll(gross="Emolument"))
    assert "no column is known to be amount" in batch.reason
    with pytest.raises(Invalid, match="no column is read as amount"):
        accept(film, batch, proposal(batch))
    done = carry_out(film, accept(film, batch, proposal(batch, Emolument="amount")))
    assert counts(done) == (2, 2, 0, 0)


def test_reordered_columns_and_known_aliases_post_by_themselves_and_are_logged(film: Film) -> None:
    import_data(film, table(INVOICES, ["Arri,1,2026-01-14,3310,5.00"]), source="vendor-invoices")
    again = table("Invoice #,Payee,Invoice Date,Account Number,Amount,Shelf",
                  ["2,Arri,2026-01-14,3310,6.00,B"])  # fmt: skip
    done = import_data(film, again, source="vendor-invoices")
    assert (done.state, counts(done)) == ("posted", (1, 1, 0, 0))
    assert drift_of(film) == [
        ("Payee", "renamed", "vendor", "resolved", BILLS),
        ("Shelf", "new", "", "unread", BILLS),
        ("Invoice #", "moved", "reference", "resolved", BILLS),
    ]


def test_a_file_of_another_source_does_not_wait(film: Film) -> None:
    batch = import_data(film, cost_lines([cost_line(1)]), source="vendor-invoices")
    assert (batch.state, batch.code) == ("rejected", "E_HEADER")


def test_a_file_with_no_row_under_an_unknown_header_is_rejected_and_not_tried_again(
    film: Film,
) -> None:
    batch = import_data(film, payroll(0), source="wrapbook-payroll")
    assert (batch.state, batch.code) == ("rejected", "E_EMPTY")
    assert list(MappingVersion.objects.filter(production=film.production)) == []


def test_of_two_who_accept_at_once_one_makes_the_version_and_the_other_is_told(film: Film) -> None:
    batch = waiting(film, payroll())
    asked = proposal(batch, GROSS_PAY="amount")
    said: list[str] = []

    def second() -> None:
        try:
            with acting(film, "amir"):  # the role is the process's, not the thread's
                mappings.accept_mapping(
                    actor=film.cast["amir"], batch=batch, proposal=asked,
                    header=batch.shape["header"], reason="",
                )  # fmt: skip
                said.append("accepted")
        except Refused as refusal:
            said.append(refusal.code)
        finally:
            connection.close()

    with role("web"), acting(film, "amir"):
        mappings.accept_mapping(
            actor=film.cast["amir"], batch=batch, proposal=asked, header=batch.shape["header"],
            reason="",
        )  # fmt: skip
        other = Thread(target=second)
        other.start()
        time.sleep(0.3)
        assert said == [], "the second waits for the first"
    other.join(20)
    assert said == ["decided"]
    assert MappingVersion.objects.filter(production=film.production).count() == 1
    decisions = Decision.objects.filter(production=film.production)
    assert counts(carry_out(film, decisions.get())) == (2, 2, 0, 0)


def test_who_saw_an_older_version_is_told_of_the_newer(film: Film) -> None:
    first, second = waiting(film, payroll()), waiting(film, payroll(4, gross="GROSS EARNED PAY"))
    carry_out(film, accept(film, first, proposal(first, GROSS_PAY="amount")))
    with pytest.raises(Decided, match=r"\+1 was accepted by Amir"):
        accept(film, second, proposal(second, GROSS_EARNED_PAY="amount"))
    done = carry_out(film, accept(film, second, proposal(second, 1, GROSS_EARNED_PAY="amount")))
    assert (done.mapping, counts(done)) == (f"{PAYROLL}+2", (4, 2, 2, 0))


def test_a_file_that_waited_goes_on_by_what_was_decided_of_another(film: Film) -> None:
    first, second = waiting(film, payroll(2)), waiting(film, payroll(3))
    with role("worker"):
        third = receive(film, payroll(4), source="wrapbook-payroll").batch
    carry_out(film, accept(film, first, proposal(first, GROSS_PAY="amount")))
    done = carry_out(film, accept(film, second, Proposal({}, {}, 1)))
    assert (done.mapping, counts(done)) == (f"{PAYROLL}+1", (3, 1, 2, 0))
    assert MappingVersion.objects.filter(production=film.production).count() == 1
    with role("worker"):
        with acting(film, "amir"):
            item = selectors.work_of("import", [third.pk]).get()
        work.drain(only=item.pk)
    third.refresh_from_db()
    assert (third.mapping, counts(third)) == (f"{PAYROLL}+1", (4, 1, 3, 0))


def test_a_cancelled_import_posts_nothing_says_so_and_may_be_sent_again(film: Film) -> None:
    batch = waiting(film, payroll())
    with role("web"), acting(film, "amir"), pytest.raises(Invalid, match="say why"):
        letters.cancel_import(actor=film.cast["amir"], batch=batch, reason=" ")
    with role("web"), acting(film, "amir"):
        decision = letters.cancel_import(actor=film.cast["amir"], batch=batch, reason="not ours")
    done = carry_out(film, decision)
    assert (done.state, counts(done)) == ("cancelled", (0, 0, 0, 0))
    assert log_types(film).count("upload") == 1
    with pytest.raises(Decided, match="decided by Amir"):
        accept(film, batch, proposal(batch, GROSS_PAY="amount"))
    assert waiting(film, payroll()).pk != batch.pk


def test_who_may_not_import_decides_nothing(film: Film) -> None:
    batch = waiting(film, payroll())
    with pytest.raises(MayNotDecide):
        accept(film, batch, proposal(batch, GROSS_PAY="amount"), person="lena")
    with pytest.raises(MayNotDecide):
        add_rule(film, "pex-cards", "cho", kind="ignore", header="Shelf")


def test_a_version_altered_behind_the_journal_is_found(film: Film) -> None:
    version = add_rule(film, "vendor-invoices", kind="ignore", header="Sales Tax")
    assert verify_production(film.production).findings == []
    with role("admin"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE ingestion_mappingversion SET rules = '{\"ignored\": []}' WHERE id = %s",
            [version.pk],
        )
    found = str(verify_production(film.production).findings)
    assert f"mappingversion {version.pk}" in found
    assert "rules was logged" in found


def test_a_worker_killed_over_an_accepted_import_posts_it_once(film: Film) -> None:
    batch = waiting(film, payroll(600))
    decision = accept(film, batch, proposal(batch, GROSS_PAY="amount"))
    with acting(film, "amir"):
        item = selectors.work_of("decision", [decision.pk]).get()
    with workers(50) as crew, role("worker"):
        for pause in (0.02, 0.1, 0.25):
            (pid,) = crew.fork({"do": "drain", "items": [item.pk]})
            time.sleep(pause)
            os.kill(pid, signal.SIGKILL)
            assert crew.wait(pid) == [-9]
        with connection.cursor() as cursor:
            cursor.execute("UPDATE ingestion_workitem SET run_after = now() WHERE id = %s",
                           [item.pk])  # fmt: skip
        (pid,) = crew.fork({"do": "drain", "items": [item.pk]})
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            item.refresh_from_db()
            if item.state == "done":
                break
            time.sleep(0.02)
        os.kill(pid, signal.SIGKILL)
        crew.wait(pid)
    done = ImportBatch.objects.get(pk=batch.pk)
    assert counts(done)[:2] == (600, 600)
    assert len(money(film)) == 600


def test_a_vendor_s_word_is_put_right_by_a_rule_and_kept_as_received(film: Film) -> None:
    rows = [cost_line(1), cost_line(2, currency="US$"), cost_line(3, currency="US$", account="x")]
    import_data(film, cost_lines(rows))
    assert codes(film) == {2: ["E_CURRENCY"], 3: ["E_ACCOUNT", "E_CURRENCY"]}
    version = add_rule(film, "cost-lines", kind="word", field="currency", found="US$", meant="USD")
    decide(film, held(film)[0])
    assert codes(film)[2] == ["E_CURRENCY"], "a held row is read by its import's own version"
    decide(film, held(film)[0], mapping=str(version))
    assert codes(film) == {3: ["E_ACCOUNT", "E_CURRENCY"]}
    again = import_data(film, cost_lines([*rows[:2], cost_line(4, currency="US$ ")]))
    assert counts(again) == (3, 1, 2, 0)
    assert [e.currency for e in entries(film)] == ["USD"] * 3
    with pytest.raises(Invalid, match="says so already"):
        add_rule(film, "cost-lines", kind="word", field="currency", found="US$", meant="USD")


def test_a_source_whose_signs_are_reversed_is_read_so_by_rule(film: Film) -> None:
    add_rule(film, "pex-cards", kind="normal", sign="reversed", decimal=",",
             date_formats=["%d/%m/%Y"])  # fmt: skip
    data = table("Purchase Date;Merchant Name;Amount;Account Code",
                 ["05/02/2026;Arri;-1.234,50;3310", "05/02/2026;Arri;3,00;x"])  # fmt: skip
    batch = import_data(film, data, source="pex-cards")
    assert batch.mapping == f"{REGISTRY['pex-cards'].name}+1"
    assert [(e.amount, e.account) for e in entries(film)] == [("1234.50", "3310")]
    assert held(film)[0].amount == -3


def test_a_source_s_times_without_a_zone_are_read_in_the_zone_decided(film: Film) -> None:
    add_rule(film, "cost-lines", kind="normal", zone="Asia/Tokyo")
    rows = [cost_line(1, day="2026-01-14T03:00"), cost_line(2, day="2026-01-14T03:00+01:00")]
    assert counts(import_data(film, cost_lines(rows))) == (2, 2, 0, 0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_char(occurred_at AT TIME ZONE 'UTC', 'DD HH24:MI'), source_zone"
            " FROM ledger_transaction WHERE production_id = %s ORDER BY number",
            [film.production.pk],
        )
        assert cursor.fetchall() == [("13 18:00", "Asia/Tokyo"), ("14 02:00", "+01:00")]


def test_a_column_decided_after_it_was_passed_over_makes_no_row_another(film: Film) -> None:
    header, row = f"{INVOICES},Guild", "Arri,1,2026-01-14,3310,5.00,DGA"
    import_data(film, table(header, [row]), source="vendor-invoices")
    batch = waiting(film, table(f"{header},Sales Tax", [f"{row},0.10"]), "vendor-invoices")
    asked = proposal(batch, Guild="union_guild", Sales_Tax="ignore")
    assert counts(carry_out(film, accept(film, batch, asked))) == (1, 0, 1, 0)


def test_rows_known_by_all_they_state_are_given_no_column_that_was_passed_over(film: Film) -> None:
    header, row = "Purchase Date,Merchant Name,Amount,Account Code", "2026-01-15,Arri,1.00,2220"
    import_data(film, table(f"{header},Shelf", [f"{row},B"]), source="pex-cards")
    batch = waiting(film, table(f"{header},Shelf,Fee", [f"{row},B,1"]), "pex-cards")
    with pytest.raises(Invalid, match="would post again"):
        accept(film, batch, proposal(batch, Shelf="description", Fee="ignore"))
    done = carry_out(film, accept(film, batch, proposal(batch, Shelf="ignore", Fee="ignore")))
    assert counts(done) == (1, 0, 1, 0)
