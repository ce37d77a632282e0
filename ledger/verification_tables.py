"""The tables of what verifying the journal found: logs that were whole, and what was altered.

Beside `ledger.models`, which has them. When a row was written the database says, not who writes.
"""

from django.db import models
from django.db.models.functions import Now

from access.models import Production
from taxonomy.models import Unit


class Verification(models.Model):
    """How far a unit's log was recomputed from live rows, and found whole."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+", db_index=False)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", db_index=False)
    size = models.BigIntegerField()
    root = models.BinaryField(max_length=32)
    verified_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["production", "unit", "size"], name="verified_to"),
        ]

    def __str__(self) -> str:
        return f"{self.unit_id} verified to {self.size}"


class Alteration(models.Model):
    """That records were found altered: how many, when, and which, one in a line.

    Which ones only the worker reads: their names are not everybody's to know.
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+", db_index=False)
    found_at = models.DateTimeField(db_default=Now())
    count = models.IntegerField()
    findings = models.TextField()

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["production", "found_at"], name="altered_at"),
        ]

    def __str__(self) -> str:
        return f"{self.count} altered"
