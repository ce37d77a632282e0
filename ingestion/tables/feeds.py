"""Vendors' APIs as a production has them: the feeds, their runs, the pages, and the secrets."""

from django.db import models
from django.db.models.functions import Now

from access.models import Production, User
from ledger.models import SourceDocument
from taxonomy.models import Unit


class Feed(models.Model):
    """One vendor's API that is read for a production, as one source, on stated terms."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    name = models.CharField(max_length=60)
    vendor = models.CharField(max_length=100)
    source = models.CharField(max_length=40)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    terms = models.JSONField()
    calls_per_minute = models.IntegerField(default=60)
    every_minutes = models.IntegerField(default=60)
    is_active = models.BooleanField(default=True)
    made_at = models.DateTimeField(db_default=Now())
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["production", "name"], name="feed_name"),
            models.CheckConstraint(
                condition=models.Q(calls_per_minute__gt=0, every_minutes__gt=0), name="feed_pace"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class FeedRun(models.Model):
    """One reading of a feed from its first page. The position moves with the page it follows."""

    class State(models.TextChoices):
        """How it stands."""

        RUNNING = "running", "Reading"
        DONE = "done", "Read to its end"
        FAILED = "failed", "Stopped"

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    feed = models.ForeignKey(Feed, models.PROTECT, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    position = models.TextField(blank=True)
    pages = models.IntegerField(default=0)
    rows = models.IntegerField(default=0)
    stated = models.IntegerField(null=True)
    failures = models.IntegerField(default=0)
    words = models.TextField(blank=True)
    started_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["feed"], condition=models.Q(state="running"), name="one_run_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"run {self.pk}"


class FeedPage(models.Model):
    """A page as it came: where its bytes are kept, and the import that reads them."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    run = models.ForeignKey(FeedRun, models.PROTECT, related_name="+")
    number = models.IntegerField()
    # SHA-256 of the position that was asked for: no position is asked for twice in a run.
    asked = models.BinaryField(max_length=32)
    document = models.ForeignKey(SourceDocument, models.PROTECT, related_name="+")
    batch = models.ForeignKey("ImportBatch", models.PROTECT, null=True, related_name="+")
    rows = models.IntegerField()
    fetched_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["run", "number"], name="page_once"),
            models.UniqueConstraint(fields=["run", "asked"], name="position_once"),
        ]

    def __str__(self) -> str:
        return f"page {self.number}"
