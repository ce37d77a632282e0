"""Budget versions with their lines, changes after the lock, EFC entries, refused crossings.

What is locked, changed and forecast counts only as postings of books 3 and 4; the rows here say
who asked for them, who approved and why. The seal (sql/guards.sql) holds the two together.
"""

from django.db import models
from django.db.models.functions import Now

from access.models import Production, User
from ledger.models import Account, Batch, SourceDocument
from taxonomy.models import CostCenter

STATES = ("draft", "approved", "locked", "superseded")
KINDS = ("transfer", "draw", "overage")
WAYS = ("efc", "etc", "delta")


def _money() -> models.DecimalField:  # type: ignore[type-arg]
    return models.DecimalField(max_digits=19, decimal_places=4)


class BudgetVersion(models.Model):
    """A budget as one file states it: draft, approved, and one of them locked.

    `currency` is what the file is in, `rate` what one unit of it is in the production's.
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    number = models.IntegerField()
    name = models.CharField(max_length=80)
    state = models.CharField(max_length=10, default="draft")
    currency = models.CharField(max_length=3)
    rate = models.DecimalField(max_digits=19, decimal_places=10)
    document = models.ForeignKey(SourceDocument, models.PROTECT, related_name="+")
    document_sha256 = models.BinaryField(max_length=32)
    file_name = models.CharField(max_length=150)
    total = models.DecimalField(max_digits=19, decimal_places=4)
    line_count = models.IntegerField()
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(db_default=Now())
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    lock_asked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    lock_asked_at = models.DateTimeField(null=True)
    locked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    locked_at = models.DateTimeField(null=True)
    typed_total = models.DecimalField(max_digits=19, decimal_places=4, null=True)
    batch = models.OneToOneField(Batch, models.PROTECT, null=True, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["production", "number"], name="budget_number"),
            models.UniqueConstraint(
                fields=["production"],
                condition=models.Q(state="locked"),
                name="one_locked_budget",
            ),
            models.CheckConstraint(condition=models.Q(state__in=STATES), name="budget_state"),
            models.CheckConstraint(condition=models.Q(rate__gt=0), name="budget_rate"),
        ]

    def __str__(self) -> str:
        return f"v{self.number} {self.name}"


class BudgetLine(models.Model):
    """One line of a version, and the row of the file it stands in. Never changed."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    version = models.ForeignKey(BudgetVersion, models.PROTECT, related_name="+")
    number = models.IntegerField()
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    cost_center = models.ForeignKey(CostCenter, models.PROTECT, related_name="+")
    line = models.CharField(max_length=5)
    stated_account = models.CharField(max_length=40)
    description = models.CharField(max_length=200)
    amount = _money()
    original_amount = _money()
    source_line = models.IntegerField()
    source_start = models.BigIntegerField()
    source_end = models.BigIntegerField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["version", "number"], name="budget_line_number"),
        ]

    def __str__(self) -> str:
        return f"{self.version_id}/{self.number}"


class BudgetChange(models.Model):
    """A transfer, contingency draw or overage: asked for by one person, decided by another.

    One that `takes_back` another is of its kind and says the opposite of it, line by line.
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    number = models.IntegerField()
    kind = models.CharField(max_length=8)
    state = models.CharField(max_length=9, default="requested")
    day = models.DateField()
    reason = models.TextField()
    document = models.ForeignKey(SourceDocument, models.PROTECT, related_name="+")
    document_sha256 = models.BinaryField(max_length=32)
    document_size = models.BigIntegerField()
    requested_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(db_default=Now())
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    batch = models.OneToOneField(Batch, models.PROTECT, null=True, related_name="+")
    takes_back = models.OneToOneField("self", models.PROTECT, null=True, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["production", "number"], name="budget_change_number"),
            models.CheckConstraint(condition=models.Q(kind__in=KINDS), name="budget_change_kind"),
            models.CheckConstraint(
                condition=models.Q(state__in=["requested", "approved", "rejected"]),
                name="budget_change_state",
            ),
            models.CheckConstraint(
                condition=models.Q(reason__regex=r"\S"), name="budget_change_reason"
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """BC-0001: how people name it."""
        return f"BC-{self.number:04d}"


class BudgetChangeLine(models.Model):
    """What a change adds to one account's budget, or takes from it."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    change = models.ForeignKey(BudgetChange, models.PROTECT, related_name="+")
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    cost_center = models.ForeignKey(CostCenter, models.PROTECT, related_name="+")
    amount = _money()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["change", "account"], name="budget_change_account"),
            models.CheckConstraint(condition=~models.Q(amount=0), name="budget_change_not_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.change_id} {self.account_id}"


class EfcEntry(models.Model):
    """A numbered, dated, reasoned change of one account's EFC. Never changed.

    `opening` is the EFC by default that the account's first entry takes over, else 0; the batch
    posts opening + change.
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    number = models.IntegerField()
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    cost_center = models.ForeignKey(CostCenter, models.PROTECT, related_name="+")
    day = models.DateField()
    way = models.CharField(max_length=5)
    stated = _money()
    total_cost = _money()
    opening = _money()
    efc_before = _money()
    efc_after = _money()
    reason = models.TextField()
    entered_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    entered_at = models.DateTimeField(db_default=Now())
    batch = models.OneToOneField(Batch, models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["production", "number"], name="efc_number"),
            models.CheckConstraint(condition=models.Q(way__in=WAYS), name="efc_way"),
            models.CheckConstraint(condition=models.Q(reason__regex=r"\S"), name="efc_reason"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """VE-0001: how people name it."""
        return f"VE-{self.number:04d}"


class RefusedCrossing(models.Model):
    """An attempt to move a cost across the frozen boundary, kept as it was asked for."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    attempted_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    attempted_at = models.DateTimeField(db_default=Now())
    payload = models.TextField()
    payload_sha256 = models.BinaryField(max_length=32)
    was = models.CharField(max_length=40)
    would_be = models.CharField(max_length=40)
    sentence = models.TextField()
    trace = models.TextField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.was} to {self.would_be}"
