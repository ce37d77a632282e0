"""The mappings of files whose rows make up documents: orders, journals, envelopes, invoices.

Headers are those seen in Wrapbook's list of purchase orders (help.wrapbook.com,
about-purchase-orders-pas), PSL+ and GreenSlate's words for an order's lines, the journal columns of
PSL+ and Circus (support.circushr.com, article 9828676), the petty cash sheet of gofieldtrip.ca/pc
and the log of napaus.org, and the general journal of QuickBooks IIF (several public repositories).
"""

from typing import Final

from ingestion.layouts.columns import ACCOUNT, SEGMENTS, US_AMOUNTS, US_DATES
from ingestion.layouts.mapping import Column, Mapping

_DEPARTMENT = ("Department", "Cost Center", "Cost Centre", "Department Code")

PURCHASE_ORDERS = Mapping(
    source="purchase-orders",
    version=1,
    label="Purchase orders",
    hint="One row a line, one draft order a number: PO #, Vendor, Date, Account, Description, Qty, "
    "Rate, Amount; type (purchase where it is not said), department, rental dates and currency "
    "where the file has them. Somebody else approves the drafts",
    columns=(
        Column(
            "reference",
            ("PO #", "PO Number", "Purchase Order #", "Order Number", "PONUM"),
            True,
        ),
        Column("vendor", ("Vendor", "Vendor Name", "Supplier"), True),
        Column("transaction_date", ("Date", "Date Issued", "Order Date"), True),
        Column("kind", ("Type", "Order Type", "PO Type")),
        Column("cost_center", _DEPARTMENT),
        Column("account_code", ACCOUNT, True),
        Column("description", ("Description", "Memo", "Notes")),
        Column("quantity", ("Qty", "Quantity")),
        Column("rate", ("Rate", "Price", "Unit Price")),
        Column("amount", ("Amount", "Line Amount", "Total Cost")),
        Column("rental_starts_on", ("Rental Start", "Start Date", "Rental From")),
        Column("rental_ends_on", ("Rental End", "End Date", "Rental To")),
        Column("currency", ("Currency", "Currency Code")),
        Column("unit", ("Unit",)),
        *SEGMENTS,
    ),
    ignored=("Line", "Terms", "Asset", "Balance", "In progress", "Relieved", "Status"),
    identity=(),
    identity_has_lines=True,
    clearing_role="book_control",
    amounts=US_AMOUNTS,
    date_formats=US_DATES,
    paper="order",
)

JOURNALS = Mapping(
    source="journals",
    version=1,
    label="Journals",
    hint="One row a leg, one journal a number: JE Number, Date, Account, Debit, Credit (or one "
    "signed Amount), Description; cost centre, currency and unit where the file has them. Each "
    "journal must come out at zero",
    columns=(
        Column(
            "reference",
            ("JE Number", "Journal Number", "JE #", "Transaction #", "Entry #", "Reference"),
            True,
        ),
        Column("transaction_date", ("Date", "JE Date", "Posted Date", "Posting Date"), True),
        Column("account_code", ACCOUNT, True),
        Column("description", ("Description", "Memo", "Notes")),
        Column("debit", ("Debit",)),
        Column("credit", ("Credit",)),
        Column("amount", ("Amount",)),
        Column("currency", ("Currency", "Currency Code")),
        Column("cost_center", _DEPARTMENT),
        Column("unit", ("Unit",)),
        *SEGMENTS,
    ),
    ignored=("Line", "Status", "Account Description", "Account Type", "Payee", "Vendor"),
    identity=(),
    identity_has_lines=True,
    clearing_role="journal_clearing",
    amounts=US_AMOUNTS,
    date_formats=US_DATES,
    paper="journal",
)

IIF_JOURNALS = Mapping(
    source="iif-journals",
    version=1,
    label="Journals from QuickBooks (IIF)",
    hint="An .iif file of general journals: TRNS, SPL, ENDTRNS. DOCNUM is the journal's number, "
    "CLASS the cost centre. Each journal must come out at zero",
    columns=(
        Column("block", ("TRANSACTION",), True),
        Column("kind", ("TRNSTYPE",)),
        Column("transaction_date", ("DATE",), True),
        Column("account_code", ("ACCNT",), True),
        Column("cost_center", ("CLASS",)),
        Column("amount", ("AMOUNT",), True),
        Column("reference", ("DOCNUM",), True),
        Column("description", ("MEMO",)),
    ),
    ignored=("NAME",),
    identity=(),
    identity_has_lines=True,
    clearing_role="journal_clearing",
    amounts=US_AMOUNTS,
    date_formats=US_DATES,
    paper="journal",
)

PETTY_CASH = Mapping(
    source="petty-cash",
    version=1,
    label="Petty cash envelopes",
    hint="One row a receipt, one envelope a number: Account, Date, Receipt ID, Name, Description, "
    "Subtotal, GST, Total; the total is what is posted. Envelope Number and Custodian as columns, "
    "or named when the file is sent. An envelope is dated by its last receipt",
    columns=(
        Column(
            "reference",
            ("Envelope Number", "PC Envelope Number", "Envelope", "Envelope #"),
        ),
        Column("custodian", ("Custodian", "Issued to")),
        Column("account_code", ACCOUNT, True),
        Column("transaction_date", ("Date", "Receipt Date"), True),
        Column("transaction_id", ("Receipt ID", "Receipt", "Receipt #")),
        Column("vendor", ("Name", "Vendor", "Merchant")),
        Column("description", ("Description", "Notes")),
        Column("subtotal", ("Subtotal",)),
        Column("tax", ("GST", "HST", "Tax")),
        Column("amount", ("Total", "Amount"), True),
        Column("currency", ("Currency", "Currency Code")),
        *SEGMENTS,
    ),
    ignored=("Purchaser",),
    identity=(),
    identity_has_lines=True,
    clearing_role="petty_cash",
    amounts=US_AMOUNTS,
    date_formats=US_DATES,
    paper="envelope",
)

AP_INVOICES = Mapping(
    source="ap-invoices",
    version=1,
    label="Vendor invoices against purchase orders",
    hint="One row a line, one invoice a vendor and number: Invoice #, Vendor, Invoice Date, "
    "Account, Amount; PO #, with the PO's line where it has several on the account (what is open "
    "there is relieved), Final where nothing more will come, Due Date (the vendor's terms, where "
    "it is not said). Each invoice is entered whole",
    columns=(
        Column(
            "reference",
            ("Invoice #", "Invoice Number", "Invoice No", "Invoice No.", "INVOICE"),
            True,
        ),
        Column("vendor", ("Vendor", "Vendor Name", "Supplier", "Payee"), True),
        Column("transaction_date", ("Invoice Date", "Date"), True),
        Column("due_on", ("Due Date", "Due")),
        Column("order", ("PO #", "PO Number", "PO", "Purchase Order #", "Order Number")),
        Column("order_line", ("PO Line", "PO Line #", "Order Line")),
        Column("is_final", ("Final", "Final?", "Close PO Line")),
        Column("account_code", ACCOUNT, True),
        Column("description", ("Description", "Memo", "Notes")),
        Column("amount", ("Amount", "Line Amount"), True),
        Column("currency", ("Currency", "Currency Code")),
        Column("cost_center", _DEPARTMENT),
        Column("unit", ("Unit",)),
        *SEGMENTS,
    ),
    ignored=("Line", "Terms", "Status", "Account Description"),
    identity=(),
    identity_has_lines=True,
    clearing_role="payables",
    amounts=US_AMOUNTS,
    date_formats=US_DATES,
    paper="invoice",
)

PAPERS: Final = (PURCHASE_ORDERS, JOURNALS, IIF_JOURNALS, PETTY_CASH, AP_INVOICES)
