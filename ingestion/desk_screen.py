"""What the quarantine desk shows, ready for its templates."""

from datetime import UTC, datetime
from typing import Any

from django.urls import reverse

from access.models import Production
from ingestion import selectors
from ingestion.mapping import FIELDS
from ingestion.models import HeldRow
from ingestion.reading import mapping_of_import
from ingestion.screens import moment
from ledger.journal import row_key
from taxonomy.money import format_amount

ROWS_OF_A_CAUSE = 25
LABELS = {
    "account_code": "Account",
    "cost_center": "Cost centre",
    "transaction_date": "Date",
    "transaction_id": "Transaction",
    "tax_1099": "1099",
    "row": "Row",
}
CAUSE_WORDS = {
    "E_ACCOUNT": "Account not in the chart",
    "E_AMOUNT": "Amount cannot be read",
    "E_CONFLICT": "Contradicts a posted document",
    "E_CONTROL_CHAR": "Invisible characters",
    "E_COST_CENTER": "Cost centre unknown",
    "E_CURRENCY": "Currency unknown",
    "E_DATE": "Date cannot be read",
    "E_ENCODING_ROW": "Text in another encoding",
    "E_FIELD_COUNT": "Too few or too many fields",
    "E_HEADER_REPEAT": "The header again",
    "E_JURISDICTION": "Union jurisdiction missing",
    "E_MINOR_UNITS": "More decimals than the currency has",
    "E_NET_PAY": "Net pay does not add up",
    "E_QUOTE": "A quote out of place",
    "E_TOTAL_ROW": "A total, not a cost",
    "E_SEGMENT": "Segment unknown",
    "E_UNIT": "Unit unknown",
}
ROW_STATES = {
    "held": "Held",
    "resubmitted": "Resubmitted, at the gate",
    "posted": "Posted",
    "duplicate": "Posted before, under another row",
    "rejected": "Rejected",
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


def _cause_rows(rows: list[HeldRow], code: str) -> list[dict[str, Any]]:
    return [
        {
            "id": row.pk,
            "line": row.line,
            "row": row.row,
            "file_name": row.batch.file_name,
            "batch_url": reverse("import_detail", args=[code, row.batch_id]),
            "payload_sha8": bytes(row.payload_sha256).hex()[:8],
            "excerpt": excerpt(bytes(row.payload), encoding=row.batch.declared.get("encoding", "")),
            "url": reverse("quarantined_row", args=[code, row.pk]),
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


def quarantine_view(production: Production, batch_id: int | None) -> dict[str, Any]:
    """Held rows grouped by cause, the commonest first, with what each cause asks for."""
    causes = []
    for number, (cause, count) in enumerate(selectors.causes(production, batch_id)):
        rows = list(selectors.rows_of_cause(production, cause, batch_id)[:ROWS_OF_A_CAUSE])
        first = rows[0].violations[0]
        causes.append(
            {
                "code": first["code"],
                "label": CAUSE_WORDS.get(first["code"], "Held"),
                "field": "" if first["field"] == "row" else label_of(first["field"]),
                "expected": first["expected"],
                "found": "" if first["field"] == "row" else first["found"],
                "fix": first["fix"],
                "count": count,
                "open": number < 3,
                "rows": _cause_rows(rows, production.code),
                "more": max(0, count - len(rows)),
            }
        )
    held = [
        {"currency": currency or "no currency", "amount": format_held(amount, currency)}
        for currency, amount in selectors.held_amounts(production, batch_id)
    ]
    return {
        "causes": causes,
        "summary": {
            "rows": sum(c["count"] for c in causes),
            "causes": len(causes),
            "held": held,
        },
        "last_check": moment(datetime.now(UTC)),
        "only_batch": None if batch_id is None else selectors.import_by_id(production, batch_id),
    }


def row_view(row: HeldRow) -> dict[str, Any]:
    """One held row with its fields, what is wrong with each, and what was done so far."""
    code = row.production.code
    batch = row.batch
    sha256 = bytes(batch.document.sha256)
    before, after = selectors.held_neighbours(row)
    problems: dict[str, list[dict[str, str]]] = {}
    for violation in row.violations:
        problems.setdefault(violation["field"], []).append(violation)
    used = mapping_of_import(batch).fields
    names = [name for name in FIELDS if name in used or name in (row.cells or {})]
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
            "state_label": ROW_STATES[row.state],
            "codes": row.codes,
        },
        "row_problems": problems.pop("row", []),
        "fields": [
            {
                "name": name,
                "label": label_of(name),
                "received": cells.get(name, ""),
                "value": cells.get(name, ""),
                "problems": problems.get(name, []),
                "editable": True,
            }
            for name in names
        ],
        "history": _history(row),
        "previous_url": before and reverse("quarantined_row", args=[code, before]),
        "next_url": after and reverse("quarantined_row", args=[code, after]),
    }


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
                "what": "Resubmitted" if revision.action == "resubmit" else "Rejected",
                "detail": "; ".join(part for part in (changed, revision.reason) if part),
            }
        )
        if outcome is not None:
            why = "; ".join(f"{label_of(v['field'])}: {v['expected']}" for v in outcome.violations)
            said.append(
                {
                    "at": moment(outcome.decided_at),
                    "by": "prodacct",
                    "what": ROW_STATES[outcome.outcome],
                    "detail": why,
                }
            )
    return said
