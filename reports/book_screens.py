"""What the screens of the trial balance, the bible and the periods show."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import Model
from django.urls import reverse

from access.models import Production
from ingestion import selectors as ingestion
from ledger.models import Account, Period
from ledger.selectors import periods, standings
from reports.bible import PAGE_LINES, Bible, BibleLine, Section
from reports.closing import PeriodRow
from reports.cost_report import BOOKS, BalanceLine
from reports.histories import as_of, versions
from taxonomy.money import format_amount, format_over_under

BIBLE_HEADER = (
    "account", "name", "currency", "date", "reference", "vendor", "description", "source",
    "debit", "credit", "balance", "correction",
)  # fmt: skip


def _money(amount: Decimal, currency: str) -> str:
    return format_over_under(amount, currency)


def bible_url(production: Production, **asked: object) -> str:
    """The bible, narrowed."""
    said = urlencode({k: v for k, v in asked.items() if v})
    here = reverse("bible", args=[production.code])
    return f"{here}?{said}" if said else here


def trial_balance_view(
    production: Production, book: str, lines: list[BalanceLine]
) -> dict[str, Any]:
    """Every account's balance in a book; debits and credits of each currency are alike.

    The bible is of the actual book: only its figures open their account there.
    """
    here = reverse("trial_balance", args=[production.code])
    sums: dict[str, list[Decimal]] = {}
    for line in lines:
        total = sums.setdefault(line.currency, [Decimal(0), Decimal(0)])
        total[0] += line.debit
        total[1] += line.credit
    return {
        "book": book,
        "books": [
            {"name": name.capitalize(), "url": f"{here}?book={name}", "is_shown": name == book}
            for name in BOOKS
        ],
        "lines": [
            {
                "code": line.account.code,
                "name": line.account.name,
                "currency": line.currency,
                "debit": format_amount(line.debit, line.currency) if line.debit else "",
                "credit": format_amount(line.credit, line.currency) if line.credit else "",
                "url": bible_url(production, account=line.account.code) if book == "actual" else "",
            }
            for line in lines
        ],
        "totals": [
            {
                "currency": currency,
                "debit": format_amount(debit, currency),
                "credit": format_amount(credit, currency),
                "difference": "" if debit == credit else _money(debit - credit, currency),
            }
            for currency, (debit, credit) in sorted(sums.items())
        ],
        "logs": standings(production),
    }


def correction_of(line: BibleLine) -> str:
    """How a line is part of a correction, in its name, and the override it was posted under."""
    said = f"Reversed by {line.reversed_by}" if line.reversed_by else ""
    if line.reverses:
        said = f"Reverses {line.reverses}"
    return "; ".join(part for part in (line.flag, said) if part)


def bible_view(
    production: Production, page: Bible, account: Account | None, period: Period | None
) -> dict[str, Any]:
    """A page of the bible, account by account."""
    kept = {"account": account.code if account else "", "period": period.number if period else ""}
    last = page.first + len(page.lines)
    by_section: dict[tuple[int, str], list[BibleLine]] = {}
    for line in page.lines:
        by_section.setdefault((line.account_id, line.currency), []).append(line)
    sections = [
        _section(production, s, by_section.get((s.account.pk, s.currency), []), page)
        for s in page.sections
        if by_section.get((s.account.pk, s.currency))
    ]
    return {
        "account": account,
        "period": period,
        "sections": sections,
        "logs": standings(production),
        "count": page.count,
        "shown": f"{page.first + 1:,} to {last:,}" if page.lines else "",
        "periods": [
            {"label": "All" if p is None else f"wk {p.number}",
             "url": bible_url(production, account=kept["account"], period=p.number if p else ""),
             "selected": (p.pk if p else None) == (period.pk if period else None)}
            for p in (None, *periods(production))
        ],
        "period_name": f"wk {period.number}" if period else "All periods",
        "whole_url": bible_url(production, period=kept["period"]) if account else "",
        "next_url": bible_url(production, **kept, first=last) if last < page.count else "",
        "previous_url": bible_url(production, **kept, first=max(page.first - PAGE_LINES, 0))
        if page.first
        else "",
    }  # fmt: skip


def _section(
    production: Production, section: Section, lines: list[BibleLine], page: Bible
) -> dict[str, Any]:
    before = lines[0].running - lines[0].amount
    is_start = section.first >= page.first
    is_end = section.first + section.lines <= page.first + len(page.lines)
    return {
        "code": section.account.code,
        "name": section.account.name,
        "currency": section.currency,
        "url": bible_url(production, account=section.account.code),
        "before": _money(before, section.currency),
        "before_label": "Balance before" if is_start else "Carried over",
        "closing": _money(section.opening + section.change, section.currency) if is_end else "",
        "lines": [_bible_line(production, line) for line in lines],
    }


def _bible_line(production: Production, line: BibleLine) -> dict[str, Any]:
    shown = format_amount(abs(line.amount), line.currency)
    return {
        "date": f"{line.effective_date:%d %b %Y}",
        "reference": line.reference or "no number",
        "vendor": line.vendor,
        "description": line.description,
        "segments": line.segments,
        "source": line.origin,
        "debit": shown if line.amount > 0 else "",
        "credit": shown if line.amount < 0 else "",
        "running": _money(line.running, line.currency),
        "correction": correction_of(line),
        "url": reverse("transaction", args=[production.code, f"{line.batch_id}-{line.number}"]),
    }


def periods_view(
    production: Production, rows: list[PeriodRow], *, may_close: bool
) -> dict[str, Any]:
    """The periods with their state; the next to close is offered to those who may close it."""
    return {
        "periods": [
            {
                "number": row.period.number,
                "label": f"Wk {row.period.number}",
                "dates": f"{row.period.starts_on:%d %b} to {row.period.ends_on:%d %b %Y}",
                "state": row.period.state,
                "documents": f"{row.documents:,}",
                "url": bible_url(production, period=row.period.number),
                "closed": f"{row.closed_at:%d %b %Y %H:%M UTC} by {row.closed_by or 'the console'}"
                if row.closed_at
                else "",
                "close_url": reverse("close_period", args=[production.code, row.period.number])
                if may_close and row.is_next
                else "",
            }
            for row in rows
        ]
    }


def close_view(production: Production, row: PeriodRow, refusal: str) -> dict[str, Any]:
    """What closing a period means, before it is done."""
    return {
        "number": row.period.number,
        "label": f"Wk {row.period.number}",
        "dates": f"{row.period.starts_on:%d %b} to {row.period.ends_on:%d %b %Y}",
        "documents": f"{row.documents:,}",
        "documents_url": bible_url(production, period=row.period.number),
        "held": ingestion.held_count(production),
        "held_url": reverse("quarantine", args=[production.code]),
        "is_next": row.is_next,
        "refusal": refusal,
        "crumbs": [
            {"label": "Periods", "url": reverse("periods", args=[production.code])},
            {"label": f"Close wk {row.period.number}", "url": ""},
        ],
    }


def history_view(kind: str, found: Model, asked: str) -> dict[str, Any]:
    """A record's versions, and how it stood at the moment asked for."""
    every = versions(found)
    page: dict[str, Any] = {
        "kind": kind, "name": str(found), "asked": asked[:19], "versions": every[::-1],
    }  # fmt: skip
    if not asked:
        return page
    try:
        moment = datetime.fromisoformat(asked[:40])
    except ValueError:
        return page | {"problem": f"As of: expected a day and a time, found {asked[:30]!r}."}
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    then = as_of(every, moment)
    if then is None:
        return page | {"problem": f"It was not there on {moment:%d %b %Y %H:%M:%S UTC}."}
    return page | {"then": then, "moment": f"{moment:%d %b %Y %H:%M:%S UTC}"}
