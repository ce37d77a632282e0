"""manage.py bank_statements --production CODE [--json]: what banks have said of its accounts."""

import json
from argparse import ArgumentParser
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access import context
from access.selectors import person_by_email, production_by_code
from access.services import CONSOLE_EMAIL
from ledger import selectors
from ledger.statement_tables import BankStatement


def statement_as_dict(statement: BankStatement, kept: int, total: Decimal) -> dict[str, Any]:
    """A statement for people and scripts: its days, balances, and the lines it brought."""
    balance = {"opening": statement.opening, "closing": statement.closing}
    days = {"from": statement.from_day, "to": statement.to_day}
    return {
        "id": statement.pk,
        "account": statement.bank_account.name,
        "currency": statement.bank_account.currency,
        "number": statement.number,
        "form": statement.form,
        **{name: None if day is None else day.isoformat() for name, day in days.items()},
        **{name: None if amount is None else f"{amount:f}" for name, amount in balance.items()},
        "lines": statement.lines,
        "new": kept,
        "total": f"{total:f}",
        "file": statement.document.name,
        "sha256": bytes(statement.document.sha256).hex(),
    }


class Command(BaseCommand):
    """One line per statement, the newest first; with --json one list."""

    help = "List the bank statements of a production."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--production", required=True)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        production = production_by_code(options["production"])
        person = person_by_email(CONSOLE_EMAIL)
        if production is None or person is None:
            raise CommandError(f"there is no production {options['production']!r}")
        with context.acting(user_id=person.pk, production_id=production.pk):
            statements = list(selectors.bank_statements(production))
            totals = selectors.statement_totals(production, [s.pk for s in statements])
        said = [statement_as_dict(s, *totals.get(s.pk, (0, Decimal(0)))) for s in statements]
        if options["json"]:
            self.stdout.write(json.dumps(said))
            return
        for one in said:
            self.stdout.write(
                f"{one['account']}  {one['number'] or one['id']}  {one['from'] or '?'} to "
                f"{one['to'] or '?'}  closing {one['closing'] or 'not stated'} {one['currency']}  "
                f"{one['lines']} lines, {one['new']} new  {one['file']}"
            )
        self.stdout.write(f"{len(said)} statements")
