"""Corrections as a document's page shows and takes them: who took it back, what it was and is."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from django.urls import reverse

from access.errors import Invalid, Refused
from access.models import Production, User
from budgets import boundary
from budgets.models import RefusedCrossing
from ledger import corrections
from ledger import selectors as ledger
from ledger.corrections import Change, Reissued
from ledger.journal import ACTUAL
from ledger.models import Posting, Transaction
from ledger.pay import is_token
from purchasing import papers
from purchasing import selectors as purchasing
from reports.lines import Opened
from taxonomy import selectors as taxonomy
from taxonomy.money import format_amount

# Batches of two documents: 1 takes back what was, 2 is what it became.
BECAME = {"was_is": "Is", "reissue": "Reissued as"}
WAS, IS = 1, 2
LONGEST = 500


def _link(production: Production, label: str, found: Transaction) -> dict[str, str]:
    name = found.reference or f"{found.batch_id}-{found.number}"
    url = reverse("transaction", args=[production.code, f"{found.batch_id}-{found.number}"])
    return {"label": label, "name": name, "url": url, "date": f"{found.effective_date:%d %b %Y}",
            "reason": found.description if found.reverses_batch_id else ""}  # fmt: skip


def _at(production: Production, batch_id: int | None, number: int | None) -> Transaction | None:
    if batch_id is None or number is None:
        return None
    found = ledger.document(production, batch_id, number)
    return found[0] if found else None


def related(production: Production, opened: Opened) -> list[dict[str, str]]:
    """Both ways: what took the document back, what it takes back, what it was and became."""
    here, kind = opened.transaction, opened.batch["kind"]
    said = []
    original = _at(production, here.reverses_batch_id, here.reverses_number)
    if original is not None:
        said.append(_link(production, "Reverses", original))
    back = ledger.reversal_of(production, here.batch_id, here.number)
    if back is not None:
        said.append(_link(production, "Reversed by", back))
        became = _at(production, back.batch_id, IS)
        if became is not None and became.reverses_batch_id is None:
            said.append(_link(production, BECAME.get(_kind(production, became), "Is"), became))
    if kind in BECAME:
        other = _at(production, here.batch_id, IS if here.number == WAS else WAS)
        if here.number == WAS and other is not None:
            said.append(_link(production, BECAME[kind], other))
        elif other is not None:
            was = _at(production, other.reverses_batch_id, other.reverses_number)
            if was is not None:
                said.append(_link(production, "Was", was))
    return said


def _kind(production: Production, found: Transaction) -> str:
    return ledger.kind_of_batch(production, found.batch_id)


def was_is(production: Production, opened: Opened) -> list[dict[str, str]]:
    """Line by line where a moved cost was and is; empty for every other document."""
    here = opened.transaction
    batch_id = here.batch_id
    if opened.batch["kind"] != "was_is":
        back = ledger.reversal_of(production, here.batch_id, here.number)
        if back is None or _kind(production, back) != "was_is":
            return []
        batch_id = back.batch_id
    pair = [ledger.document(production, batch_id, number) for number in (WAS, IS)]
    if pair[0] is None or pair[1] is None:
        return []
    names = {a.pk: f"{a.code} {a.name}" for a in ledger.accounts(production)}
    centers = {c.pk: c.code for c in taxonomy.cost_centers(production)}

    def place(posting: Posting) -> str:
        center = centers.get(posting.cost_center_id, "")
        return ", ".join(x for x in (names[posting.account_id], center, posting.segments) if x)

    return [
        {
            "was": place(was),
            "now": place(now),
            "amount": f"{format_amount(now.amount, now.currency)} {now.currency}",
            "is_moved": "yes" if place(was) != place(now) else "",
        }
        for was, now in zip(pair[0][1], pair[1][1], strict=True)
        if was.book == ACTUAL
    ]


def panel(
    production: Production, opened: Opened, actions: frozenset[str], sent: Mapping[str, str]
) -> dict[str, Any]:
    """What the page says of corrections, and the forms of those who may make them."""
    here, links = opened.transaction, related(production, opened)
    paper = purchasing.paper_of(production, here.batch_id, here.number)
    stands = here.reverses_batch_id is None and all(x["label"] != "Reversed by" for x in links)
    actual = [p for p in opened.postings if p["book"] == ACTUAL]
    may = "post_entries" in actions and stands and opened.batch["kind"] != "order"
    lines = [
        {
            **posting,
            "shown": f"{format_amount(posting['amount'], posting['currency'])}",
            "value": sent.get(f"amount-{posting['line_no']}", f"{_plain(posting)}"),
            "is": sent.get(f"account-{posting['line_no']}", posting["account"]),
            "center": sent.get(f"center-{posting['line_no']}", ""),
            "coded": sent.get(f"segments-{posting['line_no']}", posting["segments"]),
        }
        for posting in actual
    ]
    return {
        "links": links,
        "was_is": was_is(production, opened),
        "paper": {
            "label": f"{paper.entry.kind.capitalize()} {paper.entry.number}",
            "url": reverse("paper", args=[production.code, paper.entry.pk]),
        }
        if paper
        else None,
        "may": may,
        "may_reissue": may and paper is None and len(actual) == len(opened.postings),
        "lines": lines,
        "day": sent.get("day", datetime.now(UTC).date().isoformat()),
        "reason": sent.get("reason", ""),
        "reference": sent.get("reference", here.reference),
        "vendor": sent.get("vendor", "" if is_token(here.vendor) else here.vendor),
        "is_pay": is_token(here.vendor),
        "what": sent.get("what", ""),
        "accounts": [a for a in ledger.accounts(production) if a.is_postable] if may else [],
        "centers": list(taxonomy.cost_centers(production)) if may else [],
        "segments": list(ledger.segments(production).filter(is_active=True)) if may else [],
    }


def _plain(posting: Mapping[str, Any]) -> str:
    return format_amount(posting["amount"], posting["currency"]).replace(",", "")


def _day(sent: Mapping[str, str]) -> date:
    try:
        found = date.fromisoformat(sent.get("day", "").strip())
    except ValueError:
        found = None
    if found is None or not 2000 <= found.year <= 2100:
        raise Invalid("Date: expected a day such as 2026-01-31.")
    return found


def _text(sent: Mapping[str, str], name: str) -> str:
    found = sent.get(name, "").replace("\0", "").strip()
    if len(found) > LONGEST:
        raise Invalid(f"{name.capitalize()}: expected at most {LONGEST} characters.")
    return found


def reverse_it(
    *, actor: User, production: Production, key: tuple[int, int], sent: Mapping[str, str]
) -> tuple[int, int]:
    """Take a document back; a paper is voided. The document that did it."""
    day, reason = _day(sent), _text(sent, "reason")
    paper = purchasing.paper_of(production, *key)
    if paper is not None and not paper.is_void:
        batch = papers.void_paper(
            actor=actor, production=production, entry_id=paper.entry.pk, day=day, reason=reason
        )
    else:
        batch = corrections.reverse_document(
            actor=actor, production=production, key=key, day=day, reason=reason
        )
    return batch.pk, WAS


def reissue_it(
    *, actor: User, production: Production, key: tuple[int, int], sent: Mapping[str, str]
) -> tuple[int, int]:
    """Take a document back and post it put right. The document it became."""
    paper = purchasing.paper_of(production, *key)
    if paper is not None:
        raise Refused(
            f"{paper.entry.kind.capitalize()} {paper.entry.number} is a paper of its own: void it "
            "and enter it again."
        )
    old = corrections.posted(production, *key)
    amounts = {}
    for posting in old.postings:
        typed = _text(sent, f"amount-{posting.line_no}")
        as_was = format_amount(posting.amount, posting.currency)
        if typed and typed.replace(",", "") != as_was.replace(",", ""):
            amounts[posting.line_no] = typed
    now = Reissued(_text(sent, "reference")[:120], _text(sent, "vendor"), "", amounts)
    batch = corrections.reissue_document(
        actor=actor, production=production, key=key, day=_day(sent), reason=_text(sent, "reason"),
        now=now,
    )  # fmt: skip
    return batch.pk, IS


def redistribute_it(
    *, actor: User, production: Production, key: tuple[int, int], sent: Mapping[str, str]
) -> tuple[int, int] | RefusedCrossing:
    """Move lines of a document to other accounts. The document it became, or the attempt as it
    was held because it would have crossed between above and below the line."""
    day, reason = _day(sent), _text(sent, "reason")
    old = corrections.posted(production, *key)
    centers = {c.code: c.pk for c in taxonomy.cost_centers(production)}
    changes = []
    for posting in old.postings:
        if posting.book != ACTUAL:
            continue
        center = _text(sent, f"center-{posting.line_no}").upper()
        if center and center not in centers:
            raise Invalid(f"Line {posting.line_no}: expected a cost centre, found {center[:20]!r}.")
        account = _text(sent, f"account-{posting.line_no}") or posting.account.code
        coded = _text(sent, f"segments-{posting.line_no}")
        is_coded = f"segments-{posting.line_no}" in sent and coded != posting.segments
        if account != posting.account.code or center or is_coded:
            changes.append(
                Change(posting.line_no, account, centers.get(center), coded if is_coded else None)
            )
    said: dict[str, Any] = {"actor": actor, "production": production, "day": day}
    held = boundary.hold_if_crossing(key=key, reason=reason, changes=changes, **said)
    if held is not None:
        return held
    paper = purchasing.paper_of(production, *key)
    if paper is not None:
        batch = papers.redistribute_paper(
            entry=paper.entry, reason=reason, changes=changes, **said
        )  # fmt: skip
    else:
        batch = corrections.change_distribution(key=key, reason=reason, changes=changes, **said)
    return batch.pk, IS
