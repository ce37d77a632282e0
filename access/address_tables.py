"""A person's own change of address, as kept."""

from django.conf import settings
from django.db import models


class AddressChange(models.Model):
    """A new e-mail address that waits for a click in a letter sent to it. What opens it is in the
    letter and nowhere else: only its hash is kept. It is decided once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    address = models.CharField(max_length=254)
    token_hash = models.BinaryField(max_length=32, unique=True)
    state = models.CharField(max_length=10)
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.user_id} {self.state}"
