"""The held rows as a workbook with what is wrong with each, for somebody to fix and send back."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO

from django.db.models import QuerySet

from access.models import Production, User
from ingestion import selectors
from ingestion.desk import selectors as desk_selectors
from ingestion.desk.held_sheet import MOST_ROWS, SheetLine, write_sheet
from ingestion.layouts.mapping import ALL_FIELDS
from ingestion.models import HeldRow
from ingestion.screens.desk import label_of

ROWS_AT_A_TIME = 1_000


def export_held(
    *, actor: User, production: Production, cause: str, batch_id: int | None, after: int,
    target: IO[bytes],
) -> int:  # fmt: skip
    """Write the rows that wait, of one import or cause where it is named, into `target`; how many.

    A workbook holds so many that it can be read back; the list says how many were left for the
    next, and behind which row that begins.
    """
    rows = desk_selectors.rows_to_export(production, cause, batch_id, after)
    part = rows[:MOST_ROWS]
    used = desk_selectors.fields_held(rows)
    about = [
        ("Production", f"{production.code} {production.title}"),
        ("As of", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
        ("Written by", str(actor)),
        ("Cause", cause or "every cause"),
        ("Import", _import(production, batch_id)),
        ("Not in this list", _left(rows)),
        ("How to use it", "Correct the fields, leave the columns Row id and Check as they are, "
         "save, and send the file back at the quarantine desk. Lines you do not change stay held; "
         "you may delete them. The columns from Codes on are for reading only."),
    ]  # fmt: skip
    return write_sheet(target, [name for name in ALL_FIELDS if name in used], _lines(part), about)


def _import(production: Production, batch_id: int | None) -> str:
    batch = None if batch_id is None else selectors.import_by_id(production, batch_id)
    return "every import" if batch is None else f"{batch.file_name}, batch {batch.pk}"


def _left(rows: QuerySet[HeldRow]) -> str:
    total = rows.count()
    if total <= MOST_ROWS:
        return "nothing"
    last = rows.values_list("pk", flat=True)[MOST_ROWS - 1]
    return f"{total - MOST_ROWS:,} rows; export again with after={last} in the address"


def _lines(rows: QuerySet[HeldRow]) -> Iterator[SheetLine]:
    for row in rows.iterator(ROWS_AT_A_TIME):
        said = row.violations
        yield SheetLine(
            (str(row.pk), bytes(row.payload_sha256).hex(), row.batch.file_name, str(row.line)),
            row.cells or {},
            (
                ", ".join(row.codes),
                "; ".join(f"{label_of(v['field'])}: found {v['found']}" for v in said),
                "; ".join(f"{label_of(v['field'])}: {v['expected']}" for v in said),
                "; ".join(dict.fromkeys(v["fix"] for v in said)),
            ),
        )
