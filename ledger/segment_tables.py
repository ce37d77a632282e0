"""The table of what lines may be coded to besides their account.

Beside `ledger.models`, which has it.
"""

from django.db import models
from simple_history.models import HistoricalRecords

from access.models import Production
from ledger.segments import CODE, KINDS


class Segment(models.Model):
    """A code that lines may carry besides their account: a set, a location, an episode …

    `kind` is one of ledger/segments.py. A code stays what it was; `is_active` says whether it may
    still be named.
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=9)
    code = models.CharField(max_length=16)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    history = HistoricalRecords()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["production", "kind", "code"], name="segment_code"),
            models.CheckConstraint(condition=models.Q(kind__in=list(KINDS)), name="segment_kind"),
            models.CheckConstraint(
                condition=models.Q(code__regex=rf"^{CODE.pattern}$"), name="segment_code_form"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}={self.code}"
