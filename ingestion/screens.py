"""What the import screens show, ready for their templates."""

from datetime import UTC, datetime
from typing import Any

from django.urls import reverse

from ingestion import selectors
from ingestion.models import ImportBatch, ImportState
from ingestion.sources import REGISTRY

STALLED_SECONDS = 40
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
