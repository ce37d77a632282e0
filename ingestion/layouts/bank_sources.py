"""What banks send: files that say by themselves what they are, and tables in the shapes observed.

The tables are those of five exports (Date, Label, Amount and what stands beside it). `Bank Account`
in them is the other party's, as the column before it says; the production's own is under Account
or IBAN, or is chosen when the file is sent. A card's table is a source of its own, for it has
charges positive: no file says so.
"""

from dataclasses import replace
from typing import Final

from ingestion.layouts.mapping import Column, Mapping
from taxonomy.money import AmountConventions

BANK_FILES: Final = Mapping(
    source="bank-statement",
    version=1,
    label="Bank statement",
    hint="The bank's own file: OFX or QFX, BAI2, camt.052, .053 or .054, MT940, QIF. The account "
    "is the one it names; where it names none (QIF), the one chosen here",
    columns=(),
    identity=(),
    identity_has_lines=False,
    clearing_role="",
    feed="file",
)
BANK_TABLE: Final = Mapping(
    source="bank-csv",
    version=1,
    label="Bank lines as a table (CSV)",
    hint="Date, Label, and Amount; or Amount with D/C; or Debit and Credit; Balance, Currency, "
    "Partner Name where the table has them. Money received is positive. The account is in a column "
    "Account or IBAN, or the one chosen here",
    columns=(
        Column("date", ("Date", "Booking Date", "Posted Date", "Transaction Date"), True),
        Column("value_date", ("Value Date",)),
        Column("label", ("Label", "Description", "Details", "Memo"), True),
        Column("amount", ("Amount",)),
        Column("side", ("D/C", "Debit/Credit", "Dr/Cr")),
        Column("debit", ("Debit", "Withdrawals", "Paid Out")),
        Column("credit", ("Credit", "Deposits", "Paid In")),
        Column("balance", ("Balance", "Running Balance")),
        Column("currency", ("Currency",)),
        Column("original_amount", ("Amount Currency", "Original Amount")),
        Column("counterparty", ("Partner Name", "Payee", "Counterparty")),
        Column("reference", ("Reference", "Check Number", "Cheque Number")),
        Column("bank_id", ("Transaction ID", "Bank Reference")),
        Column("account", ("Account", "Account Number", "IBAN")),
        Column("partner_account", ("Bank Account", "Partner Bank Account")),
    ),
    identity=(),
    identity_has_lines=False,
    clearing_role="",
    amounts=AmountConventions(thousands=",", parens_negative=True, currency_symbol=True),
    date_formats=("%Y-%m-%d", "%m/%d/%Y"),
    feed="table",
)
CARD_TABLE: Final = replace(
    BANK_TABLE,
    source="bank-card-csv",
    label="Credit card lines as a table (CSV)",
    hint="As bank lines, with charges positive and payments to the card negative, as card "
    "companies write them",
    feed="card",
)
BANKS: Final = (BANK_FILES, BANK_TABLE, CARD_TABLE)
