"""What was refused, or tried by somebody unknown: kept apart for administrators."""

from django.db import models

from access.models import Production, User


class Attempt(models.Model):
    """Refusals of one kind, at one address of ours, by one sender, within one minute.

    `session_hash` names the session as its own table does; `payload_mac` is an HMAC-SHA256 of what
    was sent, so that equal ones are known and none can be guessed. Both are the first one's.
    """

    production = models.ForeignKey(Production, models.PROTECT, null=True, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    minute = models.DateTimeField()
    fold = models.BinaryField(max_length=32)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.IntegerField()
    reason = models.CharField(max_length=20)
    status = models.SmallIntegerField()
    method = models.CharField(max_length=10)
    route = models.CharField(max_length=60)
    ip = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=200)
    session_hash = models.BinaryField(max_length=32, null=True)
    payload_mac = models.BinaryField(max_length=32)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["minute", "fold"], name="attempts_folded"),
        ]
        indexes = [models.Index(fields=["last_at"], name="attempt_lately")]

    def __str__(self) -> str:
        return f"{self.count} x {self.reason}"
