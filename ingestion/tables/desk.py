"""What people do at the quarantine desk with many rows at once.

Beside `ingestion.models`, which has it.
"""

from django.db import models
from django.db.models.functions import Now

from access.models import Production, User
from ledger.models import SourceDocument


class DeskAct(models.Model):
    """One decision about many held rows: who, when, about what, why, and how far it is.

    What it says never changes; its counters grow with each chunk the worker carries out, and
    `position` is the last row looked at. Rows are counted once: posted, duplicate, held again,
    rejected, or passed over, because somebody dealt with them meanwhile.
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=6)
    action = models.CharField(max_length=8)
    cause = models.CharField(max_length=300, blank=True)
    batch = models.ForeignKey(
        "ingestion.ImportBatch", models.PROTECT, related_name="+", null=True, db_index=False
    )
    document = models.ForeignKey(SourceDocument, models.PROTECT, related_name="+", null=True)
    values = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    rows = models.IntegerField()
    last_row = models.BigIntegerField(default=0)
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=8, default="waiting")
    position = models.BigIntegerField(default=0)
    posted = models.IntegerField(default=0)
    duplicate = models.IntegerField(default=0)
    held = models.IntegerField(default=0)
    rejected = models.IntegerField(default=0)
    passed = models.IntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="cause", action__in=["resubmit", "reject", "release"])
                | models.Q(kind="upload", action="resubmit", document__isnull=False),
                name="desk_act_kind",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "working", "done", "stopped"]),
                name="desk_act_state",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    rows__gte=models.F("posted")
                    + models.F("duplicate")
                    + models.F("held")
                    + models.F("rejected")
                    + models.F("passed")
                ),
                name="desk_act_counts",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="done")
                | models.Q(
                    rows=models.F("posted")
                    + models.F("duplicate")
                    + models.F("held")
                    + models.F("rejected")
                    + models.F("passed")
                ),
                name="desk_act_accounted",
            ),
            models.UniqueConstraint(
                fields=["production", "cause"],
                condition=models.Q(kind="cause", state__in=["waiting", "working"]),
                name="one_act_on_a_cause",
            ),
        ]
        indexes = [models.Index(fields=["production", "-id"], name="desk_acts")]

    def __str__(self) -> str:
        return f"act {self.pk}"

    @property
    def done(self) -> int:
        """How many of its rows are accounted for."""
        return self.posted + self.duplicate + self.held + self.rejected + self.passed


class DeskFinding(models.Model):
    """A line of a fixed file that could not be taken, and why. The others were."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+", db_index=False)
    act = models.ForeignKey(DeskAct, models.PROTECT, related_name="+")
    line = models.IntegerField()
    code = models.CharField(max_length=40)
    said = models.TextField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"line {self.line}: {self.said}"
