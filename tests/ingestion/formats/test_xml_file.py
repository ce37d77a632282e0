import pytest

from ingestion.formats.records import Record, RejectedFile
from ingestion.formats.xml_file import read_xml

ENVELOPE = (
    '<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01"'
    ' xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">{}</gesmes:Envelope>'
)


def rates(*cubes: str) -> str:
    body = "\n".join(cubes)
    return ENVELOPE.format(f'<Cube><Cube time="2025-03-14">{body}</Cube></Cube>')


def cube(currency: str, rate: str) -> str:
    return f'<Cube currency="{currency}" rate="{rate}"/>'


def read(text: str) -> list[Record]:
    return list(read_xml([text.encode()]))


def code_of(text: str | bytes) -> str:
    with pytest.raises(RejectedFile) as rejected:
        list(read_xml([text.encode() if isinstance(text, str) else text]))
    return rejected.value.code


def test_reference_rates_are_read_as_spelled_and_held() -> None:
    text = "\ufeff<?xml version='1.0' encoding='UTF-8'?>\r\n<!-- é -->\n" + rates(
        cube("USD", "1.0865"), cube("GBP", "0.84035")
    )
    records = read(text)
    assert [record.fields for record in records] == [["USD", "1.0865"], ["GBP", "0.84035"]]
    assert {record.code for record in records} == {"E_SOURCE"}
    assert [record.line for record in records] == [3, 4]
    for record in records:
        assert record.raw == text.encode()[record.start : record.end]
    assert records[1].raw.decode() == cube("GBP", "0.84035")


def test_the_same_currency_may_stand_on_two_days() -> None:
    days = "".join(f'<Cube time="{day}">{cube("USD", "1.1")}</Cube>' for day in ("d1", "d2"))
    assert len(read(ENVELOPE.format(f"<Cube>{days}</Cube>"))) == 2


@pytest.mark.parametrize(
    "rate", ["0", "0.000", "-1", "NaN", "inf", "1e400", "1,09", "", " 1.1", "١", "1" * 10]
)
def test_a_rate_that_is_no_positive_decimal_rejects_the_file(rate: str) -> None:
    assert code_of(rates(cube("USD", "1.1"), cube("GBP", rate))) == "E_RATE"


def test_a_second_rate_for_a_currency_rejects_the_file() -> None:
    assert code_of(rates(cube("USD", "1.1"), cube("USD", "1.1"))) == "E_RATE"
    assert code_of(rates(cube("usd", "1.1"))) == "E_RATE"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "E_EMPTY"),
        (rates(), "E_EMPTY"),
        ("<a><b></a>", "E_XML"),
        ("<a>&unknown;</a>", "E_XML"),
        ("<?xml version='1.0' encoding='shift_jis'?><a/>", "E_XML"),
        ("<?xml version='1.0' encoding='nonsense'?><a/>", "E_XML"),
        ("no markup", "E_XML"),
        ("<!DOCTYPE html><html/>", "E_XML_DTD"),
        ("<!DOCTYPE d [<!ELEMENT d ANY>]><d/>", "E_XML_DTD"),
        ("<a>" * 65 + "</a>" * 65, "E_XML_DEPTH"),
        ("<a>" * 64 + "</a>" * 64, "E_XML_SCHEMA"),
        ("<Envelope/>", "E_XML_SCHEMA"),
        ("<html/>", "E_XML_SCHEMA"),
        (rates('<i:include xmlns:i="http://www.w3.org/2001/XInclude"/>'), "E_XML_SCHEMA"),
    ],
)
def test_a_document_that_is_not_plain_and_known_is_rejected(text: str, code: str) -> None:
    assert code_of(text) == code


def test_utf_16_and_oversized_documents_are_rejected() -> None:
    assert code_of(rates(cube("USD", "1.1")).encode("utf-16")) == "E_ENCODING"
    assert code_of(b"<a>" + b" " * (20 << 20)) == "E_TOO_BIG"


def test_another_message_of_a_bank_is_told_apart_by_name() -> None:
    text = '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.060.001.02"/>'
    with pytest.raises(RejectedFile, match="a message of a bank") as rejected:
        read(text)
    assert rejected.value.code == "E_XML_SCHEMA"
