"""Files on their way in: what has arrived of each, piece by piece, until all of it has."""

from django.db import models
from django.db.models.functions import Now

from access.models import Production, User


class Upload(models.Model):
    """A file as its sender states it, and how many of its bytes have arrived."""

    class State(models.TextChoices):
        """How it stands."""

        OPEN = "open", "Unfinished"
        DONE = "done", "Received"
        WRONG = "wrong", "Not the file that was stated"
        CANCELLED = "cancelled", "Cancelled"
        EXPIRED = "expired", "Left unfinished"

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    file_name = models.CharField(max_length=150)
    sha256 = models.BinaryField(max_length=32)
    byte_size = models.BigIntegerField()
    received = models.BigIntegerField(default=0)
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    begun_at = models.DateTimeField(db_default=Now())
    moved_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["production", "made_by", "sha256"],
                condition=models.Q(state="open"),
                name="upload_once",
            ),
            models.CheckConstraint(
                condition=models.Q(byte_size__gt=0, received__gte=0)
                & models.Q(received__lte=models.F("byte_size")),
                name="upload_within_its_size",
            ),
        ]

    def __str__(self) -> str:
        return self.file_name


class UploadPiece(models.Model):
    """Bytes of an unfinished upload, from an offset on. Gone when it is finished or given up."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+", db_index=False)
    upload = models.ForeignKey(Upload, models.PROTECT, related_name="+", db_index=False)
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    start = models.BigIntegerField()
    data = models.BinaryField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["upload", "start"], name="upload_piece_once"),
        ]

    def __str__(self) -> str:
        return f"from byte {self.start}"
