"""Sessions that are open, and what has happened at the door."""

from django.conf import settings
from django.db import models


class Session(models.Model):
    """One browser that is signed in, or is about to be. Its key is known to that browser alone:
    what is kept is a hash, so that who reads this table can be nobody by it."""

    key_hash = models.BinaryField(max_length=32, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    data = models.TextField()
    made_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    ip = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=200)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"session {self.pk}"


class DoorEntry(models.Model):
    """One thing that happened at the door: somebody came in, or was not let in."""

    at = models.DateTimeField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    kind = models.CharField(max_length=30)
    address = models.CharField(max_length=254)
    ip = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=200)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.kind} {self.address}"
