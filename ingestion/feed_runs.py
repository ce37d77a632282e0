"""What every reading of a feed comes to, whatever it is read by: calls, failures, dead letters."""

import asyncio
from contextlib import AbstractContextManager
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from access import context
from ingestion import letters
from ingestion.backoff import TryLater, seconds_before_try
from ingestion.tables.feeds import Feed, FeedRun
from ingestion.tables.letters import DeadLetter

MOST_FAILURES = 10
BURST = 5
# A budget that is empty for longer is waited for in the row, and not by a worker.
LONGEST_SLEEP = 1.0


def place_of(run: FeedRun) -> str:
    """What is asked for next: the next page, or another file of a folder."""
    return "a file" if run.feed.terms.get("kind") == "sftp" else f"page {run.pages + 1}"


def acting(run: FeedRun) -> AbstractContextManager[None]:
    return context.acting(user_id=run.made_by_id, production_id=run.production_id)


def take_call(feed: Feed, runner: asyncio.Runner) -> None:
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


def open_letter(run: FeedRun, code: str, cause: str, wait: float | None = None) -> None:
    later = None if wait is None else timezone.now() + timedelta(seconds=wait)
    state = DeadLetter.State.GIVEN_UP if later is None else DeadLetter.State.RETRYING
    label = f"{run.feed.name}, {place_of(run)}"
    subject = letters.Subject("call", run.pk, run.feed.source, label)
    letters.open_letter(
        production=run.production, subject=subject, code=code, cause=cause, state=state,
        next_try_at=later,
    )  # fmt: skip


def stop(run: FeedRun, code: str, words: str) -> None:
    """The run ends here for good; a person looks at the feed and starts another."""
    with acting(run):
        said = f"Stopped after page {run.pages}: {words}."
        open_letter(run, code, said)
        FeedRun.objects.filter(pk=run.pk).update(
            state=FeedRun.State.FAILED, ended_at=timezone.now(), words=said
        )


def call_failed(run: FeedRun, why: str, asked: float | None, *, is_final: bool) -> None:
    """A call that gave nothing is a dead letter at once; it is tried again by itself unless that
    cannot help, later and later. Raises TryLater."""
    failures = run.failures + 1
    wait = None if is_final or failures >= MOST_FAILURES else seconds_before_try(failures, asked)
    with acting(run):
        if asked is not None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT sec.hold_calls(%s, %s)", [run.feed.vendor, asked])
        words = f"{place_of(run).capitalize()} did not come: {why.rstrip('.')}."
        open_letter(run, "E_CALL", words, wait)
        ended = {} if wait is not None else {
            "state": FeedRun.State.FAILED, "ended_at": timezone.now(),
        }  # fmt: skip
        FeedRun.objects.filter(pk=run.pk).update(failures=failures, words=words, **ended)
    if wait is not None:
        raise TryLater(wait)
