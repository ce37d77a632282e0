"""Files carried from bytes to postings."""

from functools import partial
from itertools import islice

import pytest
from django.test import override_settings

from access.errors import Invalid
from access.services import console_person, give_membership
from ingestion import selectors, services, work
from ingestion.formats.container import form_of
from ingestion.gate import pipeline
from ingestion.models import ImportBatch
from ingestion.reading import open_reader, stored_pieces
from ingestion.services import NoLongerAllowed
from ledger.services import TooBig
from tests.factories import (
    Film,
    acting,
    cost_line,
    cost_lines,
    import_data,
    make_film,
    receive,
    role,
)
from tests.ingestion.books import codes, counts, decide, entries, held, log_types, money, table

INVOICES = "Vendor,Invoice Number,Invoice Date,Account Number,Amount"


def test_every_row_of_a_file_is_posted_held_or_a_duplicate(film: Film) -> None:
    rows = [cost_line(n) for n in range(1, 6)]
    rows += [cost_line(6, amount="12,5"), cost_line(1), cost_line(7, center="XXX")]
    batch = import_data(film, cost_lines(rows))
    assert (batch.rows, batch.posted, batch.duplicate, batch.quarantined) == (8, 5, 1, 2)
    assert batch.state == "posted_with_quarantine"


def test_the_same_bytes_again_are_the_same_import(film: Film) -> None:
    data = cost_lines([cost_line(1), cost_line(2)])
    with role("worker"):
        first, again = receive(film, data), receive(film, data, name="copy of costs.CSV")
    assert (first.is_repeat, again.is_repeat) == (False, True)
    assert again.batch.pk == first.batch.pk


def test_a_rejected_file_may_be_handed_in_again(film: Film) -> None:
    data = b"no header\n1\n"
    first, again = import_data(film, data), import_data(film, data)
    assert (first.state, again.state) == ("rejected", "rejected")
    assert first.pk != again.pk
    assert first.document_id == again.document_id


def test_the_name_a_file_claims_is_another_reading_only_for_another_form() -> None:
    assert form_of("a.csv") == form_of("b.TXT") == form_of("c.tsv") == ""
    assert form_of("a.xlsx") == "xlsx"
    assert form_of("a.csv.gz") == "gz"


def test_a_file_above_the_installation_s_limit_is_refused_at_the_door(film: Film) -> None:
    with override_settings(MAX_FILE_BYTES=10), role("worker"), pytest.raises(TooBig) as refused:
        receive(film, cost_lines([cost_line(1)]))
    assert refused.value.code == "E_TOO_BIG"


@pytest.mark.parametrize(
    ("source", "choices"),
    [
        ("bank-statements", {}),
        ("cost-lines", {"decimal": "x"}),
        ("cost-lines", {"encoding": "utf\0"}),
    ],
)
def test_a_source_or_a_declaration_that_cannot_be_is_refused_at_the_door(
    film: Film, source: str, choices: dict[str, str]
) -> None:
    with role("worker"), pytest.raises(Invalid):
        receive(film, cost_lines([cost_line(1)]), source=source, choices=choices)


def test_a_file_held_for_its_encoding_posts_once_the_encoding_is_declared(film: Film) -> None:
    data = cost_lines([cost_line(1, vendor="Café"), cost_line(2)]).decode().encode("cp1252")
    assert counts(import_data(film, data)) == (2, 1, 0, 1)
    again = import_data(film, data, choices={"encoding": "cp1252"})
    assert counts(again) == (2, 1, 1, 0)


def test_an_encoding_nobody_knows_rejects_the_file(film: Film) -> None:
    batch = import_data(film, cost_lines([cost_line(1)]), choices={"encoding": "nonsense"})
    assert (batch.state, batch.code, counts(batch)) == ("rejected", "E_ENCODING", (0, 0, 0, 0))


def test_a_person_who_may_no_longer_import_has_nothing_posted(film: Film) -> None:
    with role("worker"):
        receipt = receive(film, cost_lines([cost_line(1)]))
    with role("owner"):
        give_membership(
            actor=console_person(), production=film.production, user=film.cast["amir"],
            role="studio_executive",
        )  # fmt: skip
    with role("worker"):
        with acting(film, "lena"):
            item = selectors.work_of("import", [receipt.batch.pk]).get()
        with pytest.raises(NoLongerAllowed):
            work.drain(only=item.pk)
    assert money(film) == []


# What a row may hold that the ledger's columns cannot: none of it may stop the file.
@pytest.mark.parametrize(
    ("row", "code"),
    [
        (cost_line("T" * 121), "E_FIELD_TOO_LONG"),
        (cost_line(1, vendor="v" * 2_001), "E_FIELD_TOO_LONG"),
        (cost_line(1, amount="999999999999999.99999"), "E_MINOR_UNITS"),
        (cost_line(1, amount="1000000000000000"), "E_AMOUNT"),
        (cost_line(1, day="0001-01-01T00:00:00+05:00"), "E_DATE"),
        (cost_line(1, day="9999-12-31T23:59:59-05:00"), "E_DATE"),
        (cost_line(1, vendor="a\0b"), "E_CONTROL_CHAR"),
        (cost_line(1, currency="\0\0\0"), "E_CURRENCY"),
        (cost_line(1, account="\\N", amount="x\\"), "E_ACCOUNT"),
        (cost_line(1, jurisdiction="x" * 400), "E_JURISDICTION"),
    ],
)
def test_what_the_ledger_cannot_hold_is_held_at_the_desk(film: Film, row: str, code: str) -> None:
    batch = import_data(film, cost_lines([row, cost_line(2)]))
    assert counts(batch) == (2, 1, 0, 1)
    assert code in codes(film)[1]


def test_the_largest_amounts_and_texts_the_ledger_takes_are_posted(film: Film) -> None:
    rows = [
        cost_line("T" * 120, amount="999999999999999.99"),
        cost_line(2, amount="-999999999999999.99", vendor="v" * 1_800),
        cost_line(3, vendor="back\\slash \\N \\. \\t"),
        cost_line(4, amount="0.01000000"),
    ]
    assert counts(import_data(film, cost_lines(rows))) == (4, 4, 0, 0)
    assert [e.amount for e in entries(film)] == [
        "999999999999999.99", "-999999999999999.99", "125.00", "0.01",
    ]  # fmt: skip


def test_a_fault_in_the_last_line_rejects_a_file_of_many_chunks_whole(
    film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "CHUNK_ROWS", 50)
    rows = cost_lines([cost_line(n) for n in range(1, 401)])
    open_quote = import_data(film, rows + b'TX999,3310,CAM,1.00,USD,IATSE,2026-01-14,"never')
    endless = import_data(film, rows + b"x" * (5 << 20))
    assert (open_quote.state, open_quote.code) == ("rejected", "E_QUOTE")
    assert (endless.state, endless.code) == ("rejected", "E_TOO_BIG")
    assert money(film) == []


def test_chunks_make_no_difference_to_what_is_posted(
    film: Film, other_film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [cost_line(n % 90, amount=f"{n % 7 or 1}.00") for n in range(300)]
    data = cost_lines(rows)
    whole = import_data(film, data)
    monkeypatch.setattr(pipeline, "CHUNK_ROWS", 7)
    chunked = import_data(other_film, data)
    assert counts(chunked) == counts(whole)
    assert [e.amount for e in entries(other_film)] == [e.amount for e in entries(film)]
    assert {h.row: h.codes for h in held(other_film)} == {h.row: h.codes for h in held(film)}


def test_the_end_of_an_import_is_said_once_in_its_unit_s_log(film: Film) -> None:
    batch = import_data(film, cost_lines([cost_line(1)]))
    assert log_types(film) == ["post", "upload"]
    with role("worker"):
        services.run_import(
            import_id=batch.pk, production_id=film.production.pk, user_id=film.cast["amir"].pk
        )
    assert log_types(film) == ["post", "upload"]


def begun(film: Film, data: bytes, chunks: int, **asked: str) -> ImportBatch:
    """An import whose worker has posted so many chunks, and then was lost."""
    batch = receive(film, data, **asked).batch
    with acting(film, "amir"):
        batch = ImportBatch.objects.select_related("document", "production").get(pk=batch.pk)
        ImportBatch.objects.filter(pk=batch.pk).update(state="posting")
    reader = open_reader(batch, lambda: stored_pieces(batch, lambda: None))
    for chunk in islice(reader.chunks(), chunks):
        services._post_chunk(batch, reader, chunk, partial(services._decide, batch, reader, chunk))
    return batch


def finished(film: Film, batch: ImportBatch) -> ImportBatch:
    """The import taken up and carried to its end by another worker."""
    with acting(film, "amir"):
        item = selectors.work_of("import", [batch.pk]).get()
    work.drain(only=item.pk)
    with acting(film, "amir"):
        batch.refresh_from_db()
    return batch


def test_a_row_settled_at_the_desk_while_its_import_goes_on_stays_counted(
    film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "CHUNK_ROWS", 4)
    data = cost_lines([cost_line(1, amount="x"), *(cost_line(n) for n in range(2, 13))])
    with role("worker"):
        batch = begun(film, data, 1)
    stale = ImportBatch.objects.select_related("document", "production").get(pk=batch.pk)
    decide(film, held(film)[0], values={"amount": "125.00"})
    with role("worker"):
        # The first worker is still at it, and knows nothing of the desk.
        reader = open_reader(stale, lambda: stored_pieces(stale, lambda: None))
        chunk = next(reader.chunks(start_after=4))
        services._post_chunk(stale, reader, chunk, partial(services._decide, stale, reader, chunk))
        batch = finished(film, batch)
    assert counts(batch) == (12, 12, 0, 0)
    assert batch.state == "posted"
    assert len(money(film)) == 12


def test_a_re_export_of_an_invoice_with_a_held_line_posts_no_line_twice(film: Film) -> None:
    lines = [f"Arri,77,2026-01-14,3310,{amount}.00" for amount in (100, 200, 300)]
    broken = [lines[0], lines[1].replace("3310", "33l0"), lines[2]]
    assert counts(import_data(film, table(INVOICES, broken), source="vendor-invoices")) == (
        3,
        2,
        0,
        1,
    )
    again = import_data(film, table(INVOICES, lines), source="vendor-invoices")
    assert counts(again) == (3, 0, 1, 2)
    assert [e.amount for e in entries(film)] == ["100.00", "300.00"]
    decide(film, held(film)[0], values={"account_code": "3310"})
    assert [e.amount for e in entries(film)] == ["100.00", "300.00", "200.00"]


def test_a_dispute_about_an_invoice_outlives_the_worker_that_found_it(
    film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"Arri,77,2026-01-14,3310,{amount}.00" for amount in (100, 200, 300)]
    import_data(film, table(INVOICES, [lines[0], lines[2]]), source="vendor-invoices")
    monkeypatch.setattr(pipeline, "CHUNK_ROWS", 2)
    with role("worker"):
        batch = begun(film, table(INVOICES, lines), 1, source="vendor-invoices")
        assert counts(finished(film, batch)) == (3, 0, 1, 2)
    assert [e.amount for e in entries(film)] == ["100.00", "300.00"]


def test_a_production_sees_nothing_of_another_s_files(film: Film, other_film: Film) -> None:
    data = cost_lines([cost_line(1)])
    assert counts(import_data(film, data)) == (1, 1, 0, 0)
    assert counts(import_data(other_film, data)) == (1, 1, 0, 0)


def test_a_chart_without_the_source_s_clearing_account_gets_the_built_in_one(film: Film) -> None:
    with role("owner"):
        small = make_film(film.cast, chart="account,parent,name,level,line,department,kind,"
                          "normal_side,statement\n2200,,Art,category,BTL,Art,,debit,cost\n"
                          "2220,2200,Supplies,detail,BTL,Art,purchase,debit,cost\n")  # fmt: skip
    data = table("Purchase Date,Merchant Name,Amount,Account Code", ["2026-01-15,Arri,1.00,2220"])
    assert counts(import_data(small, data, source="pex-cards")) == (1, 1, 0, 0)
    assert money(small) == [("2220", "0160", "1.00", "USD")]


def test_an_undated_row_is_the_same_row_on_another_day_and_for_another_unit(film: Film) -> None:
    row = "3310,000,01,,Panavision,,125.00,NFP,JE1,Lenses,,,,,,,USD,,P-1"
    first = import_data(film, (row + "\n").encode(), source="pslplus")
    assert counts(first) == (1, 1, 0, 0)
    resaved = import_data(film, (row + "\r\n").encode(), source="pslplus", unit="SECOND")
    assert counts(resaved) == (1, 0, 1, 0)
