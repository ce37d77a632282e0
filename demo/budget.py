"""Night Ferry's budget: the file, draws on contingency and estimates of the final cost. Pure."""

import random
from datetime import date
from decimal import Decimal

from demo.film import POSITIONS, SEED, VENDORS
from taxonomy.chart import standard_chart

FILE_NAME = "night_ferry_budget.txt"
CONTINGENCY = "8001"
LOCKED_ON = date(2026, 6, 29)
# What one account is given, in hundreds: (least, most) by kind.
_RANGES = {"labour": (180, 1900), "rental": (90, 700), "fringe": (40, 420)}
_OTHER = (30, 380)
_ABOVE = ("Story", "Producers", "Direction", "Cast")

# Contingency gave once below and once above the line: (day, reason, lines).
DRAWS = (
    (date(2026, 7, 22), "Weather cover: three lost days at the harbour",
     ((CONTINGENCY, "-42000.00"), ("3355", "42000.00"))),
    (date(2026, 8, 3), "Reshoot of the ferry ending with the principal cast",
     ((CONTINGENCY, "-25000.00"), ("1401", "25000.00"))),
)  # fmt: skip
# One request waits for the line producer.
WAITING = (
    date(2026, 8, 12), "Second tank day", ((CONTINGENCY, "-8500.00"), ("2650", "8500.00")),
)  # fmt: skip
# (account, way, amount, day, reason)
ESTIMATES = (
    ("3355", "etc", "31500.00", date(2026, 8, 9), "Techno crane for three more days"),
    ("3305", "delta", "18000.00", date(2026, 8, 11), "Overtime and six meal penalties"),
)


def budget_file() -> bytes:
    """The budget as its program exported it: tab-delimited, details only, and a grand total."""
    draw = random.Random(SEED + 3)  # noqa: S311 - a story, not a secret
    used = {d for _, departments, _ in VENDORS for d in departments} | set(POSITIONS) | set(_ABOVE)
    rows = []
    for row in standard_chart():
        if row.is_detail and row.statement == "cost" and row.department in used:
            least, most = _RANGES.get(row.kind, _OTHER)
            rows.append((row.account, row.name, Decimal(draw.randrange(least, most) * 100)))
    spent = sum((amount for _, _, amount in rows), Decimal(0))
    rows.append((CONTINGENCY, "Contingency", (spent / 1000).quantize(Decimal(1)) * 100))
    total = sum((amount for _, _, amount in rows), Decimal(0))
    said = ["Account\tDescription\tTotal", *(f"{a}\t{n}\t{m:,.2f}" for a, n, m in rows)]
    return "\n".join([*said, f"\tGrand total\t{total:,.2f}", ""]).encode()


def total_of(data: bytes) -> str:
    """The grand total as the file prints it: what the second person types."""
    return data.decode().splitlines()[-1].split("\t")[2]
