"""What does not go through by itself: limits, the dead letters, and what people decided."""

from django.db import models
from django.db.models.functions import Now

from access.models import Production, User
from ledger.models import SourceDocument

OPEN_LETTERS = ("waiting", "retrying", "given_up", "decided")


class Threshold(models.Model):
    """The largest file that goes through without a person. The newest row of a source is in
    force; a row without a source is for all that have none of their own."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    source = models.CharField(max_length=40, blank=True)
    most_rows = models.IntegerField()
    most_bytes = models.BigIntegerField()
    reason = models.TextField()
    made_at = models.DateTimeField(db_default=Now())
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=models.Q(most_rows__gt=0, most_bytes__gt=0), name="threshold_above_zero"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source or 'every source'}: {self.most_rows} rows, {self.most_bytes} bytes"


class DeadLetter(models.Model):
    """A file over its limit, a call that was refused, or work that was given up.

    `subject_id` names the import, the feed's run or the work item, by `kind`. What was received
    stays where it was kept: `document`, found by its hash.
    """

    class State(models.TextChoices):
        """How it stands. All but the last two are open."""

        WAITING = "waiting", "Waiting for a person"
        RETRYING = "retrying", "Tried again by itself"
        GIVEN_UP = "given_up", "Given up: waiting for a person"
        DECIDED = "decided", "Decided, at the queue"
        DONE = "done", "Done"
        DROPPED = "dropped", "Dropped"

    production = models.ForeignKey(Production, models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=8)
    subject_id = models.BigIntegerField()
    source = models.CharField(max_length=40, blank=True)
    label = models.CharField(max_length=200)
    code = models.CharField(max_length=40)
    cause = models.TextField()
    document = models.ForeignKey(SourceDocument, models.PROTECT, null=True, related_name="+")
    batch = models.ForeignKey("ImportBatch", models.PROTECT, null=True, related_name="+")
    attempts = models.IntegerField(default=1)
    next_try_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    opened_at = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["production", "kind", "subject_id"],
                condition=models.Q(state__in=OPEN_LETTERS),
                name="one_open_letter",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=["file", "call", "work"]), name="letter_kind"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=[*OPEN_LETTERS, "done", "dropped"]),
                name="letter_state",
            ),
        ]

    def __str__(self) -> str:
        return f"dead letter {self.pk}"


class Decision(models.Model):
    """What a named person decided of a dead letter or of an import, and why. Kept for good."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    action = models.CharField(max_length=8)
    letter = models.ForeignKey(DeadLetter, models.PROTECT, null=True, related_name="+")
    batch = models.ForeignKey("ImportBatch", models.PROTECT, null=True, related_name="+")
    reason = models.TextField()
    made_at = models.DateTimeField(db_default=Now())
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=models.Q(action__in=["redrive", "drop"], letter__isnull=False)
                | models.Q(action__in=["cancel", "read"], batch__isnull=False),
                name="decision_action",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} by {self.made_by_id}"
