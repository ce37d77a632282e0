"""Invitations to a production, as kept."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models


class Invitation(models.Model):
    """A place on a production that waits for who was invited. What opens it was sent by e-mail and
    is known to nobody else: only its hash is kept. `centers` are codes of cost centres, `mail` the
    letter it went out by. It is decided once."""

    production = models.ForeignKey("access.Production", models.PROTECT, related_name="+")
    email = models.CharField(max_length=254)
    role = models.CharField(max_length=30)
    centers = ArrayField(models.CharField(max_length=6))
    starts_on = models.DateField()
    ends_on = models.DateField(null=True)
    token_hash = models.BinaryField(max_length=32, unique=True)
    state = models.CharField(max_length=10)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    mail = models.BigIntegerField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.email} {self.state}"
