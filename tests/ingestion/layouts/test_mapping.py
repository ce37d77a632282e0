"""Columns find their fields by name, in any order, and money is never left unread."""

import pytest

from ingestion.formats.records import RejectedFile
from ingestion.gate.pipeline import open_import
from ingestion.layouts.mapping import (
    FIELDS,
    OTHER_FIELDS,
    HeaderRefused,
    declared,
    header_key,
    recognises,
    resolve_header,
    resolve_positions,
)
from ingestion.layouts.sources import (
    BY_NAME,
    COST_LINES,
    PSLPLUS,
    REGISTRY,
    VENDOR_INVOICES,
    VERSIONS,
    WRAPBOOK_PAYROLL,
    WRAPBOOK_PAYROLL_1,
)

# A bank's lines have fields of their own (test_bank_reading.py), and so have documents' files.
OF_COSTS = [mapping for mapping in VERSIONS if not mapping.feed and not mapping.paper]
INVOICES = ["Vendor", "Invoice Number", "Invoice Date", "Account Number", "Amount"]


def place(header: list[str], name: str) -> int | None:
    return resolve_header(VENDOR_INVOICES, header).places[FIELDS.index(name)]


def test_the_usual_header_gives_every_field_its_place_and_nothing_to_note() -> None:
    resolution = resolve_header(VENDOR_INVOICES, INVOICES)
    assert resolution.notes == ()
    assert [place(INVOICES, name) for name in ("vendor", "reference", "amount")] == [0, 1, 4]
    assert place(INVOICES, "currency") is None


def test_reordered_columns_keep_their_fields_and_are_noted() -> None:
    header = INVOICES[::-1]
    assert place(header, "vendor") == 4
    assert place(header, "amount") == 0
    assert resolve_header(VENDOR_INVOICES, header).notes == (
        "columns are in another order than usual",
    )


def test_an_alias_is_read_as_its_field_and_noted() -> None:
    header = ["Payee", *INVOICES[1:4], "Line Amount"]
    resolution = resolve_header(VENDOR_INVOICES, header)
    assert resolution.notes == (
        "column 'Payee' is read as vendor",
        "column 'Line Amount' is read as amount",
    )


@pytest.mark.parametrize(
    "spelling", ["INVOICE #", "invoice no.", "Invoice  Number", "invoice-number"]
)
def test_headers_are_compared_without_case_spaces_and_marks(spelling: str) -> None:
    assert header_key(spelling) == header_key("Invoice Number")
    assert place(["Vendor", spelling, *INVOICES[2:]], "reference") == 1


def test_an_unknown_column_is_noted_and_a_known_useless_one_is_not() -> None:
    resolution = resolve_header(VENDOR_INVOICES, [*INVOICES, "Shelf", "PO Number", "Due Date", " "])
    assert resolution.notes == ("column 'Shelf' is not read",)


@pytest.mark.parametrize("name", ["Sales Tax", "VAT 20%", "Freight cost", "Balance Due", "Rate"])
def test_an_unknown_column_that_seems_to_hold_money_stops_the_file(name: str) -> None:
    with pytest.raises(HeaderRefused) as refused:
        resolve_header(VENDOR_INVOICES, [*INVOICES, name])
    assert "column 6" in str(refused.value)
    assert repr(name) in str(refused.value)


def test_two_columns_for_one_field_stop_the_file() -> None:
    with pytest.raises(HeaderRefused) as refused:
        resolve_header(VENDOR_INVOICES, [*INVOICES, "Line Amount"])
    assert "'Amount' and 'Line Amount' both mean amount" in str(refused.value)


def test_a_refused_header_rejects_the_file_with_a_code_and_the_sentence() -> None:
    data = (",".join([*INVOICES, "Sales Tax"]) + "\nA,1,2026-01-14,3310,5,1\n").encode()
    with pytest.raises(RejectedFile) as rejected:
        open_import("invoices.csv", [data], VENDOR_INVOICES)
    assert rejected.value.code == "E_HEADER"
    assert "'Sales Tax'" in rejected.value.reason


def test_a_record_is_a_header_only_with_every_required_column() -> None:
    assert recognises(VENDOR_INVOICES, INVOICES)
    assert recognises(VENDOR_INVOICES, ["merchant", "REFERENCE", "date", "cost code", "total"])
    for missing in range(len(INVOICES)):
        assert not recognises(VENDOR_INVOICES, INVOICES[:missing] + INVOICES[missing + 1 :])


def test_a_positional_source_knows_its_columns_by_place() -> None:
    places = dict(zip(FIELDS, resolve_positions(PSLPLUS).places, strict=True))
    assert places["account_code"] == 0  # A
    assert places["vendor"] == 4  # E
    assert places["amount"] == 6  # G
    assert places["description"] == 9  # J
    assert places["currency"] == 16  # Q
    assert places["reference"] == 18  # S
    assert places["transaction_date"] == 19  # T


def test_no_mapping_has_two_fields_under_one_header() -> None:
    for mapping in OF_COSTS:
        meaning = {(header_key(h), c.field) for c in mapping.columns for h in c.headers}
        meaning |= {(header_key(h), "nothing") for h in mapping.ignored}
        assert len({key for key, _ in meaning}) == len(meaning), mapping.source
        assert {column.field for column in mapping.columns} <= {*FIELDS, *OTHER_FIELDS}
        assert set(mapping.identity) <= set(FIELDS)


def test_every_column_of_a_mapping_is_found_by_each_of_its_headers() -> None:
    for mapping in OF_COSTS:
        for column in mapping.columns:
            for header in column.headers:
                resolved = resolve_header(mapping, [header])
                found = {**dict(zip(FIELDS, resolved.places, strict=True)), **resolved.others}
                found = found[column.field]
                assert found == 0, (mapping.source, header)


def test_what_is_declared_of_one_file_changes_that_reading_only() -> None:
    changed = declared(COST_LINES, encoding="cp1252", decimal=",", date_format="%d.%m.%Y")
    assert (changed.encoding, changed.date_formats) == ("cp1252", ("%d.%m.%Y",))
    assert (changed.amounts.decimal, changed.amounts.thousands) == (",", ".")
    assert declared(COST_LINES) is COST_LINES
    assert COST_LINES.amounts.decimal == "."
    assert changed.name == "cost-lines v2"


def test_the_payroll_log_s_seventeen_columns_are_all_known() -> None:
    header = [
        "Worker Name", "Worker Type (W-2 or 1099)", "Position/Title", "Work Date", "Earnings Type",
        "Hours Worked", "Pay Rate", "Gross Wages", "Deductions", "Reimbursements",
        "Employer Taxes", "Benefits Contributions", "Net Pay", "Payment Method", "Project Name",
        "Department or Cost Code", "Payroll Run Date",
    ]  # fmt: skip
    for version in (WRAPBOOK_PAYROLL_1, WRAPBOOK_PAYROLL):
        assert resolve_header(version, header).notes == ()


def test_the_payroll_log_s_second_version_reads_what_the_first_left_unread() -> None:
    first, second = WRAPBOOK_PAYROLL_1.fields, WRAPBOOK_PAYROLL.fields
    assert second - first == {"deductions", "net_pay"}
    assert first < second
    assert (WRAPBOOK_PAYROLL_1.name, WRAPBOOK_PAYROLL.name) == (
        "wrapbook-payroll v1", "wrapbook-payroll v2",
    )  # fmt: skip
    assert set(WRAPBOOK_PAYROLL_1.ignored) - set(WRAPBOOK_PAYROLL.ignored) == {
        "Deductions", "Net Pay",
    }  # fmt: skip


def test_every_version_is_kept_by_its_name_and_the_newest_reads_new_files() -> None:
    assert len(BY_NAME) == len(VERSIONS)
    for source, newest in REGISTRY.items():
        versions = [m.version for m in VERSIONS if m.source == source]
        assert versions == list(range(1, newest.version + 1))


def test_the_deductions_and_the_net_pay_may_be_missing_from_a_file() -> None:
    header = [h for c in WRAPBOOK_PAYROLL.columns if c.required for h in c.headers[:1]]
    places = dict(zip(FIELDS, resolve_header(WRAPBOOK_PAYROLL, header).places, strict=True))
    assert (places["deductions"], places["net_pay"]) == (None, None)
