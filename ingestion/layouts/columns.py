"""What several sources share: how American files write money and days, and their usual headers."""

from ingestion.layouts.mapping import Column
from taxonomy.money import AmountConventions

US_AMOUNTS = AmountConventions(
    thousands=",", parens_negative=True, trailing_minus=True, currency_symbol=True
)
US_DATES = ("%Y-%m-%d", "%m/%d/%Y")
ACCOUNT = (
    "Account Number",
    "Account",
    "Account Code",
    "Acct #",
    "Account #",
    "ACCNT",
    "Cost Code",
    "Line #",
)

# What lines are coded to besides their account, as PSL+, GreenSlate, TPH and Revolution name it.
SEGMENTS = (
    Column("episode", ("Episode", "Episode Code", "Series", "Series Code", "EPS")),
    Column("location", ("Location", "Location Code")),
    Column("set", ("Set", "Set Code")),
    Column("insurance", ("Insurance", "Insurance Code")),
    Column("tax_1099", ("1099", "BoxOn1099")),
    Column("free_1", ("Free Field 1", "Free 1")),
    Column("free_2", ("Free Field 2", "Free 2")),
    Column("free_3", ("Free Field 3", "Free 3")),
    Column("free_4", ("Free Field 4", "Free 4")),
)
