"""The tables of foreign exchange: rates as published, what they converted, and holes filled.

Beside `ledger.models`, which has them all: those of the journal are named here, not imported.
"""

from django.db import models
from django.db.models.functions import Now

from access.models import Production, User


class RateSheet(models.Model):
    """The reference rates published on one day, as a production took them: units for one euro.

    `rates` maps a currency to its rate, as text. A correction is a further sheet that supersedes
    this one and says why; what was converted with this one stays converted with it.
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    source = models.CharField(max_length=12)
    published_on = models.DateField()
    rates = models.JSONField()
    document = models.ForeignKey("ledger.SourceDocument", models.PROTECT, related_name="+")
    url = models.CharField(max_length=300, blank=True)
    fetched_at = models.DateTimeField(db_default=Now())
    actor = models.ForeignKey(User, models.PROTECT, related_name="+")
    supersedes = models.OneToOneField("self", models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["production", "source", "published_on"],
                condition=models.Q(supersedes__isnull=True),
                name="rate_sheet_day",
            ),
            models.CheckConstraint(
                condition=models.Q(supersedes__isnull=True) | ~models.Q(reason=""),
                name="rate_sheet_correction_has_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.published_on}"


class Conversion(models.Model):
    """The rate at which a batch converted one currency on one day: target / source of a sheet.

    Of each posting it gives the exact value, amount x numerator / denominator; the posting's base
    amount is that, rounded, and the difference is what the rounding made. `lines` counts them.
    """

    pk = models.CompositePrimaryKey("production_id", "batch_id", "currency", "day")
    production = models.ForeignKey(Production, models.PROTECT, related_name="+", db_index=False)
    batch = models.ForeignKey("ledger.Batch", models.PROTECT, related_name="+", db_index=False)
    currency = models.CharField(max_length=3)
    day = models.DateField()
    sheet = models.ForeignKey(RateSheet, models.PROTECT, related_name="+")
    numerator = models.DecimalField(max_digits=17, decimal_places=8)
    denominator = models.DecimalField(max_digits=17, decimal_places=8)
    lines = models.IntegerField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.batch_id} {self.currency} {self.day}"


class FilledHole(models.Model):
    """Which document put in the amounts another was posted without, once a rate was known.

    The document takes each line out without a rate and puts it back with one.
    """

    pk = models.CompositePrimaryKey("production_id", "hole_batch_id", "hole_number")
    production = models.ForeignKey(Production, models.PROTECT, related_name="+", db_index=False)
    hole_batch = models.ForeignKey("ledger.Batch", models.PROTECT, related_name="+", db_index=False)
    hole_number = models.IntegerField()
    batch = models.ForeignKey("ledger.Batch", models.PROTECT, related_name="+", db_index=False)
    number = models.IntegerField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["production", "batch", "number"], name="filled_hole_document"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hole_batch_id}-{self.hole_number}"
