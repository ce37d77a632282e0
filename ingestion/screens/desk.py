"""What the quarantine desk shows, ready for its templates."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from access.models import Production
from ingestion import selectors
from ingestion.desk import selectors as desk_selectors
from ingestion.desk import undoing, waiving
from ingestion.desk.acts import field_of, needs_typing
from ingestion.desk.selectors import Cause
from ingestion.formats.feeds import FEED
from ingestion.gate import likeness
from ingestion.layouts.mapping import ALL_FIELDS
from ingestion.models import DeskAct, HeldRow
from ingestion.reading import mapping_of_import
from ingestion.screens.imports import moment
from ledger.journal import row_key
from taxonomy.money import format_amount

ROWS_OF_A_CAUSE = 25
CAUSES_OPEN = 3
PAGE_ROWS = 101  # one more than is shown, to know whether there are more
ACTS_SHOWN = 5
FINDINGS_SHOWN = 200
LABELS = {
    "account_code": "Account",
    "cost_center": "Cost centre",
    "transaction_date": "Date",
    "transaction_id": "Transaction",
    "tax_1099": "1099",
    "booked_on": "Booked on",
    "value_on": "Value date",
    "bank_id": "Bank's own number",
    "counterparty": "Other party",
    "row": "Row",
}
CAUSE_WORDS = {
    "E_ACCOUNT": "Account not in the chart",
    "E_AMOUNT": "Amount cannot be read",
    "E_BALANCE": "Journal out of balance",
    "E_BANK_CODE": "Side or status of the line unknown",
    "E_CONFLICT": "Contradicts a posted document",
    "E_CONTROL_CHAR": "Invisible characters",
    "E_COST_CENTER": "Cost centre unknown",
    "E_CURRENCY": "Currency unknown",
    "E_DATE": "Date cannot be read",
    "E_DIFFERS": "Differs from its document's first row",
    "E_DOCUMENT": "Waits for another row of its document",
    "E_ENCODING_ROW": "Text in another encoding",
    "E_FIELD_COUNT": "Too few or too many fields",
    "E_FUND": "Nobody who holds a float",
    "E_HEADER_REPEAT": "The header again",
    "E_IIF": "Transaction without its end",
    "E_JURISDICTION": "Union jurisdiction missing",
    "E_KIND": "Type unknown",
    "E_MINOR_UNITS": "More decimals than the currency has",
    "E_NEAR_DUPLICATE": "Probably posted already, written otherwise",
    "E_NET_PAY": "Net pay does not add up",
    "E_PARTS": "Parts do not come to the amount",
    "E_NUMBER": "Document without a number",
    "E_OVER_RELIEF": "More than its order has open",
    "E_PENDING": "Pending at the bank",
    "E_QUOTE": "A quote out of place",
    "E_RECEIPT": "Receipt does not add up",
    "E_REFUSED": "Document cannot be entered",
    "E_RIGHTS": "Somebody else must resubmit it",
    "E_SPLIT": "Document in two places of the file",
    "E_TOTAL_ROW": "A total, not a cost",
    "E_SEGMENT": "Segment unknown",
    "E_UNIT": "Unit unknown",
    "E_UNDONE": "Its fix was taken back",
    "E_VENDOR": "Vendor unknown",
}
ROW_STATES = {
    "held": "Held",
    "resubmitted": "Resubmitted, at the gate",
    "posted": "Posted",
    "duplicate": "Posted before, under another row",
    "rejected": "Rejected",
}
REVISIONS = {
    "resubmit": "Resubmitted",
    "reject": "Rejected",
    "release": "Released as no duplicate",
    "undo": "Taken back",
    "waive": "Passed over, as it stands",
}
OUTCOMES = {
    **ROW_STATES,
    "undone": "Reversed in the ledger",
    "refused": "Not taken back",
}
UNDO = {
    "fix": ("Undo the fix", "the fields say again what they said before; nothing posts"),
    "rejection": ("Undo the rejection", "the row waits here again"),
    "posting": (
        "Undo the posting",
        "its document is reversed in the ledger, in its own week or the first one open since",
    ),
}
ACT_STATES = {
    "waiting": "Waiting for a worker",
    "working": "At the gate",
    "done": "Done",
    "stopped": "Stopped",
}


def label_of(field: str) -> str:
    """A field as people say it."""
    return LABELS.get(field, field.replace("_", " ").capitalize())


def as_text(payload: bytes, encoding: str = "") -> str:
    """A row's bytes as text: UTF-16 where many are zero, else UTF-8, else the encoding declared
    for its file. What cannot be read is marked."""
    if b"\0" in payload:
        low, high = payload[::2].count(0), payload[1::2].count(0)
        return payload.decode("utf-16-be" if low > high else "utf-16-le", "replace")
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return payload.decode(encoding or "utf-8", "replace")


def excerpt(payload: bytes, length: int = 120, encoding: str = "") -> str:
    """The received bytes as text for one line of a list; what cannot be shown is marked."""
    text = as_text(payload[: length * 4], encoding).rstrip("\r\n")
    return "".join(c if c.isprintable() else "\ufffd" for c in text)[:length]


def _cause_rows(
    rows: list[HeldRow], code: str, cause: str, batch_id: int | None
) -> list[dict[str, Any]]:
    return [
        {
            "id": row.pk,
            "line": row.line,
            "row": row.row,
            "file_name": row.batch.file_name,
            "batch_url": reverse("import_detail", args=[code, row.batch_id]),
            "payload_sha8": bytes(row.payload_sha256).hex()[:8],
            "excerpt": excerpt(bytes(row.payload), encoding=row.batch.declared.get("encoding", "")),
            "url": reverse("quarantined_row", args=[code, row.pk])
            + place_query(batch_id, cause=cause),
            "amount_text": ""
            if row.amount is None
            else f"{format_held(row.amount, row.currency)} {row.currency}",
        }
        for row in rows
    ]


def format_held(amount: Any, currency: str) -> str:
    """A held amount; its currency may be the very thing that is wrong."""
    try:
        return format_amount(amount, currency)
    except ValueError:
        return f"{amount:,.2f}"


def place_query(batch_id: int | None, **more: object) -> str:
    """Where somebody is at the desk, as the end of an address: kept from page to page."""
    said = {**({} if batch_id is None else {"batch": batch_id}), **more}
    return f"?{urlencode(said)}" if said else ""


def quarantine_view(production: Production, batch_id: int | None) -> dict[str, Any]:
    """Held rows grouped by cause, the commonest first, with what each cause asks for."""
    found = desk_selectors.causes(production, batch_id)
    firsts = desk_selectors.first_rows(production, [cause.first for cause in found])
    working = {act.cause: act for act in desk_selectors.open_acts(production)}
    causes = []
    for number, cause in enumerate(found):
        is_open = number < CAUSES_OPEN
        rows = desk_selectors.rows_of_cause(production, cause.name, batch_id)
        shown = list(rows[:ROWS_OF_A_CAUSE]) if is_open else []
        causes.append(
            {
                **cause_view(production, cause, firsts[cause.first], batch_id),
                "open": is_open,
                "rows": _cause_rows(shown, production.code, cause.name, batch_id),
                "more": max(0, cause.rows - len(shown)),
                "act": act_view(working[cause.name]) if cause.name in working else None,
            }
        )
    held = [
        {"currency": currency or "no currency", "amount": format_held(amount, currency)}
        for currency, amount in desk_selectors.held_amounts(production, batch_id)
    ]
    rows_held, causes_held = desk_selectors.totals(production, batch_id)
    return {
        "causes": causes,
        "summary": {"rows": rows_held, "causes": causes_held, "held": held},
        "more_causes": causes_held - len(causes),
        "acts": [act_view(act) for act in desk_selectors.acts(production)[:ACTS_SHOWN]],
        "last_check": moment(datetime.now(UTC)),
        "only_batch": None if batch_id is None else selectors.import_by_id(production, batch_id),
        "query": place_query(batch_id),
    }


def cause_view(
    production: Production, cause: Cause, row: HeldRow, batch_id: int | None
) -> dict[str, Any]:
    """What a cause is, and what can be done with all its rows at once."""
    code = production.code
    first = row.violations[0]
    field = field_of(cause.name)
    return {
        "name": cause.name,
        "code": first["code"],
        "label": CAUSE_WORDS.get(first["code"], "Held"),
        "field": "" if first["field"] == "row" else label_of(first["field"]),
        "expected": first["expected"],
        "found": "" if first["field"] == "row" else first["found"],
        "fix": first["fix"],
        "count": cause.rows,
        "held": cause.held,
        "is_near": first["code"] == likeness.CODE,
        "fix_field": label_of(field) if field else "",
        "asks_count": needs_typing(cause.held, cause.money),
        "url": reverse("quarantine_cause", args=[code]) + place_query(batch_id, cause=cause.name),
    }


def cause_page(
    production: Production, name: str, batch_id: int | None, after: int
) -> dict[str, Any]:
    """The rows of one cause, a page of them from behind a row, with what can be done with all."""
    code = production.code
    rows = list(desk_selectors.rows_of_cause(production, name, batch_id, after=after)[:PAGE_ROWS])
    shown = rows[: PAGE_ROWS - 1]
    cause = desk_selectors.cause(production, name, batch_id)
    where = reverse("quarantine_cause", args=[code])
    acts = [a for a in desk_selectors.open_acts(production) if a.cause == name]
    return {
        "cause": None
        if cause is None
        else {
            **cause_view(production, cause, desk_selectors.first_rows(production, [cause.first])
                         [cause.first], batch_id),
            "rows": _cause_rows(shown, code, name, batch_id),
            "act": act_view(acts[0]) if acts else None,
        },
        "export_url": reverse("quarantine_export", args=[code])
        + place_query(batch_id, cause=name),
        "previous_url": where + place_query(batch_id, cause=name) if after else None,
        "next_url": where + place_query(batch_id, cause=name, after=shown[-1].pk)
        if len(rows) > len(shown)
        else None,
        "only_batch": None if batch_id is None else selectors.import_by_id(production, batch_id),
        "query": place_query(batch_id),
    }  # fmt: skip


def act_view(act: DeskAct) -> dict[str, Any]:
    """One act on many rows: what was decided, and how far it is."""
    code = act.production.code
    label = CAUSE_WORDS.get(act.cause.partition("|")[0], "held rows")
    changed = ", ".join(f"{label_of(k)} {v}" for k, v in act.values.items())
    what = {
        "reject": "Rejected",
        "release": "Released as no duplicate",
        "resubmit": f"Fixed: {changed}" if changed else "Handed in again",
    }[act.action]
    if act.document is not None:
        what, label = f"Fixed list {act.document.name}", "A list of held rows"
    return {
        "id": act.pk,
        "what": what,
        "label": label,
        "found": act.cause.split("|", 2)[-1],
        "reason": act.reason,
        "by": str(act.made_by),
        "at": moment(act.made_at),
        "file_name": act.batch.file_name if act.batch else "",
        "list_sha256": bytes(act.document.sha256).hex() if act.document else "",
        "rows": act.rows,
        "done": act.done,
        "percent": act.done * 100 // act.rows if act.rows else 0,
        "posted": act.posted,
        "duplicate": act.duplicate,
        "held": act.held,
        "rejected": act.rejected,
        "passed": act.passed,
        "left": act.rows - act.done,
        "state": act.state,
        "state_label": ACT_STATES[act.state],
        "is_open": act.finished_at is None and act.state != "stopped",
        "url": reverse("quarantine_act", args=[code, act.pk]),
        "status_url": reverse("quarantine_act_status", args=[code, act.pk]),
        "cause_url": reverse("quarantine_cause", args=[code])
        + place_query(act.batch_id, cause=act.cause),
    }


def act_page(act: DeskAct) -> dict[str, Any]:
    """An act with the lines of its file that were not taken, and how many changed nothing."""
    found = desk_selectors.findings(act)
    count = found.count()
    return {
        "act": act_view(act),
        "findings": list(found[:FINDINGS_SHOWN]),
        "more_findings": max(0, count - FINDINGS_SHOWN),
        "unchanged": max(0, act.passed - count) if act.kind == "upload" else 0,
    }


def _fields_of(row: HeldRow) -> list[str]:
    """The fields of the row's source that may be written, in their order."""
    mapping = mapping_of_import(row.batch)
    if mapping.feed:
        return list(FEED)
    return [name for name in ALL_FIELDS if name in mapping.fields or name in (row.cells or {})]


def row_view(row: HeldRow, query: str = "") -> dict[str, Any]:
    """One held row with its fields, what is wrong with each, and what was done so far."""
    code = row.production.code
    batch = row.batch
    sha256 = bytes(batch.document.sha256)
    before, after = desk_selectors.held_neighbours(row)
    problems: dict[str, list[dict[str, str]]] = {}
    for violation in row.violations:
        problems.setdefault(violation["field"], []).append(violation)
    names = _fields_of(row)
    cells = row.cells or {}
    day = cells.get("transaction_date", "")
    return {
        "row": {
            "id": row.pk,
            "line": row.line,
            "row": row.row,
            "file_name": batch.file_name,
            "file_sha256": sha256.hex(),
            "source_url": reverse("source_file", args=[code, sha256.hex()]),
            "batch_id": batch.pk,
            "batch_url": reverse("import_detail", args=[code, batch.pk]),
            "payload_text": as_text(bytes(row.payload), batch.declared.get("encoding", "")),
            "payload_sha256": bytes(row.payload_sha256).hex(),
            "row_key": row_key(sha256, row.row, day).hex(),
            "state": row.state,
            "state_label": _state_label(row),
            "codes": row.codes,
            "is_near": likeness.CODE in row.codes,
        },
        "row_problems": problems.pop("row", []),
        "fields": [
            {
                "name": name,
                "label": label_of(name),
                "received": cells.get(name, ""),
                "value": cells.get(name, ""),
                "problems": problems.get(name, []),
                "editable": name != "statement",
            }
            for name in names
        ],
        "history": _history(row),
        "undo": _undo(row),
        "waiver": row.state == "held" and waiving.may_be_asked(row),
        "previous_url": before and reverse("quarantined_row", args=[code, before]) + query,
        "next_url": after and reverse("quarantined_row", args=[code, after]) + query,
        "query": query,
    }


def _state_label(row: HeldRow) -> str:
    outcomes = [said.outcome for _, said in selectors.revisions(row) if said is not None]
    return "Posted, then reversed" if "undone" in outcomes else ROW_STATES[row.state]


def _why(outcome: str, violation: dict[str, str]) -> str:
    if outcome == "refused":
        return violation["fix"]
    return f"{label_of(violation['field'])}: {violation['expected']}"


def _undo(row: HeldRow) -> dict[str, str] | None:
    """What of this row can be taken back now, and what that does."""
    step = undoing.last_step(row)
    if step is None:
        return None
    label, does = UNDO[step.kind]
    return {"label": label, "does": does}


def _history(row: HeldRow) -> list[dict[str, str]]:
    first = {
        "at": moment(row.held_at),
        "by": "prodacct",
        "what": "Held",
        "detail": ", ".join(row.codes),
    }
    said = [first]
    for revision, outcome in selectors.revisions(row):
        changed = ", ".join(f"{label_of(k)}: {v}" for k, v in revision.values.items())
        said.append(
            {
                "at": moment(revision.made_at),
                "by": str(revision.made_by),
                "what": REVISIONS[revision.action],
                "detail": "; ".join(part for part in (changed, revision.reason) if part),
            }
        )
        if outcome is not None:
            why = "; ".join(_why(outcome.outcome, v) for v in outcome.violations)
            if outcome.outcome == "undone":
                why = f"by batch {outcome.batch_id}"
            said.append(
                {
                    "at": moment(outcome.decided_at),
                    "by": "prodacct",
                    "what": OUTCOMES[outcome.outcome],
                    "detail": why,
                }
            )
    return said
