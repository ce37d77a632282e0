"""What the import screens show, ready for their templates."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.urls import reverse

from ingestion import selectors
from ingestion.layouts.mapping import DELIMITERS
from ingestion.layouts.rules import DATE_FORMATS, DECIMALS
from ingestion.layouts.sources import REGISTRY
from ingestion.models import ImportBatch, ImportState
from ingestion.tables.uploads import Upload
from ingestion.uploads import KEPT

STALLED_SECONDS = 40
ENCODINGS = ("utf-8", "cp1252", "iso-8859-1", "utf-16", "mac-roman", "shift_jis")
DATE_WORDS = {"%Y": "YYYY", "%m": "MM", "%d": "DD", "%y": "YY"}
RUNNING = (ImportState.CHECKING, ImportState.POSTING)
WAITING_FOR_A_PERSON = (
    ImportState.MAPPING_NEEDED,
    ImportState.OVER_LIMIT,
    ImportState.FAILED,
)


def moment(at: datetime | None) -> str:
    """A time as screens show it."""
    return "" if at is None else at.astimezone(UTC).strftime("%d %b %Y %H:%M UTC")


def source_choices(chosen: str = "") -> list[dict[str, Any]]:
    """The sources a file can be imported as."""
    return [
        {"key": m.source, "label": m.label, "hint": m.hint, "selected": m.source == chosen}
        for m in REGISTRY.values()
    ]


def in_words(form: str) -> str:
    """A date form as people write it: MM/DD/YYYY."""
    for directive, word in DATE_WORDS.items():
        form = form.replace(directive, word)
    return form


def writing_choices(sent: Mapping[str, str]) -> list[dict[str, Any]]:
    """What may be declared of how one file is written; '' is as its source usually writes."""
    asked = (
        ("encoding", "Encoding", [(e, e.upper()) for e in ENCODINGS]),
        ("delimiter", "Columns apart by", [(name, name) for name in DELIMITERS]),
        ("decimal", "Decimal mark", [(mark, mark) for mark in DECIMALS]),
        ("date_format", "Dates", [(form, in_words(form)) for form in DATE_FORMATS]),
    )
    return [
        {
            "name": name,
            "label": label,
            "choices": [
                {"value": value, "label": shown, "selected": sent.get(name, "") == value}
                for value, shown in [("", "As usual"), *choices]
            ],
        }
        for name, label, choices in asked
    ]


def upload_view(upload: Upload) -> dict[str, Any]:
    """A file of which a part has arrived."""
    return {
        "id": upload.pk,
        "file_name": upload.file_name,
        "byte_size": upload.byte_size,
        "received": upload.received,
        "percent": upload.received * 100 // upload.byte_size,
        "until": moment(upload.moved_at + KEPT),
        "sha256": bytes(upload.sha256).hex(),
    }


def import_view(batch: ImportBatch) -> dict[str, Any]:
    """One import with its counters, heartbeat and links."""
    code = batch.production.code
    is_finished = batch.state in selectors.FINISHED
    age = (
        None
        if batch.heartbeat_at is None
        else int((datetime.now(UTC) - batch.heartbeat_at).total_seconds())
    )
    size = batch.document.byte_size
    done = 100 if is_finished else min(99, batch.byte_position * 100 // size) if size else 0
    label = ImportState(batch.state).label
    return {
        "id": batch.pk,
        "file_name": batch.file_name,
        "sha256": bytes(batch.document.sha256).hex(),
        "source_label": REGISTRY[batch.source].label,
        "unit": batch.unit.code,
        "state": batch.state,
        "state_label": label,
        "rows": batch.rows,
        "posted": batch.posted,
        "duplicate": batch.duplicate,
        "quarantined": batch.quarantined,
        "percent": done,
        "heartbeat_age": age,
        "is_finished": is_finished,
        "is_running": batch.state in RUNNING,
        # What waits for a person is not asked for again and again.
        "is_settled": is_finished or batch.state in WAITING_FOR_A_PERSON,
        "is_stalled": batch.state in RUNNING and age is not None and age > STALLED_SECONDS,
        "rows_per_second": batch.rows_per_second if batch.state == ImportState.POSTING else 0,
        "code": batch.code,
        "reason": batch.reason,
        "next_step": f"It was read as: {REGISTRY[batch.source].label}. If it is of another kind, "
        "choose that source and send it again; else correct its header."
        if batch.code == "E_HEADER" and batch.state == ImportState.REJECTED
        else "",
        "received_at": moment(batch.created_at),
        "received_by": str(batch.created_by),
        "url": reverse("import_detail", args=[code, batch.pk]),
        "mapping": batch.mapping,
        "mapping_url": reverse("import_mapping", args=[code, batch.pk])
        if batch.state == ImportState.MAPPING_NEEDED
        else "",
        "notes": batch.notes,
        "quarantine_url": f"{reverse('quarantine', args=[code])}?batch={batch.pk}",
    }
