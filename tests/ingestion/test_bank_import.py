"""Bank files through the door: each line once, what is wrong held, else a clear refusal."""

import itertools

import pytest

from access.errors import Invalid
from ingestion import banking, selectors, services, work
from ingestion.desk.resolving import revise_row
from ingestion.gate import bank_reading
from ingestion.models import HeldRow, ImportBatch
from ledger import selectors as ledger
from ledger.statement_tables import BankAccount
from ledger.verify import verify_production
from tests.factories import Cast, Film, acting, import_data, make_film, receive, role
from tests.ingestion.books import counts
from tests.ingestion.formats.bank_files import (
    BAI2,
    CAMT,
    FILES,
    MT940_SEPA,
    OFX_SGML,
    OFX_XML,
    QIF,
)
from tests.ledger.banking import banked, stored
from tests.ledger.raw_batches import query

HEADER = "Date,Label,Amount,Balance,Partner Name,Bank Account"


@pytest.fixture(scope="module")
def film(cast: Cast) -> Film:
    with role("owner"):
        return make_film(cast)


@pytest.fixture(scope="module")
def checking(film: Film) -> BankAccount:
    return banked(film, name="Checking", identifiers="111000025/7788\n0123456789")


@pytest.fixture(scope="module")
def euros(film: Film) -> BankAccount:
    with role("owner"):
        query(
            "INSERT INTO ledger_account (production_id, code, name, line, kind, normal_side,"
            " statement, is_postable, clearing_role) SELECT production_id, '0190', 'Euros', '',"
            " '', 'debit', 'balance sheet', true, '' FROM ledger_account"
            " WHERE production_id = %s LIMIT 1",
            film.production.pk,
        )
    names = "DE89370400440532013000\n50880050/0194787400888"
    return banked(film, name="Euros", currency="EUR", account="0190", identifiers=names)


def sent(film: Film, name: str, text: str | bytes, **asked: object) -> ImportBatch:
    data = text.encode() if isinstance(text, str) else text
    return import_data(film, data, **{"name": name, "source": "bank-statement", **asked})


def resolve(film: Film, row: HeldRow, values: dict[str, str]) -> HeldRow:
    with role("worker"):
        with acting(film, "amir"):
            found = selectors.held_row(film.production, row.pk)
            assert found is not None
            revision = revise_row(
                actor=film.cast["amir"], row=found, action="resubmit", values=values, reason=""
            )
            item = selectors.work_of("revision", [revision.pk]).get()
        work.drain(only=item.pk)
        with acting(film, "amir"):
            after = selectors.held_row(film.production, row.pk)
    assert after is not None
    return after


def held(film: Film, batch: ImportBatch) -> list[HeldRow]:
    with role("owner"):
        return list(HeldRow.objects.filter(batch=batch).order_by("row"))


def test_a_statement_is_kept_with_its_lines_and_posts_no_cost(
    film: Film, checking: BankAccount
) -> None:
    own = FILES["sgml.ofx"].replace(b"202601", b"202602")
    batch = sent(film, "february.ofx", own.replace(b"<FITID>", b"<FITID>F"))
    assert (batch.state, batch.reason) == ("posted", "")
    assert counts(batch) == (2, 2, 0, 0)
    with role("web"), acting(film, "amir"):
        statements = ledger.bank_statements(film.production)
        statement = statements.get(document=batch.document)
        assert (statement.bank_account_id, str(statement.closing)) == (checking.pk, "8875.0000")
        first, _ = ledger.statement_lines(statement)
        raw = ledger.document_range(statement.document, first.source_start, first.source_end)
    assert (str(first.amount), first.bank_id, first.reference) == ("-125.0000", "FA1", "0319")
    assert raw.startswith(b"<STMTTRN>")
    assert b"PANAVISION" in raw
    with role("owner"):
        assert query("SELECT count(*) FROM ledger_posting WHERE production_id = %s",
                     film.production.pk) == [(0,)]  # fmt: skip


def test_the_same_days_again_bring_nothing_twice(film: Film, checking: BankAccount) -> None:
    sent(film, "january.ofx", FILES["sgml.ofx"])
    again = sent(film, "saved.qfx", FILES["sgml.ofx"].replace(b"\n", b"\r\n"))
    assert counts(again) == (2, 0, 2, 0)
    late = OFX_SGML.replace("<FITID>A1", "<FITID>A9").replace("-125.00", "-7.00")
    assert counts(sent(film, "late.ofx", late.encode("cp1252"))) == (2, 1, 1, 0)
    table = f"{HEADER}\n01/14/2026,Panavision,-125.00,8875.00,Panavision,\n"
    chosen = {"bank_account": str(checking.pk)}
    assert counts(sent(film, "t.csv", table, source="bank-csv", choices=chosen)) == (1, 0, 1, 0)
    assert {amount for _, amount, _ in stored(film, checking)} >= {"-125.0000", "-7.0000"}


def test_a_bad_line_is_held_fixed_and_taken_once(film: Film, checking: BankAccount) -> None:
    text = OFX_XML.replace("CCACCTFROM><ACCTID>4111", "CCACCTFROM><ACCTID>0123456789")
    batch = sent(film, "card.ofx", text.replace("CAD", "USD"))
    assert counts(batch) == (4, 1, 0, 3)
    silent, undated, spelled = held(film, batch)
    assert [row.codes for row in (silent, undated, spelled)] == [
        ["E_DATE", "E_AMOUNT"], ["E_DATE"], ["E_AMOUNT"],
    ]  # fmt: skip
    assert undated.violations[0]["found"] == "20260231"
    assert resolve(film, undated, {"booked_on": "2026-02-30"}).state == "held"
    assert resolve(film, undated, {"booked_on": "2026-02-28"}).state == "posted"
    assert resolve(film, spelled, {"amount": "-5.50", "booked_on": "2026-01-20",
                                   "bank_id": "C1"}).codes == ["E_CONFLICT"]  # fmt: skip
    assert resolve(film, spelled, {"amount": "120", "booked_on": "2026-01-21",
                                   "bank_id": "C3"}).state == "posted"  # fmt: skip
    with role("owner"):
        batch.refresh_from_db()
    assert counts(batch) == (4, 3, 0, 1)
    again = sent(film, "card again.ofx", text.replace("CAD", "USD") + "\n")
    assert counts(again) == (4, 0, 1, 3)
    again_undated = held(film, again)[1]
    assert resolve(film, again_undated, {"booked_on": "2026-02-28"}).state == "duplicate"


def test_three_forms_of_the_same_days(film: Film, euros: BankAccount) -> None:
    assert counts(sent(film, "sepa.sta", MT940_SEPA)) == (3, 3, 0, 0)
    camt = CAMT.replace(">25.00<", ">125.00<").replace("<Sum>1025", "<Sum>1125")
    batch = sent(film, "statement.xml", camt)
    assert (batch.code, batch.reason) == ("", "")
    assert counts(batch) == (3, 1, 1, 1)
    (pending,) = held(film, batch)
    assert pending.codes[0] == "E_PENDING"
    assert resolve(film, pending, {"booked_on": "2026-01-16"}).state == "held"


def test_bai2_in_a_text_file(film: Film, checking: BankAccount) -> None:
    assert counts(sent(film, "prior day.txt", BAI2)) == (2, 2, 0, 0)


@pytest.mark.parametrize(
    ("name", "text", "asked", "code", "said"),
    [
        ("x.ofx", OFX_SGML.replace("7788", "9900"), {}, "E_BANK_ACCOUNT", "111000025/9900"),
        ("x.qif", QIF.replace("NFilm checking\n", ""), {}, "E_BANK_ACCOUNT", "does not say"),
        ("x.bai", BAI2.replace("USD", "CAD"), {}, "E_CURRENCY", "in CAD, the account in USD"),
        ("x.bai", BAI2.replace("49,+409000", "49,+1"), {}, "E_CONTROL_TOTAL", "409000"),
        ("x.csv", f"{HEADER}\n1/1/2026,a,1,1,b,\n", {}, "E_SOURCE", "as a table"),
        ("y.ofx", OFX_SGML, {"source": "bank-csv"}, "E_SOURCE", "'Bank statement'"),
        ("y.ofx", OFX_SGML, {"source": "vendor-invoices"}, "E_SOURCE", "no costs"),
        ("y.xml", CAMT, {"source": "cost-lines"}, "E_SOURCE", "no costs"),
    ],
)
def test_a_file_that_cannot_be_taken_says_why(
    film: Film, checking: BankAccount, name: str, text: str, asked: dict[str, str], code: str,
    said: str,
) -> None:  # fmt: skip
    batch = sent(film, name, text.encode("cp1252"), **asked)
    assert (batch.state, batch.code, batch.rows) == ("rejected", code, 0)
    assert said in batch.reason


def test_a_statement_without_a_line_is_kept(film: Film, checking: BankAccount) -> None:
    start, end = OFX_SGML.index("<STMTTRN>"), OFX_SGML.rindex("</STMTTRN>") + 10
    batch = sent(film, "quiet.ofx", OFX_SGML[:start] + OFX_SGML[end:])
    assert (batch.state, counts(batch)) == ("posted", (0, 0, 0, 0))
    with role("web"), acting(film, "amir"):
        assert ledger.bank_statements(film.production).filter(document=batch.document).count() == 1


def test_a_choice_is_an_account_of_this_production(film: Film, checking: BankAccount) -> None:
    for source, chosen in (("bank-csv", "x"), ("bank-csv", "0"), ("cost-lines", str(checking.pk))):
        with role("worker"), pytest.raises(Invalid, match="bank account"):
            receive(film, b"x", source=source, choices={"bank_account": chosen})


def test_a_file_without_an_account_is_of_the_one_chosen(film: Film, checking: BankAccount) -> None:
    chosen = {"bank_account": str(checking.pk)}
    text = QIF.replace("NFilm checking\n", "").replace("01/15/2026", "03/15/2026")
    batch = sent(film, "q.qif", text, choices=chosen)
    assert (batch.reason, counts(batch)) == ("", (2, 2, 0, 0))
    assert counts(sent(film, "q again.qif", text + "\n", choices=chosen)) == (2, 0, 2, 0)


def test_all_of_it_verifies(film: Film) -> None:
    with role("owner"):
        assert verify_production(film.production).findings == []


def test_an_import_cut_off_between_chunks_goes_on_and_takes_each_line_once(
    film: Film, checking: BankAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four equal lines, two of which another form has brought: two are known, two are new."""
    known = OFX_SGML.replace("202601", "202605").replace("<FITID>", "<FITID>K")
    sent(film, "may.ofx", known.replace("+9000,00", "-125.00").replace("0515", "0514"))
    rows = "".join(f"2026-05-14,Rent {n % 2},-125.00\n" for n in range(4))
    table = f"Date,Label,Amount\n{rows}2026-05-15,Bank fee,-1.00\n"
    monkeypatch.setattr(bank_reading, "CHUNK_ROWS", 1)
    chosen = {"bank_account": str(checking.pk)}
    keep, calls = banking.keep, itertools.count(1)

    def cut_off(outcome: banking.BankOutcome) -> None:
        keep(outcome)
        if next(calls) % 2 == 0:
            raise ConnectionError("the worker was lost before it could commit")

    monkeypatch.setattr(banking, "keep", cut_off)
    with role("worker"):
        batch = receive(film, table.encode(), name="may.csv", source="bank-csv",
                        choices=chosen).batch  # fmt: skip
        asked = {"import_id": batch.pk, "production_id": film.production.pk,
                 "user_id": film.cast["amir"].pk}  # fmt: skip
        lost = 0
        while True:
            try:
                services.run_import(**asked)
                break
            except ConnectionError:
                lost += 1
        with acting(film, "amir"):
            done = selectors.import_by_id(film.production, batch.pk)
    assert done is not None
    assert (done.state, counts(done), lost > 1) == ("posted", (5, 3, 2, 0), True)
    may = [amount for day, amount, _ in stored(film, checking) if day == "2026-05-14"]
    assert may == ["-125.0000"] * 4
