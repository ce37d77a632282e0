"""manage.py fx_register --production CODE [--json]: rates, what used them, holes, differences."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from ledger.registers import Register, register
from ledger.selectors import standings
from reports.printing import as_console, log_facts, log_lines
from reports.tables import as_table
from taxonomy.money import format_amount, round_half_up

HEADER = ("day", "path", "rate", "source", "fetched at", "by", "used", "state")


def said(found: Register) -> dict[str, object]:
    """The register for programs; amounts and rates as text, no figure passes through a float."""
    home = found.production.currency
    return {
        "production": found.production.code,
        "currency": home,
        "rates": [
            {
                "day": str(line.sheet.published_on),
                "path": line.rate.path,
                "rate": str(line.rate.shown),
                "numerator": str(line.rate.numerator),
                "denominator": str(line.rate.denominator),
                "source": line.sheet.source,
                "url": line.sheet.url,
                "sha256": bytes(line.document.sha256).hex() if line.document else "",
                "fetched_at": line.sheet.fetched_at.isoformat(),
                "by": str(line.sheet.actor),
                "used": line.used,
                "current": line.is_current,
                "reason": line.sheet.reason,
            }
            for line in found.lines
        ],
        "holes": [
            {
                "currency": hole.currency,
                "day": str(hole.day),
                "amount": str(round_half_up(hole.amount, hole.currency)),
                "documents": hole.documents,
                "to_do": str(hole.missing) if hole.missing else "run convert_holes",
            }
            for hole in found.holes
        ],
        "affected": [
            {"day": str(e.day), "currency": e.currency, "document": f"{e.batch_id}-{e.number}"}
            for e in found.affected
        ],
        "realised": str(round_half_up(found.realised, home)),
        "unrealised": str(round_half_up(found.unrealised, home)),
        "rounding": str(round_half_up(found.rounding, home)),
    }


def rows(found: Register) -> list[tuple[str, ...]]:
    """The rates for people."""
    return [
        (str(line.sheet.published_on), line.rate.path, str(line.rate.shown), line.sheet.source,
         f"{line.sheet.fetched_at:%d %b %Y %H:%M}", str(line.sheet.actor), str(line.used),
         "current" if line.is_current else "corrected")
        for line in found.lines
    ]  # fmt: skip


class Command(BaseCommand):
    """The FX register of a production."""

    help = "Print the FX register: rates with their source and use, holes, gains and losses."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--production", required=True)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        with as_console(options["production"]) as production:
            found, logs = register(production), standings(production)
            if options["json"]:
                self.stdout.write(json.dumps({**said(found), "logs": log_facts(logs)}))
                return
            self.stdout.write(as_table(HEADER, rows(found), {2, 6}))
            home = production.currency
        for hole in found.holes:
            amount = format_amount(hole.amount, hole.currency)
            told = hole.missing or "Its rate is known: run convert_holes."
            self.stdout.write(
                f"Hole: {hole.currency} {amount} of {hole.day:%d %b %Y}, {hole.documents} "
                f"documents. {told}"
            )
        self.stdout.write(
            f"Loss (gain in minus): realised {format_amount(found.realised, home)} {home}, "
            f"unrealised {format_amount(found.unrealised, home)} {home}, rounding "
            f"{format_amount(found.rounding, home)} {home}"
        )
        self.stdout.write("\n".join(log_lines(logs)))
