"""manage.py bible --production CODE [--account A] [--period N] [--format table|csv]."""

from argparse import ArgumentParser
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access.models import Production
from ledger.models import Account, Period
from ledger.selectors import account_by_code, periods, standings
from reports.bible import bible
from reports.book_screens import BIBLE_HEADER, correction_of
from reports.printing import as_console, log_lines, printed
from taxonomy.money import format_amount, round_half_up


class Command(BaseCommand):
    """Every posting by account, with its running balance."""

    help = "Print the bible: the whole ledger by account."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--production", required=True)
        parser.add_argument("--account")
        parser.add_argument("--period", type=int)
        parser.add_argument("--format", choices=["table", "csv"], default="table")

    def handle(self, *args: Any, **options: Any) -> None:
        with as_console(options["production"]) as production:
            account, period = _asked(production, options["account"], options["period"])
            rows = _rows(production, account, period, plain=options["format"] == "csv")
            logs = standings(production)
        self.stdout.write(printed(options["format"], BIBLE_HEADER, rows, {8, 9, 10}, {}))
        if options["format"] == "table":
            self.stdout.write("\n".join(log_lines(logs)))


def _asked(
    production: Production, code: str | None, number: int | None
) -> tuple[Account | None, Period | None]:
    account = account_by_code(production, code) if code else None
    if code and account is None:
        raise CommandError(f"there is no account {code!r}")
    period = next((p for p in periods(production) if p.number == number), None)
    if number is not None and period is None:
        raise CommandError(f"there is no period {number}")
    return account, period


def _rows(
    production: Production, account: Account | None, period: Period | None, *, plain: bool
) -> list[tuple[str, ...]]:
    def money(amount: Decimal, currency: str) -> str:
        return str(round_half_up(amount, currency)) if plain else format_amount(amount, currency)

    rows: list[tuple[str, ...]] = []
    first = 0
    while True:
        page = bible(production, account=account, period=period, first=first)
        names = {s.account.pk: s.account for s in page.sections}
        for line in page.lines:
            found = names[line.account_id]
            rows.append(
                (
                    found.code, found.name, line.currency, line.effective_date.isoformat(),
                    line.reference, line.vendor, line.description, line.origin,
                    money(line.amount, line.currency) if line.amount > 0 else "",
                    money(-line.amount, line.currency) if line.amount < 0 else "",
                    money(line.running, line.currency), correction_of(line),
                )
            )  # fmt: skip
        first += len(page.lines)
        if not page.lines or first >= page.count:
            return rows
