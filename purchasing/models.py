"""Vendors, purchase orders, and the papers by which money is owed, paid, advanced and returned.

The money itself stands in the journal. A paper (`Entry`) says which document of the journal it
became; nothing here repeats a balance.
"""

from django.db import models
from django.db.models.functions import Lower, Now
from simple_history.models import HistoricalRecords

from access.models import Production, User
from ledger.models import Account, Batch, Commitment
from ledger.segments import MOST_CHARACTERS
from taxonomy.models import CostCenter, Unit


class Vendor(models.Model):
    """Somebody who is paid. One vendor of a name, whatever its case."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    terms_days = models.IntegerField(default=30)
    is_active = models.BooleanField(default=True)
    history = HistoricalRecords()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint("production", Lower("name"), name="vendor_name"),
            models.CheckConstraint(
                condition=models.Q(terms_days__gte=0, terms_days__lte=365), name="vendor_terms"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class VendorTaxNumber(models.Model):
    """A vendor's tax number, which may be a person's own: for those who may see pay."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    vendor = models.OneToOneField(Vendor, models.PROTECT, related_name="+")
    number = models.CharField(max_length=32)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=~models.Q(number=""), name="tax_number_is_said"),
        ]

    def __str__(self) -> str:
        return f"tax number of vendor {self.vendor_id}"


class PurchaseOrder(models.Model):
    """An order of one department to one vendor, in one currency. `state`: purchasing/states.py.

    `version` is the version of the lines that is committed, 0 before the order is opened;
    `drafted` is the newest. An amendment is a further version that goes the way of the first.
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    cost_center = models.ForeignKey(CostCenter, models.PROTECT, related_name="+")
    number = models.CharField(max_length=16)
    vendor = models.ForeignKey(Vendor, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8)
    currency = models.CharField(max_length=3)
    description = models.TextField(blank=True)
    rental_starts_on = models.DateField(null=True)
    rental_ends_on = models.DateField(null=True)
    state = models.CharField(max_length=8, default="draft")
    version = models.IntegerField(default=0)
    drafted = models.IntegerField(default=1)
    requested_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    ordered_on = models.DateField()
    reason = models.TextField(blank=True)
    history = HistoricalRecords()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["production", "number"], name="order_number"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["purchase", "service", "rental"]), name="order_kind"
            ),
            models.CheckConstraint(
                condition=~models.Q(approved_by=models.F("requested_by")), name="order_four_eyes"
            ),
            models.CheckConstraint(
                condition=models.Q(rental_ends_on__isnull=True)
                | models.Q(rental_ends_on__gte=models.F("rental_starts_on")),
                name="order_rental_dates",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class OrderLine(models.Model):
    """One line of one version of an order. A line keeps its number from version to version."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    order = models.ForeignKey(PurchaseOrder, models.PROTECT, related_name="+")
    version = models.IntegerField()
    line_no = models.IntegerField()
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    cost_center = models.ForeignKey(CostCenter, models.PROTECT, related_name="+")
    description = models.TextField(blank=True)
    quantity = models.DecimalField(max_digits=12, decimal_places=3)
    rate = models.DecimalField(max_digits=19, decimal_places=4)
    amount = models.DecimalField(max_digits=19, decimal_places=4)
    segments = models.CharField(max_length=MOST_CHARACTERS, db_default="")  # ledger/segments.py

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["order", "version", "line_no"], name="order_line"),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="order_line_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}/{self.line_no} v{self.version}"


class OrderCommitment(models.Model):
    """The commitment of the journal that a line of an order became when the order was opened."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    order = models.ForeignKey(PurchaseOrder, models.PROTECT, related_name="+")
    cost_center = models.ForeignKey(CostCenter, models.PROTECT, related_name="+")
    line_no = models.IntegerField()
    commitment = models.OneToOneField(Commitment, models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["order", "line_no"], name="order_commitment"),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}/{self.line_no}"


class Fund(models.Model):
    """A petty-cash float or a purchase card: who holds it, its own account, and its size."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    cost_center = models.ForeignKey(CostCenter, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10)
    custodian = models.CharField(max_length=120)
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3)
    imprest = models.DecimalField(max_digits=19, decimal_places=4)
    is_open = models.BooleanField(default=True)
    history = HistoricalRecords()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["production", "kind", "custodian"], name="fund_holder"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["petty_cash", "card"]), name="fund_kind"
            ),
            models.CheckConstraint(condition=models.Q(imprest__gte=0), name="fund_imprest"),
        ]

    def __str__(self) -> str:
        return f"{self.custodian} ({self.kind})"


class Entry(models.Model):
    """A paper that was posted: an invoice, a payment, a journal, an envelope, an advance.

    `version` counts how often a number was entered again after it was voided. A paper of several
    cost centres has none of its own, and is seen by those who see them all.
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    cost_center = models.ForeignKey(CostCenter, models.PROTECT, null=True, related_name="+")
    kind = models.CharField(max_length=16)
    number = models.CharField(max_length=40)
    version = models.IntegerField(default=1)
    vendor = models.ForeignKey(Vendor, models.PROTECT, null=True, related_name="+")
    fund = models.ForeignKey(Fund, models.PROTECT, null=True, related_name="+")
    currency = models.CharField(max_length=3)
    total = models.DecimalField(max_digits=19, decimal_places=4)
    dated = models.DateField()
    due_on = models.DateField(null=True)
    batch = models.ForeignKey(Batch, models.PROTECT, related_name="+")
    transaction_number = models.IntegerField(default=1)
    entered_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    entered_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["production", "kind", "vendor", "fund", "number", "version"],
                nulls_distinct=False,
                name="entry_number",
            ),
            models.UniqueConstraint(fields=["batch", "transaction_number"], name="entry_document"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


class Settlement(models.Model):
    """How much of an invoice a payment pays, in the invoice's currency."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    cost_center = models.ForeignKey(CostCenter, models.PROTECT, null=True, related_name="+")
    payment = models.ForeignKey(Entry, models.PROTECT, related_name="+")
    invoice = models.ForeignKey(Entry, models.PROTECT, related_name="+")
    amount = models.DecimalField(max_digits=19, decimal_places=4)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["payment", "invoice"], name="settlement_once"),
            models.CheckConstraint(condition=~models.Q(amount=0), name="settlement_not_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.payment_id} pays {self.amount} of {self.invoice_id}"
