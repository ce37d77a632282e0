"""What can be asked about alerts, their messages, feeds and secrets."""

from django.db.models import Exists, OuterRef, QuerySet

from access.models import Production, User
from ingestion.alert_tables import Alert, AlertHook, AlertSeen, Notice
from ingestion.feed_tables import Feed, FeedPage, FeedRun, Secret


def alerts(production: Production) -> QuerySet[Alert]:
    """The production's alerts, newest first."""
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


def feeds(production: Production) -> QuerySet[Feed]:
    """The production's feeds, by name."""
    return Feed.objects.filter(production=production).select_related("unit").order_by("name")


def feed_by_id(production: Production, feed_id: int) -> Feed | None:
    """One feed of this production."""
    return feeds(production).filter(pk=feed_id).first()


def runs(production: Production) -> QuerySet[FeedRun]:
    """What became of the feeds' runs, newest first."""
    return FeedRun.objects.filter(production=production).select_related("feed").order_by("-pk")


def last_run(feed: Feed) -> FeedRun | None:
    """The feed's newest run."""
    return FeedRun.objects.filter(feed=feed).order_by("-pk").first()


def run_by_id(production_id: int, run_id: int) -> FeedRun:
    """One run with its feed."""
    return FeedRun.objects.select_related(
        "feed__unit", "made_by", "production"
    ).get(pk=run_id, production_id=production_id)  # fmt: skip


def pages(run: FeedRun) -> QuerySet[FeedPage]:
    """The pages of a run, in order."""
    return FeedPage.objects.filter(run=run).select_related("document", "batch").order_by("number")
