"""An invoice that is probably posted already, written otherwise, waits for a person."""

import json
import time
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from access.errors import Invalid
from ingestion import services
from ingestion.desk import acts
from ingestion.desk.acts import CauseAsked
from ingestion.dry_runs import look_at_file
from ingestion.gate import pipeline
from ingestion.models import HeldRow, ImportBatch, InvoiceMark
from ledger.corrections import reverse_document
from ledger.models import LogEntry
from ledger.verify import verify_production
from purchasing.invoices import InvoicePlan, enter_invoice
from purchasing.papers import CostLine
from taxonomy.selectors import unit_by_code
from tests.factories import Film, acting, import_data, role
from tests.ingestion.books import codes, counts, decide, do_the_work, held, money, table
from tests.ingestion.workers import workers
from tests.purchasing.office import DAY, office

HEADER = "Vendor,Invoice Number,Invoice Date,Account Number,Amount,Currency"
CODE = "E_NEAR_DUPLICATE"


def bill(vendor: str = "Arri Rental", number: str = "INV-0012", amount: str = "5.00",
         account: str = "3310", currency: str = "USD", day: str = "2026-01-14") -> str:  # fmt: skip
    """One row of the vendors' invoices."""
    return f'"{vendor}",{number},{day},{account},{amount},{currency}'


def bills(film: Film, *rows: str, name: str = "bills.csv") -> ImportBatch:
    """A file of vendor invoices, carried to its end."""
    return import_data(film, table(HEADER, rows), source="vendor-invoices", name=name)


def the_held(film: Film) -> HeldRow:
    """The one row that waits."""
    (row,) = [row for row in held(film) if row.state == "held"]
    return row


def test_an_invoice_written_otherwise_is_held_and_names_the_other(film: Film) -> None:
    bills(film, bill(amount="7.00", number="1"), bill(), name="week 2.csv")
    batch = bills(film, bill("ARRI Rental, Inc.", "INV 12", day="2026-01-15"))
    assert counts(batch) == (1, 0, 0, 1)
    assert batch.state == "posted_with_quarantine"
    assert codes(film) == {1: [CODE]}
    (violation,) = the_held(film).violations
    assert violation["field"] == "reference"
    assert violation["found"] == "INV 12 of ARRI Rental, Inc., 5.00 USD"
    mark = InvoiceMark.objects.get(production=film.production, number_key="12")
    assert violation["expected"].startswith(
        "an invoice that is not posted yet: INV-0012 of Arri Rental, 5.00 USD was posted on "
    )
    assert violation["expected"].endswith(
        f"from week 2.csv, row 2, document {mark.batch_id}-{mark.number}"
    )


def test_of_one_file_the_second_is_held(film: Film) -> None:
    batch = bills(film, bill(), bill(number="12"), bill(number="13"))
    assert counts(batch) == (3, 2, 0, 1)
    assert codes(film) == {2: [CODE]}
    assert "stands in row 1 of this file" in the_held(film).violations[0]["expected"]


def test_of_one_file_of_many_chunks_the_later_is_held(
    film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "CHUNK_ROWS", 2)
    rows = [bill(number=f"A{n}", amount=f"{n}.00") for n in range(1, 6)]
    batch = bills(film, *rows, bill(number="A-01", amount="1.00"))
    assert counts(batch) == (6, 5, 0, 1)
    assert codes(film) == {6: [CODE]}


@pytest.mark.parametrize(
    "other",
    [
        bill("Arri Rental Inc", "INV-13"),
        bill("Arri Rental Inc", amount="5.01"),
        bill("Arri Rental Inc", amount="(5.00)"),
        bill("Arri Rental Inc", currency="CAD"),
        bill("Keslow Camera", "12"),
    ],
)
def test_another_number_amount_currency_or_vendor_posts(film: Film, other: str) -> None:
    bills(film, bill())
    assert counts(bills(film, other)) == (1, 1, 0, 0)


def test_lines_of_one_invoice_with_one_amount_all_post_and_all_are_duplicates_again(
    film: Film,
) -> None:
    rows = [bill(), bill(), bill(account="2220")]
    assert counts(bills(film, *rows)) == (3, 3, 0, 0)
    assert counts(bills(film, *rows, bill(number="99"))) == (4, 1, 3, 0)


def test_an_invoice_that_was_taken_back_may_come_again(film: Film) -> None:
    bills(film, bill())
    mark = InvoiceMark.objects.get(production=film.production)
    with role("web"), acting(film, "amir"):
        reverse_document(
            actor=film.cast["amir"], production=film.production, day=DAY, reason="wrong vendor",
            key=(mark.batch_id, mark.number),
        )  # fmt: skip
    assert counts(bills(film, bill("ARRI Rental Inc", "12"))) == (1, 1, 0, 0)


def test_an_invoice_entered_by_hand_is_found_by_its_total_or_a_line(film: Film) -> None:
    o = office(film)
    vendor = o.vendor("Panavision")
    with o.acts() as amir:
        plan = InvoicePlan(
            o.unit, vendor, "PV 0077", DAY, "USD",
            (CostLine("3310", "30.00", "body"), CostLine("3310", "12.00", "lens")),
        )  # fmt: skip
        enter_invoice(actor=amir, production=film.production, plan=plan)
    batch = bills(
        film,
        bill("Panavision", "PV 0077", "42.00"),
        bill("Panavision Inc.", "PV77", "12.00"),
        bill("Panavision", "PV 77", "31.00"),
        bill("Keslow Camera", "PV 77", "42.00"),
    )
    assert codes(film) == {1: [CODE], 2: [CODE]}
    assert counts(batch) == (4, 2, 0, 2)
    assert "was entered by hand on" in held(film)[0].violations[0]["expected"]


def test_a_person_releases_what_is_no_duplicate_with_a_reason(film: Film) -> None:
    bills(film, bill())
    batch = bills(film, bill("ARRI Rental Inc", "12"), name="more.csv")
    row = the_held(film)
    with pytest.raises(Invalid, match="say why it is not a duplicate"):
        decide(film, row, action="release")
    with pytest.raises(Invalid, match="Resubmit what you have changed"):
        decide(film, row, action="release", reason="x", values={"reference": "13"})
    assert decide(film, row).outcome == "held", "handed in as it is, it is compared again"
    outcome = decide(film, row, action="release", reason="the second body, billed apart")
    assert outcome.outcome == "posted"
    batch.refresh_from_db()
    assert (counts(batch), batch.state) == ((1, 1, 0, 0), "posted")
    last = LogEntry.objects.filter(production=film.production, type="resolve").latest("seq")
    said = json.loads(last.line)["data"]
    assert (said["action"], said["reason"]) == ("release", "the second body, billed apart")
    assert verify_production(film.production).findings == []
    # Both stand, and each is known again by its own key.
    assert counts(bills(film, bill(), bill("ARRI Rental Inc", "12"))) == (2, 0, 2, 0)


def test_a_row_whose_number_is_put_right_posts(film: Film) -> None:
    bills(film, bill())
    bills(film, bill("ARRI Rental Inc", "12"), name="more.csv")
    assert decide(film, the_held(film), values={"reference": "13"}).outcome == "posted"


def test_a_row_held_for_something_else_is_compared_when_it_is_put_right(film: Film) -> None:
    bills(film, bill())
    bills(film, bill("ARRI Rental Inc", "12", account="33l0"), name="more.csv")
    assert decide(film, the_held(film), values={"account_code": "3310"}).outcome == "held"
    assert the_held(film).codes == [CODE]
    assert decide(film, the_held(film), action="reject", reason="the same").outcome == "rejected"
    assert len(money(film)) == 1


def test_all_lines_of_one_look_alike_are_released_at_once(film: Film) -> None:
    bills(film, bill(amount="5.00"))
    bills(film, bill("ARRI Rental Inc", "12"), bill("ARRI Rental Inc", "12"), name="more.csv")
    (cause,) = {row.cause for row in held(film)}
    asked = {"cause": cause, "batch": None, "value": "", "count": "2", "typed": "2"}
    with role("web"), acting(film, "amir"), pytest.raises(Invalid, match="say why"):
        acts.act_on_cause(
            actor=film.cast["amir"], production=film.production,
            asked=CauseAsked(action="release", reason="", **asked),
        )  # fmt: skip
    with role("web"), acting(film, "amir"):
        act = acts.act_on_cause(
            actor=film.cast["amir"], production=film.production,
            asked=CauseAsked(action="release", reason="two more bodies", **asked),
        )  # fmt: skip
    do_the_work(film)
    act.refresh_from_db()
    assert (act.state, act.action, act.posted) == ("done", "release", 2)
    assert len(money(film)) == 3


def test_the_database_releases_nothing_without_a_reason_or_held_for_something_else(
    film: Film,
) -> None:
    bills(film, bill())
    bills(film, bill("ARRI Rental Inc", "12"), bill(account="33l0", number="9"), name="more.csv")
    near, other = held(film)
    for row, reason, why in (
        (near, "  ", "with a reason"),
        (other, "because", "not held as a near duplicate"),
    ):
        with (
            role("web"),
            acting(film, "amir"),
            pytest.raises(DatabaseError, match=why),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(
                "INSERT INTO ingestion_rowrevision (production_id, held_row_id, action, values,"
                " reason, made_by_id) VALUES (%s, %s, 'release', '{}', %s, %s)",
                [film.production.pk, row.pk, reason, film.cast["amir"].pk],
            )


def test_a_dry_run_counts_what_would_be_held_and_writes_no_mark(film: Film) -> None:
    bills(film, bill())
    data = table(HEADER, [bill("ARRI Rental Inc", "12"), bill(number="B7"), bill(number="B-07")])
    with role("web"), acting(film, "amir"):
        unit = unit_by_code(film.production, "MAIN")
        assert unit is not None
    batch = ImportBatch(
        production=film.production, file_name="x.csv", source="vendor-invoices", unit=unit,
        created_by=film.cast["amir"], created_at=timezone.now(),
    )  # fmt: skip
    with role("web"):
        outlook = look_at_file(batch=batch, read=lambda: [data], beat=lambda _: None)
    assert (outlook.rows, outlook.posted, outlook.duplicate, outlook.quarantined) == (3, 1, 0, 2)
    assert InvoiceMark.objects.filter(production=film.production).count() == 1


def test_marks_are_found_again_by_the_statement_that_made_those_of_old(film: Film) -> None:
    """What the migration writes of invoices posted before is what is written with new ones."""
    bills(film, bill(), bill("Ümlaut, Ltd", "AB-0０7/20", "(1.10)"), bill(number="RENT"))
    wanted = set(
        InvoiceMark.objects.filter(production=film.production).values_list(
            "batch_id", "number", "number_key", "amount"
        )
    )
    assert {key for _, _, key, _ in wanted} == {"12", "72", ""}
    sql = (Path(services.__file__).parent / "sql" / "invoice_marks.sql").read_text()
    fill = sql[sql.index("INSERT INTO") : sql.index("ON CONFLICT")]
    with role("owner"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE refilled (LIKE ingestion_invoicemark)")
        cursor.execute(fill.replace("ingestion_invoicemark", "refilled"))
        cursor.execute("SELECT batch_id, number, number_key, amount FROM refilled")
        assert set(cursor.fetchall()) >= wanted
        transaction.set_rollback(True)


def test_of_two_files_at_one_moment_the_second_sees_the_first(film: Film, tmp_path: Path) -> None:
    with workers(17) as crew:
        for turn in range(4):
            files = []
            for n, vendor in enumerate(("Arri Rental", "Arri Rental Inc", "ARRI Rentals")):
                path = tmp_path / f"{turn}-{n}.csv"
                path.write_bytes(table(HEADER, [bill(vendor, f"{turn + 1}")]))
                files.append(path)
            at = time.time() + 0.3
            pids = crew.fork(
                *(
                    {"do": "receive", "file": str(path), "at": at, "source": "vendor-invoices",
                     "production": film.production.pk, "user": film.cast["amir"].pk}
                    for path in files
                )
            )  # fmt: skip
            assert crew.wait(*pids) == [0, 0, 0]
            assert len(money(film)) == turn + 1
