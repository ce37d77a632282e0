"""What can be asked about productions and people. Guardian's grants are read here and nowhere
else, always for an active person with a running membership."""

from datetime import date

from django.db.models import Q, QuerySet
from django.utils import timezone

from access.models import Membership, Production, ProductionUserObjectPermission, User


def _running(day: date) -> Q:
    return Q(starts_on__lte=day) & (Q(ends_on__isnull=True) | Q(ends_on__gte=day))


def memberships_of(user: User) -> QuerySet[Membership]:
    """The memberships of an active person that run today, by production code."""
    if not user.is_active:
        return Membership.objects.none()
    return (
        Membership.objects.filter(_running(timezone.now().date()), user=user)
        .select_related("production")
        .order_by("production__code")
    )


def membership_on(user: User, code: str) -> Membership | None:
    """The person's running membership on the production with this code, or None."""
    found = memberships_of(user).filter(production__code__iexact=code).first()
    if found is not None:
        found.user = user  # who is known, and not asked for again
    return found


def actions_on(user: User, production: Production) -> frozenset[str]:
    """The actions granted to the person on the production, through a running membership.

    Guardian alone is no boundary: it would still answer for a deactivated person.
    """
    if not memberships_of(user).filter(production=production).exists():
        return frozenset()
    return granted_on(user, production)


def granted_on(user: User, production: Production) -> frozenset[str]:
    """What guardian was told, whether it opens anything today or not: for who has looked at the
    membership, and for the nightly check."""
    grants = ProductionUserObjectPermission.objects.filter(user=user, content_object=production)
    return frozenset(grants.values_list("permission__codename", flat=True))


def any_membership(user: User, production: Production) -> Membership | None:
    """The person's membership on the production, running or not."""
    return Membership.objects.filter(user=user, production=production).first()


def production_by_code(code: str) -> Production | None:
    """The production with this code, in any case, if the asker may know of it."""
    return Production.objects.filter(code__iexact=code).first()


def every_production() -> QuerySet[Production]:
    """All productions the asker may know of, by code."""
    return Production.objects.order_by("code")


def person_by_id(number: int) -> User | None:
    """The person with this number, active or not."""
    return User.objects.filter(pk=number).first() if 0 < number < 1 << 62 else None


def person_by_email(email: str) -> User | None:
    """The person with this address, active or not."""
    return User.objects.filter(email=email.strip().lower()).first()


def people_of(production: Production) -> QuerySet[User]:
    """Everybody who is or was a member, by name; for whoever gives and takes memberships."""
    ever = Membership.history.filter(production=production).values("user_id")
    return User.objects.filter(pk__in=ever).order_by("name", "pk")


def grants_of(user: User, production: Production) -> dict[str, int]:
    """Action -> the number of guardian's grant of it, whether it opens anything today or not."""
    rows = ProductionUserObjectPermission.objects.filter(user=user, content_object=production)
    return dict(rows.values_list("permission__codename", "pk"))
