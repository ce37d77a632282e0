"""Night Ferry: a film that was never made, the same in every installation. Pure.

One seed and one calendar: the files, to the byte, depend on nothing else. The faults planted in
them are listed in demo/ANSWERS.md, and tests/demo asserts that each is found.
"""

import csv
import io
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from ledger.fx import Sheet
from ledger.rate_files import history_file
from taxonomy.chart import ChartRow, standard_chart

CODE = "NF"
TITLE = "Night Ferry"
CURRENCY = "USD"
UNITS = ("MAIN", "SECOND", "VFX")
STARTS_ON = date(2026, 6, 29)
WEEKS = 12
WEEKS_IN_THE_BOOKS = 7
SEED = 1912
PASSWORD = "night-ferry-demo"  # noqa: S105 - printed by the demo, good for nothing else

# (e-mail name, name, role, cost centres)
PEOPLE = (
    ("accountant", "Amara Okafor", "production_accountant", ()),
    ("payroll", "Piet Visser", "payroll", ()),
    ("producer", "Lucia Ferrante", "line_producer", ()),
    ("camera", "Kari Lind", "department_head", ("CAM",)),
    ("art", "Ada Moreau", "department_head", ("ART", "SDR", "PRP")),
    ("costume", "Cosima Hale", "department_head", ("COS",)),
    ("grip", "Gus Tanaka", "department_head", ("GRI", "LIG")),
    ("bond", "Beatrix Voss", "bond_representative", ()),
    ("studio", "Evan Stone", "studio_executive", ()),
    ("admin", "Admin Desk", "administrator", ()),
)

# (vendor, departments it bills, account kinds)
VENDORS = (
    ("Harbour Lens & Camera", ("Camera",), ("rental",)),
    ("Northlight Grip Supply", ("Grip", "Lighting"), ("rental", "purchase")),
    ("Kestrel Crane Hire", ("Grip", "Camera"), ("rental",)),
    ("Lantern Electric", ("Lighting",), ("rental", "purchase")),
    ("Dockside Timber", ("Construction", "Art"), ("purchase",)),
    ("Old Quay Props", ("Property", "Set dressing"), ("rental", "purchase")),
    ("Saltmarsh Costumiers", ("Costume",), ("rental", "purchase")),
    ("Blue Anchor Catering", ("Locations",), ("purchase", "fee")),
    ("Tidewater Locations", ("Locations",), ("fee", "rental")),
    ("Ferryman Transport", ("Transportation",), ("rental", "fee")),
    ("Moorings Hotel", ("BTL travel", "ATL travel"), ("travel",)),
    ("Gull & Sons Marine", ("Picture vehicles", "Transportation"), ("rental",)),
    ("Foghorn Post Sound", ("Post sound",), ("fee", "rental")),
    ("Periwinkle VFX", ("Visual effects",), ("fee",)),
    ("Chandlery Office Supply", ("Production", "General"), ("purchase", "other")),
)
SHOPS = (
    "Harbour Hardware",
    "Quay Coffee",
    "Ropewalk Fabrics",
    "City Parking",
    "Pier Pharmacy",
    "Tide Table Books",
    "Lighthouse Fuel",
    "Net & Needle",
    "Captain's Table",
    "Dry Dock Paint",
)
FIRST_NAMES = ("Ana", "Ben", "Chidi", "Dara", "Eli", "Farah", "Gwen", "Hugo", "Ines", "Jon",
               "Kofi", "Lea", "Milo", "Nora", "Omar", "Pia", "Quinn", "Rosa", "Sven",
               "Tess")  # fmt: skip
LAST_NAMES = ("Abara", "Bright", "Costa", "Dunne", "Eide", "Fonseca", "Gray", "Haas", "Ito",
              "Jansen", "Kerr", "Lowe", "Marsh", "Novak", "Ortiz", "Price", "Rossi", "Shaw",
              "Thorne", "Underhill")  # fmt: skip
POSITIONS = {
    "Camera": "Camera Operator",
    "Grip": "Grip",
    "Lighting": "Lamp Operator",
    "Art": "Set Designer",
    "Costume": "Costumer",
    "Sound": "Boom Operator",
    "Production": "First Assistant Director",
    "Property": "Property Assistant",
    "Construction": "Prop Maker",
    "Makeup and hair": "Makeup Artist",
    "Cast": "Day Performer",
    "Direction": "Director",
}
PAYROLL_HEADER = (
    "Worker Name", "Worker Type", "Position/Title", "Work Date", "Hours Worked", "Pay Rate",
    "Earnings Type", "Gross Wages", "Deductions", "Reimbursements", "Employer Taxes",
    "Benefits Contributions", "Net Pay", "Payment Method", "Department or Cost Code",
    "Payroll Run Date", "Project Name",
)  # fmt: skip
INVOICE_HEADER = (
    "Vendor", "Invoice Number", "Invoice Date", "Account Number", "Description", "Amount",
    "Currency", "Cost Center",
)  # fmt: skip
COST_HEADER = (
    "transaction_id", "account_code", "cost_center", "amount", "currency", "jurisdiction",
    "transaction_date", "vendor", "description",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DemoFile:
    """A file of the film: how it is imported and its bytes."""

    name: str
    source: str
    unit: str
    data: bytes


def _csv(header: Sequence[str] | None, rows: Sequence[Sequence[object]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if header is not None:
        writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode()


def _cents(value: float) -> Decimal:
    return Decimal(round(value * 100)) / 100


class Writer:
    """Writes the film's files in order; every draw comes from one seeded generator."""

    def __init__(self) -> None:
        self.random = random.Random(SEED)  # noqa: S311 - a story, not a secret
        self.accounts: dict[tuple[str, str], list[ChartRow]] = {}
        for row in standard_chart():
            if row.is_detail and row.statement == "cost":
                self.accounts.setdefault((row.department, row.kind), []).append(row)
        names = [f"{a} {b}" for a in FIRST_NAMES for b in LAST_NAMES]
        self.random.shuffle(names)
        crew = [d for d in POSITIONS if d != "Direction"]
        self.crew = [(name, crew[i % len(crew)], i // len(crew)) for i, name in enumerate(names)]
        self.crew = [(names[-1], "Direction", 0), *self.crew[:89]]
        self.invoice_number = 4100

    def _pick(self, departments: Sequence[str], kinds: Sequence[str]) -> ChartRow:
        choice = [row for d in departments for k in kinds for row in self.accounts.get((d, k), [])]
        return self.random.choice(choice or self.accounts["Production", "other"])

    def _day(self, week: int) -> date:
        return STARTS_ON + timedelta(weeks=week - 1, days=self.random.randrange(5))

    def payroll(self, week: int, unit: str) -> list[list[object]]:
        """The payroll log of a week: one row a worker, day and earning."""
        run = STARTS_ON + timedelta(weeks=week - 1, days=11)
        share = self.crew[:60] if unit == "MAIN" else self.crew[60:]
        rows: list[list[object]] = []
        for name, department, place in share:
            labour = self.accounts[department, "labour"]
            account = labour[place % len(labour)]
            rate = _cents(self.random.uniform(38, 150))
            for offset in sorted(self.random.sample(range(5), 3 if unit == "MAIN" else 2)):
                day = STARTS_ON + timedelta(weeks=week - 1, days=offset)
                hours = Decimal(self.random.choice(("10.0", "11.5", "12.0", "13.5")))
                gross = (rate * hours).quantize(Decimal("0.01"))
                taxes = (gross * Decimal("0.0915")).quantize(Decimal("0.01"))
                benefits = (gross * Decimal("0.2100")).quantize(Decimal("0.01"))
                held = (gross * Decimal("0.24")).quantize(Decimal("0.01"))
                kit = Decimal("25.00" if self.random.random() < 0.1 else "0.00")
                rows.append([
                    name, "W-2", POSITIONS[department], day.strftime("%m/%d/%Y"), hours, rate,
                    "Regular", gross, held, kit, taxes, benefits, gross - held + kit,
                    "Direct Deposit", account.account, run.strftime("%m/%d/%Y"), TITLE,
                ])  # fmt: skip
        return rows

    def penalty(self, week: int) -> list[object]:
        """A meal penalty whose net pay is ten dollars more than its gross and deductions leave."""
        name, department, place = self.crew[60]
        labour = self.accounts[department, "labour"]
        day = STARTS_ON + timedelta(weeks=week - 1, days=2)
        run = STARTS_ON + timedelta(weeks=week - 1, days=11)
        return [
            name, "W-2", POSITIONS[department], day.strftime("%m/%d/%Y"), "0.5", "60.00",
            "Meal Penalty", "30.00", "7.20", "0.00", "2.75", "6.30", "32.80", "Direct Deposit",
            labour[place % len(labour)].account, run.strftime("%m/%d/%Y"), TITLE,
        ]  # fmt: skip

    def invoices(self, week: int, count: int) -> list[list[object]]:
        """Vendors' invoices of a week, one to three lines each."""
        rows: list[list[object]] = []
        while len(rows) < count:
            vendor, departments, kinds = self.random.choice(VENDORS)
            self.invoice_number += 1
            day = self._day(week).isoformat()
            for _ in range(self.random.choice((1, 1, 2, 3))):
                account = self._pick(departments, kinds)
                amount = _cents(self.random.uniform(80, 9_800))
                rows.append([vendor, f"INV-{self.invoice_number}", day, account.account,
                             account.name, amount, CURRENCY, ""])  # fmt: skip
        return rows

    def cards(self, week: int, count: int) -> list[list[object]]:
        """A purchase-card envelope."""
        return [
            [self._day(week).strftime("%m/%d/%Y"), self.random.choice(SHOPS),
             _cents(self.random.uniform(4, 260)),
             self._pick(tuple(POSITIONS), ("purchase", "other")).account, "receipt attached"]
            for _ in range(count)
        ]  # fmt: skip

    def pslplus(self, week: int, count: int) -> list[list[object]]:
        """Lines of a positional PSL+ import file."""
        rows: list[list[object]] = []
        for number in range(count):
            vendor, departments, kinds = self.random.choice(VENDORS)
            account = self._pick(departments, kinds)
            rows.append([
                account.account, "000", "01", "", vendor, "", _cents(self.random.uniform(50, 2400)),
                "NFP", f"JE{week:02d}{number:03d}", account.name, "", "", "", "", "", "", CURRENCY,
                "", f"P{week:02d}-{number:03d}", self._day(week).isoformat(),
            ])  # fmt: skip
        return rows

    def vfx_lines(self, week: int, count: int) -> list[list[object]]:
        """Cost lines from the plates unit, some in Canadian dollars and euros."""
        rows: list[list[object]] = []
        for number in range(count):
            account = self._pick(("Visual effects",), ("fee", "labour", "rental", "purchase"))
            currency = self.random.choice(("USD", "USD", "USD", "CAD", "EUR"))
            rows.append([
                f"VFX-{week:02d}-{number:03d}", account.account, "VFX",
                _cents(self.random.uniform(200, 7000)), currency, "NON-UNION",
                self._day(week).isoformat(), "Periwinkle VFX", account.name,
            ])  # fmt: skip
        return rows


def _resaved(data: bytes) -> bytes:
    """The same file after somebody opened it in a spreadsheet and saved it again."""
    return b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n")


def _swapped(rows: list[list[object]]) -> bytes:
    """The invoices with their columns in another order and two headers renamed."""
    order = (5, 0, 2, 1, 3, 4, 7, 6)
    header = [INVOICE_HEADER[i] for i in order]
    header[0], header[1] = "Line Amount", "Vendor Name"
    return _csv(header, [[row[i] for i in order] for row in rows])


def _faulty_invoices(rows: list[list[object]]) -> list[list[object]]:
    """Week 5: each fault once or a few times, in rows that were right."""
    wrong = [list(row) for row in rows]
    for place in (2, 9, 16):
        wrong[place][6] = "US$"
    for place in (4, 11):
        wrong[place][3] = "4410-2-0"
    wrong[6][6], wrong[6][5] = "EUR", "1.234,56"
    wrong[13][5] = "0.00"
    wrong[18][3] = "3300"
    wrong[20][0] = "Old Quay\u200b Props"
    wrong[22][2] = "31/02/2026"
    wrong[24][7] = "CAMERA"
    wrong.append(["TOTAL", "", "", "", "", "123456.78", "", ""])
    return wrong


def files() -> Iterator[DemoFile]:
    """Every file in the order it was handed in."""
    writer = Writer()
    for week in range(1, WEEKS_IN_THE_BOOKS + 1):
        for unit in ("MAIN", "SECOND"):
            rows = writer.payroll(week, unit)
            if (week, unit) == (6, "SECOND"):
                rows.append(writer.penalty(week))
            yield DemoFile(f"payroll_{unit.lower()}_wk{week}.csv", "wrapbook-payroll", unit,
                           _csv(PAYROLL_HEADER, rows))  # fmt: skip
        invoices = writer.invoices(week, 60)
        name = f"invoices_wk{week}.csv"
        if week == 4:
            yield DemoFile(name, "vendor-invoices", "MAIN", _swapped(invoices))
        elif week == 5:
            yield DemoFile(name, "vendor-invoices", "MAIN",
                           _csv(INVOICE_HEADER, _faulty_invoices(invoices)))  # fmt: skip
        else:
            yield DemoFile(name, "vendor-invoices", "MAIN", _csv(INVOICE_HEADER, invoices))
        if week == 3:
            yield DemoFile("invoices_wk3 (1).csv", "vendor-invoices", "MAIN",
                           _resaved(_csv(INVOICE_HEADER, invoices)))  # fmt: skip
        if week == 6:
            again = [list(row) for row in invoices[:6]]
            again[1][5] = Decimal("99.99")
            yield DemoFile("invoices_wk6_corrected.csv", "vendor-invoices", "MAIN",
                           _csv(INVOICE_HEADER, again))  # fmt: skip
        yield DemoFile(f"cards_wk{week}.csv", "pex-cards", "MAIN",
                       _csv(("Purchase Date", "Merchant Name", "Amount", "Account Code", "Notes"),
                            writer.cards(week, 36)))  # fmt: skip
        yield DemoFile(f"psl_wk{week}.csv", "pslplus", "MAIN", _csv(None, writer.pslplus(week, 24)))
        lines = writer.vfx_lines(week, 20)
        if week == 7:
            lines.append(["VFX-07-900", "1401", "CAM", "18000.00", "USD", "IATSE",
                          "2026-08-12", "Kestrel Crane Hire", "Techno crane, 3 days"])  # fmt: skip
        yield DemoFile(f"vfx_wk{week}.csv", "cost-lines", "VFX", _csv(COST_HEADER, lines))


def file_to_try() -> DemoFile:
    """A file that is not imported: week 8's invoices, with three rows to be held."""
    writer = Writer()
    writer.random.seed(SEED + 8)
    writer.invoice_number = 5200
    rows = writer.invoices(8, 24)
    rows[3][6], rows[7][3], rows[12][5] = "US$", "4410-2-0", "12,5"
    return DemoFile("invoices_wk8.csv", "vendor-invoices", "MAIN", _csv(INVOICE_HEADER, rows))


RATES_UNTIL = date(2026, 7, 31)
# One euro on the first day, before each day moves it a little: invented, like all of the film.
_FIRST_RATES = {"USD": "1.1200", "CAD": "1.5300", "GBP": "0.8600"}


def rates_files() -> tuple[DemoFile, DemoFile]:
    """Invented rates in the published form: up to week 5, loaded, and those after it, to drop.

    Week 6 finds the last of them within a week; the foreign costs of week 7 are holes until the
    second file is loaded.
    """
    draws = random.Random(SEED + 99)  # noqa: S311 - a story, not a secret
    rates = {code: Decimal(rate) for code, rate in _FIRST_RATES.items()}
    sheets = []
    for offset in range(-7, WEEKS_IN_THE_BOOKS * 7):
        day = STARTS_ON + timedelta(days=offset)
        if day.weekday() < 5:
            sheets.append(Sheet(0, day, dict(rates)))
            moves = {code: Decimal(draws.randrange(-60, 61)) / 10_000 for code in sorted(rates)}
            rates = {code: rate + moves[code] for code, rate in rates.items()}
    early = [sheet for sheet in sheets if sheet.day <= RATES_UNTIL]
    late = [sheet for sheet in sheets if sheet.day > RATES_UNTIL]
    return (
        DemoFile("invented_rates_to_wk5.csv", "ecb", "", history_file(early)),
        DemoFile("invented_rates_wk6_wk7.csv", "ecb", "", history_file(late)),
    )
