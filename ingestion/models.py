"""Imports and what became of every row that did not post."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from access.models import Production, User
from ingestion.tables.desk import DeskAct, DeskFinding
from ingestion.tables.feeds import Feed, FeedPage, FeedRun  # noqa: F401 - as below
from ingestion.tables.letters import DeadLetter, Decision, Threshold  # noqa: F401 - their app's
from ingestion.tables.mappings import (  # noqa: F401 - their app's tables
    DriftEntry,
    DryRun,
    MappingVersion,
)
from ingestion.tables.marks import InvoiceMark  # noqa: F401 - as above
from ingestion.tables.questions import Question
from ingestion.tables.uploads import Upload, UploadPiece  # noqa: F401 - its app's tables
from ledger.models import SourceDocument
from overrides.models import Override
from taxonomy.models import Unit

PAYLOAD_BYTES_KEPT = 1_000_000

__all__ = [
    "DeskAct", "DeskFinding", "DuplicateRow", "HeldRow", "ImportBatch", "ImportState",
    "Question", "RevisionOutcome", "RowRevision", "WorkItem",
]  # fmt: skip


class ImportState(models.TextChoices):
    """What can be said of an import at any moment. Never blank."""

    RECEIVED = "received", "Received"
    OVER_LIMIT = "over_limit", "Waiting: over the limit"
    CHECKING = "checking", "Checking"
    MAPPING_NEEDED = "mapping_needed", "Mapping needed"
    POSTING = "posting", "Posting"
    FAILED = "failed", "Failed"
    POSTED = "posted", "Posted"
    POSTED_WITH_QUARANTINE = "posted_with_quarantine", "Posted with quarantine"
    REJECTED = "rejected", "Rejected"
    CANCELLED = "cancelled", "Cancelled"


class ImportBatch(models.Model):
    """One reading of one document as one source: counters, position, heartbeat and end.

    rows = posted + duplicate + quarantined at every commit.
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    document = models.ForeignKey(SourceDocument, models.PROTECT, related_name="+")
    file_name = models.CharField(max_length=150)
    form = models.CharField(max_length=8, blank=True)
    source = models.CharField(max_length=40)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    mapping = models.CharField(max_length=60)
    declared = models.JSONField(default=dict)
    state = models.CharField(
        max_length=24, choices=ImportState.choices, default=ImportState.RECEIVED
    )
    code = models.CharField(max_length=40, blank=True)
    reason = models.TextField(blank=True)
    notes = models.JSONField(default=list)
    # The file's columns and how its text was read; samples only while it waits for its mapping.
    shape = models.JSONField(default=dict)
    rows = models.IntegerField(default=0)
    posted = models.IntegerField(default=0)
    duplicate = models.IntegerField(default=0)
    quarantined = models.IntegerField(default=0)
    byte_position = models.BigIntegerField(default=0)
    rows_per_second = models.IntegerField(default=0)
    # A named person has decided that it goes through whatever its size.
    past_limit = models.BooleanField(default=False)
    heartbeat_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["production", "document", "source", "form", "declared"],
                condition=~models.Q(state__in=["rejected", "cancelled"]),
                name="document_read_once",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    rows=models.F("posted") + models.F("duplicate") + models.F("quarantined")
                ),
                name="every_row_accounted",
            ),
        ]

    def __str__(self) -> str:
        return f"import {self.pk}"


class HeldRow(models.Model):
    """A quarantined row: the bytes as received, what is wrong with it, and how it ended."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+", db_index=False)
    batch = models.ForeignKey(ImportBatch, models.PROTECT, related_name="+", db_index=False)
    row = models.IntegerField()
    line = models.IntegerField()
    byte_start = models.BigIntegerField()
    byte_end = models.BigIntegerField()
    payload = models.BinaryField()
    payload_sha256 = models.BinaryField(max_length=32)
    cells = models.JSONField(null=True)
    violations = models.JSONField()
    codes = ArrayField(models.CharField(max_length=40))
    cause = models.CharField(max_length=300)
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=19, decimal_places=4, null=True)
    held_at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=12, default="held")
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["production", "batch", "row"], name="held_once"),
            models.CheckConstraint(
                condition=models.Q(
                    state__in=["held", "resubmitted", "posted", "duplicate", "rejected"]
                ),
                name="held_row_state",
            ),
        ]
        indexes = [
            models.Index(
                # In the desk's order, with all that grouping and counting ask for.
                fields=["production", "cause", "id"],
                include=["batch", "state", "currency", "amount"],
                name="held_by_cause",
                condition=models.Q(state__in=["held", "resubmitted"]),
            )
        ]

    def __str__(self) -> str:
        return f"held row {self.pk}"


class RowRevision(models.Model):
    """What a person did with a held row: a fix to be resubmitted, or a rejection. Kept for good.

    `act` where it was decided for many rows at once.
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    held_row = models.ForeignKey(HeldRow, models.PROTECT, related_name="+")
    action = models.CharField(max_length=10)
    values = models.JSONField(default=dict)
    # What the fields that `values` changes said before.
    was = models.JSONField(default=dict, db_default={})
    reason = models.TextField(blank=True)
    # The mapping the row is read again by; '' for the one its import was read by.
    mapping = models.CharField(max_length=60, blank=True, db_default="")
    made_at = models.DateTimeField(db_default=Now())
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    act = models.ForeignKey(DeskAct, models.PROTECT, related_name="+", null=True, db_index=False)
    # Of what was done under an override: posted as it stood, or taken back unratified.
    override = models.ForeignKey(Override, models.PROTECT, related_name="+", null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=models.Q(action__in=["resubmit", "reject", "release", "undo"])
                | models.Q(action="waive", override__isnull=False),
                name="revision_action",
            ),
            models.UniqueConstraint(
                fields=["override", "action"], name="revision_once_an_override"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} of {self.held_row_id}"


class RevisionOutcome(models.Model):
    """What came of a revision: posted, duplicate, rejected, or held again and why; of one that
    takes a posting back: undone, with the batch that reversed it, or refused."""

    revision = models.OneToOneField(RowRevision, models.PROTECT, primary_key=True, related_name="+")
    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=10)
    violations = models.JSONField(default=list)
    batch_id = models.BigIntegerField(null=True)
    decided_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.outcome


class DuplicateRow(models.Model):
    """A row that says what an already posted document says: shown, not posted."""

    pk = models.CompositePrimaryKey("production_id", "batch_id", "row")
    production = models.ForeignKey(Production, models.PROTECT, related_name="+", db_index=False)
    batch = models.ForeignKey(ImportBatch, models.PROTECT, related_name="+", db_index=False)
    row = models.IntegerField()
    line = models.IntegerField()
    original_batch = models.BigIntegerField()
    original_number = models.IntegerField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"row {self.row} of import {self.batch_id}"


class WorkItem(models.Model):
    """Work to be done once. The row is the queue; a message only wakes a worker."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=12)
    subject_id = models.BigIntegerField()
    state = models.CharField(max_length=8, default="ready")
    priority = models.SmallIntegerField(default=100)
    attempts = models.IntegerField(default=0)
    failures = models.IntegerField(default=0)
    run_after = models.DateTimeField(db_default=Now())
    claimed_at = models.DateTimeField(null=True)
    worker = models.CharField(max_length=80, blank=True)
    error = models.TextField(blank=True)
    # Dead work has a dead letter: buried, or taken up again by a person's decision.
    letter = models.CharField(max_length=8, blank=True, db_default="")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["kind", "subject_id"], name="work_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=["ready", "running", "done", "dead"]),
                name="work_state",
            ),
        ]
        indexes = [
            models.Index(
                fields=["priority", "id"], name="work_ready", condition=models.Q(state="ready")
            ),
            models.Index(
                fields=["claimed_at"], name="work_running", condition=models.Q(state="running")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_id} {self.state}"
