"""A production's words made by hand, for what needs no database."""

from datetime import date

from ingestion.gate.schema import CleanLine, Gate, Violation
from ingestion.layouts.mapping import FIELDS, Mapping
from ingestion.layouts.sources import REGISTRY
from ingestion.layouts.vocabulary import AccountWord, Vocabulary

ART, CAM, CAS = 11, 12, 13
MAIN, SECOND = 21, 22
# Two weeks that are open, and a third; week 1 of the film is closed and so not among them.
WEEK_2, WEEK_3, WEEK_4 = 32, 33, 34
SUPPLIES = AccountWord(1, "2220", "BTL", ART, None)
CAMERA_CREW = AccountWord(2, "3301", "BTL", CAM, 4)
CAMERA_RENTAL = AccountWord(3, "3310", "BTL", CAM, 4)
CAMERA_FRINGES = AccountWord(4, "3399", "BTL", CAM, 4)
PRINCIPAL_CAST = AccountWord(5, "1401", "ATL", CAS, None)
PAYABLES = AccountWord(6, "0300", "", None, None)
ACCOUNTS = (SUPPLIES, CAMERA_CREW, CAMERA_RENTAL, CAMERA_FRINGES, PRINCIPAL_CAST, PAYABLES)

USUAL = {
    "transaction_id": "TX1", "account_code": "3310", "cost_center": "CAM", "amount": "125.00",
    "currency": "USD", "jurisdiction": "IATSE", "transaction_date": "2026-01-14",
    "vendor": "Panavision",
}  # fmt: skip


def vocabulary(*, time_zone: str = "UTC") -> Vocabulary:
    return Vocabulary(
        accounts={account.code: account for account in ACCOUNTS},
        account_format="NNNN",
        cost_centers={"ART": ART, "CAM": CAM, "CAS": CAS},
        units={"MAIN": MAIN, "SECOND": SECOND},
        currency="USD",
        time_zone=time_zone,
        periods=[
            (date(2026, 1, 12), date(2026, 1, 18), WEEK_2),
            (date(2026, 1, 19), date(2026, 1, 25), WEEK_3),
            (date(2026, 1, 26), date(2026, 2, 1), WEEK_4),
        ],
        default_unit="MAIN",
        default_day=date(2026, 1, 20),
        categories=frozenset({"3300"}),
        segments={
            "location": {"NOLA": True, "LA": False},
            "set": {"CAFE": True, "PIER": True},
            "1099": {"7": True},
        },
    )


def gate_of(mapping: Mapping | str, *, time_zone: str = "UTC") -> Gate:
    mapping = REGISTRY[mapping] if isinstance(mapping, str) else mapping
    return Gate(mapping, vocabulary(time_zone=time_zone), mapping.fields)


def values(**cells: str) -> tuple[str, ...]:
    """A mapped row: the usual camera rental with these cells changed."""
    assert set(cells) <= set(FIELDS)
    row = {**USUAL, **cells}
    return tuple(row.get(name, "") for name in FIELDS)


def line_of(source: str = "cost-lines", **cells: str) -> CleanLine:
    """A row that passes the gate."""
    line = gate_of(source).clean(values(**cells))
    assert isinstance(line, CleanLine), line
    return line


def faults_of(source: str = "cost-lines", **cells: str) -> list[Violation]:
    """What the gate has against a row."""
    found = gate_of(source).clean(values(**cells))
    assert isinstance(found, list), found
    return found
