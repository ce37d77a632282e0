"""Segments in files: what a row says it was for is posted with it, or the row waits."""

import pytest

from ingestion.models import ImportBatch
from ledger.models import Posting
from ledger.verify import verify_production
from tests.factories import Film, import_data, role
from tests.ingestion.books import codes, counts, decide, held, table
from tests.ingestion.test_payroll import ANN, paid
from tests.purchasing.office import office

HEADER = "Vendor,Invoice Number,Invoice Date,Account Number,Amount,Location,Set,Episode,1099"


@pytest.fixture
def film(film: Film) -> Film:
    made = office(film)
    made.segment("set", "CAFE")
    made.segment("location", "NOLA")
    return film


def invoices(film: Film, *rows: str, header: str = HEADER) -> ImportBatch:
    data = table(header, [f"Arri,{row}" for row in rows])
    return import_data(film, data, source="vendor-invoices")


def coded(film: Film) -> list[tuple[str, str]]:
    """(component, segments) of every posting, in order."""
    with role("owner"):
        rows = Posting.objects.filter(production=film.production).order_by("batch_id", "line_no")
        return [(row.component, row.segments) for row in rows]


def test_a_row_is_posted_with_the_segments_it_states(film: Film) -> None:
    batch = invoices(
        film,
        "1,2026-01-14,3310,100.00,NOLA,CAFE,,",
        "2,2026-01-14,3310,100.00, nola,,,",
        "3,2026-01-14,3310,100.00,,,,",
    )
    assert counts(batch) == (3, 3, 0, 0)
    assert coded(film) == [("cost", "location=NOLA set=CAFE"), ("cost", "location=NOLA"),
                           ("cost", "")]  # fmt: skip
    with role("owner"):
        assert verify_production(film.production).findings == []


def test_a_code_the_production_has_not_holds_the_row_until_somebody_says(film: Film) -> None:
    batch = invoices(
        film, "1,2026-01-14,3310,100.00,NOLA,PIER,,", "2,2026-01-14,3310,5.00,PARIS,CAFÉ,,"
    )
    assert counts(batch) == (2, 0, 0, 2)
    assert codes(film) == {1: ["E_SEGMENT"], 2: ["E_SEGMENT"]}
    said = held(film)[0].violations
    assert [(v["field"], v["found"], v["expected"]) for v in said] == [
        ("set", "PIER", "a code of set that is in use, such as CAFE")
    ]
    assert decide(film, held(film)[0], values={"set": "cafe"}).outcome == "posted"
    assert coded(film) == [("cost", "location=NOLA set=CAFE")]


def test_a_kind_the_production_has_no_code_of_is_not_read_and_the_import_says_so(
    film: Film,
) -> None:
    batch = invoices(film, "1,2026-01-14,3310,100.00,NOLA,CAFE,101,Y")
    assert counts(batch) == (1, 1, 0, 0)
    assert "not read, for the production has no codes of it: Episode, 1099" in batch.notes
    assert coded(film) == [("cost", "location=NOLA set=CAFE")]


def test_positions_of_psl_carry_their_segments(film: Film) -> None:
    row = "3310,101,NOLA,CAFE,Panavision,,100.00,,,lenses,,,,,,,USD,,PV-1,2026-01-14"
    assert counts(import_data(film, f"{row}\n".encode(), source="pslplus")) == (1, 1, 0, 0)
    assert coded(film) == [("cost", "location=NOLA set=CAFE")]


def test_payroll_is_posted_as_before(film: Film) -> None:
    assert counts(import_data(film, paid(ANN), source="wrapbook-payroll")) == (1, 1, 0, 0)
    assert {segments for _, segments in coded(film)} == {""}


def test_the_same_row_with_another_coding_is_a_conflict(film: Film) -> None:
    invoices(film, "1,2026-01-14,3310,100.00,NOLA,CAFE,,")
    again = invoices(film, "1,2026-01-14,3310,100.00,NOLA,CAFE,101,")
    assert counts(again) == (1, 0, 1, 0), "an unread column is no fact"
    other = invoices(film, "1,2026-01-14,3310,100.00,NOLA,,,")
    assert counts(other) == (1, 0, 0, 1)
    assert codes(film) == {1: ["E_CONFLICT"]}
