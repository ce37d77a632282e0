"""The words of a production: units, cost centres and the append-only tree of cost nodes."""

from django.db import models
from django.db.models.functions import Now
from guardian.models import UserObjectPermissionBase

from access.models import Production, User


class NodeFlag(models.TextChoices):
    """What a node that names another node is to it."""

    CORRECTION = "CORRECTION"
    OVERRIDE = "OVERRIDE"


class Unit(models.Model):
    """A shooting unit, or the production office (code OFFICE). Each has a log of its own."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    code = models.CharField(max_length=20)
    name = models.CharField(max_length=80)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["production", "code"], name="unit_code"),
        ]

    def __str__(self) -> str:
        return self.code


class CostCenter(models.Model):
    """A department as cost centre: the smallest thing a person can be given to see."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    code = models.CharField(max_length=6)
    name = models.CharField(max_length=80)

    class Meta:
        default_permissions = ()
        permissions = [("view_costs_of", "See the costs of this cost centre")]
        constraints = [
            models.UniqueConstraint(fields=["production", "code"], name="cost_center_code"),
        ]

    def __str__(self) -> str:
        return self.code


class CostCenterUserObjectPermission(UserObjectPermissionBase):
    """A guardian grant on a cost centre."""

    content_object = models.ForeignKey(CostCenter, models.CASCADE)

    class Meta(UserObjectPermissionBase.Meta):
        default_permissions = ()


class AccessFinding(models.Model):
    """What the nightly check found that grants, memberships and policies do not agree on."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    said = models.CharField(max_length=300)
    found_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.said


class CostNode(models.Model):
    """One node of production > unit > department > account. Never changed, never deleted.

    `digest` is SHA-256 over the node's own facts and its parent's digest (taxonomy/digest.py); the
    database computes it too and takes no other. A correction or an override names the digest of
    the node it corrects or departs from. `branch` is the override a node hangs below; the database
    sets it. Nodes without an `actor` were planted when the production was opened.
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    kind = models.CharField(max_length=12)
    code = models.CharField(max_length=20)
    name = models.CharField(max_length=120)
    line = models.CharField(max_length=5)
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+")
    window_start = models.DateField()
    window_end = models.DateField()
    digest = models.BinaryField(max_length=32)
    recorded_at = models.DateTimeField(auto_now_add=True)
    flag = models.CharField(max_length=10, choices=NodeFlag.choices, blank=True, default="")
    original = models.BinaryField(max_length=32, default=bytes)
    reason = models.CharField(max_length=300, blank=True, default="")
    branch = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["production", "unit", "code"], name="node_by_code"),
            models.Index(fields=["production", "digest"], name="node_by_digest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.code}"
