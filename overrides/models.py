"""Mandates (who signs, and how many must), keys, and overrides with the steps they took.

People insert; the database does the rest (sql/): it numbers, checks, moves the state, and writes
each step into the office's log. Nothing here is ever updated or removed by anybody.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from access.models import Production, User
from ledger.models import Attachment, Batch
from overrides.states import BACK_TO, GUARANTEED, KINDS, STATES

MANDATES = ("key.add", "key.revoke", "policy.set")
STEPS = ("approve", "reject", "stop", "expire", "execute", "ratify", "revert", "audit")
ONCE_EACH = ("approve", "reject")


class Transition(models.Model):
    """A step the database allows: overrides/states.py as rows."""

    step = models.CharField(max_length=8)
    was = models.CharField(max_length=9)
    becomes = models.CharField(max_length=9)
    who = models.CharField(max_length=6)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["step", "was", "becomes"], name="override_transition"),
        ]

    def __str__(self) -> str:
        return f"{self.was} > {self.becomes}"


class Mandate(models.Model):
    """A key to be added or revoked, or signing rules: `said`, once two others confirmed it."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    number = models.IntegerField()
    type = models.CharField(max_length=10)
    said = models.TextField()
    person = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=8, default="proposed")
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(db_default=Now())
    leaf = models.BinaryField(max_length=32, null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["production", "number"], name="mandate_number"),
            models.CheckConstraint(condition=models.Q(type__in=MANDATES), name="mandate_type"),
            models.CheckConstraint(
                condition=models.Q(state__in=["proposed", "in force"]), name="mandate_state"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.number}"


class Confirmation(models.Model):
    """One person's word for a mandate; a person confirms it once."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    mandate = models.ForeignKey(Mandate, models.PROTECT, related_name="+")
    person = models.ForeignKey(User, models.PROTECT, related_name="+")
    role = models.CharField(max_length=30)
    signature = models.TextField()
    confirmed_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["mandate", "person"], name="mandate_confirmed_once"),
        ]

    def __str__(self) -> str:
        return f"{self.mandate_id} by {self.person_id}"


class Key(models.Model):
    """A public key that signs overrides, from one mandate until another."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    mandate = models.OneToOneField(Mandate, models.PROTECT, related_name="+")
    number = models.IntegerField()
    person = models.ForeignKey(User, models.PROTECT, related_name="+")
    role = models.CharField(max_length=30)
    alg = models.CharField(max_length=16)
    public = models.CharField(max_length=130)
    credential = models.CharField(max_length=1400)
    rp = models.CharField(max_length=253)
    revoked_by = models.OneToOneField(Mandate, models.PROTECT, null=True, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["production", "public"], name="override_key_once"),
        ]

    def __str__(self) -> str:
        return f"key {self.number}"


class SealedKey(models.Model):
    """The private half of a fallback key, sealed under its owner's pass phrase: their row alone."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    public = models.CharField(max_length=64)
    # How the pass phrase became the key that opens it: each row keeps its own terms.
    kdf = models.CharField(max_length=10)
    salt = models.BinaryField(max_length=16)
    memory_kib = models.IntegerField()
    iterations = models.IntegerField()
    lanes = models.IntegerField()
    sealed = models.TextField()
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["production", "public"], name="sealed_key_once"),
            models.CheckConstraint(
                condition=models.Q(kdf="argon2id", memory_kib__gte=19456, iterations__gte=2),
                name="sealed_key_hard_to_guess",
            ),
        ]

    def __str__(self) -> str:
        return f"sealed key of {self.user_id}"


class SigningRule(models.Model):
    """Who must sign a kind up to an amount, as one version of the rules says."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    mandate = models.ForeignKey(Mandate, models.PROTECT, related_name="+")
    version = models.IntegerField()
    kind = models.CharField(max_length=20)
    up_to = models.DecimalField(max_digits=19, decimal_places=4, null=True)
    threshold = models.IntegerField()
    roles = ArrayField(models.CharField(max_length=30))
    open_hours = models.IntegerField()
    ratify_hours = models.IntegerField()
    ratify_roles = ArrayField(models.CharField(max_length=30))

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["mandate", "kind", "up_to"], name="signing_rule_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=models.Q(threshold__gte=2), name="signing_rule_two_people"
            ),
            models.CheckConstraint(
                condition=~models.Q(kind__in=list(GUARANTEED))
                | models.Q(roles__contains=["bond_representative"]),
                name="signing_rule_guarantor",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.kind} up to {self.up_to}"


class Override(models.Model):
    """Permission to depart from a rule: what is asked for, and where it stands.

    `proposed` is what is to be carried out; `lines` in it are (account, cost centre, amount), and
    exactly those are posted. `leaf` is the request's place in the log: it is what people sign.
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    number = models.IntegerField()
    kind = models.CharField(max_length=20)
    state = models.CharField(max_length=9)
    amount = models.DecimalField(max_digits=19, decimal_places=4)
    proposed = models.JSONField()
    target = models.CharField(max_length=120)
    target_digest = models.BinaryField(max_length=32)
    rule = models.CharField(max_length=200)
    justification = models.TextField()
    clause = models.CharField(max_length=200, blank=True)
    checked = models.TextField()
    attachment = models.ForeignKey(Attachment, models.PROTECT, related_name="+")
    document_sha256 = models.BinaryField(max_length=32)
    document_name = models.CharField(max_length=150)
    follows = models.OneToOneField("self", models.PROTECT, null=True, related_name="+")
    requested_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    # From the signing rules in force when it was asked for.
    signing_rule = models.ForeignKey(SigningRule, models.PROTECT, related_name="+")
    threshold = models.IntegerField()
    roles = ArrayField(models.CharField(max_length=30))
    ratify_roles = ArrayField(models.CharField(max_length=30))
    expires_at = models.DateTimeField()
    ratify_by = models.DateTimeField(null=True)
    leaf = models.BinaryField(max_length=32)
    executed_leaf = models.BinaryField(max_length=32, null=True)
    last_leaf = models.BinaryField(max_length=32)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["production", "number"], name="override_number"),
            models.CheckConstraint(condition=models.Q(state__in=STATES), name="override_state"),
            models.CheckConstraint(condition=models.Q(kind__in=list(KINDS)), name="override_kind"),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="override_amount"),
            models.CheckConstraint(
                condition=models.Q(justification__regex=r"\S") & models.Q(rule__regex=r"\S"),
                name="override_says_why",
            ),
        ]
        indexes = [
            models.Index(
                fields=["production", "state"],
                condition=models.Q(state__in=["requested", "approved", "executed"]),
                name="override_pending",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """OVR-0001: how people name it."""
        return f"OVR-{self.number:04d}"


class Told(models.Model):
    """Something about an override that its signers were told, once; `number` tells two of a kind
    apart: a step's own, or the day."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    override = models.ForeignKey(Override, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8)
    number = models.IntegerField()
    told_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["override", "kind", "number"], name="override_told_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.override_id}: {self.kind}"


class Step(models.Model):
    """One step of an override, after its request. A person approves or rejects it once."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    override = models.ForeignKey(Override, models.PROTECT, related_name="+")
    number = models.IntegerField()
    step = models.CharField(max_length=8)
    becomes = models.CharField(max_length=9)
    person = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    role = models.CharField(max_length=30, blank=True)
    key = models.ForeignKey(Key, models.PROTECT, null=True, related_name="+")
    signature = models.TextField(blank=True)
    reason = models.TextField(blank=True)
    back_to = models.CharField(max_length=7, blank=True)
    batch = models.OneToOneField(Batch, models.PROTECT, null=True, related_name="+")
    checked = models.TextField(blank=True)
    taken_at = models.DateTimeField()
    leaf = models.BinaryField(max_length=32)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["override", "number"], name="override_step_number"),
            models.UniqueConstraint(
                fields=["override", "person"],
                condition=models.Q(step__in=ONCE_EACH),
                name="override_decided_once",
            ),
            models.UniqueConstraint(
                fields=["override", "person"],
                condition=models.Q(step="ratify"),
                name="override_ratified_once",
            ),
            models.UniqueConstraint(
                fields=["override", "step"],
                condition=models.Q(step__in=["execute", "revert", "expire", "stop", "audit"]),
                name="override_step_once",
            ),
            models.CheckConstraint(condition=models.Q(step__in=STEPS), name="override_step"),
            models.CheckConstraint(
                condition=models.Q(step="reject", back_to__in=list(BACK_TO), reason__regex=r"\S")
                | ~models.Q(step="reject") & models.Q(back_to=""),
                name="override_rejected_to",
            ),
            models.CheckConstraint(
                condition=models.Q(step__in=["execute", "revert"], batch__isnull=False)
                | ~models.Q(step__in=["execute", "revert"]) & models.Q(batch__isnull=True),
                name="override_step_posts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.override_id}: {self.step}"
