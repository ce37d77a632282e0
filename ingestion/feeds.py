"""What is read by itself: vendors' APIs and folders, on terms that people state and change."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from access import context
from access.errors import Invalid, Refused
from access.models import Production, User
from access.outbound import NotFetched, TooMuch
from access.selectors import actions_on, every_production
from alerts import selectors as told
from alerts import vault
from alerts.models import Secret
from alerts.outside import road
from ingestion.alerting import telling
from ingestion.connectors.client import CallFailed
from ingestion.connectors.folder import (
    FolderTerms,
    checked_folder_secret,
    checked_folder_terms,
    folder_terms_from,
)
from ingestion.connectors.paging import Astray
from ingestion.connectors.terms import Terms, checked_terms, terms_from
from ingestion.feed_pages import read_pages
from ingestion.feed_runs import call_failed, stop
from ingestion.folders import look_into
from ingestion.models import WorkItem
from ingestion.reading import mapping_for
from ingestion.services import NoLongerAllowed
from ingestion.tables.feeds import Feed, FeedRun

AnyTerms = Terms | FolderTerms


@transaction.atomic
def add_feed(
    *, actor: User, production: Production, feed: Feed, terms: AnyTerms, secret: str
) -> Feed:
    """Read a vendor's API, or a folder, from now on. `feed` states name, source, unit and pace."""
    mapping_for(production, feed.source, {})
    if not feed.name.strip() or not feed.name.isprintable():
        raise Invalid("name: expected what you call the feed, on one line")
    if telling.feeds(production).filter(name=feed.name).exists():
        raise Invalid(f"name: there is a feed {feed.name!r} already; choose another")
    feed.production, feed.made_by = production, actor
    _set_terms(feed, terms)
    feed.save(force_insert=True)
    if terms.auth != "none":
        _keep_secret(actor, feed, terms, secret)
    return feed


@transaction.atomic
def change_terms(*, actor: User, feed: Feed, terms: AnyTerms, secret: str) -> Feed:
    """Read the feed on other terms from its next reading on. `feed` states its unit and pace.

    What both terms bring is posted once. A feed stays of its kind, name and source. A secret that
    is left empty stays as it is, unless it would be shown to another host.
    """
    before = telling.feed_by_id(feed.production, feed.pk)
    assert before is not None
    if is_folder(before) != isinstance(terms, FolderTerms):
        raise Invalid("a feed stays of its kind: add another, and stop this one")
    _set_terms(feed, terms)
    if not secret and terms.auth != "none" and _shown_to(before.terms) != _shown_to(feed.terms):
        raise Invalid(
            "secret: it was given for another host, or another way of signing in; give it anew"
        )
    feed.save(update_fields=["terms", "vendor", "unit", "calls_per_minute", "every_minutes"])
    if secret and terms.auth != "none":
        _keep_secret(actor, feed, terms, secret)
    return feed


def is_folder(feed: Feed) -> bool:
    """Whether the feed is a folder on a server, and not an API."""
    return bool(feed.terms.get("kind") == "sftp")


def _set_terms(feed: Feed, terms: AnyTerms) -> None:
    if not (0 < feed.calls_per_minute <= 6_000 and 0 < feed.every_minutes <= 44_640):
        raise Invalid("pace: expected 1 to 6,000 calls a minute, every 1 to 44,640 minutes")
    if isinstance(terms, FolderTerms):
        feed.terms = checked_folder_terms(terms, road()).as_data()
        feed.vendor = terms.host[:100]
    else:
        feed.terms = checked_terms(terms, road()).as_data()
        feed.vendor = _host(terms.url)


def _shown_to(terms: Mapping[str, Any]) -> list[Any]:
    """To whom the secret is shown, and how."""
    if terms.get("kind") == "sftp":
        return [terms[name] for name in ("host", "port", "host_key", "auth", "user")]
    kept = terms_from(terms)
    return [kept.auth, _host(kept.url), _host(kept.token_url), kept.header, kept.client_id]


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].partition("?")[0][:100]


def _keep_secret(actor: User, feed: Feed, terms: AnyTerms, secret: str) -> None:
    if isinstance(terms, FolderTerms):
        secret = checked_folder_secret(terms, secret)
    Secret.objects.create(
        production_id=feed.production_id, kind="feed", subject_id=feed.pk, made_by=actor,
        sealed=vault.sealed(secret, production_id=feed.production_id, kind="feed"),
    )  # fmt: skip


def kept_terms(feed: Feed) -> AnyTerms:
    """The feed's terms as they stand."""
    return folder_terms_from(feed.terms) if is_folder(feed) else terms_from(feed.terms)


def renew_secret(*, actor: User, feed: Feed, secret: str) -> None:
    """Sign in with this secret from the next call on; the one before stays kept and unused."""
    _keep_secret(actor, feed, kept_terms(feed), secret)


def switch_feed(*, actor: User, feed: Feed, is_active: bool) -> None:
    """Read the feed when it is due, or no longer."""
    assert actor.is_active
    Feed.objects.filter(pk=feed.pk).update(is_active=is_active)


def start_run(*, actor: User, feed: Feed) -> FeedRun:
    """Queue one reading of the feed. Raises Invalid while one goes on."""
    assert actor.is_active
    try:
        with transaction.atomic():
            run = FeedRun.objects.create(
                production_id=feed.production_id, feed=feed, made_by=actor,
                position=feed.terms.get("start", ""),
            )  # fmt: skip
    except IntegrityError:
        raise Invalid(f"{feed.name} is being read now") from None
    WorkItem.objects.create(production_id=feed.production_id, kind="feed", subject_id=run.pk)
    return run


def start_due() -> int:
    """Queue the feeds whose time has come, of every production; how many. Twice is harmless: a
    feed is read once at a time."""
    started = 0
    for production in every_production():
        with context.acting(user_id=context.NOBODY, production_id=production.pk):
            for feed in telling.feeds(production).filter(is_active=True).select_related("made_by"):
                last = telling.last_run(feed)
                due = timezone.now() - timedelta(minutes=feed.every_minutes)
                if last is None or (last.state != FeedRun.State.RUNNING and last.started_at < due):
                    start_run(actor=feed.made_by, feed=feed)
                    started += 1
    return started


def run_feed(*, run_id: int, production_id: int, user_id: int) -> None:
    """Carry one reading on to its end. Safe to do twice: a page, or a file of a folder, is kept
    only by whoever moves the run on from the one before."""
    with context.acting(user_id=user_id, production_id=production_id):
        run = telling.run_by_id(production_id, run_id)
        if run.state != FeedRun.State.RUNNING:
            return
        if "import_files" not in actions_on(run.made_by, run.production):
            raise NoLongerAllowed(f"{run.made_by} may no longer import files here")
        kept = told.secret_of("feed", run.feed_id)
    with asyncio.Runner() as runner:
        try:
            secret = (
                vault.opened(bytes(kept.sealed), production_id=production_id, kind="feed")
                if kept is not None
                else ""
            )
            read = look_into if is_folder(run.feed) else read_pages
            read(run, secret, runner)
        except CallFailed as failed:
            call_failed(run, str(failed), failed.seconds, is_final=failed.is_final)
        except TooMuch as much:
            call_failed(run, much.message, None, is_final=True)
        except NotFetched as missing:
            call_failed(run, missing.message, None, is_final=False)
        except Astray as astray:
            stop(run, "E_FEED_PAGES", str(astray))
        except Refused as refusal:
            call_failed(run, refusal.message, None, is_final=True)


def redrive_run(*, actor: User, run_id: int, production_id: int, code: str) -> bool:
    """Take a run that was given up on again where it stopped; whether that is possible. After
    pages that misled us a new run begins at the first."""
    run = telling.run_by_id(production_id, run_id)
    if (
        telling.runs(run.production)
        .filter(feed=run.feed, state=FeedRun.State.RUNNING)
        .exclude(pk=run.pk)
        .exists()
    ):
        return False
    if code == "E_CALL":
        FeedRun.objects.filter(pk=run.pk).update(
            state=FeedRun.State.RUNNING, failures=0, ended_at=None
        )
        return True
    start_run(actor=actor, feed=run.feed)
    return False


def drop_run(run_id: int) -> None:
    """The run is not gone on with."""
    FeedRun.objects.filter(pk=run_id, state=FeedRun.State.RUNNING).update(
        state=FeedRun.State.FAILED, ended_at=timezone.now()
    )
