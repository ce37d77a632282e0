"""Productions, the people on them, and the guardian grants that feed the database policies."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from guardian.models import UserObjectPermissionBase
from simple_history.models import HistoricalRecords

from access import passwords, roles
from access.address_tables import AddressChange  # noqa: F401 - their app's tables
from access.invitation_tables import Invitation  # noqa: F401 - their app's tables
from access.session_tables import DoorEntry, Session  # noqa: F401 - their app's tables


class UserManager(BaseUserManager["User"]):
    """Django's user manager, keyed by e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Make a person. Without a password nobody can sign in as them."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """A person, or the console of this installation. People are deactivated, never deleted.

    The password's hash is no column of this table, which others read: it is read and kept as its
    owner alone (access/passwords.py) when `password` is asked for or saved. Django's own machinery
    of checking, setting and upgrading it goes on as ever.
    """

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(auto_now_add=True)
    # Written by the database when a hash is kept: sessions of before are nobody's.
    password_set_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def password(self) -> str:
        """The hash, read once."""
        if "_hash" not in self.__dict__:
            self._hash = passwords.kept_hash(self.pk) if self.pk else ""
        return self._hash

    @password.setter
    def password(self, hashed: str) -> None:
        self._hash, self._is_hash_new = hashed, True

    def save(self, *, update_fields: Iterable[str] | None = None, **how: Any) -> None:
        if update_fields is not None:
            update_fields = [name for name in update_fields if name != "password"]
        with transaction.atomic():
            super().save(update_fields=update_fields, **how)
            if self.__dict__.pop("_is_hash_new", False):
                passwords.keep_hash(self.pk, self._hash)
                self.refresh_from_db(fields=["password_set_at"])

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session is held against: it changes with the password and tells nothing of it."""
        said = self.password_set_at.isoformat()
        return salted_hmac("prodacct session v1", said, secret, algorithm="sha256").hexdigest()


class Password(models.Model):
    """The hash of a person's password, which that person alone may read."""

    user = models.OneToOneField(User, models.PROTECT, primary_key=True, related_name="+")
    hash = models.CharField(max_length=128)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"password of {self.user_id}"


class Production(models.Model):
    """A film or a season: the tenant. Every row that holds a production's data names it."""

    code = models.SlugField(max_length=20, unique=True)
    title = models.CharField(max_length=200)
    currency = models.CharField(max_length=3)
    account_format = models.CharField(max_length=16)
    time_zone = models.CharField(max_length=40, default="UTC")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        permissions = [(action, label) for action, label in roles.ACTIONS.items()]
        default_permissions = ()

    def __str__(self) -> str:
        return self.code


class Membership(models.Model):
    """A person's role on a production, between two dates (the last day included)."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    role = models.CharField(max_length=30, choices=[(r, v[0]) for r, v in roles.ROLES.items()])
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    # Why it was given, changed or ended, the last time that was done.
    reason = models.CharField(max_length=300, blank=True, default="")
    history = HistoricalRecords()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["production", "user"], name="one_membership"),
            models.CheckConstraint(
                condition=models.Q(ends_on__isnull=True)
                | models.Q(ends_on__gte=models.F("starts_on")),
                name="membership_dates_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role}"


class ProductionUserObjectPermission(UserObjectPermissionBase):
    """A guardian grant on a production. A real foreign key: no orphan can be inherited."""

    content_object = models.ForeignKey(Production, models.CASCADE)

    class Meta(UserObjectPermissionBase.Meta):
        default_permissions = ()
