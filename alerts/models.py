"""What people are told: alerts, who has read them, what goes out about them, and secrets.

The tables keep the names they had when they were the intake's alone.
"""

from django.db import models
from django.db.models.functions import Now

from access.models import Production, User
from alerts.kinds import AUDIENCES


class Alert(models.Model):
    """One thing that goes wrong, however often: counted by production, kind and source.

    It holds counts and no figures, names or file contents, since it leaves the house.
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8)
    source = models.CharField(max_length=40, blank=True)
    # Whom it is for: those who may do this.
    audience = models.CharField(max_length=20, db_default="import_files")
    count = models.IntegerField(default=1)
    first_at = models.DateTimeField(db_default=Now())
    last_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    class Meta:
        db_table = "ingestion_alert"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["production", "kind", "source"],
                condition=models.Q(closed_at__isnull=True),
                name="one_open_alert",
            ),
            models.CheckConstraint(
                condition=models.Q(audience__in=AUDIENCES), name="alert_audience"
            ),
        ]

    def __str__(self) -> str:
        return f"alert {self.pk}"


class AlertSeen(models.Model):
    """Up to which count a person has read an alert."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    alert = models.ForeignKey(Alert, models.PROTECT, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    count = models.IntegerField()

    class Meta:
        db_table = "ingestion_alertseen"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["alert", "user"], name="alert_seen_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} has read {self.alert_id}"


class AlertHook(models.Model):
    """Where a production's alerts are sent to. The newest row is in force; '' is nowhere."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    url = models.CharField(max_length=500, blank=True)
    made_at = models.DateTimeField(db_default=Now())
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")

    class Meta:
        db_table = "ingestion_alerthook"
        default_permissions = ()

    def __str__(self) -> str:
        return self.url or "nowhere"


class Notice(models.Model):
    """A message about an alert that goes out by mail or webhook, at least once, under one key.

    The queue takes it up after `run_after` (ingestion/sql/notices.sql).
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    alert = models.ForeignKey(Alert, models.PROTECT, related_name="+")
    channel = models.CharField(max_length=8)
    key = models.UUIDField(unique=True)
    count = models.IntegerField(default=0)
    run_after = models.DateTimeField(db_default=Now())
    made_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "ingestion_notice"
        default_permissions = ()
        constraints = [
            # However many come meanwhile, one message waits, and tells of them all.
            models.UniqueConstraint(
                fields=["alert", "channel"],
                condition=models.Q(sent_at__isnull=True),
                name="one_waiting_notice",
            ),
            models.CheckConstraint(
                condition=models.Q(channel__in=["mail", "webhook"]), name="notice_channel"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.key}"


class Secret(models.Model):
    """What signs us in with a vendor, or signs what we send: encrypted, and never shown again."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8)
    subject_id = models.BigIntegerField()
    sealed = models.BinaryField()
    made_at = models.DateTimeField(db_default=Now())
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")

    class Meta:
        db_table = "ingestion_secret"
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["feed", "hook"]), name="secret_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"secret of {self.kind} {self.subject_id}"
