"""The same document has the same key however its file was saved; another one never has."""

import hashlib

from ingestion.gate.identity import Identities, facts_text
from ingestion.gate.schema import CleanLine
from ingestion.layouts.sources import REGISTRY, VENDOR_INVOICES_1, WRAPBOOK_PAYROLL_1
from tests.ingestion.words import line_of


def identities(source: str) -> Identities:
    return Identities(REGISTRY[source])


def key(source: str, line: CleanLine) -> bytes:
    return identities(source).of(line)[0]


def test_an_own_number_is_the_identity_whatever_else_the_row_says() -> None:
    first, other = line_of(), line_of(amount="126.00", vendor="Arri")
    key_1, facts_1 = identities("cost-lines").of(first)
    key_2, facts_2 = identities("cost-lines").of(other)
    assert key_1 == key_2
    assert facts_1 != facts_2
    assert key("cost-lines", line_of(transaction_id="TX2")) != key_1


def test_the_same_own_number_twice_in_a_file_is_one_document() -> None:
    seen = identities("cost-lines")
    assert seen.of(line_of())[0] == seen.of(line_of())[0]


def test_without_an_own_number_equal_rows_of_one_file_are_two_documents() -> None:
    seen = identities("cost-lines")
    coffee = line_of(transaction_id="", vendor="Coffee")
    first, second = seen.of(coffee), seen.of(coffee)
    assert first[0] != second[0]
    assert first[1] == second[1]
    again = identities("cost-lines")
    assert [again.of(coffee)[0], again.of(coffee)[0]] == [first[0], second[0]]


def test_lines_of_an_invoice_are_told_apart_by_their_order() -> None:
    seen = identities("vendor-invoices")
    lines = [line_of("vendor-invoices", reference="77", amount=a) for a in ("1.00", "2.00")]
    keys = [seen.of(line)[0] for line in lines]
    assert keys[0] != keys[1]
    changed = line_of("vendor-invoices", reference="77", amount="9.00")
    assert key("vendor-invoices", changed) == keys[0]


def test_a_stated_line_number_outranks_the_order() -> None:
    second = line_of("vendor-invoices", reference="77", line_number="2")
    seen = identities("vendor-invoices")
    seen.of(line_of("vendor-invoices", reference="77", line_number="1"))
    assert seen.of(second)[0] == key("vendor-invoices", second)


def test_a_vendor_is_the_same_in_any_case_and_either_spelling_of_an_accent() -> None:
    keys = {
        key("vendor-invoices", line_of("vendor-invoices", reference="77", vendor=vendor))
        for vendor in ("Café Zoë", "CAFÉ ZOË", "Cafe\u0301 Zoe\u0308")
    }
    assert len(keys) == 1


def test_facts_are_one_text_for_both_spellings_of_an_accent_and_of_an_amount() -> None:
    composed, decomposed = line_of(vendor="Café"), line_of(vendor="Cafe\u0301", amount="125")
    assert composed.vendor != decomposed.vendor
    assert facts_text(composed) == facts_text(decomposed)


def test_every_fact_of_a_row_counts() -> None:
    base = facts_text(line_of("wrapbook-payroll"))
    changes = [
        {"account_code": "3301"}, {"cost_center": "ART"}, {"unit": "SECOND"}, {"amount": "125.01"},
        {"employer_taxes": "1"}, {"reimbursements": "1"}, {"currency": "CAD"},
        {"jurisdiction": "DGA"}, {"transaction_date": "2026-01-15"}, {"transaction_id": "TX2"},
        {"reference": "7"}, {"vendor": "Arri"}, {"description": "x"}, {"occupation": "Loader"},
        {"line_number": "1"}, {"transaction_date": "2026-01-14T10:00:00Z"},
    ]  # fmt: skip
    texts = {facts_text(line_of("wrapbook-payroll", **change)) for change in changes}
    assert len(texts | {base}) == len(changes) + 1


def test_facts_cannot_be_moved_from_one_field_into_the_next() -> None:
    one = line_of(vendor="ab", description="c")
    other = line_of(vendor="a", description="bc")
    assert facts_text(one) != facts_text(other)


def test_two_sources_never_share_a_key() -> None:
    keys = {key(source, line_of("cost-lines", reference="77")) for source in REGISTRY}
    assert len(keys) == len(REGISTRY)


def test_only_lines_without_a_number_are_known_by_their_order() -> None:
    numbered = line_of("vendor-invoices", reference="77", line_number="2")
    plain = line_of("vendor-invoices", reference="77")
    assert identities("vendor-invoices").counted_document(numbered) == ""
    assert identities("cost-lines").counted_document(line_of()) == ""
    assert identities("pex-cards").counted_document(plain) == ""
    assert identities("vendor-invoices").counted_document(plain) == "panavision\x1f77"


def test_what_is_withheld_is_a_fact_of_the_row_but_no_part_of_its_key() -> None:
    lines = [line_of("wrapbook-payroll", reference="7", deductions=d) for d in ("", "0", "24.00")]
    found = [identities("wrapbook-payroll").of(line) for line in lines]
    assert len({key for key, _ in found}) == 1
    assert found[0][1] == found[1][1] != found[2][1]
    assert not identities("wrapbook-payroll").is_same(lines[2], found[2][1], found[0][1])


def test_a_row_that_an_older_version_posted_is_the_same_row() -> None:
    line = line_of("wrapbook-payroll", reference="7", deductions="24.00")
    newer, older = identities("wrapbook-payroll"), Identities(WRAPBOOK_PAYROLL_1)
    (key_2, facts_2), (key_1, facts_1) = newer.of(line), older.of(line)
    assert key_1 == key_2
    assert facts_1 != facts_2
    assert newer.is_same(line, facts_2, facts_1)
    changed = line_of("wrapbook-payroll", reference="7", deductions="24.00", amount="126.00")
    assert not newer.is_same(changed, newer.of(changed)[1], facts_1)


def test_a_version_without_deductions_and_segments_has_the_facts_it_always_had() -> None:
    line = line_of("vendor-invoices", reference="77")
    assert Identities(VENDOR_INVOICES_1).of(line)[1] == (
        hashlib.sha256(facts_text(line).encode()).digest()
    )


def test_another_coding_is_another_fact_unless_a_version_posted_it_that_read_none() -> None:
    newer, older = identities("vendor-invoices"), Identities(VENDOR_INVOICES_1)
    plain, at_cafe, at_pier = (
        line_of("vendor-invoices", reference="77", set=code) for code in ("", "CAFE", "PIER")
    )
    assert len({older.of(line) for line in (plain, at_cafe, at_pier)}) == 3, "three lines of one"
    keys, facts = zip(*(identities("vendor-invoices").of(x) for x in (plain, at_cafe)), strict=True)
    assert keys[0] == keys[1]
    assert facts[0] != facts[1]
    assert not newer.is_same(at_cafe, facts[1], facts[0])
    assert newer.is_same(at_cafe, facts[1], Identities(VENDOR_INVOICES_1).of(at_pier)[1])
