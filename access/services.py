"""Making productions and giving people their place on them. The owner's connection only: the
web role has no right to write any of these tables."""

from collections.abc import Mapping
from datetime import date

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from allauth.mfa.utils import is_mfa_enabled
from django.contrib.auth.models import Permission
from django.db import connection, transaction
from django.utils import timezone

from access import context, roles
from access.errors import Invalid
from access.models import Membership, Production, ProductionUserObjectPermission, User
from access.selectors import person_by_email, production_by_code
from access.session_tables import Session

CONSOLE_EMAIL = "console@localhost"


def console_person() -> User:
    """The person as whom commands typed on this machine act. Nobody can sign in as it."""
    found = person_by_email(CONSOLE_EMAIL)
    return found or User.objects.create_user(CONSOLE_EMAIL, name="Console")


def add_person(*, actor: User, email: str, name: str, password: str | None) -> User:
    """Make a person who can sign in, or give an existing one a new name and password."""
    assert actor.is_active
    if "@" not in email:
        raise Invalid(f"e-mail address: expected name@host, found {email!r}")
    user = person_by_email(email) or User.objects.create_user(email, name=name)
    user.name = name
    if password is not None:
        user.set_password(password)
    user.save(update_fields=["name"])
    return user


@transaction.atomic
def set_password(*, actor: User, password: str) -> None:
    """Set the person's own password, checked before; every session of theirs ends."""
    actor.set_password(password)
    actor.save(update_fields=[])  # no column of theirs: the hash, which is kept apart
    with context.as_person(actor.pk):
        Session.objects.filter(user=actor).delete()


def give_authenticator_app(*, actor: User, user: User, secret: str) -> None:
    """Set up an authenticator app that knows this base32 secret; one that is there stays."""
    assert actor.is_active
    if not is_mfa_enabled(user, types=[Authenticator.Type.TOTP]):
        TOTP.activate(user, secret)


@transaction.atomic
def create_production(
    *, actor: User, code: str, title: str, currency: str, account_format: str
) -> Production:
    """Make the production's own row. Raises Invalid when the code is taken."""
    assert actor.is_active
    if production_by_code(code) is not None:
        raise Invalid(f"production {code!r} exists already; choose another code")
    return Production.objects.create(
        code=code, title=title, currency=currency, account_format=account_format
    )


def give_membership(
    *,
    actor: User,
    production: Production,
    user: User,
    role: str,
    starts_on: date | None = None,
    ends_on: date | None = None,
) -> Membership:
    """Make the person a member and grant what the role may do, or change the role held now.

    Raises Invalid for a role that does not exist.
    """
    (membership,) = give_memberships(
        actor=actor, production=production, held={user: role}, starts_on=starts_on, ends_on=ends_on
    )
    return membership


@transaction.atomic
def give_memberships(
    *,
    actor: User,
    production: Production,
    held: Mapping[User, str],
    starts_on: date | None = None,
    ends_on: date | None = None,
) -> list[Membership]:
    """Make each person a member in their role, or change the role they hold now: all of them in as
    many statements as one. Raises Invalid for a role that does not exist."""
    for role in held.values():
        if role not in roles.ROLES:
            raise Invalid(f"role: expected one of {', '.join(roles.ROLES)}, found {role!r}")
    before = Membership.objects.filter(production=production, user__in=held)
    members = set(before.values_list("user_id", flat=True))
    made = Membership.objects.bulk_create(
        [
            Membership(
                production=production, user=user, role=role, ends_on=ends_on, created_by=actor,
                starts_on=starts_on or timezone.now().date(),
            )
            for user, role in held.items()
        ],
        update_conflicts=True,
        unique_fields=["production", "user"],
        update_fields=["role", "starts_on", "ends_on", "created_by"],
    )  # fmt: skip
    granted = production.productionuserobjectpermission_set
    for user, role in held.items():
        if user.pk in members:
            stale = granted.filter(user=user).exclude(
                permission__codename__in=roles.actions_of(role)
            )
            stale.delete()
    _grant(production, held)
    return made


def _grant(production: Production, held: Mapping[User, str]) -> None:
    """Guardian's grants of what each person's role may do, in one statement; what is granted
    already stays. `assign_perm` asks four questions of the database for each."""
    permissions = Permission.objects.filter(
        content_type__app_label="access", content_type__model="production"
    )
    by_action = dict(permissions.values_list("codename", "pk"))
    ProductionUserObjectPermission.objects.bulk_create(
        [
            ProductionUserObjectPermission(
                permission_id=by_action[action], user=user, content_object=production
            )
            for user, role in held.items()
            for action in roles.actions_of(role)
        ],
        ignore_conflicts=True,
    )


def install_roles() -> int:
    """Tell the database what each role may do, and put right what memberships of before grant.

    How many grants changed: those of people whose role may do more, or less, in this version.
    """
    rows = [(role, action) for role, (_, actions) in roles.ROLES.items() for action in actions]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM sec.role_action")
        cursor.executemany("INSERT INTO sec.role_action VALUES (%s, %s)", rows)
        cursor.execute("SELECT sec.grants_put_right()")
        (changed,) = cursor.fetchone() or (0,)
    return int(changed)
