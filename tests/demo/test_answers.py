"""Night Ferry is the same everywhere, and every fault planted in it is found."""

import csv
import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from access import context, services
from access.models import User
from demo import film as night_ferry
from ingestion import selectors, work
from ingestion.models import DuplicateRow, HeldRow, ImportBatch
from ingestion.services import receive_file
from ledger.holes import take_rates
from ledger.models import Posting, Transaction
from ledger.opening import ProductionPlan, open_production
from ledger.rates import RateFile
from ledger.registers import register
from ledger.verify import verify_production
from reports.cost_report import cost_report, trial_balance
from taxonomy.selectors import unit_by_code
from tests.factories import role

ANSWERS = Path(night_ferry.__file__).parent / "ANSWERS.md"


def digest_of_the_film() -> str:
    said = hashlib.sha256()
    for file in (*night_ferry.files(), night_ferry.file_to_try(), *night_ferry.rates_files()):
        for part in (file.name.encode(), file.source.encode(), file.unit.encode(), file.data):
            said.update(len(part).to_bytes(8, "big") + part)
    return said.hexdigest()


def test_the_films_files_are_the_same_to_the_byte_everywhere() -> None:
    assert digest_of_the_film() == (
        "715a4130741bdc6c8c31eec9d92095623e506306f311a21e2a744051f0030dd7"
    )


def test_the_films_files_do_not_depend_on_what_was_drawn_before() -> None:
    assert [f.data for f in night_ferry.files()] == [f.data for f in night_ferry.files()]
    assert night_ferry.file_to_try() == night_ferry.file_to_try()


def test_no_two_files_of_the_film_have_the_same_name() -> None:
    names = [f.name for f in (*night_ferry.files(), night_ferry.file_to_try())]
    assert len(names) == len(set(names))


@dataclass
class Loaded:
    """The film after its files, the one to try included, were handed in."""

    production: Any
    accountant: User
    batches: dict[str, ImportBatch]

    def held(self, name: str) -> list[HeldRow]:
        with self.looking():
            return list(HeldRow.objects.filter(batch=self.batches[name]).order_by("row"))

    @contextmanager
    def looking(self) -> Iterator[None]:
        with (
            role("web"),
            context.acting(user_id=self.accountant.pk, production_id=self.production.pk),
        ):
            yield


@pytest.fixture(scope="module")
def loaded(database: None) -> Loaded:
    with role("owner"):
        console = services.console_person()
        production = open_production(
            actor=console,
            plan=ProductionPlan(
                code=night_ferry.CODE, title=night_ferry.TITLE, currency=night_ferry.CURRENCY,
                units=night_ferry.UNITS, starts_on=night_ferry.STARTS_ON, weeks=night_ferry.WEEKS,
            ),
        )  # fmt: skip
        accountant = services.add_person(
            actor=console, email="accountant@nightferry.example", name="Amara", password=None
        )
        services.give_membership(
            actor=console, production=production, user=accountant, role="production_accountant"
        )
    batches: dict[str, ImportBatch] = {}
    with role("worker"):
        for file in (*night_ferry.files(), night_ferry.file_to_try()):
            with context.acting(user_id=accountant.pk, production_id=production.pk):
                unit = unit_by_code(production, file.unit)
                assert unit is not None
                receipt = receive_file(
                    actor=accountant, production=production, name=file.name,
                    read=lambda data=file.data: [data], source=file.source, unit=unit,
                )  # fmt: skip
                item = selectors.work_of("import", [receipt.batch.pk]).get()
            work.drain(only=item.pk)
            with context.acting(user_id=accountant.pk, production_id=production.pk):
                found = selectors.import_by_id(production, receipt.batch.pk)
            assert found is not None and not receipt.is_repeat
            batches[file.name] = found
    return Loaded(production, accountant, batches)


def counts(batch: ImportBatch) -> tuple[int, int, int, int]:
    return batch.rows, batch.posted, batch.duplicate, batch.quarantined


def data_rows(name: str) -> list[str]:
    (file,) = [f for f in (*night_ferry.files(), night_ferry.file_to_try()) if f.name == name]
    return file.data.decode().splitlines()[1:]


def test_files_without_a_planted_fault_post_every_row(loaded: Loaded) -> None:
    faulty = {"invoices_wk3 (1).csv", "invoices_wk5.csv", "payroll_second_wk6.csv",
              "invoices_wk6_corrected.csv", "invoices_wk8.csv"}  # fmt: skip
    for name, batch in loaded.batches.items():
        if name not in faulty:
            assert counts(batch) == (batch.rows, batch.rows, 0, 0), name
            assert batch.rows > 0 and batch.state == "posted", name


def test_week_three_handed_in_again_is_duplicates_only(loaded: Loaded) -> None:
    first, again = loaded.batches["invoices_wk3.csv"], loaded.batches["invoices_wk3 (1).csv"]
    assert first.document_id != again.document_id, "saved again, so other bytes"
    assert counts(again) == (first.rows, 0, first.rows, 0)
    with loaded.looking():
        assert DuplicateRow.objects.filter(batch=again).count() == first.rows


def test_week_four_with_its_columns_moved_and_renamed_is_read_and_noted(loaded: Loaded) -> None:
    notes = loaded.batches["invoices_wk4.csv"].notes
    assert "columns are in another order than usual" in notes
    assert "column 'Line Amount' is read as amount" in notes
    assert "column 'Vendor Name' is read as vendor" in notes


def test_each_fault_of_week_five_is_held_for_its_own_cause(loaded: Loaded) -> None:
    held = loaded.held("invoices_wk5.csv")
    found = [(row.codes[0], row.violations[0]["field"], row.violations[0]["found"]) for row in held]
    assert sorted(found) == sorted(
        [("E_CURRENCY", "currency", "US$")] * 3
        + [("E_ACCOUNT", "account_code", "4410-2-0")] * 2
        + [
            ("E_AMOUNT", "amount", "1.234,56"),
            ("E_AMOUNT", "amount", "0.00"),
            ("E_ACCOUNT", "account_code", "3300"),
            ("E_CONTROL_CHAR", "vendor", "Old Quay<U+200B> Props"),
            ("E_DATE", "transaction_date", "31/02/2026"),
            ("E_COST_CENTER", "cost_center", "CAMERA"),
            ("E_TOTAL_ROW", "row", held[-1].violations[0]["found"]),
        ]
    )
    said = {row.violations[0]["found"]: row.violations[0] for row in held}
    assert "category" in said["3300"]["expected"] + said["3300"]["fix"]
    batch = loaded.batches["invoices_wk5.csv"]
    assert counts(batch) == (batch.rows, batch.rows - 12, 0, 12)


def test_no_row_of_week_five_that_was_right_is_held(loaded: Loaded) -> None:
    held = {row.row for row in loaded.held("invoices_wk5.csv")}
    last = len(data_rows("invoices_wk5.csv"))
    assert held == {3, 5, 7, 10, 12, 14, 17, 19, 21, 23, 25, last}


def test_the_one_payroll_row_whose_net_pay_does_not_add_up_is_held_with_what_it_should_be(
    loaded: Loaded,
) -> None:
    batch = loaded.batches["payroll_second_wk6.csv"]
    assert counts(batch) == (batch.rows, batch.rows - 1, 0, 1)
    (row,) = loaded.held("payroll_second_wk6.csv")
    assert (row.row, row.codes) == (batch.rows, ["E_NET_PAY"])
    assert row.violations[0]["found"] == "32.80"
    assert row.violations[0]["expected"] == (
        "net pay of 22.80: gross 30.00 less deductions 7.20 plus reimbursements 0.00"
    )


def test_what_payroll_withheld_stands_apart_from_what_payroll_clearing_owes(
    loaded: Loaded,
) -> None:
    net_and_fringes = withheld = Decimal(0)
    for file in night_ferry.files():
        if file.source == "wrapbook-payroll":
            for row in csv.DictReader(io.StringIO(file.data.decode())):
                if row["Earnings Type"] == "Regular":
                    withheld += Decimal(row["Deductions"])
                    columns = ("Net Pay", "Employer Taxes", "Benefits Contributions")
                    net_and_fringes += sum((Decimal(row[c]) for c in columns), Decimal(0))
    with loaded.looking():
        credit = {
            line.account.clearing_role: line.credit
            for line in trial_balance(loaded.production)
            if line.account.clearing_role
        }
    assert credit["payroll_clearing"] == net_and_fringes
    assert credit["payroll_withholding"] == withheld


def test_of_six_lines_sent_again_five_are_duplicates_and_the_changed_one_a_conflict(
    loaded: Loaded,
) -> None:
    assert counts(loaded.batches["invoices_wk6_corrected.csv"]) == (6, 0, 5, 1)
    (row,) = loaded.held("invoices_wk6_corrected.csv")
    assert (row.row, row.codes) == (2, ["E_CONFLICT"])
    assert "99.99" in row.violations[0]["found"]


def test_the_crane_coded_to_the_cast_is_posted_as_coded_and_its_rule_says_the_department_differs(
    loaded: Loaded,
) -> None:
    with loaded.looking():
        crane = Transaction.objects.get(production=loaded.production, reference="VFX-07-900")
        (posting,) = Posting.objects.filter(
            production=loaded.production, batch_id=crane.batch_id,
            transaction_number=crane.number,
        ).select_related("account")  # fmt: skip
        assert (crane.vendor, posting.account.code) == ("Kestrel Crane Hire", "1401")
        assert (posting.line, posting.amount) == ("ATL", 18000)
        assert posting.rule == "account; department:Camera differs"
        others = Posting.objects.filter(
            production=loaded.production, rule__contains="differs"
        ).exclude(batch_id=crane.batch_id)
        assert others.count() == 0, "nothing else in the film is coded across departments"


def test_foreign_costs_are_posted_in_their_own_currency_and_named_as_not_converted(
    loaded: Loaded,
) -> None:
    stated: dict[str, int] = {}
    for file in night_ferry.files():
        if file.name.startswith("vfx_"):
            for line in file.data.decode().splitlines()[1:]:
                currency = line.split(",")[4]
                stated[currency] = stated.get(currency, 0) + 1
    with loaded.looking():
        report = cost_report(loaded.production, number=night_ferry.WEEKS)
    assert {c: f.lines for c, f in report.unconverted.items()} == {
        "CAD": stated["CAD"],
        "EUR": stated["EUR"],
    }


def test_of_the_file_to_try_three_rows_are_held(loaded: Loaded) -> None:
    batch = loaded.batches["invoices_wk8.csv"]
    assert counts(batch) == (batch.rows, batch.rows - 3, 0, 3)
    assert [r.codes for r in loaded.held("invoices_wk8.csv")] == [
        ["E_CURRENCY"], ["E_ACCOUNT"], ["E_AMOUNT"],
    ]  # fmt: skip


def test_the_answers_name_every_file_that_has_a_fault_and_no_other_cause(loaded: Loaded) -> None:
    text = ANSWERS.read_text()
    named = re.findall(r"`(\w+_wk[\w ()*]+\.csv)`", text)
    for name, batch in loaded.batches.items():
        if batch.duplicate or batch.quarantined:
            assert name in named
    held = [row for name in loaded.batches for row in loaded.held(name)]
    assert {code for row in held for code in row.codes} == set(re.findall(r"E_[A-Z_]+", text))


def test_the_invented_rates_convert_six_weeks_and_the_file_to_drop_the_seventh(
    loaded: Loaded,
) -> None:
    first, second = night_ferry.rates_files()
    asked = {"actor": loaded.accountant, "production": loaded.production}
    with loaded.looking():
        _, done = take_rates(**asked, file=RateFile(first.name, first.data))
        assert {h.day >= date(2026, 8, 10) for h in done.missing} == {True}
        assert {h.currency for h in done.missing} == {"CAD", "EUR"}
        week_6 = cost_report(loaded.production, number=6)
        week_7 = cost_report(loaded.production, number=7)
        assert (set(week_6.unconverted), set(week_7.unconverted)) == (set(), {"CAD", "EUR"})
        loaded_late, done = take_rates(**asked, file=RateFile(second.name, second.data))
        assert (loaded_late.corrected, done.missing) == (0, ())
        assert cost_report(loaded.production, number=7).unconverted == {}
        days = {line.sheet.published_on for line in register(loaded.production).lines if line.used}
    assert max(days) > night_ferry.RATES_UNTIL
    with role("owner"):
        assert verify_production(loaded.production).findings == []
