"""The mappings prodacct knows, each in every version that ever read a file.

Header names are those seen in the vendors' own documentation: Wrapbook's payroll log
(help.wrapbook.com/docs/payroll-log-payroll-level), PEX expense envelopes
(qa-support.pexcard.com, Expense Envelopes for Admin), PSL+ "Import an Excel File"
(support.castandcrew.com: A account, B series, C location, then the posted-item fields), the generic
union time import (us-kb.sage.com, solution 225924350084805), Circus's ledger and journal columns
(support.circushr.com, article 9828676), and Saturation's actuals log. No payroll company publishes
the layout of its register: the headers of `payroll-register-ep` and `payroll-register-showbiz` are
our own, shaped after what such registers hold.
"""

from dataclasses import replace
from typing import Final

from ingestion.layouts.bank_sources import BANKS
from ingestion.layouts.columns import ACCOUNT, SEGMENTS, US_AMOUNTS, US_DATES
from ingestion.layouts.mapping import Column, Mapping
from ingestion.layouts.paper_sources import PAPERS


def _coded(before: Mapping, hint: str = "") -> Mapping:
    """The next version of a mapping: the same columns, and those of the segments."""
    return replace(
        before,
        version=before.version + 1,
        hint=hint or f"{before.hint}; segments where the file has them (episode, location, set …)",
        columns=before.columns and before.columns + SEGMENTS,
        positions=tuple("episode" if name == "series" else name for name in before.positions),
        ignored=tuple(name for name in before.ignored if name != "1099"),
    )


COST_LINES_1 = Mapping(
    source="cost-lines",
    version=1,
    label="Cost lines (prodacct's own layout)",
    hint="transaction_id, account_code, cost_center, amount, currency, jurisdiction, "
    "transaction_date, vendor",
    columns=(
        Column("transaction_id", ("transaction_id", "Transaction #"), required=True),
        Column("account_code", ("account_code", "Account Number"), required=True),
        Column("cost_center", ("cost_center", "Cost Centre"), required=True),
        Column("amount", ("amount",), required=True),
        Column("currency", ("currency", "Currency Code"), required=True),
        Column("jurisdiction", ("jurisdiction",), required=True),
        Column("transaction_date", ("transaction_date",), required=True),
        Column("vendor", ("vendor",), required=True),
        Column("description", ("description",)),
        Column("department_code", ("department_code",)),
        Column("union_guild", ("union_guild",)),
        Column("occupation", ("occupation",)),
        Column("unit", ("unit",)),
    ),
    identity=("transaction_id",),
    identity_has_lines=False,
    clearing_role="payables",
    jurisdiction_required=True,
    cost_center_required=True,
    currency_required=True,
)
COST_LINES = _coded(COST_LINES_1)

VENDOR_INVOICES_1 = Mapping(
    source="vendor-invoices",
    version=1,
    label="Vendor invoices",
    hint="Vendor, Invoice Number, Invoice Date, Account Number, Amount; currency, cost centre, "
    "description and unit where the file has them",
    columns=(
        Column("vendor", ("Vendor", "Vendor Name", "Payee", "Supplier", "Merchant"), True),
        Column(
            "reference", ("Invoice Number", "Invoice #", "Invoice", "Reference", "DOCNUM"), True
        ),
        Column("transaction_date", ("Invoice Date", "Date", "transaction_date"), True),
        Column("account_code", ACCOUNT, True),
        Column("amount", ("Amount", "Invoice Amount", "Line Amount", "Total"), True),
        Column("currency", ("Currency", "Currency Code", "Ccy")),
        Column("cost_center", ("Cost Center", "Cost Centre", "Department Code")),
        Column("description", ("Description", "Memo", "Notes")),
        Column("line_number", ("Invoice Line", "Line")),
        Column("unit", ("Unit",)),
    ),
    ignored=("PO #", "PO Number", "Purchase Order #", "Due Date", "Terms", "Vendor ID", "1099"),
    identity=("vendor", "reference"),
    identity_has_lines=True,
    clearing_role="payables",
    amounts=US_AMOUNTS,
    date_formats=US_DATES,
    is_invoices=True,
)
VENDOR_INVOICES = _coded(VENDOR_INVOICES_1)

# Version 1 leaves Deductions and Net Pay unread: all of the gross stands on payroll clearing.
WRAPBOOK_PAYROLL_1 = Mapping(
    source="wrapbook-payroll",
    version=1,
    label="Wrapbook payroll log",
    hint="The payroll log as Wrapbook exports it: 17 columns, one row a worker, day and earning",
    columns=(
        Column("vendor", ("Worker Name",), True),
        Column("occupation", ("Position/Title", "Position", "Title"), True),
        Column("transaction_date", ("Work Date",), True),
        Column("description", ("Earnings Type",), True),
        Column("amount", ("Gross Wages",), True),
        Column("reimbursements", ("Reimbursements",)),
        Column("employer_taxes", ("Employer Taxes",)),
        Column("benefits", ("Benefits Contributions",)),
        Column("account_code", ("Department or Cost Code", "Cost Code"), True),
        Column("reference", ("Payroll Run Date",), True),
        Column("unit", ("Unit",)),
    ),
    ignored=(
        "Worker Type",
        "Worker Type (W-2 or 1099)",
        "Hours Worked",
        "Pay Rate",
        "Deductions",
        "Net Pay",
        "Payment Method",
        "Project Name",
    ),
    identity=("vendor", "transaction_date", "description", "reference", "account_code"),
    identity_has_lines=True,
    clearing_role="payroll_clearing",
    amounts=US_AMOUNTS,
    date_formats=US_DATES,
)

# Version 2 keeps what was withheld apart, and holds a row whose net pay does not add up.
_AFTER = {
    "amount": Column("deductions", ("Deductions",)),
    "benefits": Column("net_pay", ("Net Pay",)),
}
WRAPBOOK_PAYROLL = replace(
    WRAPBOOK_PAYROLL_1,
    version=2,
    hint="The payroll log as Wrapbook exports it: 17 columns, one row a worker, day and earning; "
    "net pay must be gross wages less deductions plus reimbursements",
    columns=tuple(
        column
        for before in WRAPBOOK_PAYROLL_1.columns
        for column in (before, _AFTER.get(before.field))
        if column
    ),
    ignored=tuple(h for h in WRAPBOOK_PAYROLL_1.ignored if h not in ("Deductions", "Net Pay")),
    withholding_role="payroll_withholding",
)

PEX_CARDS_1 = Mapping(
    source="pex-cards",
    version=1,
    label="P-card envelope (PEX)",
    hint="Purchase Date, Merchant Name, Amount, Account Code, Notes",
    columns=(
        Column("transaction_date", ("Purchase Date",), True),
        Column("vendor", ("Merchant Name",), True),
        Column("amount", ("Amount",), True),
        Column("account_code", ("Account Code",), True),
        Column("description", ("Notes",)),
        Column("currency", ("Currency",)),
        Column("cost_center", ("Cost Center", "Department Code")),
        Column("unit", ("Unit",)),
    ),
    identity=(),
    identity_has_lines=True,
    clearing_role="card_clearing",
    amounts=US_AMOUNTS,
    date_formats=US_DATES,
)
PEX_CARDS = _coded(PEX_CARDS_1)

PSLPLUS_1 = Mapping(
    source="pslplus",
    version=1,
    label="PSL+ import file (positional)",
    hint="No header: A account, B series, C location, D set, E vendor, F 1099, G amount, "
    "H company, I reference, J description, K insurance, L-O free fields, P WA, Q currency, "
    "R envelope, S invoice number, T date",
    columns=(),
    positions=(
        "account_code",
        "series",
        "location",
        "set",
        "vendor",
        "tax_1099",
        "amount",
        "company",
        "journal",
        "description",
        "insurance",
        "free_1",
        "free_2",
        "free_3",
        "free_4",
        "wa",
        "currency",
        "envelope",
        "reference",
        "transaction_date",
    ),
    identity=(),
    identity_has_lines=True,
    clearing_role="payables",
    amounts=US_AMOUNTS,
    date_formats=US_DATES,
)
PSLPLUS = _coded(PSLPLUS_1, PSLPLUS_1.hint)

# One row an employee, day and kind of pay. Job and Extra are the sender's own job costing; what a
# production codes to is the cost code.
UNION_TIME = Mapping(
    source="union-time",
    version=1,
    label="Union time import (generic, Sage)",
    hint="Date, Employee, Job, Extra, Cost Code, Certified?, Union, Union Local, Union Class, "
    "Pay ID, Units, Rate, Amount, WC Code; the amount is gross pay, on payroll clearing",
    columns=(
        Column("transaction_date", ("Date", "Work Date"), True),
        Column("vendor", ("Employee", "Employee Name"), True),
        Column("account_code", ("Cost Code", "Account", "Account Code"), True),
        Column("union_guild", ("Union",)),
        Column("occupation", ("Union Class", "Class")),
        Column("description", ("Pay ID", "Pay Code"), True),
        Column("amount", ("Amount",), True),
        Column("cost_center", ("Cost Center", "Cost Centre", "Department Code")),
        Column("currency", ("Currency",)),
        Column("unit", ("Unit",)),
    ),
    ignored=("Job", "Extra", "Certified?", "Union Local", "Units", "Rate", "WC Code"),
    identity=("vendor", "transaction_date", "description", "account_code"),
    identity_has_lines=True,
    clearing_role="payroll_clearing",
    amounts=US_AMOUNTS,
    date_formats=US_DATES,
)

PAYROLL_REGISTER_EP = Mapping(
    source="payroll-register-ep",
    version=1,
    label="Payroll register (Entertainment Partners' shape)",
    hint="Our own layout after the register's content: Employee Name, Work Date, Pay Type, Account "
    "Code, Gross Wages, Employer Taxes, Pension Health and Welfare, Kit and Box Rental, Employee "
    "Withholding, Net Pay, Invoice Number",
    columns=(
        Column("vendor", ("Employee Name", "Loan Out Name"), True),
        Column("occupation", ("Occupation", "Occupation Description")),
        Column("union_guild", ("Union", "Union Code")),
        Column("transaction_date", ("Work Date", "Week Ending"), True),
        Column("description", ("Pay Type", "Earnings Type"), True),
        Column("account_code", ("Account Code", "Account Number"), True),
        Column("amount", ("Gross Wages", "Gross"), True),
        Column("employer_taxes", ("Employer Taxes", "Employer Payroll Taxes")),
        Column("benefits", ("Pension Health and Welfare", "PH&W")),
        Column("reimbursements", ("Kit and Box Rental", "Reimbursements")),
        Column("deductions", ("Employee Withholding", "Withholdings")),
        Column("net_pay", ("Net Pay",)),
        Column("reference", ("Invoice Number", "Invoice #"), True),
        Column("currency", ("Currency",)),
        Column("unit", ("Unit",)),
        *SEGMENTS,
    ),
    ignored=("SSN Last 4", "Hours", "Pay Rate", "Check Number", "Loan Out", "State"),
    identity=("vendor", "transaction_date", "description", "reference", "account_code"),
    identity_has_lines=True,
    clearing_role="payroll_clearing",
    amounts=US_AMOUNTS,
    date_formats=US_DATES,
    withholding_role="payroll_withholding",
)

PAYROLL_REGISTER_SHOWBIZ = Mapping(
    source="payroll-register-showbiz",
    version=1,
    label="Payroll register (Showbiz's shape)",
    hint="Our own layout after the register's content: Payee, Period Ending, Code, Acct, Gross, "
    "ER Taxes, Union Fringes, Non-Taxable, Deductions, Net, Batch",
    columns=(
        Column("vendor", ("Payee", "Employee"), True),
        Column("occupation", ("Job Title", "Job Class")),
        Column("union_guild", ("Union", "Guild")),
        Column("transaction_date", ("Period Ending", "P/E Date"), True),
        Column("description", ("Code", "Pay Code"), True),
        Column("account_code", ("Acct", "Acct #", "Account"), True),
        Column("amount", ("Gross", "Gross Pay"), True),
        Column("employer_taxes", ("ER Taxes", "Employer Taxes")),
        Column("benefits", ("Union Fringes", "Fringe Benefits")),
        Column("reimbursements", ("Non-Taxable", "Non Taxable Reimbursements")),
        Column("deductions", ("Deductions", "EE Taxes and Deductions")),
        Column("net_pay", ("Net", "Net Pay")),
        Column("reference", ("Batch", "Payroll Batch"), True),
        Column("currency", ("Currency",)),
        Column("unit", ("Unit",)),
        *SEGMENTS,
    ),
    ignored=("Hrs", "Hours", "Rate", "Check #", "W/C Code"),
    identity=("vendor", "transaction_date", "description", "reference", "account_code"),
    identity_has_lines=True,
    clearing_role="payroll_clearing",
    amounts=US_AMOUNTS,
    date_formats=US_DATES,
    withholding_role="payroll_withholding",
)

# Debits and credits stand in columns of their own: a row is one of them.
CIRCUS_ACTUALS = Mapping(
    source="circus-actuals",
    version=1,
    label="Actuals ledger (Circus)",
    hint="Account Code, Reference, Payee, Description, Posted Date, Currency, Debit, Credit; the "
    "cost side of the ledger, without its bank and payables lines. The amount is debit less credit",
    columns=(
        Column("account_code", ("Account Code", "Account"), True),
        Column("reference", ("Reference", "Reference ID"), True),
        Column("vendor", ("Payee",), True),
        Column("description", ("Description",)),
        Column("transaction_date", ("Posted Date",), True),
        Column("currency", ("Currency",)),
        Column("debit", ("Debit",), True),
        Column("credit", ("Credit",), True),
        Column("cost_center", ("Cost Center", "Cost Centre", "Department Code")),
        Column("unit", ("Unit",)),
        *SEGMENTS,
    ),
    ignored=("Status", "Account Description", "Account Type", "Group Codes"),
    identity=("vendor", "reference"),
    identity_has_lines=True,
    clearing_role="payables",
    amounts=US_AMOUNTS,
    date_formats=US_DATES,
)

# Costs as a budget's owner keeps them. Its types and states are the sender's own words: what is not
# to be posted is left out of the export.
SATURATION_ACTUALS = Mapping(
    source="saturation-actuals",
    version=1,
    label="Actuals log (Saturation)",
    hint="Transaction Name, Amount, Date, Type, Attachments, Status, Pay ID, Notes, Category; the "
    "category is the account's code. Export what is approved: its status is not looked at",
    columns=(
        Column("vendor", ("Transaction Name", "Name", "Payee"), True),
        Column("amount", ("Amount",), True),
        Column("transaction_date", ("Date", "Transaction Date"), True),
        Column("account_code", ("Category", "Account", "Account Code"), True),
        Column("reference", ("Pay ID", "Payment ID")),
        Column("description", ("Notes", "Description")),
        Column("currency", ("Currency",)),
        Column("cost_center", ("Cost Center", "Cost Centre", "Department Code")),
        Column("unit", ("Unit",)),
        *SEGMENTS,
    ),
    ignored=("Type", "Attachments", "Status"),
    identity=("vendor", "reference"),
    identity_has_lines=True,
    clearing_role="payables",
    amounts=US_AMOUNTS,
    date_formats=US_DATES,
)

# A source's versions stand in order. A change to one that has read a file is a new version: the
# old one stays, to say how that file was read and to read its held rows when they are resubmitted.
VERSIONS: Final = (
    COST_LINES_1,
    COST_LINES,
    VENDOR_INVOICES_1,
    VENDOR_INVOICES,
    WRAPBOOK_PAYROLL_1,
    WRAPBOOK_PAYROLL,
    PEX_CARDS_1,
    PEX_CARDS,
    PSLPLUS_1,
    PSLPLUS,
    UNION_TIME,
    PAYROLL_REGISTER_EP,
    PAYROLL_REGISTER_SHOWBIZ,
    CIRCUS_ACTUALS,
    SATURATION_ACTUALS,
    *PAPERS,
    *BANKS,
)
BY_NAME: Final = {mapping.name: mapping for mapping in VERSIONS}
# The newest version of each source.
REGISTRY: Final = {mapping.source: mapping for mapping in VERSIONS}
