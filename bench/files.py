"""A cost-lines file of any length, the same on every machine, and what must become of its rows."""

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from taxonomy.chart import department_codes, standard_chart

HEADER = (
    "transaction_id", "account_code", "cost_center", "amount", "currency", "jurisdiction",
    "transaction_date", "vendor",
)  # fmt: skip
STARTS_ON = date(2026, 1, 5)
WEEKS = 26
SEED = 20260105
BAD_PART, DUPLICATE_PART = 0.02, 0.01
CURRENCIES = ("USD", "CAD", "EUR", "GBP", "JPY")
CURRENCY_WEIGHTS = (70, 12, 8, 6, 4)
GUILDS = ("IATSE", "SAG-AFTRA", "DGA", "TEAMSTERS", "NON-UNION")
TRADES = ("Rentals", "Lighting", "Lumber", "Catering", "Post", "Freight", "Props", "Stages")
DUPLICATES_REACH = 50_000  # an export overlaps with what came shortly before it


@dataclass(slots=True)
class Truth:
    """What must become of a file's rows: the bench fails when the product says otherwise."""

    rows: int = 0
    posted: int = 0
    duplicate: int = 0
    quarantined: int = 0


Row = tuple[str, ...]


def words() -> list[tuple[str, str]]:
    """(detail account, its cost centre) of the standard chart; no cost goes to contingency."""
    chart = standard_chart()
    centers = department_codes(row.department for row in chart if row.department)
    return [
        (r.account, centers[r.department])
        for r in chart
        if r.is_detail and r.department and r.line != "CONT"
    ]


def _vendors() -> list[str]:
    """Two thousand names; one in ten has a comma, so that it stands in quotes."""
    return [f"{TRADES[n % 8]} House {n:04d}{', Inc.' if n % 10 == 0 else ''}" for n in range(2_000)]


def _spoilt(row: Row, kind: int) -> Row:
    """The row with one of the faults people really make."""
    number, account, center, amount, currency, guild, day, vendor = row
    return (
        (number, account, center, "12,5", currency, guild, day, vendor),
        (number, "99-99", center, amount, currency, guild, day, vendor),
        (number, account, "XXX", amount, currency, guild, day, vendor),
        (number, account, center, amount, "USX", guild, day, vendor),
        (number, account, center, amount, currency, guild, "2026-02-30", vendor),
        (number, account, center, amount, currency, "", day, vendor),
        (number, account, center, amount, currency, guild, day),
    )[kind % 7]


def _good_rows(rows: int, rng: random.Random) -> Iterator[Row]:
    """Rows in the order of their days, give or take a week; most costs in their own department."""
    accounts, vendors = words(), _vendors()
    centers = sorted({center for _, center in accounts})
    last_day = WEEKS * 7 - 1
    days = [(STARTS_ON + timedelta(days=n)).isoformat() for n in range(last_day + 1)]
    for n in range(rows):
        account, center = rng.choice(accounts)
        if rng.random() < 0.1:
            center = rng.choice(centers)
        currency = rng.choices(CURRENCIES, CURRENCY_WEIGHTS)[0]
        cents = int(rng.lognormvariate(10, 1.6)) + 1
        amount = str(cents) if currency == "JPY" else f"{cents // 100}.{cents % 100:02d}"
        day = days[min(n * last_day // rows + rng.randrange(7), last_day)]
        sign = "-" if rng.random() < 0.02 else ""
        yield (
            f"TX{n:08d}", account, center, sign + amount, currency, rng.choice(GUILDS), day,
            rng.choice(vendors),
        )  # fmt: skip


def write_file(path: Path, rows: int) -> Truth:
    """Write a file of `rows` data rows; what must become of them."""
    rng = random.Random(SEED)
    truth = Truth()
    posted: list[Row] = []
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for row in _good_rows(rows, rng):
            truth.rows += 1
            drawn = rng.random()
            if drawn < BAD_PART:
                truth.quarantined += 1
                writer.writerow(_spoilt(row, truth.quarantined))
            elif drawn < BAD_PART + DUPLICATE_PART and posted:
                truth.duplicate += 1
                writer.writerow(rng.choice(posted))
            else:
                truth.posted += 1
                writer.writerow(row)
                # Every hundredth is remembered, of the last DUPLICATES_REACH rows.
                if truth.posted % 100 == 0:
                    posted.append(row)
                    del posted[: -DUPLICATES_REACH // 100]
    return truth


def write_held_file(path: Path, rows: int) -> str:
    """Write a file whose every row is held for one cause, an account that is none; one to fix it
    with."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for number, _, *rest in _good_rows(rows, random.Random(SEED)):
            writer.writerow((number, "99-99", *rest))
    return words()[0][0]
