"""What the budget screens show, ready for their templates."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.urls import reverse

from access.models import Production, User
from budgets import selectors
from budgets.models import BudgetChange, BudgetChangeLine, BudgetVersion
from ledger.selectors import standings
from taxonomy.classify import LINES, side
from taxonomy.money import format_over_under

LINE_NAMES = {
    "ATL": "Above the line",
    "BTL": "Production",
    "POST": "Post-production",
    "OTHER": "Other",
    "CONT": "Contingency",
    "BOND": "Completion bond",
}
KIND_NAMES = {"transfer": "Transfer", "draw": "Contingency draw", "overage": "Overage"}
ZERO = Decimal(0)


def _when(at: datetime | None) -> str:
    return f"{at:%d %b %Y %H:%M UTC}" if at else ""


def _step(person: User | None, at: datetime | None) -> str:
    return f"{person}, {_when(at)}" if person else ""


def _version_row(version: BudgetVersion, production: Production) -> dict[str, Any]:
    waiting = version.state == "approved" and version.lock_asked_by_id is not None
    return {
        "number": version.number,
        "name": version.name,
        "state": version.state,
        "state_label": "Approved, lock asked for" if waiting else version.state.capitalize(),
        "total": format_over_under(version.total, production.currency),
        "line_count": version.line_count,
        "made": _step(version.made_by, version.made_at),
        "approved": _step(version.approved_by, version.approved_at),
        "lock_asked": _step(version.lock_asked_by, version.lock_asked_at),
        "locked": _step(version.locked_by, version.locked_at),
        "file_name": version.file_name,
        "file_sha256": bytes(version.document_sha256).hex(),
        "url": reverse("budget_version", args=[production.code, version.number]),
        "currency": version.currency,
        "rate": "" if version.rate == 1 else f"{version.rate.normalize():f}",
    }


def budget_view(production: Production) -> dict[str, Any]:
    """The list of versions, contingency, changes and refused crossings."""
    rows = list(selectors.versions(production))
    by_change = selectors.change_lines(production)
    locked = next((v for v in rows if v.state == "locked"), None)
    return {
        "versions": [_version_row(v, production) for v in rows],
        "locked": _version_row(locked, production) if locked else None,
        "contingency": _contingency_view(production) if locked else None,
        "changes": [
            _change_row(change, by_change.get(change.pk, []), production)
            for change in selectors.changes(production)
        ],
        "crossings": [
            {
                "at": _when(c.attempted_at),
                "by": str(c.attempted_by),
                "sentence": c.sentence,
                "sha256": bytes(c.payload_sha256).hex(),
            }
            for c in selectors.crossings(production)[:50]
        ],
        "kinds": list(KIND_NAMES.items()),
    }


def _contingency_view(production: Production) -> dict[str, str]:
    found = selectors.contingency(production)
    currency = production.currency
    return {
        "original": format_over_under(found.original, currency),
        "atl": format_over_under(found.drawn["ATL"], currency),
        "btl": format_over_under(found.drawn["BTL"], currency),
        "remains": format_over_under(found.remains, currency),
        "asked": format_over_under(found.asked, currency) if found.asked else "",
    }


def version_view(
    version: BudgetVersion, against: BudgetVersion | None, asker: User
) -> dict[str, Any]:
    """One version: its lines and sums, the step that comes next, a comparison if asked for."""
    production = version.production
    sums = selectors.by_line(version)
    others = selectors.versions(production).exclude(pk=version.pk)
    return {
        "version": _version_row(version, production),
        "sums": [
            {"name": LINE_NAMES[n], "amount": format_over_under(sums[n], production.currency)}
            for n in LINES
            if n in sums
        ],
        "lines": [
            {
                "code": row.account.code,
                "stated": row.stated_account,
                "name": row.description or row.account.name,
                "center": row.cost_center.code,
                "line": row.line,
                "amount": format_over_under(row.amount, production.currency),
                "row": row.source_line,
            }
            for row in selectors.lines(version)
        ],
        "others": [_version_row(v, production) for v in others],
        "against": _version_row(against, production) if against else None,
        "differences": _differences_view(against, version) if against else [],
        "step": _next_step(version, asker),
        "logs": standings(production),
    }


def _next_step(version: BudgetVersion, asker: User) -> str:
    """approve, ask or confirm: what may be done next; the same person's turn is `wait`."""
    if version.state == "draft":
        return "approve" if version.made_by_id != asker.pk else "wait"
    if version.state != "approved":
        return ""
    if version.lock_asked_by_id is None:
        return "ask"
    return "confirm" if version.lock_asked_by_id != asker.pk else "wait"


def _differences_view(old: BudgetVersion, new: BudgetVersion) -> list[dict[str, str]]:
    currency = new.production.currency
    found = selectors.differences(old, new)
    rows = [(d.account.code, d.account.name, d.old, d.new) for d in found]
    old_sums, new_sums = selectors.by_line(old), selectors.by_line(new)
    for name, label in (("ATL", "Above the line"), ("BTL", "Below the line")):
        was, now = (
            sum((m for line, m in s.items() if side(line) == name), ZERO)
            for s in (old_sums, new_sums)
        )
        rows.append(("", label, was, now))
    rows.append(("", "Total", old.total, new.total))
    return [
        {
            "code": code,
            "name": name,
            "old": format_over_under(was, currency),
            "new": format_over_under(now, currency),
            "change": format_over_under(now - was, currency),
        }
        for code, name, was, now in rows
    ]


def _change_row(
    change: BudgetChange, lines: list[BudgetChangeLine], production: Production
) -> dict[str, Any]:
    moved = sum((row.amount for row in lines if row.amount > 0), ZERO)
    return {
        "reference": change.reference,
        "kind": KIND_NAMES[change.kind],
        "state": change.state,
        "state_label": change.state.capitalize(),
        "day": f"{change.day:%d %b %Y}",
        "reason": change.reason,
        "amount": format_over_under(moved, production.currency),
        "accounts": ", ".join(row.account.code for row in lines),
        "requested": _step(change.requested_by, change.requested_at),
        "decided": _step(change.decided_by, change.decided_at),
        "url": reverse("budget_change", args=[production.code, change.number]),
    }


def change_view(change: BudgetChange, asker: User) -> dict[str, Any]:
    """One change with its lines, and the documents it posted."""
    production = change.production
    lines = selectors.change_lines(production).get(change.pk, [])
    return {
        "change": _change_row(change, lines, production),
        "lines": [
            {
                "code": row.account.code,
                "name": row.account.name,
                "line": LINE_NAMES[row.account.line or "OTHER"],
                "amount": format_over_under(row.amount, production.currency),
                "url": reverse("transaction", args=[production.code, f"{change.batch_id}-{place}"])
                if change.batch_id
                else "",
            }
            for place, row in enumerate(lines, 1)
        ],
        "number": change.number,
        "is_mine": change.requested_by_id == asker.pk,
        "is_open": change.state == "requested",
    }
