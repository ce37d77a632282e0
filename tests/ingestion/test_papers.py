"""Files whose rows make up documents: what a person could type for each source, and exactly the
orders, journals and envelopes it must become."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from access.errors import Refused
from ingestion import selectors as imports
from ingestion import services, work
from ingestion.desk import acts
from ingestion.desk.acts import CauseAsked
from ingestion.formats.records import Record
from ingestion.gate.paper_check import PaperGate, Plan
from ingestion.gate.paper_rows import Document, Part
from ingestion.gate.schema import Gate
from ingestion.layouts.sources import REGISTRY
from ingestion.models import ImportBatch
from ledger.verify import verify_production
from purchasing import papers, selectors
from purchasing.funds import FundPlan, move_cash, open_fund
from purchasing.models import Entry, Fund
from reports.lines import opened_transaction
from tests.factories import Film, acting, import_data, receive, role
from tests.ingestion.books import codes, counts, decide, entries, held, money, table
from tests.purchasing.office import DAY, office

JOURNAL = "JE Number,Date,Account,Debit,Credit,Description,Cost Centre"
JE_1 = [
    "JE-1,2026-01-14,3310,\"1,000.00\",,move the crane,",
    "JE-1,,2220,250.50,,move the paint,",
    "JE-1,,0300,,1250.50,,CAM",
]  # fmt: skip
JE_2 = ["JE-2,2026-01-15,3310,80.00,,lens,", "JE-2,2026-01-15,0300,,80.00,lens,"]


def journals(film: Film, rows: list[str], **asked: Any) -> ImportBatch:
    return import_data(film, table(JOURNAL, rows), source="journals", **asked)


def float_of(film: Film, custodian: str = "Jo Sands", cash: str = "500.00") -> Fund:
    """A petty-cash float with money in it."""
    desk = office(film)
    with desk.acts() as amir:
        plan = FundPlan(desk.unit, desk.centers["ART"], "petty_cash", custodian, "USD", "500.00")
        fund = open_fund(actor=amir, production=film.production, plan=plan)
        move_cash(actor=amir, fund=fund, kind="advance", number="A1", day=DAY, amount=cash)
        return fund


def registered(film: Film) -> list[tuple[str, str, Decimal, str]]:
    """(kind, number, total, day) of every paper, in order."""
    rows = Entry.objects.filter(production=film.production).order_by("pk")
    return [(e.kind, e.number, e.total, e.dated.isoformat()) for e in rows]


def received_rows(film: Film, number: str) -> str:
    """The rows of the file a paper opens, as received."""
    entry = Entry.objects.get(production=film.production, number=number)
    with role("web"), acting(film, "amir"):
        opened = opened_transaction(film.production, entry.batch_id, entry.transaction_number)
    assert opened is not None
    assert opened.source_text is not None
    return opened.source_text.decode()


def whole(film: Film) -> bool:
    with role("worker"), acting(film, "amir"):
        return verify_production(film.production).findings == []


def test_a_journal_file_becomes_one_journal_a_number(film: Film) -> None:
    batch = journals(film, [*JE_1, *JE_2])
    assert (counts(batch), batch.state) == ((5, 5, 0, 0), "posted")
    assert money(film) == [
        ("3310", "0900", "1000.00", "USD"),
        ("2220", "0900", "250.50", "USD"),
        ("0300", "0900", "-1250.50", "USD"),
        ("3310", "0900", "80.00", "USD"),
        ("0300", "0900", "-80.00", "USD"),
    ]
    assert [(e.reference, e.center) for e in entries(film)] == [
        ("JE-1", "CAM"), ("JE-1", "ART"), ("JE-1", "CAM"), ("JE-2", "CAM"), ("JE-2", "CAM"),
    ]  # fmt: skip
    assert registered(film) == [
        ("journal", "JE-1", Decimal("1250.50"), "2026-01-14"),
        ("journal", "JE-2", Decimal("80.00"), "2026-01-15"),
    ]
    assert received_rows(film, "JE-1") == "".join(row + "\n" for row in JE_1)
    assert received_rows(film, "JE-2") == "".join(row + "\n" for row in JE_2)
    assert whole(film)


def test_the_same_journals_in_another_file_are_duplicates_and_changed_ones_conflicts(
    film: Film,
) -> None:
    journals(film, [*JE_1, *JE_2])
    posted = money(film)
    again = journals(film, [*JE_2, *JE_1, "JE-3,2026-01-16,3310,5,,x,", "JE-3,,0300,,5,x,"])
    assert counts(again) == (7, 2, 5, 0)
    changed = journals(film, [row.replace("80.00", "81.00") for row in JE_2])
    assert counts(changed) == (2, 0, 0, 2)
    assert codes(film) == {1: ["E_CONFLICT"], 2: ["E_DOCUMENT"]}
    assert "JE-2 of 2026-01-15, 80.00 USD, entered by Amir" in held(film)[0].violations[0]["found"]
    assert money(film)[: len(posted)] == posted
    assert len(money(film)) == len(posted) + 2
    assert whole(film)


def test_a_voided_journal_may_be_sent_with_other_facts_but_never_again_with_the_same(
    film: Film,
) -> None:
    journals(film, JE_2)
    desk = office(film)
    with desk.acts() as amir:
        entry = Entry.objects.get(production=film.production)
        papers.void_paper(actor=amir, production=film.production, entry_id=entry.pk, day=DAY,
                          reason="wrong lens")  # fmt: skip
    assert counts(journals(film, [*JE_2, *JE_1])) == (5, 3, 2, 0)
    put_right = journals(film, [row.replace("80.00", "81.00") for row in JE_2])
    assert counts(put_right) == (2, 2, 0, 0)
    assert desk.balances()["3310", "USD"] == Decimal("1081.00")
    assert whole(film)


def test_a_journal_that_is_a_cent_out_is_held_whole_and_says_what_each_side_comes_to(
    film: Film,
) -> None:
    batch = journals(film, [*JE_2, "JE-9,2026-01-15,3310,80.01,,x,", "JE-9,,0300,,80.00,x,"])
    assert (counts(batch), batch.state) == ((4, 2, 0, 2), "posted_with_quarantine")
    assert codes(film) == {3: ["E_BALANCE"], 4: ["E_BALANCE"]}
    assert held(film)[0].violations[0]["found"] == "debits 80.01, credits 80.00 USD"
    fixed = decide(film, held(film)[0], values={"amount": "80.00"})
    assert fixed.outcome == "posted"
    batch.refresh_from_db()
    assert (counts(batch), batch.state) == ((4, 4, 0, 0), "posted")
    assert [row.state for row in held(film)] == ["posted", "posted"]
    assert money(film)[2:] == [("3310", "0900", "80.00", "USD"), ("0300", "0900", "-80.00", "USD")]
    assert whole(film)


def test_a_bad_row_holds_its_document_and_names_itself_on_the_others(film: Film) -> None:
    rows = [*JE_1[:2], JE_1[2].replace("0300", "0399"), *JE_2]
    assert counts(journals(film, rows)) == (5, 2, 0, 3)
    assert codes(film) == {1: ["E_DOCUMENT"], 2: ["E_DOCUMENT"], 3: ["E_ACCOUNT"]}
    assert held(film)[0].violations[0]["found"] == "row 3, line 4: account_code E_ACCOUNT"
    # The rows that wait may be handed in again, and wait on.
    assert decide(film, held(film)[0]).outcome == "held"
    assert decide(film, held(film)[2], values={"account_code": "0300"}).outcome == "posted"
    assert codes(film) == {}
    assert registered(film)[-1] == ("journal", "JE-1", Decimal("1250.50"), "2026-01-14")
    assert received_rows(film, "JE-1") == "".join(row + "\n" for row in rows[:3])


def test_a_row_rejected_at_the_desk_leaves_the_others_to_be_entered(film: Film) -> None:
    rows = [*JE_2, "JE-2,2026-01-15,9999,1.00,,typed twice,"]
    assert counts(journals(film, rows)) == (3, 0, 0, 3)
    assert decide(film, held(film)[2], action="reject", reason="typed twice").outcome == "rejected"
    assert decide(film, held(film)[0]).outcome == "posted"
    assert [row.state for row in held(film)] == ["posted", "posted", "rejected"]
    batch = ImportBatch.objects.get(production=film.production)
    assert counts(batch) == (3, 2, 0, 1)


def test_a_number_in_two_places_is_held_for_it_may_be_the_same_journal_twice(film: Film) -> None:
    assert counts(journals(film, [*JE_2, *JE_1, *JE_2])) == (7, 3, 0, 4)
    assert codes(film) == {n: ["E_SPLIT"] for n in (1, 2, 6, 7)}
    assert held(film)[0].violations[0]["found"] == "rows 1 to 2 and 6 to 7"
    for row in held(film)[2:]:
        assert decide(film, row, action="reject", reason="sent twice").outcome == "rejected"
    assert decide(film, held(film)[0]).outcome == "posted"
    assert [r[1] for r in registered(film)] == ["JE-1", "JE-2"]


def test_rows_of_one_journal_agree_on_what_is_said_once(film: Film) -> None:
    rows = ["JE-5,2026-01-15,3310,80.00,,x,", "JE-5,2026-01-16,0300,,80.00,x,CAM",
            "JE-6,2026-01-15,3310,10.00,,x,", ",2026-01-15,0300,,10.00,no number,CAM",
            "JE-7,,3310,10.00,,x,", "JE-7,,0300,,10.00,x,CAM",
            "JE-8,2026-01-15,3310,1.00,,x,", "JE-8,,2220,1.00,,x,", "JE-8,,0300,,2.00,whose?,",
    ]  # fmt: skip
    assert counts(journals(film, rows)) == (9, 0, 0, 9)
    assert codes(film) == {
        1: ["E_DOCUMENT"], 2: ["E_DIFFERS"], 3: ["E_BALANCE"], 4: ["E_NUMBER"], 5: ["E_DATE"],
        6: ["E_DATE"], 7: ["E_DOCUMENT"], 8: ["E_DOCUMENT"], 9: ["E_COST_CENTER"],
    }  # fmt: skip


def test_a_row_that_cannot_be_read_holds_the_document_it_stands_in(film: Film) -> None:
    rows = [JE_1[0], "JE-1,,2220,250.50", *JE_1[1:], *JE_2, "Total,,,,,,"]
    assert counts(journals(film, rows)) == (7, 2, 0, 5)
    assert codes(film) == {
        1: ["E_DOCUMENT"], 2: ["E_FIELD_COUNT"], 3: ["E_DOCUMENT"], 4: ["E_DOCUMENT"],
        7: ["E_TOTAL_ROW"],
    }  # fmt: skip
    # The document is not entered without the broken row until somebody has decided about it.
    assert decide(film, held(film)[0]).outcome == "held"
    assert decide(film, held(film)[1], action="reject", reason="a stray line").outcome == "rejected"
    assert decide(film, held(film)[0]).outcome == "posted"


def test_a_vendor_s_own_words_are_put_right_before_a_leg_takes_its_journal_s_department(
    film: Film,
) -> None:
    mapping = replace(REGISTRY["journals"], words=(("account_code", "CAMRENT", "3310"),))
    said = {"reference": "J1", "transaction_date": "2026-01-14"}
    legs = [("CAMRENT", "5.00"), ("0300", "-5.00")]
    rows = [{**said, "account_code": account, "amount": amount} for account, amount in legs]
    parts = [Part(Record(n, n, 0, 0, None, None, b""), row) for n, row in enumerate(rows, 1)]
    batch = journals(film, JE_2)
    with role("worker"), acting(film, "amir"):
        batch = ImportBatch.objects.select_related("production").get(pk=batch.pk)
        gate = Gate(mapping, imports.vocabulary(batch), mapping.fields)
        plan = PaperGate(gate, frozenset(), {}).examine(Document("j1", parts))
    assert isinstance(plan, Plan)
    centers = {leg.center_id for leg in plan.legs}
    assert ([leg.account for leg in plan.legs], len(centers)) == (["3310", "0300"], 1)


ORDERS = (
    "PO #,Vendor,Date,Type,Department,Account,Description,Qty,Rate,Amount,Rental Start,Rental End"
)
PO_7 = [
    "PO-7007,Panavision,1/14/2026,Rental,CAM,3310,camera body,2,\"1,500.00\",\"3,000.00\","
    "2026-01-19,2026-02-06",
    "PO-7007,,,,,3310,lenses,1,,\"1,250.50\",,",
]  # fmt: skip


def ordered(film: Film, rows: list[str], **asked: Any) -> ImportBatch:
    return import_data(film, table(ORDERS, rows), source="purchase-orders", **asked)


def test_an_order_file_becomes_one_draft_a_number(film: Film) -> None:
    desk = office(film)
    desk.vendor("Panavision")
    batch = ordered(film, [*PO_7, "PO-8,Panavision,1/15/2026,,,2220,paint,3,10.00,,,"])
    assert counts(batch) == (3, 3, 0, 0)
    assert money(film) == [], "a draft commits nothing"
    with role("web"), acting(film, "amir"):
        order = selectors.order_by_number(film.production, "PO-7007")
        other = selectors.order_by_number(film.production, "PO-8")
        assert order is not None
        assert other is not None
        lines = [(x.account.code, x.quantity, x.rate, x.amount, x.description)
                 for x in selectors.lines_of(order, 1)]  # fmt: skip
    assert lines == [
        ("3310", Decimal(2), Decimal(1500), Decimal(3000), "camera body"),
        ("3310", Decimal(1), Decimal("1250.50"), Decimal("1250.50"), "lenses"),
    ]
    assert (order.vendor.name, order.kind, order.cost_center.code, order.state) == (
        "Panavision", "rental", "CAM", "draft",
    )  # fmt: skip
    assert (str(order.rental_starts_on), str(order.rental_ends_on)) == ("2026-01-19", "2026-02-06")
    assert order.reason.startswith("costs.csv, rows 1 to 2, SHA-256 ")
    assert (other.kind, other.cost_center.code) == ("purchase", "ART")
    desk.approve_and_open(order)
    assert [(e.account, e.amount, e.component) for e in entries(film)] == [
        ("3310", "3000.00", "ordered"), ("3310", "1250.50", "ordered"),
    ]  # fmt: skip
    assert counts(ordered(film, [*PO_7, ""])) == (2, 0, 2, 0), "drafted once, whatever its state"
    assert whole(film)


def test_an_order_that_is_not_right_in_all_its_rows_is_not_drafted(film: Film) -> None:
    office(film).vendor("Panavision")
    rows = [
        PO_7[0].replace("Panavision", "Panovision"), PO_7[1],
        "PO-8,Panavision,1/15/2026,purchase,,2220,paint,3,10.00,31.00,,",
        "PO-9,Panavision,1/15/2026,purchase,,2220,paint,1,,-5.00,,",
        "PO-10,Panavision,1/15/2026,lease,,2220,paint,1,5.00,,,",
        "PO-11,Panavision,1/15/2026,rental,,2220,paint,1,5.00,,2026-01-19,",
        "PO-12,Panavision,1/15/2026,,,2220,paint,1,5.00,,,", "PO-12,,,,,3310,lens,1,5.00,,,",
    ]  # fmt: skip
    assert counts(ordered(film, rows)) == (8, 0, 0, 8)
    assert codes(film) == {
        1: ["E_VENDOR"], 2: ["E_VENDOR"], 3: ["E_AMOUNT"], 4: ["E_REFUSED"], 5: ["E_KIND"],
        6: ["E_DATE"], 7: ["E_DOCUMENT"], 8: ["E_DIFFERS"],
    }  # fmt: skip
    assert decide(film, held(film)[0], values={"vendor": "Panavision"}).outcome == "posted"
    assert decide(film, held(film)[3], values={"amount": "5.00"}).outcome == "posted"
    assert [row.state for row in held(film)][:4] == ["posted", "posted", "held", "posted"]
    taken = ordered(film, ["PO-7007,Panavision,1/14/2026,,,3310,camera,1,10.00,,,"])
    assert counts(taken) == (1, 0, 0, 1)
    assert held(film)[-1].codes == ["E_CONFLICT"]


def test_a_cause_settled_as_one_act_enters_the_documents_its_rows_are_of(film: Film) -> None:
    office(film).vendor("Panavision")
    wrong = [PO_7[0].replace("Panavision", "Panovision"), PO_7[1]]
    also = "PO-8,Panovision,1/15/2026,,,2220,paint,3,10.00,,,"
    half = ["PO-9,Panovision,1/15/2026,,,2220,paint,3,10.00,,,", "PO-9,,,,,9999,what,1,5.00,,,"]
    assert counts(ordered(film, [*wrong, also, *half])) == (5, 0, 0, 5)
    cause = "E_VENDOR|vendor|Panovision"
    what = CauseAsked(cause, None, "fix", "Panavision", "", "5", "5")
    with role("web"), acting(film, "amir"):
        act = acts.act_on_cause(actor=film.cast["amir"], production=film.production, asked=what)
    with role("worker"):
        with acting(film, "amir"):
            item = imports.work_of("act", [act.pk]).get()
        work.drain(only=item.pk)
    act.refresh_from_db()
    assert (act.state, act.posted, act.held) == ("done", 3, 2)
    assert codes(film) == {4: ["E_DOCUMENT"], 5: ["E_ACCOUNT"]}
    assert decide(film, held(film)[4], values={"account_code": "2220"}).outcome == "posted"
    batch = ImportBatch.objects.get(production=film.production)
    assert (counts(batch), batch.state) == ((5, 5, 0, 0), "posted")
    assert whole(film)


SHEET = "ACCOUNT,DATE,Receipt ID,NAME,DESCRIPTION,SUBTOTAL,TOTAL,GST,PURCHASER"
RECEIPTS = [
    "2220,1/14/2026,R1,Art Shop,paint,100.00,105.00,5.00,Kim",
    "2220,1/16/2026,R2,Hardware Barn,returned nails,-10.00,-10.50,-0.50,Kim",
]


def test_a_petty_cash_sheet_becomes_one_envelope_of_its_custodian(film: Film) -> None:
    fund = float_of(film)
    choices = {"custodian": "Jo Sands", "number": "JS01"}
    batch = import_data(film, table(SHEET, RECEIPTS), source="petty-cash", choices=choices)
    assert counts(batch) == (2, 2, 0, 0)
    assert money(film)[1:] == [("2220", "0150", "105.00", "USD"), ("2220", "0150", "-10.50", "USD")]
    assert registered(film)[1:] == [("envelope", "JS01", Decimal("94.50"), "2026-01-16")]
    assert received_rows(film, "JS01") == "".join(row + "\n" for row in RECEIPTS)
    with role("web"), acting(film, "amir"):
        assert selectors.fund_balance(fund) == Decimal("405.50")
    again = import_data(film, table(SHEET, RECEIPTS) + b"\n", source="petty-cash", choices=choices)
    assert counts(again) == (2, 0, 2, 0)
    assert whole(film)


def test_envelopes_name_their_custodian_and_spend_no_more_than_is_held(film: Film) -> None:
    float_of(film, cash="100.00")
    header = "Envelope Number,Custodian,Account,Date,Receipt ID,Name,Subtotal,GST,Total"
    rows = [
        "JS01,Jo Sands,2220,1/14/2026,R1,Art Shop,60.00,,60.00",
        "JS02,Jo Sands,2220,1/14/2026,R2,Art Shop,60.00,,60.00",
        "JS03,Kim,2220,1/14/2026,R3,Art Shop,1.00,,1.00",
        "JS04,Jo Sands,2220,1/14/2026,R4,Art Shop,10.00,0.50,10.60",
        ",Jo Sands,2220,1/14/2026,R5,Art Shop,1.00,,1.00",
    ]
    batch = import_data(film, table(header, rows), source="petty-cash")
    assert counts(batch) == (5, 1, 0, 4)
    assert codes(film) == {2: ["E_REFUSED"], 3: ["E_FUND"], 4: ["E_RECEIPT"], 5: ["E_NUMBER"]}
    assert "Jo Sands holds 40.00 USD" in held(film)[0].violations[0]["found"]
    assert decide(film, held(film)[3], values={"reference": "JS05"}).outcome == "posted"
    assert registered(film)[-1] == ("envelope", "JS05", Decimal("1.00"), "2026-01-14")


IIF = (
    "!TRNS\tTRNSID\tTRNSTYPE\tDATE\tACCNT\tNAME\tCLASS\tAMOUNT\tDOCNUM\tMEMO\tCLEAR\r\n"
    "!SPL\tTRNSTYPE\tDATE\tACCNT\tAMOUNT\tDOCNUM\tMEMO\r\n"
    "!ENDTRNS\r\n"
    "TRNS\t\tGENERAL JOURNAL\t1/15/2026\t3310\tExample Camera\t\t12500.00\tGJ-4\tcamera wk 3\r\n"
    "SPL\tGENERAL JOURNAL\t1/15/2026\t2220\t99.50\tGJ-4\tpaint\r\n"
    "SPL\tGENERAL JOURNAL\t1/15/2026\t3310\t-12599.50\tGJ-4\t\r\n"
    "ENDTRNS\r\n"
    "TRNS\t\tGENERAL JOURNAL\t1/16/2026\t3310\t\tCAM\t10.00\tGJ-5\n"
    "SPL\t\t\t0300\t-10.00\n"
    "ENDTRNS\t\t\n"
)


def iif(film: Film, text: str, name: str = "week.iif") -> ImportBatch:
    return import_data(film, text.encode(), source="iif-journals", name=name)


def test_a_quickbooks_file_becomes_its_general_journals(film: Film) -> None:
    batch = iif(film, IIF)
    assert counts(batch) == (5, 5, 0, 0)
    assert [(e.reference, e.account, e.amount, e.center) for e in entries(film)] == [
        ("GJ-4", "3310", "12500.00", "CAM"),
        ("GJ-4", "2220", "99.50", "ART"),
        ("GJ-4", "3310", "-12599.50", "CAM"),
        ("GJ-5", "3310", "10.00", "CAM"),
        ("GJ-5", "0300", "-10.00", "CAM"),
    ]
    assert received_rows(film, "GJ-5").startswith("TRNS\t\tGENERAL JOURNAL\t1/16/2026")
    assert received_rows(film, "GJ-5").endswith("-10.00\n")
    again = iif(film, IIF + "!ACCNT\tNAME\nACCNT\tCamera\n")
    assert counts(again) == (5, 0, 5, 0)
    assert "1 lines of the list ACCNT are not read" in again.notes


def test_a_quickbooks_transaction_without_its_end_or_that_is_no_journal_is_held(
    film: Film,
) -> None:
    cut = IIF.replace("ENDTRNS\r\nTRNS\t\tGENERAL JOURNAL\t1/16", "TRNS\t\tGENERAL JOURNAL\t1/16")
    assert counts(iif(film, cut)) == (5, 2, 0, 3)
    assert {tuple(c) for c in codes(film).values()} == {("E_IIF",)}
    check = IIF.replace("GENERAL JOURNAL\t1/16/2026", "CHECK\t1/16/2026").replace("GJ-5", "1001")
    assert counts(iif(film, check)) == (5, 3, 0, 2)
    assert [row.codes for row in held(film)][-2:] == [["E_KIND"], ["E_KIND"]]
    # The lines that were cut off are there after all: handed in again, they are a duplicate.
    assert decide(film, held(film)[0]).outcome == "duplicate"
    refused = import_data(film, IIF.encode(), source="journals", name="week.iif")
    assert (refused.code, refused.rows) == ("E_HEADER", 0)
    bare = iif(film, IIF.replace("!TRNS", "!HDR"), name="bare.iif")
    assert (bare.code, bare.rows) == ("E_HEADER", 0)


def test_who_may_import_but_not_enter_documents_is_told_so_at_the_door(film: Film) -> None:
    with role("owner"):
        from access import services as access
        from access.models import Membership

        Membership.objects.filter(production=film.production, user=film.cast["otto"]).delete()
        access.give_membership(
            actor=access.console_person(), production=film.production, user=film.cast["otto"],
            role="payroll",
        )  # fmt: skip
    with role("web"), pytest.raises(services.MayNotEnter, match="Ask a production accountant"):
        receive(film, table(JOURNAL, JE_2), source="journals", person="otto")


def test_one_file_is_read_as_documents_or_row_by_row_and_not_both(film: Film) -> None:
    data = table(
        "JE Number,Date,Account,Amount,Vendor,Invoice Number,Invoice Date,Account Code", []
    )
    header = "Reference,Date,Account,Amount,Vendor"
    data = table(header, ["J1,2026-01-14,3310,5.00,Arri", "J1,2026-01-14,3310,-5.00,Arri"])
    assert counts(import_data(film, data, source="journals")) == (2, 2, 0, 0)
    with role("web"), pytest.raises(Refused, match="received as Journals"):
        receive(film, data, source="vendor-invoices")
    other = data.replace(b"J1", b"J2")
    assert counts(import_data(film, other, source="vendor-invoices")) == (2, 2, 0, 0)
    with role("web"), pytest.raises(Refused, match="received as Vendor invoices"):
        receive(film, other, source="journals")


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_killed_between_documents_loses_none_and_doubles_none(
    film: Film, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    rows = []
    for n in range(6):
        rows += [f"K-{n},2026-01-14,3310,{n + 1}.00,,x,", f"K-{n},,0300,,{n + 1}.00,x,"]
    rows[5] = rows[5].replace("0300", "9999")
    written = services._write
    dying = [True]

    def dies(*asked: Any) -> None:
        if when == "after":
            written(*asked)
        dying[0] = not dying[0]
        if not dying[0]:
            raise Killed
        if when == "before":
            written(*asked)

    monkeypatch.setattr(services, "_write", dies)
    with role("worker"):
        batch = receive(film, table(JOURNAL, rows), source="journals").batch
        user = film.cast["amir"].pk
        deaths = 0
        while True:
            try:
                services.run_import(
                    import_id=batch.pk, production_id=film.production.pk, user_id=user
                )
                break
            except Killed:
                deaths += 1
                connection.close()
        with acting(film, "amir"):
            found = imports.import_by_id(film.production, batch.pk)
    assert found is not None
    assert (counts(found), deaths) == ((12, 10, 0, 2), 6)
    assert [number for _, number, _, _ in registered(film)] == ["K-0", "K-1", "K-3", "K-4", "K-5"]
    assert codes(film) == {5: ["E_DOCUMENT"], 6: ["E_ACCOUNT"]}
    assert whole(film)
