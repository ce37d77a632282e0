"""Every file of the corpus through the whole path, from its bytes to the books and the desk."""

import hashlib
import time

import pytest
from django.db import connection

from ingestion.models import HeldRow, ImportBatch
from tests.factories import Film, import_data
from tests.hostile.corpus import EXPECTED, FILE_NAMES, MADE
from tests.hostile.imports import agrees, hostile_film, kept_bytes, outcomes, posted_count

HEADER = (
    b"transaction_id,account_code,cost_center,amount,currency,jurisdiction,transaction_date,vendor"
)
# What the corpus leaves to the mapping, as the cost-lines mapping has it when nothing is declared.
UNDECLARED: dict[str, dict[int, str]] = {
    "enc/06_cp1252.csv": {1: "quarantine:E_ENCODING_ROW", 2: "quarantine:E_ENCODING_ROW"},
    "amount/01_all_forms.csv": {
        2: "quarantine:E_AMOUNT", 7: "quarantine:E_AMOUNT", 8: "quarantine:E_AMOUNT",
        9: "post:-123.45", 10: "quarantine:E_AMOUNT",
    },
    "amount/02_european_declared.csv": {
        1: "quarantine:E_AMOUNT", 2: "quarantine:E_AMOUNT", 3: "quarantine:E_MINOR_UNITS",
        4: "post:1.50",
    },
    "date/01_all_forms.csv": {7: "quarantine:E_DATE", 11: "post"},
    "date/02_dmy_mdy_mixed.csv": {1: "quarantine:E_DATE", 2: "quarantine:E_DATE"},
    "account/01_mangled.csv": {13: "post"},
    # Read alone, it is nobody's duplicate; in their order, see the files of dup/ below.
    "shape/06_reordered.csv": {1: "post"},
    "dup/02_week1_resaved_crlf_bom.csv": dict.fromkeys(range(1, 11), "post"),
    "dup/03_overlap.csv": dict.fromkeys(range(1, 6), "post"),
    "dup/04_same_id_other_amount.csv": {1: "post"},
    # No XML of today holds cost lines: each rate is held, none is lost.
    "xml/09_ecb_ok.xml": {1: "quarantine:E_SOURCE", 2: "quarantine:E_SOURCE"},
}  # fmt: skip
DECLARED: list[tuple[str, dict[str, str], dict[int, str]]] = [
    ("enc/06_cp1252.csv", {"encoding": "cp1252"}, {1: "post", 2: "post"}),
    ("enc/10_shift_jis.csv", {"encoding": "shift_jis"}, {1: "post:50000.00"}),
    (
        "amount/02_european_declared.csv",
        {"decimal": ","},
        {1: "post:1234.56", 2: "post:12.50", 3: "post:1234.00", 4: "quarantine:E_AMOUNT"},
    ),
    (
        "amount/01_all_forms.csv",
        {"decimal": ","},
        {2: "quarantine:E_AMOUNT", 3: "post:1234.56", 4: "quarantine:E_AMOUNT",
         9: "quarantine:E_AMOUNT", 23: "quarantine:E_AMOUNT"},
    ),
    (
        "date/01_all_forms.csv",
        {"date_format": "%Y%m%d"},
        {1: "quarantine:E_DATE", 2: "quarantine:E_DATE", 7: "post", 8: "quarantine:E_DATE",
         11: "post"},
    ),
    ("date/01_all_forms.csv", {"date_format": "%d.%m.%Y"}, {1: "quarantine:E_DATE", 6: "post"}),
    (
        "date/02_dmy_mdy_mixed.csv",
        {"date_format": "%d/%m/%Y"},
        {1: "post", 2: "post", 3: "quarantine:E_DATE"},
    ),
    (
        "date/02_dmy_mdy_mixed.csv",
        {"date_format": "%m/%d/%Y"},
        {1: "post", 2: "quarantine:E_DATE", 3: "post"},
    ),
]  # fmt: skip


@pytest.fixture
def hostile(database: None) -> Film:
    """A production of the file's own."""
    return hostile_film()


@pytest.fixture(scope="module")
def shared(database: None) -> Film:
    """A production for files that post nothing, or nothing that any other would post."""
    return hostile_film()


def expected_rows(name: str) -> dict[int, str]:
    """Row -> outcome for every row of a file read with nothing declared."""
    verdict = EXPECTED[name]
    rows = dict.fromkeys(range(1, verdict["records"] + 1), "post")
    for row, outcome in verdict["rows"].items():
        rows[int(row)] = outcome.split(" ")[0]
    return {**rows, **UNDECLARED.get(name, {})}


def base(name: str) -> str:
    return name.rpartition("/")[2]


REJECTED = [name for name, verdict in EXPECTED.items() if verdict["file"] == "reject"]
ACCEPTED = [name for name, verdict in EXPECTED.items() if verdict["file"] == "accept"]


def timely_import(film: Film, name: str) -> ImportBatch:
    """The file as imported, its bytes kept, within thirty seconds."""
    data = (MADE / name).read_bytes()
    began = time.monotonic()
    batch = import_data(film, data, name=base(name))
    assert time.monotonic() - began < 30
    assert kept_bytes(film, batch) == data
    assert bytes(batch.document.sha256) == hashlib.sha256(data).digest()
    return batch


@pytest.mark.parametrize("name", REJECTED)
def test_a_file_that_cannot_be_trusted_is_kept_and_posts_nothing(shared: Film, name: str) -> None:
    before = posted_count(shared)
    batch = timely_import(shared, name)
    assert (batch.state, batch.code) == ("rejected", EXPECTED[name]["code"])
    assert batch.reason.endswith(".")
    assert (batch.rows, batch.notes, posted_count(shared)) == (0, [], before)


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_file_is_carried_to_its_verdict_and_back_again(hostile: Film, name: str) -> None:
    batch = timely_import(hostile, name)
    found = outcomes(batch)
    assert len(found) == EXPECTED[name]["records"]
    expected = expected_rows(name)
    assert {row: found[row] for row in found if not agrees(found[row], expected[row])} == {}
    assert batch.state == ("posted_with_quarantine" if batch.quarantined else "posted")
    held_rows_keep_their_bytes(hostile)
    read_again(hostile, (MADE / name).read_bytes(), name)


def held_rows_keep_their_bytes(film: Film) -> None:
    for row in HeldRow.objects.filter(production=film.production):
        assert hashlib.sha256(bytes(row.payload)).digest() == bytes(row.payload_sha256)
        assert row.violations
        assert row.codes


def read_again(film: Film, data: bytes, name: str) -> None:
    """The same bytes are the same import; saved anew, every posted row is a duplicate."""
    before = posted_count(film)
    again = import_data(film, data, name=base(name))
    assert posted_count(film) == before
    if not name.endswith((".csv", ".tsv", ".json")):
        return
    marks = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
    line_end = "\n".encode(marks.get(data[:2], "utf-8"))
    saved = import_data(film, data + line_end, name=base(name))
    assert saved.pk != again.pk
    assert (saved.posted, posted_count(film)) == (0, before)
    assert saved.duplicate == again.posted + again.duplicate
    assert saved.quarantined == again.quarantined


@pytest.mark.parametrize(
    ("name", "choices", "expected"), DECLARED, ids=[f"{n} {c}" for n, c, _ in DECLARED]
)
def test_what_is_declared_of_a_file_decides_its_rows(
    hostile: Film, name: str, choices: dict[str, str], expected: dict[int, str]
) -> None:
    batch = import_data(hostile, (MADE / name).read_bytes(), name=base(name), choices=choices)
    found = outcomes(batch)
    assert {row: found[row] for row in expected if not agrees(found[row], expected[row])} == {}
    assert batch.declared == choices


def test_the_week_saved_anew_overlapping_and_contradicted_posts_each_document_once(
    hostile: Film,
) -> None:
    for name, verdict in EXPECTED.items():
        if not name.startswith("dup/"):
            continue
        batch = import_data(hostile, (MADE / name).read_bytes(), name=base(name))
        found = outcomes(batch)
        stated = {int(row): said.split(" ")[0] for row, said in verdict["rows"].items()}
        if name in ("dup/06_twins_within_file_same_id.csv", "dup/07_nfc_nfd.csv"):
            # Its number was posted by the week before it, with other facts or the same.
            assert batch.posted == 0
            continue
        assert {r: found[r] for r in found if not agrees(found[r], stated.get(r, "post"))} == {}
    assert posted_count(hostile) == 17


def test_a_column_order_makes_no_new_document(hostile: Film) -> None:
    import_data(hostile, (MADE / "enc/01_clean.csv").read_bytes())
    batch = import_data(hostile, (MADE / "shape/06_reordered.csv").read_bytes(), name="b.csv")
    assert outcomes(batch) == {1: "duplicate"}


def test_formulas_markup_and_sql_are_kept_as_they_are(hostile: Film) -> None:
    name = "inject/01_formula_html_sql.csv"
    batch = import_data(hostile, (MADE / name).read_bytes(), name=base(name))
    assert batch.posted == 15
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT vendor FROM ledger_transaction WHERE production_id = %s ORDER BY source_row",
            [hostile.production.pk],
        )
        vendors = [row[0] for row in cursor.fetchall()]
    text = (MADE / name).read_text(encoding="utf-8")
    assert len(set(vendors)) == 15
    assert all(vendor in text or vendor.replace('"', '""') in text for vendor in vendors)
    assert any(vendor.startswith("=") for vendor in vendors)
    assert any("<script" in vendor for vendor in vendors)


@pytest.mark.parametrize("number", range(len(FILE_NAMES)), ids=lambda n: f"name {n}")
def test_an_upload_s_name_is_shown_without_harm(shared: Film, number: int) -> None:
    row = f"N{number},2101-03-04,CAM,1.00,USD,IATSE,2025-03-14,Panavision"
    data = HEADER + b"\n" + row.encode() + b"\n"
    batch = import_data(shared, data, name=FILE_NAMES[number])
    shown = batch.file_name
    assert shown
    assert len(shown) <= 120
    assert shown.isprintable()
    assert not set("/\\\u202e") & set(shown)
    if FILE_NAMES[number].lower().endswith(".csv"):
        assert batch.posted == 1
    else:
        assert batch.state in {"posted", "rejected"}
