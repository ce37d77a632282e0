"""What the screens of invoices, payments and journals show. Every figure carries its link."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from access.models import Production
from ledger import selectors as ledger
from purchasing import selectors
from purchasing.forms import Sent
from purchasing.models import Vendor
from purchasing.screens.fields import (
    day,
    entry_page,
    field,
    money,
    title_crumbs,
    today,
    unit_options,
)
from purchasing.selectors import Paper
from purchasing.states import ZERO
from taxonomy import selectors as taxonomy

PAGE_PAPERS = 250
KINDS = {
    "invoice": "Invoice", "payment": "Payment", "journal": "Journal", "envelope": "Envelope",
    "advance": "Advance", "reimbursement": "Reimbursement", "return": "Return",
}  # fmt: skip
LISTS = {"invoice": "invoices", "payment": "payments", "journal": "journals"}
STATUSES = ("posted", "part paid", "paid", "void")
# bucket -> (first, last) day past due
AGES = {"current": (None, 0), "1-30": (1, 30), "31-60": (31, 60), "61+": (61, None)}


def age_of(paper: Paper) -> str:
    """How long past due what is still open of an invoice is; empty when nothing is."""
    if not paper.open or paper.entry.due_on is None:
        return ""
    late = (today() - paper.entry.due_on).days
    return next(
        name
        for name, (first, last) in AGES.items()
        if (first is None or late >= first) and (last is None or late <= last)
    )


def paper_row(production: Production, paper: Paper) -> dict[str, Any]:
    """One paper in a list."""
    entry = paper.entry
    return {
        "id": entry.pk,
        "number": entry.number,
        "kind": KINDS[entry.kind],
        "url": reverse("paper", args=[production.code, entry.pk]),
        "vendor": entry.vendor.name if entry.vendor else "",
        "fund": entry.fund.custodian if entry.fund else "",
        "dated": day(entry.dated),
        "due_on": day(entry.due_on),
        "currency": entry.currency,
        "total": money(entry.total, entry.currency),
        "settled": money(paper.settled, entry.currency),
        "open": money(paper.open, entry.currency),
        "status": paper.status,
        "status_class": paper.status.replace(" ", "_"),
        "age": age_of(paper),
        "entered": f"{entry.entered_at:%d %b %Y} by {entry.entered_by.name}",
    }


def invoices_page(
    production: Production, asked: dict[str, str], vendor: Vendor | None, *, may_enter: bool
) -> dict[str, Any]:
    """The list of invoices, narrowed by status, age, currency and vendor, and the ageing."""
    every = selectors.papers(production, ["invoice"], vendor=vendor)
    shown = [p for p in every if _fits(p, asked)]
    here = reverse("invoices", args=[production.code])
    kept = {"vendor": str(vendor.pk)} if vendor else {}
    start = int(asked.get("from", "0"))
    return {
        "papers": [paper_row(production, p) for p in shown[start : start + PAGE_PAPERS]],
        "ageing": _ageing(every, here, kept),
        "ages": list(AGES),
        "vendor": vendor,
        "choices": [
            {"label": label, "selected": asked.get("status", "") == status and not asked.get("age"),
             "url": _with(here, {**kept, "status": status})}
            for status, label in {"": "All", **{s: s.capitalize() for s in STATUSES}}.items()
        ],
        "narrowed": ", ".join(v for k, v in asked.items() if v and k != "from"),
        "may_enter": may_enter,
        "next_url": _with(here, {**kept, **asked, "from": str(start + PAGE_PAPERS)})
        if len(shown) > start + PAGE_PAPERS
        else "",
        "previous_url": _with(here, {**kept, **asked, "from": str(max(start - PAGE_PAPERS, 0))})
        if start
        else "",
    }  # fmt: skip


def _with(here: str, asked: dict[str, str]) -> str:
    said = urlencode({k: v for k, v in asked.items() if v and v != "0"})
    return f"{here}?{said}" if said else here


def _fits(paper: Paper, asked: dict[str, str]) -> bool:
    return (
        asked.get("status", "") in ("", paper.status)
        and asked.get("age", "") in ("", age_of(paper))
        and asked.get("currency", "") in ("", paper.entry.currency)
    )


def _ageing(every: Sequence[Paper], here: str, kept: dict[str, str]) -> list[dict[str, Any]]:
    """currency by currency: what is open, by how long it is past due."""
    sums: dict[str, dict[str, Decimal]] = {}
    for paper in every:
        if bucket := age_of(paper):
            row = sums.setdefault(paper.entry.currency, dict.fromkeys(AGES, ZERO))
            row[bucket] += paper.open
    return [
        {
            "currency": currency,
            "figures": [
                {"amount": money(amount, currency),
                 "url": _with(here, {**kept, "age": bucket, "currency": currency})}
                for bucket, amount in row.items()
            ],
            "total": money(sum(row.values(), ZERO), currency),
        }
        for currency, row in sorted(sums.items())
    ]  # fmt: skip


def invoice_page(sent: Sent, production: Production, before: Paper | None) -> dict[str, Any]:
    """The form of an invoice. After a cost passed its order, the overage can be accepted."""
    is_over = sent.refusal is not None and sent.refusal.code == "E_OVER_RELIEF"
    fields = [
        field(sent, "vendor", "Vendor", list="vendors", is_required=True, is_wide=True),
        field(sent, "number", "Invoice number", is_required=True),
        field(sent, "dated", "Date", "date"),
        field(sent, "due_on", "Due", "date", hint="else by the vendor's terms"),
        field(sent, "currency", "Currency", list="currencies", is_short=True),
        field(sent, "unit", "Unit", "select", options=unit_options(production)),
        field(sent, "description", "Description", is_wide=True),
    ]
    return entry_page(
        sent,
        production,
        fields,
        caption="Costs",
        costs_only=False,
        title="Enter an invoice",
        send="Post the invoice",
        offer_over=is_over or bool(sent.text("accepts_over")),
        accepts_over=bool(sent.text("accepts_over")),
        crumbs=title_crumbs(
            ("Invoices", reverse("invoices", args=[production.code])), ("Enter an invoice", "")
        ),
        **_before(production, before),
    )


def _before(production: Production, before: Paper | None) -> dict[str, Any]:
    if before is None:
        return {"before": "", "before_url": ""}
    url = reverse("paper", args=[production.code, before.entry.pk])
    return {"before": before.entry.number, "before_url": url}


def journal_page(sent: Sent, production: Production, before: Paper | None) -> dict[str, Any]:
    """The form of a journal entry, with what its two sides come to."""
    fields = [
        field(sent, "number", "Number", is_required=True),
        field(sent, "day", "Date", "date"),
        field(sent, "currency", "Currency", list="currencies", is_short=True),
        field(sent, "unit", "Unit", "select", options=unit_options(production)),
        field(sent, "description", "What for", is_required=True, is_wide=True),
    ]
    return entry_page(
        sent,
        production,
        fields,
        caption="Debits and credits",
        costs_only=False,
        balance="debit credit",
        title="Journal entry",
        send="Post the journal",
        crumbs=title_crumbs(
            ("Journals", reverse("journals", args=[production.code])), ("Journal entry", "")
        ),
        **_before(production, before),
    )


def register_page(production: Production, kind: str, *, may_enter: bool, start: int) -> Any:
    """The list of payments or journals, the newest first."""
    found = selectors.papers(production, [kind], limit=start + PAGE_PAPERS + 1)[start:]
    shown, here = found[:PAGE_PAPERS], reverse(LISTS[kind], args=[production.code])
    texts = selectors.descriptions(shown)
    return {
        "title": f"{KINDS[kind]}s",
        "kind": kind,
        "papers": [{**paper_row(production, p), "description": texts[p.entry.pk]} for p in shown],
        "new_url": reverse(f"{kind}_new", args=[production.code]) if may_enter else "",
        "next_url": f"{here}?from={start + PAGE_PAPERS}" if len(found) > PAGE_PAPERS else "",
        "previous_url": f"{here}?from={max(start - PAGE_PAPERS, 0)}" if start else "",
    }


def vendors_to_pay(production: Production) -> dict[str, Any]:
    """Vendors with something open, and how much in each currency."""
    sums: dict[tuple[str, int, str], Decimal] = {}
    for paper in selectors.open_invoices(production):
        assert paper.entry.vendor is not None
        key = paper.entry.vendor.name, paper.entry.vendor.pk, paper.entry.currency
        sums[key] = sums.get(key, ZERO) + paper.open
    here = reverse("payment_new", args=[production.code])
    return {
        "vendors": [
            {"name": name, "url": f"{here}?vendor={pk}", "currency": currency,
             "open": money(amount, currency)}
            for (name, pk, currency), amount in sorted(sums.items())
        ],
        "crumbs": title_crumbs(
            ("Payments", reverse("payments", args=[production.code])), ("Pay", "")
        ),
    }  # fmt: skip


def payment_page(
    sent: Sent, production: Production, vendor: Vendor, offered: Sequence[Paper],
    before: Paper | None,
) -> dict[str, Any]:  # fmt: skip
    """What is open with a vendor, to be ticked with the amounts to pay."""
    here = reverse("payments", args=[production.code])
    fields = [
        field(sent, "number", "Check or wire number", is_required=True),
        field(sent, "day", "Date", "date"),
        field(sent, "bank", "Bank account", list="accounts", hint="empty for the usual"),
    ]
    rows = []
    for paper in offered:
        name = f"amount-{paper.entry.pk}"
        rows.append(
            {
                **paper_row(production, paper),
                "tick": f"pay-{paper.entry.pk}",
                "is_ticked": bool(sent.text(f"pay-{paper.entry.pk}")),
                "field": field(sent, name, f"Amount of invoice {paper.entry.number}"),
            }
        )
    labels = [*fields, *(row["field"] for row in rows)]
    page = entry_page(sent, production, labels, costs_only=False)
    return {
        **page,
        "fields": fields,
        "rows": rows,
        "vendor": vendor,
        "crumbs": title_crumbs(("Payments", here), (f"Pay {vendor.name}", "")),
        **_before(production, before),
    }


def paper_page(
    production: Production, paper: Paper, sent: Sent, *, may_void: bool
) -> dict[str, Any]:
    """One paper: its document, its costs, what settles it, and whether it stands."""
    entry = paper.entry
    key = entry.batch_id, entry.transaction_number
    found = ledger.document(production, *key)
    back = ledger.reversal_of(production, *key)
    listed = LISTS.get(entry.kind, "funds")
    return {
        "paper": {**paper_row(production, paper), "version": entry.version,
                  "unit": entry.unit.name},
        "document_url": reverse("transaction", args=[production.code, f"{key[0]}-{key[1]}"]),
        "back": {
            "reference": back.reference,
            "date": day(back.effective_date),
            "reason": back.description,
            "url": reverse("transaction", args=[production.code, f"{back.batch_id}-{back.number}"]),
        }
        if back
        else None,
        "lines": _lines(production, found[1] if found else []),
        "settled_with": [
            {**paper_row(production, other), "amount": money(amount, entry.currency)}
            for other, amount in selectors.settled_with(entry)
        ],
        "fund_url": reverse("fund", args=[production.code, entry.fund.pk]) if entry.fund else "",
        "may_void": may_void and not paper.is_void,
        "day": sent.text("day") or today().isoformat(),
        "reason": sent.text("reason"),
        "refusal": sent.refusal.message if sent.refusal else "",
        "crumbs": title_crumbs(
            (listed.capitalize() if listed != "funds" else "Petty cash and cards",
             reverse(listed, args=[production.code])), (f"{KINDS[entry.kind]} {entry.number}", ""),
        ),
    }  # fmt: skip


def _lines(production: Production, postings: Sequence[Any]) -> list[dict[str, Any]]:
    names = {a.pk: a for a in ledger.accounts(production)}
    centers = {c.pk: c.code for c in taxonomy.cost_centers(production)}
    periods = {p.pk: p.number for p in ledger.periods(production)}
    said = []
    for posting in postings:
        account = names[posting.account_id]
        where = reverse("account_lines", args=[production.code, account.code])
        said.append(
            {
                "account": account.code,
                "name": account.name,
                "segments": posting.segments,
                "url": f"{where}?period={periods[posting.period_id]}",
                "center": centers.get(posting.cost_center_id, ""),
                "book": "" if posting.book == 1 else "order",
                "component": posting.component,
                "amount": money(posting.amount, posting.currency),
            }
        )
    return said
