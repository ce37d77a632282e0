"""What a column most likely is: proposed with its reason, never decided."""

import pytest

from ingestion.layouts.mapping import ALL_FIELDS, Mapping
from ingestion.layouts.sources import VENDOR_INVOICES, WRAPBOOK_PAYROLL
from ingestion.layouts.suggesting import likeness, suggest, variants


def test_a_header_a_vendor_is_known_to_write_is_proposed_with_where_it_was_seen() -> None:
    found = suggest("TRNAMT", VENDOR_INVOICES, taken=())
    assert found is not None
    assert (found.field, found.score) == ("amount", 1.0)
    assert "OFX" in found.why


@pytest.mark.parametrize(
    ("header", "mapping", "field"),
    [
        ("GROSS", WRAPBOOK_PAYROLL, "amount"),
        ("Union Local", WRAPBOOK_PAYROLL, "union_guild"),
        ("MPIPHP", WRAPBOOK_PAYROLL, "benefits"),
        ("Invoice Amnt", VENDOR_INVOICES, "amount"),
        ("Vendor's Name", VENDOR_INVOICES, "vendor"),
    ],
)
def test_the_likeliest_field_is_proposed(header: str, mapping: Mapping, field: str) -> None:
    found = suggest(header, mapping, taken=())
    assert found is not None
    assert found.field == field


def test_a_field_another_column_fills_is_not_proposed() -> None:
    assert suggest("TRNAMT", VENDOR_INVOICES, taken=("amount",)) is None


def test_a_column_of_words_is_never_proposed_as_money() -> None:
    assert suggest("Gross Amt", VENDOR_INVOICES, (), ["1,234.50", "(3.00)", "$5"]) is not None
    assert suggest("Gross Amt", VENDOR_INVOICES, (), ["LAPTOP"]) is None


def test_a_column_like_nothing_gets_no_proposal() -> None:
    assert suggest("Zzyzx", VENDOR_INVOICES, taken=()) is None
    assert likeness("", "Amount") == 0.0


def test_every_variant_of_the_data_file_names_a_field_and_where_it_was_seen() -> None:
    known = variants()
    assert len(known) > 40
    assert {v.field for v in known} <= set(ALL_FIELDS)
    assert all(v.header.strip() and v.seen_in for v in known)
