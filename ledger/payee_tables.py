"""The tables of who is paid. Beside `ledger.models`, which has them."""

from django.db import models

from access.models import Production
from taxonomy.models import CostCenter


class Payee(models.Model):
    """The name and words behind a token of the journal (ledger/pay.py); for who may see pay."""

    pk = models.CompositePrimaryKey("production_id", "token")
    production = models.ForeignKey(Production, models.PROTECT, related_name="+", db_index=False)
    token = models.CharField(max_length=70)
    cost_center = models.ForeignKey(
        CostCenter, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    salt = models.BinaryField(max_length=16)
    name = models.TextField()
    description = models.TextField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.token


class PayKey(models.Model):
    """32 random bytes that a production's payroll documents are hashed with.

    A document's key and facts are hashes of a few short words. Unkeyed, whoever sees the hash
    could try every rate until one fits.
    """

    production = models.OneToOneField(
        Production, models.PROTECT, primary_key=True, related_name="+"
    )
    key = models.BinaryField(max_length=32)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"pay key of {self.production_id}"
