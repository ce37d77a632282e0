"""A dry run of documents of several rows and of banks' files: what would be, and nothing is."""

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from access.errors import Refused
from access.services import console_person, give_membership
from ingestion.dry_runs import Outlook, look_at_file
from ingestion.formats.container import form_of
from ingestion.models import ImportBatch
from taxonomy.selectors import unit_by_code
from tests.factories import Film, acting, import_data, role
from tests.ingestion.books import counts, entries, table
from tests.ingestion.formats.bank_files import OFX_SGML
from tests.ingestion.test_bank_import import HEADER as BANK
from tests.ingestion.test_papers import JE_1, JE_2, JOURNAL, float_of
from tests.ledger.banking import banked
from tests.purchasing.office import Office, office

PETTY = "Envelope,Custodian,Date,Account,Vendor,Description,Total"


def outlook(film: Film, data: bytes, source: str, *, name: str = "x.csv", person: str = "amir",
            **declared: str) -> Outlook:  # fmt: skip
    """What a file that was not received would do, as the worker role."""
    with role("worker"):
        with acting(film, person):
            unit = unit_by_code(film.production, "MAIN")
            assert unit is not None
        batch = ImportBatch(
            production=film.production, file_name=name, form=form_of(name), source=source,
            unit=unit, declared=declared, created_by=film.cast[person], created_at=timezone.now(),
        )  # fmt: skip
        return look_at_file(batch=batch, read=lambda: [data], beat=lambda _: None)


def told(found: Outlook) -> tuple[int, int, int, int, Any]:
    """(rows, posted, duplicate, held, totals)."""
    said = found.columns()
    return found.rows, found.posted, found.duplicate, found.quarantined, said["totals"]


@pytest.fixture
def desk(film: Film) -> Office:
    made = office(film)
    made.vendor("Panavision")
    return made


def test_journals_are_tried_one_by_one_and_nothing_of_them_stays(film: Film, desk: Office) -> None:
    before = desk.traces()
    wrong = [*JE_2[:1], "JE-2,2026-01-15,0300,,81.00,lens,"]
    data = table(JOURNAL, [*JE_1, *wrong])
    found = outlook(film, data, "journals")
    assert told(found) == (5, 3, 0, 2, [["USD", "1250.5000"]])
    assert next(code for (code, *_), _ in found.causes.most_common()) == "E_BALANCE"
    assert desk.traces() == before
    assert counts(import_data(film, data, source="journals")) == (5, 3, 0, 2), "exactly as tried"
    assert told(outlook(film, data, "journals")) == (5, 0, 3, 2, [])


def test_orders_and_their_sums_are_tried(film: Film, desk: Office) -> None:
    before = desk.traces()
    rows = ["PO-9,Panavision,2026-01-14,purchase,CAM,3310,body,2,100.00,200.00",
            "PO-9,Panavision,,,,3310,lens,1,50.00,50.00",
            "PO-10,Nobody,2026-01-14,purchase,CAM,3310,body,1,10.00,10.00"]  # fmt: skip
    header = "PO Number,Vendor,Date,Type,Department,Account,Description,Qty,Rate,Amount"
    found = outlook(film, table(header, rows), "purchase-orders")
    assert told(found) == (3, 2, 0, 1, [["USD", "250.0000"]])
    assert desk.traces() == before


def test_a_file_that_was_received_before_is_tried_with_its_own_bytes(film: Film) -> None:
    data = table(JOURNAL, JE_1)
    import_data(film, data, source="journals")
    assert told(outlook(film, data + b"\n", "journals"))[:4] == (3, 0, 3, 0)


def test_a_bank_s_lines_are_compared_and_not_kept(film: Film) -> None:
    banked(film, name="Checking", identifiers="111000025/7788\n0123456789")
    data = OFX_SGML.encode() if isinstance(OFX_SGML, str) else OFX_SGML
    before = office(film).traces()
    first = outlook(film, data, "bank-statement", name="a.ofx")
    assert first.posted == first.rows > 0
    assert list(first.totals) == ["USD"]
    assert office(film).traces() == before
    kept = import_data(film, data, source="bank-statement", name="a.ofx")
    assert (kept.rows, kept.posted) == (first.rows, first.posted)
    again = outlook(film, data, "bank-statement", name="b.ofx")
    assert (again.posted, again.duplicate) == (0, first.rows)


def test_a_bank_s_table_is_tried_over_several_chunks(
    film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = banked(film, name="Tables")
    rows = ["2026-01-14,Fee,-5.00,95.00,,", "2026-01-15,In,10.00,105.00,,", "2026-01-16,x,?,,,"]
    monkeypatch.setattr("ingestion.gate.bank_reading.CHUNK_ROWS", 1)
    found = outlook(film, table(BANK, rows), "bank-csv", bank_account=str(bank.pk))
    assert told(found) == (3, 2, 0, 1, [["USD", "5.0000"]])


def test_who_may_not_enter_documents_may_not_try_them(film: Film) -> None:
    with role("owner"):
        give_membership(
            actor=console_person(), production=film.production, user=film.cast["otto"],
            role="production_accountant",
        )  # fmt: skip
    data = table(JOURNAL, JE_1)
    assert outlook(film, data, "journals", person="otto").posted == 3
    with pytest.raises(Refused):
        outlook(film, data, "journals", person="lena")


def test_the_command_tries_a_file_of_documents(film: Film, tmp_path: Path) -> None:
    from tests.ingestion.test_commands import imported

    path = tmp_path / "journals.csv"
    path.write_bytes(table(JOURNAL, [*JE_1, *JE_2]))
    (said,) = imported(film, path, source="journals", dry_run=True)
    assert (said["state"], said["batch"]) == ("dry_run", None)
    assert (said["rows"], said["posted"]) == (5, 5)
    assert said["totals"] == [["USD", "1330.5000"]]
    assert entries(film) == []


def test_envelopes_are_tried_against_their_float(film: Film) -> None:
    float_of(film)
    before = office(film).traces()
    rows = ["E1,Jo Sands,2026-01-14,2220,Shop,nails,12.50",
            "E1,Jo Sands,2026-01-14,2220,Shop,x,7.50",
            "E2,Nobody,2026-01-14,2220,Shop,x,7.50"]  # fmt: skip
    found = outlook(film, table(PETTY, rows), "petty-cash")
    assert told(found) == (3, 2, 0, 1, [["USD", "20.0000"]])
    assert office(film).traces() == before
