"""Reading vendors' APIs: page after page, each kept with the position it leads to, or not at all.

A killed worker's successor goes on at the first page that was not kept. A page's bytes are a
document like any file, read as the feed's source by the same pipeline.
"""

import asyncio
import hashlib
import json
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone

from access import context
from access.errors import Invalid, Refused
from access.models import Production, User
from access.outbound import Limits, NotFetched, Outbound, TooMuch
from access.selectors import actions_on, every_production
from ingestion import letters, telling, vault
from ingestion.alerts import road
from ingestion.backoff import TryLater, seconds_before_try
from ingestion.connectors.client import CallFailed, Client
from ingestion.connectors.paging import Astray, address_of, next_position, stated_total
from ingestion.connectors.terms import Terms, checked_terms, terms_from
from ingestion.feed_tables import Feed, FeedPage, FeedRun, Secret
from ingestion.formats.json_file import Page, look_at_page
from ingestion.formats.records import RejectedFile
from ingestion.letter_tables import DeadLetter
from ingestion.mappings import TakenOver
from ingestion.models import WorkItem
from ingestion.reading import mapping_for
from ingestion.services import NoLongerAllowed, receive_file
from ledger.services import keep_document

LIMITS = Limits(most_bytes=10_000_000, seconds=30.0)
MOST_PAGES = 10_000
MOST_FAILURES = 10
BURST = 5
# A budget that is empty for longer is waited for in the row, and not by a worker.
LONGEST_SLEEP = 1.0


@transaction.atomic
def add_feed(*, actor: User, production: Production, feed: Feed, terms: Terms, secret: str) -> Feed:
    """Read a vendor's API from now on. `feed` states name, source, unit and pace."""
    checked = checked_terms(terms, road())
    mapping_for(production, feed.source, {})
    if not feed.name.strip() or not feed.name.isprintable():
        raise Invalid("name: expected what you call the feed, on one line")
    if telling.feeds(production).filter(name=feed.name).exists():
        raise Invalid(f"name: there is a feed {feed.name!r} already; choose another")
    if not (0 < feed.calls_per_minute <= 6_000 and 0 < feed.every_minutes <= 44_640):
        raise Invalid("pace: expected 1 to 6,000 calls a minute, every 1 to 44,640 minutes")
    feed.production, feed.made_by, feed.terms = production, actor, checked.as_data()
    feed.vendor = _host(checked.url)
    feed.save(force_insert=True)
    if checked.auth != "none":
        _keep_secret(actor, feed, secret)
    return feed


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].partition("?")[0][:100]


def _keep_secret(actor: User, feed: Feed, secret: str) -> None:
    Secret.objects.create(
        production_id=feed.production_id, kind="feed", subject_id=feed.pk, made_by=actor,
        sealed=vault.sealed(secret, production_id=feed.production_id, kind="feed"),
    )  # fmt: skip


def renew_secret(*, actor: User, feed: Feed, secret: str) -> None:
    """Sign in with this secret from the next call on; the one before stays kept and unused."""
    _keep_secret(actor, feed, secret)


def switch_feed(*, actor: User, feed: Feed, is_active: bool) -> None:
    """Read the feed when it is due, or no longer."""
    assert actor.is_active
    Feed.objects.filter(pk=feed.pk).update(is_active=is_active)


def start_run(*, actor: User, feed: Feed) -> FeedRun:
    """Queue one reading of the feed. Raises Invalid while one goes on."""
    assert actor.is_active
    try:
        with transaction.atomic():
            run = FeedRun.objects.create(production_id=feed.production_id, feed=feed, made_by=actor)
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
    """Carry one reading on to its end. Safe to do twice: a page is kept only by whoever moves the
    run on from the page before."""
    with context.acting(user_id=user_id, production_id=production_id):
        run = telling.run_by_id(production_id, run_id)
        feed = run.feed
        if run.state != FeedRun.State.RUNNING:
            return
        if "import_files" not in actions_on(run.made_by, run.production):
            raise NoLongerAllowed(f"{run.made_by} may no longer import files here")
        kept = telling.secret_of("feed", feed.pk)
    terms = terms_from(feed.terms)
    with asyncio.Runner() as runner:
        try:
            secret = (
                vault.opened(bytes(kept.sealed), production_id=production_id, kind="feed")
                if kept is not None
                else ""
            )
            out = Outbound(road(), LIMITS)
            runner.run(out.__aenter__())
            try:
                client = Client(terms, secret, out)
                while _read_page(run, runner, client):
                    pass
            finally:
                runner.run(out.__aexit__(None, None, None))
        except CallFailed as failed:
            _call_failed(run, str(failed), failed.seconds, is_final=failed.is_final)
        except TooMuch as much:
            _call_failed(run, much.message, None, is_final=True)
        except NotFetched as missing:
            _call_failed(run, missing.message, None, is_final=False)
        except Astray as astray:
            _stop(run, "E_FEED_PAGES", str(astray))
        except Refused as refusal:
            _call_failed(run, refusal.message, None, is_final=True)


def _read_page(run: FeedRun, runner: asyncio.Runner, client: Client) -> bool:
    """Fetch and keep the next page; whether there is another after it."""
    if run.pages >= MOST_PAGES:
        raise Astray(f"it has more than {MOST_PAGES:,} pages; ask the vendor for larger ones")
    _take_call(run.feed, runner)
    body = runner.run(client.page(address_of(client.terms, run.position)))
    try:
        page = look_at_page(body, client.terms.rows)
    except RejectedFile as rejected:
        raise CallFailed(f"its page cannot be read: {rejected.reason}"[:500]) from None
    return _keep_page(run, client.terms, body, page)


def _take_call(feed: Feed, runner: asyncio.Runner) -> None:
    """One call of the vendor's budget, which all workers share; or wait for one."""
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT sec.take_call(%s, %s, %s)", [feed.vendor, feed.calls_per_minute, BURST]
            )
            row = cursor.fetchone()
        assert row is not None
        wait = row[0]
        if wait <= 0:
            return
        if wait > LONGEST_SLEEP:
            raise TryLater(wait)
        runner.run(asyncio.sleep(wait))


def _keep_page(run: FeedRun, terms: Terms, body: bytes, page: Page) -> bool:
    """Keep a page, queue its import and move the run on, all together or not at all."""
    sha256 = hashlib.sha256(body).digest()
    number, rows = run.pages + 1, len(page.rows)
    after = next_position(terms, run.position, page.said, rows)
    with _acting(run):
        same = telling.pages(run).filter(document__sha256=sha256).first()
        if same is not None and rows:
            raise Astray(f"page {number} is page {same.number} again; nothing is taken twice")
        moved = FeedRun.objects.filter(
            pk=run.pk, state=FeedRun.State.RUNNING, pages=run.pages
        ).update(
            pages=number, position=run.position if after is None else after, failures=0,
            rows=F("rows") + rows, stated=stated_total(terms, page.said), words="",
        )  # fmt: skip
        if moved != 1:
            raise TakenOver(f"run {run.pk} is not at page {run.pages} any more")
        FeedPage.objects.create(
            production_id=run.production_id, run=run, number=number, rows=rows,
            asked=_asked(run.position), **_kept(run, f"{run.feed.name} page {number}", body, page),
        )  # fmt: skip
        letters.settle_letter(run.production_id, "call", run.pk, "done")
        run.refresh_from_db(fields=["pages", "position", "failures", "rows", "stated"])
        if after is None:
            _end(run)
            return False
        back = telling.pages(run).filter(asked=_asked(after)).first()
    if back is not None:
        raise Astray(
            f"page {number} leads back to page {back.number}; what came until then is kept"
        )
    return True


def _asked(position: str) -> bytes:
    return hashlib.sha256(position.encode()).digest()


def _kept(run: FeedRun, name: str, body: bytes, page: Page) -> dict[str, Any]:
    """The page as a document, and the import that reads it, if it has rows."""
    feed, actor = run.feed, run.made_by
    if not page.rows:
        document = keep_document(
            actor=actor, production=run.production, name=f"{name}.json",
            sha256=hashlib.sha256(body).digest(), byte_size=len(body), data=[body],
        )  # fmt: skip
        return {"document": document, "batch": None}
    terms = terms_from(feed.terms)
    shape = json.dumps({"rows": terms.rows, "columns": [list(c) for c in terms.columns]})
    receipt = receive_file(
        actor=actor, production=run.production, name=f"{name}.json", read=lambda: [body],
        source=feed.source, unit=feed.unit, choices={"shape": shape},
    )  # fmt: skip
    return {"document": receipt.batch.document, "batch": receipt.batch}


def _acting(run: FeedRun) -> AbstractContextManager[None]:
    return context.acting(user_id=run.made_by_id, production_id=run.production_id)


def _end(run: FeedRun) -> None:
    """The last page has come; whether as many rows came as the vendor said is said."""
    differs = run.stated is not None and run.stated != run.rows
    words = ""
    if differs:
        words = f"The vendor stated {run.stated:,} rows in all; {run.rows:,} came."
        _open_letter(run, "E_FEED_TOTAL", words)
    FeedRun.objects.filter(pk=run.pk).update(
        state=FeedRun.State.DONE, ended_at=timezone.now(), words=words
    )


def _open_letter(run: FeedRun, code: str, cause: str, wait: float | None = None) -> None:
    later = None if wait is None else timezone.now() + timedelta(seconds=wait)
    state = DeadLetter.State.GIVEN_UP if later is None else DeadLetter.State.RETRYING
    label = f"{run.feed.name}, page {run.pages + 1}"
    subject = letters.Subject("call", run.pk, run.feed.source, label)
    letters.open_letter(
        production=run.production, subject=subject, code=code, cause=cause, state=state,
        next_try_at=later,
    )  # fmt: skip


def _stop(run: FeedRun, code: str, words: str) -> None:
    """The run ends here for good; a person looks at the feed and starts another."""
    with _acting(run):
        said = f"Stopped after page {run.pages}: {words}."
        _open_letter(run, code, said)
        FeedRun.objects.filter(pk=run.pk).update(
            state=FeedRun.State.FAILED, ended_at=timezone.now(), words=said
        )


def _call_failed(run: FeedRun, why: str, asked: float | None, *, is_final: bool) -> None:
    """A call that gave nothing is a dead letter at once; it is tried again by itself unless that
    cannot help, later and later. Raises TryLater."""
    failures = run.failures + 1
    wait = None if is_final or failures >= MOST_FAILURES else seconds_before_try(failures, asked)
    with _acting(run):
        if asked is not None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT sec.hold_calls(%s, %s)", [run.feed.vendor, asked])
        words = f"Page {run.pages + 1} did not come: {why.rstrip('.')}."
        _open_letter(run, "E_CALL", words, wait)
        ended = {} if wait is not None else {
            "state": FeedRun.State.FAILED, "ended_at": timezone.now(),
        }  # fmt: skip
        FeedRun.objects.filter(pk=run.pk).update(failures=failures, words=words, **ended)
    if wait is not None:
        raise TryLater(wait)


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
