"""Who looked at pages as whom: kept for good, each state of it in the office's sealed log."""

from django.db import models

from access.models import Production, User


class Viewing(models.Model):
    """One person looks at a production's pages as another is shown them, to read only.

    `mark` is a hash of the session it belongs to; `ended_by` says what ended it, '' while it runs.
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    viewer = models.ForeignKey(User, models.PROTECT, related_name="+")
    person = models.ForeignKey(User, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300)
    began_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=10, default="")
    ip = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=200)
    mark = models.BinaryField(max_length=32)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["mark"],
                condition=models.Q(ended_at__isnull=True),
                name="one_viewing_of_a_session",
            ),
        ]
        indexes = [models.Index(fields=["production", "-id"], name="viewing_of_production")]

    def __str__(self) -> str:
        return f"{self.viewer_id} as {self.person_id}"
