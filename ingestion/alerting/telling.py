"""What can be asked about feeds, their runs and their pages."""

import json
from typing import Any

from django.db.models import QuerySet

from access.models import Production
from ingestion.tables.feeds import Feed, FeedPage, FeedRun


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


def last_look(run: FeedRun) -> dict[str, Any]:
    """What the look before this one saw: by name, size and time of change."""
    before = (
        FeedRun.objects.filter(feed_id=run.feed_id, state=FeedRun.State.DONE, pk__lt=run.pk)
        .order_by("-pk")
        .first()
    )
    return json.loads(before.position) if before is not None and before.position else {}


def states_taken(feed: Feed, keys: list[bytes]) -> set[bytes]:
    """Which of these states of files have been taken by any run of the feed."""
    found = FeedPage.objects.filter(run__feed=feed, asked__in=keys)
    return {bytes(asked) for asked in found.values_list("asked", flat=True)}


def pages(run: FeedRun) -> QuerySet[FeedPage]:
    """The pages of a run, in order."""
    return FeedPage.objects.filter(run=run).select_related("document", "batch").order_by("number")
