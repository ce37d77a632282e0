"""What was asked and shown: one row for each request of a person whose reading is recorded."""

from django.db import models

from access.models import Production, User
from readlog.attempt_tables import Attempt  # noqa: F401 - its app's table
from readlog.viewing_tables import Viewing  # noqa: F401 - its app's table


class Read(models.Model):
    """One request of a bond representative or an auditor, and what left the house in answer.

    `sha256` is of the body as it was sent, 32 bytes; `rows_shown` is NULL where nobody can count.
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    role = models.CharField(max_length=30)
    strength = models.CharField(max_length=60)
    method = models.CharField(max_length=10)
    route = models.CharField(max_length=60)
    address = models.CharField(max_length=300)
    filters = models.CharField(max_length=2000)
    rows_shown = models.IntegerField(null=True)
    status = models.SmallIntegerField()
    sha256 = models.BinaryField(max_length=32)
    body_bytes = models.BigIntegerField()
    is_download = models.BooleanField()
    duration_ms = models.IntegerField()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["production", "-id"], name="read_of_production")]

    def __str__(self) -> str:
        return f"{self.method} {self.route}"
