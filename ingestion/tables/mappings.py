"""The tables of mapping versions, of drift, and of dry runs.

Beside `ingestion.models`, which has them.
"""

from django.db import models
from django.db.models.functions import Now

from access.models import Production, User


class MappingVersion(models.Model):
    """What a production has decided of a source's files, all of it so far. Kept for good.

    `base` is the built-in version it was accepted on, `number` counts the source's versions here.
    Every row is an entry of the sealed log: an altered one is found.
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    source = models.CharField(max_length=40)
    number = models.IntegerField()
    base = models.CharField(max_length=50)
    rules = models.JSONField()
    # Of the header it was accepted for; '' for a rule about something else.
    fingerprint = models.CharField(max_length=64, blank=True)
    batch = models.ForeignKey("ingestion.ImportBatch", models.PROTECT, null=True, related_name="+")
    reason = models.TextField(blank=True)
    accepted_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    accepted_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["production", "source", "number"], name="mapping_version_once"
            ),
            models.CheckConstraint(
                condition=models.Q(number__gte=1), name="mapping_version_from_one"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.base}+{self.number}"


class DriftEntry(models.Model):
    """One column that was not as before, and what came of it. Kept for good."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    batch = models.ForeignKey("ingestion.ImportBatch", models.PROTECT, null=True, related_name="+")
    source = models.CharField(max_length=40)
    mapping = models.CharField(max_length=60)
    header = models.CharField(max_length=200)
    change = models.CharField(max_length=8)
    field = models.CharField(max_length=40, blank=True)
    was = models.CharField(max_length=200, blank=True)
    verdict = models.CharField(max_length=10)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=models.Q(change__in=["renamed", "moved", "new", "missing"]),
                name="drift_change",
            ),
            models.CheckConstraint(
                condition=models.Q(verdict__in=["resolved", "unread", "stopped"])
                | models.Q(verdict__in=["mapped", "ignored"], decided_by__isnull=False),
                name="drift_verdict",
            ),
        ]
        indexes = [models.Index(fields=["production", "source", "header"], name="drift_of_column")]

    def __str__(self) -> str:
        return f"{self.header} {self.change}"


class DryRun(models.Model):
    """What an import would do if its columns were read by these rules: asked, counted, not done."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    batch = models.ForeignKey("ingestion.ImportBatch", models.PROTECT, related_name="+")
    base = models.CharField(max_length=50)
    rules = models.JSONField()
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(db_default=Now())
    rows = models.IntegerField(default=0)
    posted = models.IntegerField(default=0)
    duplicate = models.IntegerField(default=0)
    quarantined = models.IntegerField(default=0)
    totals = models.JSONField(default=list)
    causes = models.JSONField(default=list)
    is_whole = models.BooleanField(default=True)
    reason = models.TextField(blank=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    rows=models.F("posted") + models.F("duplicate") + models.F("quarantined")
                ),
                name="dry_run_accounts",
            )
        ]

    def __str__(self) -> str:
        return f"dry run of import {self.batch_id}"
