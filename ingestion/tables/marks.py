"""What posted invoices are found by when another is probably the same. Beside `ingestion.models`,
which has it.
"""

from django.db import models

from access.models import Production
from ledger.models import Batch


class InvoiceMark(models.Model):
    """The terms of one posted row of vendor invoices: the digits of its number, without zeros, its
    currency and amount. What else it states is the posted document's to say."""

    pk = models.CompositePrimaryKey("production_id", "batch_id", "number")
    production = models.ForeignKey(Production, models.PROTECT, related_name="+", db_index=False)
    batch = models.ForeignKey(Batch, models.PROTECT, related_name="+", db_index=False)
    number = models.IntegerField()
    number_key = models.CharField(max_length=400)
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=19, decimal_places=4)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["production", "number_key", "currency", "amount"], name="invoice_terms"
            )
        ]

    def __str__(self) -> str:
        return f"invoice {self.batch_id}-{self.number}"
