"""What people decide of columns becomes part of the mapping that reads the next file."""

import pytest

from ingestion.layouts.drift import drift
from ingestion.layouts.mapping import FIELDS, HeaderRefused, recognises, resolve_header
from ingestion.layouts.rules import (
    RuleError,
    Rules,
    applied,
    differences,
    read,
    with_columns,
    with_ignored,
    with_normal,
    with_word,
    written,
)
from ingestion.layouts.sources import PSLPLUS, VENDOR_INVOICES, WRAPBOOK_PAYROLL

INVOICES = ["Vendor", "Invoice Number", "Invoice Date", "Account Number", "Amount"]


def place(mapping: object, header: list[str], name: str) -> int | None:
    return resolve_header(mapping, header).places[FIELDS.index(name)]  # type: ignore[arg-type]


def test_a_column_said_to_be_a_field_is_read_as_it_in_every_file_to_come() -> None:
    header = [*INVOICES[:4], "GROSS AMT"]
    with pytest.raises(HeaderRefused, match="seems to hold money"):
        resolve_header(VENDOR_INVOICES, header)
    rules = with_columns(Rules(), VENDOR_INVOICES, header, {4: "amount"})
    mapping = applied(VENDOR_INVOICES, rules, 1)
    assert mapping.name == f"{VENDOR_INVOICES.name}+1"
    assert place(mapping, header, "amount") == 4
    assert place(mapping, header[::-1], "amount") == 0
    assert place(mapping, INVOICES, "amount") == 4
    assert "+" not in VENDOR_INVOICES.name


def test_a_column_left_out_by_decision_stops_no_file_any_more() -> None:
    header = [*INVOICES, "Sales Tax"]
    rules = with_columns(Rules(), VENDOR_INVOICES, header, {5: "ignore"})
    assert resolve_header(applied(VENDOR_INVOICES, rules, 1), header).notes == ()


def test_a_choice_against_a_known_meaning_holds_for_exactly_these_columns() -> None:
    header = [*INVOICES, "Line Amount"]
    with pytest.raises(HeaderRefused, match="both mean amount"):
        resolve_header(VENDOR_INVOICES, header)
    rules = with_columns(Rules(), VENDOR_INVOICES, header, {4: "ignore"})
    mapping = applied(VENDOR_INVOICES, rules, 1)
    assert place(mapping, header, "amount") == 5
    assert place(mapping, header[::-1], "amount") == 0, "in any order"
    assert place(mapping, INVOICES, "amount") == 4, "an ordinary file is read as ever"
    assert recognises(mapping, INVOICES)


def test_what_decides_nothing_leaves_the_rules_as_they_were() -> None:
    header = [*INVOICES, "Shelf"]
    said = {0: "vendor", 4: "amount", 5: ""}
    assert with_columns(Rules(), VENDOR_INVOICES, header, said) == Rules()


@pytest.mark.parametrize("choice", ["net_pay", "amounts", "transaction_id"])
def test_a_column_cannot_be_a_field_its_source_does_not_have(choice: str) -> None:
    with pytest.raises(RuleError, match="expected a field"):
        with_columns(Rules(), VENDOR_INVOICES, [*INVOICES, "Net"], {5: choice})


def test_a_positional_source_has_no_column_to_name() -> None:
    with pytest.raises(RuleError):
        with_columns(Rules(), PSLPLUS, ["Account"], {0: "account_code"})


def test_rules_are_kept_as_json_and_come_back_the_same() -> None:
    header = ["Amount", "Line Amount", "Gross Wages", "Shelf"]
    rules = with_columns(
        Rules(), VENDOR_INVOICES, header, {0: "ignore", 2: "ignore", 3: "description"}
    )
    rules = with_word(rules, "currency", "US$", "USD")
    rules = with_normal(rules, decimal=",", date_formats=["%d/%m/%Y"], sign="reversed",
                        zone="America/Los_Angeles", encoding="cp1252")  # fmt: skip
    assert read(written(rules)) == rules
    assert written(Rules()) == {}


def test_a_source_s_way_of_writing_is_said_and_not_inferred() -> None:
    rules = with_normal(Rules(), decimal=",", date_formats=["%d/%m/%Y"], delimiter="", zone="")
    mapping = applied(VENDOR_INVOICES, rules, 3)
    assert (mapping.amounts.decimal, mapping.amounts.thousands) == (",", ".")
    assert mapping.date_formats == ("%d/%m/%Y",)
    assert mapping.delimiter is None
    assert not mapping.is_negated
    assert differences(Rules(), rules) == [
        "decimal ',' (was as built in)", "date formats %d/%m/%Y (was as built in)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [
        {"encoding": "klingon"},
        {"decimal": ";"},
        {"delimiter": "x"},
        {"sign": "maybe"},
        {"zone": "Mars/Olympus"},
        {"zone": "../../etc/passwd"},
        {"date_formats": ["%H:%M"]},
        {"date_formats": ["%m/%d/%Y", "%d/%m/%Y"]},
    ],
)
def test_a_way_of_writing_no_file_could_be_read_by_is_refused(said: dict[str, object]) -> None:
    with pytest.raises(RuleError):
        with_normal(Rules(), **said)


@pytest.mark.parametrize(
    "word", [("vendor", "A", "B"), ("currency", "", "USD"), ("currency", "USD", "USD")]
)
def test_a_word_that_says_nothing_is_refused(word: tuple[str, str, str]) -> None:
    with pytest.raises(RuleError):
        with_word(Rules(), *word)


def test_a_word_said_again_takes_the_place_of_the_first() -> None:
    rules = with_word(with_word(Rules(), "currency", "$", "USD"), "currency", "$", "CAD")
    assert rules.words == (("currency", "$", "CAD"),)
    assert differences(Rules(), with_ignored(rules, "Shelf")) == [
        "column 'Shelf' is left out", "currency '$' means 'CAD'",
    ]  # fmt: skip


def changes(header: list[str], before: list[str]) -> list[tuple[str, str, str]]:
    return [(d.change, d.column, d.was) for d in drift(VENDOR_INVOICES, header, before)]


def test_a_file_like_the_last_one_has_no_drift_even_under_unusual_names() -> None:
    header = ["Payee", *INVOICES[1:]]
    assert changes(header, header) == []
    assert changes(header, []) == [("renamed", "Payee", "Vendor")]


def test_renamed_moved_new_and_missing_columns_are_each_named() -> None:
    before = [*INVOICES, "Memo"]
    now = [INVOICES[1], "Supplier", *INVOICES[2:], "Shelf"]
    assert changes(now, before) == [
        ("renamed", "Supplier", "Vendor"),
        ("new", "Shelf", ""),
        ("missing", "Memo", ""),
        ("moved", "Invoice Number", ""),
    ]


def test_the_first_file_of_a_source_lacks_nothing() -> None:
    header = [c.headers[0] for c in WRAPBOOK_PAYROLL.columns if c.required]
    assert drift(WRAPBOOK_PAYROLL, header, []) == []
