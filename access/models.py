"""Productions, the people on them, and the guardian grants that feed the database policies."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from guardian.models import UserObjectPermissionBase
from simple_history.models import HistoricalRecords

from access import roles


class UserManager(BaseUserManager["User"]):
    """Django's user manager, keyed by e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Make a person. Without a password nobody can sign in as them."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """A person, or the console of this installation. People are deactivated, never deleted."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(auto_now_add=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    def __str__(self) -> str:
        return self.name or self.email


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
