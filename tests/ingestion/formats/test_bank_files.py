"""Bank files in every dialect: what is read, what is held, and what rejects the file."""

from datetime import date
from decimal import Decimal

import pytest

from ingestion.formats.feeds import FEED
from ingestion.formats.opening import open_file
from ingestion.formats.records import Dialect, Reading, Record, RejectedFile
from tests.ingestion.formats.bank_files import (
    BAI2,
    CAMT,
    FILES,
    MT940_SEPA,
    OFX_SGML,
    OFX_XML,
    QIF,
)


def read(name: str, data: str | bytes = b"", dialect: Dialect | None = None) -> Reading:
    raw = data.encode() if isinstance(data, str) else data or FILES[name]
    return open_file(name, [raw], lambda _: True, dialect or Dialect())


def lines(reading: Reading) -> list[dict[str, str]]:
    assert reading.header == list(FEED)
    return [dict(zip(FEED, record.fields or [], strict=True)) for record in reading]


def code_of(name: str, text: str | bytes) -> str:
    with pytest.raises(RejectedFile) as rejected:
        list(read(name, text))
    assert rejected.value.reason.endswith(".")
    return rejected.value.code


def records(name: str) -> list[Record]:
    return list(read(name))


@pytest.mark.parametrize("name", FILES)
def test_spans_are_the_bytes_received_in_order_and_lines_are_physical(name: str) -> None:
    data, found = FILES[name], records(name)
    assert [record.row for record in found] == list(range(1, len(found) + 1))
    for record in found:
        assert record.raw == data[record.start : record.end] != b""
        assert record.line == data[: record.start].count(b"\n") + 1
    ends = [0, *(record.end for record in found)]
    assert all(end <= record.start for end, record in zip(ends, found, strict=False))


def test_ofx_of_version_1_is_read_with_values_left_open() -> None:
    reading = read("sgml.ofx")
    (statement,) = reading.statements
    assert (statement.account, statement.currency) == ("111000025/7788", "USD")
    assert (statement.from_day, statement.closing) == (date(2026, 1, 1), Decimal("8875.00"))
    first, second = lines(reading)
    assert first == dict(
        zip(FEED, ["1", "2026-01-14", "", "-125.00", "USD", "A1", "0319", "PANAVISION & CO", ""],
            strict=True)
    )  # fmt: skip
    assert (second["amount"], second["counterparty"]) == ("9000.00", "Funding & more")
    assert second["description"] == "Régie"


def test_a_bad_transaction_is_held_with_what_it_says_and_the_rest_is_kept() -> None:
    reading = read("card.qfx")
    found = list(reading)
    assert [record.code for record in found] == [None, "E_AMOUNT", "E_DATE", "E_AMOUNT"]
    assert found[0].fields is not None
    assert found[0].fields[7] == "Café <Ritz> & Sons"
    assert found[2].fields is not None
    assert found[2].fields[1] == "20260231"
    assert found[3].fields is not None
    assert found[3].fields[3] == "$120"
    (statement,) = reading.statements
    assert (statement.account, statement.closing, statement.unread) == ("4111", None, 2)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("<OFX></OFX>", "E_EMPTY"),
        ("<OFX><STMTRS><STMTTRN><FITID>1</STMTRS>", "E_OFX"),
        (OFX_SGML.replace("</STMTTRN>", "", 1), "E_OFX"),
        (OFX_SGML[:-60], "E_OFX"),
        (OFX_SGML + "more", "E_OFX"),
        (OFX_SGML.replace("<CURDEF>", "</BANKLIST><CURDEF>"), "E_OFX"),
        ("<OFX><STMTTRN><FITID>1</STMTTRN></OFX>", "E_OFX"),
        ("<!DOCTYPE OFX><OFX><STMTRS></STMTRS></OFX>", "E_XML_DTD"),
        ("<OFX>" + "<A>" * 70 + "</OFX>", "E_XML_DEPTH"),
        ("OFXHEADER:100\n", "E_OFX"),
        ("<html><body>Log in</body></html>", "E_FILETYPE"),
        (BAI2, "E_FILETYPE"),
        ("", "E_EMPTY"),
    ],
)
def test_ofx_that_is_not_whole_is_rejected(text: str, code: str) -> None:
    assert code_of("bank.ofx", text) == code


def test_a_bank_that_answers_with_an_error_is_quoted() -> None:
    text = "<OFX><STATUS><CODE>15500<SEVERITY>ERROR<MESSAGE>Wrong password</STATUS></OFX>"
    with pytest.raises(RejectedFile, match="15500 Wrong password") as rejected:
        read("bank.ofx", text)
    assert rejected.value.code == "E_BANK_ERROR"


def test_what_stands_twice_in_a_transaction_holds_it() -> None:
    text = OFX_XML.replace("<FITID>C1</FITID>", "<FITID>C1</FITID><FITID>C9</FITID>")
    assert next(iter(read("card.ofx", text))).code == "E_FIELD_COUNT"


def test_an_amount_in_another_currency_says_so() -> None:
    text = OFX_XML.replace("<FITID>C1", "<CURRENCY><CURSYM>EUR</CURSYM></CURRENCY><FITID>C1")
    assert lines(read("card.ofx", text))[0]["currency"] == "EUR"


def test_bai2_is_read_with_its_continuations_and_minor_units() -> None:
    reading = read("day.bai")
    first, second = lines(reading)
    assert (first["amount"], first["reference"]) == ("-125.00", "0319")
    assert first["description"] == "CHECK PAID, PANAVISION BR77"
    assert (second["booked_on"], second["value_on"]) == ("2026-01-30", "2026-01-31")
    assert (second["amount"], second["description"]) == ("655.00", "FUNDING FROM THE STUDIO")
    (statement,) = reading.statements
    assert (statement.opening, statement.closing) == (Decimal("1000.00"), Decimal("1530.00"))
    assert reading.notes == []


def test_bai2_amounts_have_the_decimals_of_their_currency() -> None:
    assert lines(read("day.bai", BAI2.replace("USD", "JPY")))[0]["amount"] == "-12500"
    assert lines(read("day.txt", BAI2.replace("USD", "KWD")))[0]["amount"] == "-12.500"


@pytest.mark.parametrize(
    ("changed", "to", "found"),
    [
        ("16,475,12500", "16,475,12501", "come to 409001"),
        ("49,+409000,6", "49,+409000,7", "6 records of the account"),
        ("98,+409000,1,8", "98,+409000,2,8", "1 accounts"),
        ("98,+409000,1,8", "98,+409000,1,9", "8 records of the group"),
        ("99,+409000,1,10", "99,+408999,1,10", "409000"),
        ("99,+409000,1,10", "99,+409000,1,11", "10 records of the file"),
    ],
)
def test_bai2_totals_and_counts_that_do_not_come_out_reject_the_file(
    changed: str, to: str, found: str
) -> None:
    with pytest.raises(RejectedFile, match=found) as rejected:
        read("day.bai", BAI2.replace(changed, to))
    assert rejected.value.code == "E_CONTROL_TOTAL"


@pytest.mark.parametrize(
    ("changed", "to", "code"),
    [
        ("16,475,12500", "16,475,125.00", "E_BAI2"),
        ("99,+409000,1,10/\n", "", "E_BAI2"),
        ("03,", "04,", "E_BAI2"),
        ("49,+409000,6/\n", "", "E_BAI2"),
        ("02,FERRYFILM,NIGHTBANK,1,", "02,FERRYFILM,NIGHTBANK,4,", "E_BANK_STATUS"),
        ("260130,,USD", "260130,,XXQ", "E_CURRENCY"),
        ("88,FROM THE STUDIO\n", "88,FROM THE STUDIO\nnonsense\n", "E_BAI2"),
    ],
)
def test_a_broken_bai2_file_is_rejected(changed: str, to: str, code: str) -> None:
    assert code_of("day.bai", BAI2.replace(changed, to)) == code


def test_bai2_lines_that_do_not_say_their_side_or_day_are_held() -> None:
    held = list(read("day.bai", BAI2.replace("16,475,", "16,890,")))
    assert [record.code for record in held] == ["E_BANK_CODE", None]
    undated = list(read("day.bai", BAI2.replace(",1,260130,", ",1,260230,")))
    assert {record.code for record in undated} == {"E_DATE"}


def test_bai2_details_that_are_not_all_are_noted() -> None:
    text = BAI2.replace("015,+153000", "015,+153001").replace("409000", "409001")
    assert "has not sent every detail" in read("day.bai", text).notes[0]


def test_mt940_of_the_sparkassen_with_wrapped_information() -> None:
    reading = read("sepa.sta")
    first, second, third = lines(reading)
    assert (first["amount"], first["counterparty"]) == ("-125.00", "PANAVISION GMBH")
    assert first["description"] == "UEBERWEISUNG EREF+INV-77 Kameramiete Januar"
    assert (first["reference"], first["booked_on"]) == ("0724710333", "2026-01-14")
    assert (second["value_on"], second["booked_on"]) == ("2025-12-31", "2026-01-02")
    assert second["reference"] == "FUND1"
    assert (third["amount"], third["booked_on"]) == ("-10", "2026-01-15")
    assert reading.statements[0].number == "00004/001"


def test_mt940_of_a_dutch_bank_with_an_envelope_and_a_30th_of_february() -> None:
    found = list(read("abn.940"))
    assert [record.code for record in found] == [None, "E_DATE"]
    assert found[0].fields is not None
    assert found[0].fields[8].endswith("0000000421886 59 FACTUUR")
    assert found[1].fields is not None
    assert found[1].fields[1:3] == ["2026-03-01", "260230"]
    assert found[1].fields[7:] == ["J. DE VRIES", "Week 3 N7"]


def test_mt940_inside_swift_blocks_is_read() -> None:
    block = "{1:F01BANKDEFFAXXX0000000000}{2:O940}{4:\r\n"
    text = block + MT940_SEPA.replace("\n-\n", "\n-}\n").replace("\n", "\r\n")
    assert len(lines(read("swift.txt", text))) == 3


@pytest.mark.parametrize(
    ("changed", "to", "code"),
    [
        ("EUR9865,00", "EUR9865,01", "E_CONTROL_TOTAL"),
        ("C260115EUR", "C260115USD", "E_CURRENCY"),
        (":62F:C260115EUR9865,00\n", "", "E_MT940"),
        (":60F:C260113EUR1000,00", ":60F:1000", "E_MT940"),
        (":20:STARTUMSE\n", "", "E_EMPTY"),
    ],
)
def test_mt940_that_does_not_come_out_is_rejected(changed: str, to: str, code: str) -> None:
    assert code_of("sepa.sta", MT940_SEPA.replace(changed, to)) == code


def test_an_mt940_line_that_cannot_be_read_leaves_the_balance_open() -> None:
    reading = read("sepa.sta", MT940_SEPA.replace("DR125,00", "DR$125"))
    assert [record.code for record in reading] == ["E_AMOUNT", None, None]
    assert "not proven" in reading.notes[0]


def test_qif_is_read_month_first_and_says_so() -> None:
    reading = read("quicken.qif")
    first, second = lines(reading)
    assert (first["booked_on"], first["amount"]) == ("2026-01-14", "-1250.00")
    assert (second["booked_on"], second["amount"]) == ("2026-01-15", "9000")
    assert reading.statements[0].account == "Film checking"
    assert reading.notes == [
        "Dates are read month first.",
        "1 records under !Type:Cat are no lines of an account and are not read.",
    ]


def test_qif_dates_of_another_order_reject_the_file_until_it_is_declared() -> None:
    text = QIF.replace("D01/15/2026", "D15/01/2026").replace("D1/14'26", "D2/1'26")
    assert code_of("quicken.qif", text) == "E_DATE_ORDER"
    declared = read("quicken.qif", text, Dialect(date_format="%d/%m/%Y"))
    assert [line["booked_on"] for line in lines(declared)] == ["2026-01-02", "2026-01-15"]


@pytest.mark.parametrize(
    ("changed", "to", "code"),
    [
        ("T9000", "T$9000", "E_AMOUNT"),
        ("D01/15/2026", "D02/30/2026", "E_DATE"),
        ("D01/15/2026", "D01152026", "E_DATE"),
        ("T9000", "T9000\nT9000", "E_FIELD_COUNT"),
    ],
)
def test_a_qif_record_that_cannot_be_trusted_is_held(changed: str, to: str, code: str) -> None:
    assert [record.code for record in read("a.qif", QIF.replace(changed, to))] == [None, code]


def test_qif_splits_must_come_to_the_amount() -> None:
    assert [r.code for r in read("a.qif", QIF.replace("$-250.00", "$-251.00"))] == ["E_PARTS", None]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("!Type:Bank\nD1/1/26\nT1\n", "E_QIF"),
        ("D1/1/26\nT1\n^\n", "E_QIF"),
        ("!Type:Cat\nNCamera\n^\n", "E_EMPTY"),
    ],
)
def test_a_qif_file_that_is_not_whole_is_rejected(text: str, code: str) -> None:
    assert code_of("a.qif", text) == code


def test_camt_takes_what_is_booked_and_holds_what_is_pending() -> None:
    reading = read("statement.xml")
    found = list(reading)
    assert [record.code for record in found] == [None, None, "E_PENDING"]
    assert found[0].fields == [
        "1", "2026-01-14", "2026-01-15", "-25.00", "EUR", "B-1", "INV-77", "Panavision",
        "Camera January",
    ]  # fmt: skip
    assert found[1].fields is not None
    assert (found[1].fields[1], found[1].fields[8]) == ("2026-01-15", "Rent")
    (statement,) = reading.statements
    assert (statement.account, statement.number) == ("DE89370400440532013000", "31")
    assert (statement.opening, statement.closing) == (Decimal("1000.00"), Decimal("-25.00"))


@pytest.mark.parametrize(
    "message", ["BkToCstmrAcctRpt Rpt 052", "BkToCstmrDbtCdtNtfctn Ntfctn 054"]
)
def test_reports_and_notifications_are_read_too(message: str) -> None:
    outer, holder, number = message.split()
    text = (
        CAMT.replace("BkToCstmrStmt", outer).replace("<Stmt>", f"<{holder}>")
        .replace("</Stmt>", f"</{holder}>").replace("camt.053", f"camt.{number}")
    )  # fmt: skip
    assert len(list(read("statement.xml", text))) == 3


@pytest.mark.parametrize(
    ("changed", "to", "code"),
    [
        ('"EUR">25.00</Amt><CdtDbtInd>DBIT</CdtDbtInd></Bal>',
         '"EUR">26.00</Amt><CdtDbtInd>DBIT</CdtDbtInd></Bal>', "E_CONTROL_TOTAL"),
        ("<Sum>1025</Sum>", "<Sum>1024</Sum>", "E_CONTROL_TOTAL"),
        ("<NbOfNtries>3<", "<NbOfNtries>4<", "E_CONTROL_TOTAL"),
        ("<NbOfNtries>2<", "<NbOfNtries>x<", "E_CONTROL_TOTAL"),
        ('<Amt Ccy="EUR">1000.00</Amt><CdtDbtInd>CRDT', '<Amt Ccy="EUR">1e3</Amt><CdtDbtInd>CRDT',
         "E_AMOUNT"),
        ("</Document>", "", "E_XML"),
        ("<GrpHdr>", '<!DOCTYPE d [<!ENTITY a "b">]><GrpHdr>', "E_XML"),
        ("camt.053.001.08", "camt.053.x", "E_XML_SCHEMA"),
    ],
)  # fmt: skip
def test_camt_that_does_not_come_out_is_rejected(changed: str, to: str, code: str) -> None:
    assert code_of("statement.xml", CAMT.replace(changed, to)) == code


def test_an_entry_without_a_day_or_amount_is_held() -> None:
    undated = CAMT.replace("<BookgDt><Dt>2026-01-14</Dt></BookgDt>", "")
    assert next(iter(read("statement.xml", undated))).code == "E_DATE"
    reading = read("statement.xml", CAMT.replace('<Ntry><Amt Ccy="EUR">25.00', "<Ntry><Amt>$25"))
    assert next(iter(reading)).code == "E_AMOUNT"
    assert "not proven" in reading.notes[0]


def test_one_page_of_several_proves_no_balance() -> None:
    text = CAMT.replace("<LastPgInd>true", "<LastPgInd>false")
    text = text.replace("1000.00</Amt><CdtDbtInd>CR", "1.00</Amt><CdtDbtInd>CR")
    assert "one page of several" in read("statement.xml", text).notes[0]
