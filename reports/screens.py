"""What the report screens show, ready for their templates. Every figure carries its link."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from access.models import Production
from ingestion.screens.desk import as_text
from ledger import selectors as ledger
from ledger.journal import COMMITMENT, row_key
from ledger.pay import ROW_WITHHELD, WORDS_WITHHELD
from reports.cost_report import SECTIONS, CostReport, Figures, Section
from reports.lines import ALL_COSTS, SECTION, Filter, Line, Opened, Page
from taxonomy.models import CostCenter, Unit
from taxonomy.money import format_amount, format_over_under


@dataclass(frozen=True, slots=True)
class Scope:
    """What the report is narrowed to, and how the page says so."""

    unit: Unit | None
    cost_centers: list[CostCenter]
    sees_all: bool

    @property
    def label(self) -> str:
        """Whose costs these are."""
        if self.sees_all:
            whose = "All cost centres"
        else:
            whose = ", ".join(f"{c.name} ({c.code})" for c in self.cost_centers)
        return f"{whose or 'No cost centre'}, {self.unit.name if self.unit else 'all units'}"


class Links:
    """The addresses behind a report's figures: a page has thousands, of few accounts and kinds."""

    def __init__(self, report: CostReport, scope: Scope) -> None:
        self._code = report.production.code
        self._unit = {"unit": scope.unit.code} if scope.unit is not None else {}
        self._path = cache(lambda name, account: reverse(name, args=[self._code, account]))
        self._asked = cache(lambda **asked: urlencode(asked))

    def lines(self, account: str, **asked: object) -> str:
        """The lines that a figure of the account adds up."""
        return f"{self._path('account_lines', account)}?{self._asked(**asked, **self._unit)}"

    def forecast(self, account: str, number: int) -> str:
        """Where the account's EFC is entered, as of a period."""
        return f"{self._path('forecast', account)}?{self._asked(period=number)}"


def _money(amount: Decimal, currency: str) -> str:
    return format_over_under(amount, currency)


def report_view(report: CostReport, scope: Scope, units: list[Unit]) -> dict[str, Any]:
    """The cost report's page."""
    production, period = report.production, report.period
    links = Links(report, scope)
    return {
        "title": "Cost report",
        "period_label": f"Wk {period.number} ({period.starts_on:%d %b} to "
        f"{period.ends_on:%d %b %Y})",
        "periods": [
            {
                "number": p.number,
                "label": f"wk {p.number}",
                "selected": p.number == period.number,
                "url": _report_url(report, scope, period=p.number),
            }
            for p in ledger.periods(production)
        ],
        "units": [
            {
                "code": code,
                "label": name,
                "selected": (scope.unit.code if scope.unit else "") == code,
                "url": _report_url(report, scope, unit=code),
            }
            for code, name in [("", "All units"), *((u.code, u.name) for u in units)]
        ],
        "as_of": datetime.now(UTC).strftime("%d %b %Y %H:%M UTC"),
        "scope_label": scope.label,
        "currency": production.currency,
        "heads": [
            {
                "unit": standing.unit.code,
                "size": standing.size,
                "root16": standing.root.hex()[:16],
                "signed": standing.signed,
                "verified": standing.verified,
                "is_altered": standing.alteration is not None,
            }
            for standing in ledger.standings(production)
        ],
        "columns_note": _columns_note(report),
        "sections": [_section_view(report, links, section) for section in report.sections],
        **_totals(report, links),
        "exports": [],
    }


def _columns_note(report: CostReport) -> str:
    if not report.is_whole:
        return "Budget, ETC and EFC are kept for the production as a whole: choose all units."
    if not report.total.budget_lines:
        return "No budget is locked yet: an account ends where its costs and orders stand."
    if report.total.overrun:
        over = _money(report.total.overrun, report.production.currency)
        return f"Costs and orders are {over} beyond the EFC of the marked accounts: restate it."
    return ""


def _report_url(report: CostReport, scope: Scope, **asked: object) -> str:
    unit = {"unit": scope.unit.code} if scope.unit else {}
    kept = {"period": report.period.number, **unit, **asked}
    here = reverse("cost_report", args=[report.production.code])
    return f"{here}?{urlencode({k: v for k, v in kept.items() if v})}"


def _section_view(report: CostReport, links: Links, section: Section) -> dict[str, Any]:
    def figures(f: Figures, account: str) -> dict[str, Any]:
        return figures_view(report, links, f, account)

    return {
        "name": section.name,
        **figures(section.figures, SECTION + section.line),
        "categories": [
            {
                "code": category.code,
                "name": category.name,
                **figures(category.figures, category.code),
                "accounts": [
                    {
                        "code": row.account.code,
                        "name": row.account.name,
                        **figures(row.figures, row.account.code),
                    }
                    for row in category.accounts
                ],
            }
            for category in section.categories
        ],
    }


def figures_view(report: CostReport, links: Links, f: Figures, account: str) -> dict[str, Any]:
    """Every figure with its link; a column without a posting stays empty."""
    number, currency = report.period.number, report.production.currency
    said: dict[str, Any] = {
        "to_date": _money(f.to_date, currency),
        "lines": f.lines,
        "to_date_url": links.lines(account, upto=number),
        "total": _money(f.total, currency),
        "total_url": links.lines(account, upto=number, book="total"),
    }
    if f.period_lines:
        said["period"] = _money(f.period, currency)
        said["period_url"] = links.lines(account, period=number)
    if f.committed_lines:
        said["committed"] = _money(f.committed, currency)
        said["committed_url"] = links.lines(account, upto=number, book="commitment")
    if report.is_whole:
        said |= outlook_figures(report, links, f, account)
    return said


def outlook_figures(report: CostReport, links: Links, f: Figures, account: str) -> dict[str, Any]:
    """Budget, overages, ETC, EFC and variance, which a report of one unit has not."""
    number, currency = report.period.number, report.production.currency
    said = {
        "etc": _money(f.etc, currency),
        "efc": _money(f.efc, currency),
        "variance": _money(f.variance, currency),
        "overrun": _money(f.overrun, currency) if f.overrun else "",
        "forecast_url": links.forecast(account, number),
    }
    if f.budget_lines:
        said["budget"] = _money(f.budget, currency)
        said["budget_url"] = links.lines(account, upto=number, book="budget")
    if f.overage_lines:
        said["overages"] = _money(f.overages, currency)
        said["overages_url"] = links.lines(account, upto=number, book="overage")
    return said


def _totals(report: CostReport, links: Links) -> dict[str, Any]:
    production, number = report.production, report.period.number
    everything = ALL_COSTS
    total = figures_view(report, links, report.total, everything)
    return {
        "total": total,
        "is_whole": report.is_whole,
        "has_budget": report.is_whole and bool(report.total.budget_lines),
        "has_overages": report.is_whole and bool(report.total.overage_lines),
        "total_period": _money(report.total.period, production.currency),
        "total_period_url": links.lines(everything, period=number),
        "total_to_date": _money(report.total.to_date, production.currency),
        "total_to_date_url": links.lines(everything, upto=number),
        "other_currencies": [
            {
                "currency": currency,
                "period": _money(f.period, currency) if f.period_lines else "",
                "to_date": _money(f.to_date, currency),
                "url": links.lines(everything, upto=number, currency=currency),
                "period_url": links.lines(everything, period=number, currency=currency)
                if f.period_lines
                else "",
                "committed": _money(f.committed, currency) if f.committed_lines else "",
                "committed_url": links.lines(
                    everything, upto=number, currency=currency, book="commitment"
                ),
            }
            for currency, f in sorted(report.unconverted.items())
        ],
    }  # fmt: skip


def crumbs(
    production: Production, asked: Filter | None, last: str, unit: Unit | None = None
) -> list[dict[str, str]]:
    """The way back to the figure: cost report > account > here, with its filters."""
    back = [{"label": "Cost report", "url": reverse("cost_report", args=[production.code])}]
    if asked is not None:
        kept = {"period": asked.period.number, **({"unit": unit.code} if unit else {})}
        back[0]["url"] += f"?{urlencode(kept)}"
    return [*back, {"label": last, "url": ""}]


BOOK_WORDS = {
    "actual": [],
    "commitment": ["Open commitments"],
    "total": ["Costs and open commitments"],
    "budget": ["Budget"],
    "overage": ["Approved overages"],
    "final": ["Budget and approved overages"],
    "forecast": ["EFC entries"],
}
# Where a leg of another book than the actual one is shown among its like.
_BOOK_OF_LEG = {2: "commitment", 3: "final", 4: "forecast"}


def lines_view(
    production: Production, asked: Filter, page: Page, units: list[Unit]
) -> dict[str, Any]:
    """The postings behind one figure."""
    currency = asked.currency or production.currency
    here = reverse("account_lines", args=[production.code, asked.account_code])
    kept: dict[str, object] = {("upto" if asked.upto else "period"): asked.period.number}
    unit = next((u for u in units if u.pk == asked.unit_id), None)
    if unit:
        kept["unit"] = unit.code
    if asked.currency:
        kept["currency"] = asked.currency
    if asked.book != "actual":
        kept["book"] = asked.book
    if asked.segment:
        kept["segment"] = asked.segment
    title, is_sum = asked.account_name, asked.account_code == ALL_COSTS
    if asked.account_code.startswith(SECTION):
        title, is_sum = dict(SECTIONS)[asked.account_line], True
    words = [
        *BOOK_WORDS[asked.book],
        f"{'To date, up to' if asked.upto else 'In'} wk {asked.period.number}",
        unit.name if unit else "all units",
    ]
    if asked.segment:
        words.append(asked.segment)
    if asked.currency:
        words.append(f"{asked.currency}, not converted yet")
    following = None
    if page.after is not None:
        following = f"{here}?{urlencode({**kept, 'after': '{}-{}'.format(*page.after)})}"
    return {
        "account": {
            "code": "" if is_sum else asked.account_code,
            "name": title,
            "line": "" if is_sum else asked.account_line,
        },
        "crumbs": crumbs(
            production, asked, title if is_sum else f"{asked.account_code} {title}", unit
        ),
        "filters_label": ", ".join(words),
        "lines": [_line_view(production, line) for line in page.lines],
        "total": f"{_money(page.total, currency)} {currency}",
        "count": page.count,
        "next_url": following,
        "previous_url": None,
    }


def _line_view(production: Production, line: Line) -> dict[str, Any]:
    return {
        "date": f"{line.effective_date:%d %b %Y}",
        "reference": line.reference or "no number",
        "vendor": line.vendor,
        "description": line.description,
        "segments": line.segments,
        "source": line.origin,
        "unit": line.unit,
        "cost_center": line.cost_center,
        "currency": line.currency,
        "amount": _money(line.amount, line.currency),
        "base_amount": ""
        if line.base_amount is None
        else _money(line.base_amount, production.currency),
        "batch": line.batch_id,
        "row": line.source_row or "",
        "hash8": line.leaf.hex()[:8],
        "url": reverse("transaction", args=[production.code, f"{line.batch_id}-{line.number}"]),
    }


def transaction_view(production: Production, opened: Opened, *, may_open_file: bool) -> Any:
    """One document: both legs, the row as received, and where it is sealed."""
    found, batch = opened.transaction, opened.batch
    first = opened.postings[0]
    period = {"period": batch["period"]}
    if first["book"] in _BOOK_OF_LEG:
        period["book"] = _BOOK_OF_LEG[first["book"]]
    title = found.reference or f"Document {batch['id']}-{found.number}"
    vendor, description = opened.words
    trail = crumbs(production, None, title)
    account_url = reverse("account_lines", args=[production.code, first["account"]])
    trail.insert(
        1,
        {
            "label": f"{first['account']} {first['account_name']}",
            "url": f"{account_url}?{urlencode(period)}",
        },
    )
    return {
        "crumbs": trail,
        "transaction": {
            "id": f"{batch['id']}-{found.number}",
            "reference": title,
            "vendor": vendor,
            "description": description,
            "effective_date": f"{found.effective_date:%d %b %Y}",
            "recorded_at": f"{batch['recorded_at']:%d %b %Y %H:%M:%S UTC}",
            "recorded_by": batch["recorded_by"],
            "source_label": batch["origin"],
            "unit": batch["unit"],
            "cost_center": f"{batch['cost_center']} {batch['cost_center_name']}",
            "period": f"wk {batch['period']}",
            "tier": first["line"] or "balance sheet",
            "tier_rule": first["rule"],
            "document_key": bytes(found.document_key).hex(),
        },
        "legs": _legs_view(production, opened),
        "source": _source_view(production, opened, may_open_file=may_open_file),
        "seal": _seal_view(opened),
    }


def _legs_view(production: Production, opened: Opened) -> list[dict[str, Any]]:
    legs = []
    for posting in opened.postings:
        # An exchange or rounding difference has no amount in its currency, only a value in ours.
        is_value = posting["amount"] == 0
        amount = posting["base_amount"] if is_value else posting["amount"]
        currency = production.currency if is_value else posting["currency"]
        shown = format_amount(abs(amount), currency)
        is_debit = amount > 0
        for code, name, debit in (
            (posting["account"], posting["account_name"], is_debit),
            (posting["counter"], posting["counter_name"], not is_debit),
        ):
            url = reverse("account_lines", args=[production.code, code])
            kept = {"period": opened.batch["period"]}
            if posting["book"] in _BOOK_OF_LEG:
                kept["book"] = _BOOK_OF_LEG[posting["book"]]
            legs.append(
                {
                    "account": code,
                    "account_name": name,
                    "segments": posting["segments"] if code == posting["account"] else "",
                    "url": f"{url}?{urlencode(kept)}",
                    "debit": shown if debit else "",
                    "credit": "" if debit else shown,
                    "currency": currency,
                    "is_order": posting["book"] == COMMITMENT,
                }
            )
    return legs


def _source_view(production: Production, opened: Opened, *, may_open_file: bool) -> Any:
    document, found = opened.document, opened.transaction
    if document is None:
        return None
    sha256 = bytes(document.sha256)
    url = reverse("source_file", args=[production.code, sha256.hex()]) if may_open_file else ""
    moment = opened.occurred.isoformat() if opened.occurred else str(found.effective_date)
    return {
        "file_name": document.name,
        "file_sha256": sha256.hex(),
        "file_url": url,
        "line": found.source_line,
        "row": found.source_row,
        "start": found.source_start,
        "end": found.source_end,
        "text": _row_text(opened),
        "row_sha256": WORDS_WITHHELD if opened.is_withheld else opened.row_sha256,
        "row_key": row_key(sha256, found.source_row or 0, moment).hex(),
        "mapping": opened.batch["origin"],
        "received_at": f"{document.received_at:%d %b %Y %H:%M:%S UTC}",
        "received_by": str(document.received_by),
    }


def _row_text(opened: Opened) -> str:
    if opened.source_text is not None:
        return as_text(opened.source_text)
    if opened.is_withheld:
        return ROW_WITHHELD
    return "The row stands inside a packed file: open the file to see it."


def _seal_view(opened: Opened) -> Any:
    seal = opened.seal
    if seal is None:
        return None
    return {
        "unit": opened.batch["unit"],
        "sequence": seal.sequence,
        "leaf": seal.leaf.hex(),
        "entry_hash": seal.entry_hash.hex(),
        "tree_size": seal.tree_size,
        "tree_root": seal.tree_root.hex(),
    }
