"""What can be asked about alerts and the messages that go out about them."""

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from access.models import Production, User
from access.services import CONSOLE_EMAIL
from alerts.models import Alert, AlertHook, AlertSeen, Notice, Secret


def alerts(production: Production) -> QuerySet[Alert]:
    """The production's alerts that the asker is told, newest first."""
    return (
        Alert.objects.filter(production=production)
        .select_related("closed_by")
        .order_by("-last_at", "-pk")
    )


def read_counts(production: Production, user: User) -> dict[int, int]:
    """Up to which count the person has read each alert."""
    seen = AlertSeen.objects.filter(production=production, user=user)
    return dict(seen.values_list("alert_id", "count"))


def alert_by_id(production: Production, alert_id: int) -> Alert | None:
    """One alert of this production."""
    return Alert.objects.filter(production=production, pk=alert_id).first()


def unread_alerts(production: Production, user: User) -> int:
    """How many open alerts the person has not read as they now stand."""
    read = AlertSeen.objects.filter(alert=OuterRef("pk"), user=user, count__gte=OuterRef("count"))
    rows = Alert.objects.filter(production=production, closed_at__isnull=True)
    return rows.exclude(Exists(read)).count()


def hook_of(production: Production) -> AlertHook | None:
    """Where alerts are sent to, as it was set last."""
    return AlertHook.objects.filter(production=production).order_by("-pk").first()


def last_notice(alert: Alert, channel: str) -> Notice | None:
    """The last message about an alert."""
    return Notice.objects.filter(alert=alert, channel=channel).order_by("-pk").first()


def notice_by_id(production_id: int, notice_id: int) -> Notice:
    """One message with its alert."""
    return Notice.objects.select_related("alert", "production").get(
        pk=notice_id, production_id=production_id
    )


def secret_of(kind: str, subject_id: int) -> Secret | None:
    """The newest secret of a feed or webhook; the worker's alone to read."""
    return Secret.objects.filter(kind=kind, subject_id=subject_id).order_by("-pk").first()


def team(audience: str) -> list[tuple[int, str]]:
    """(id, address) of the people an audience is made of today, on the context's production."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT user_id, email FROM sec.alert_team(%s)", [audience])
        rows = cursor.fetchall()
    return [(int(user_id), str(email)) for user_id, email in rows if email != CONSOLE_EMAIL]
