"""Reading a vendor's API page after page, each kept with the position it leads to, or not at all.

A killed worker's successor goes on at the first page that was not kept. A page's bytes are a
document like any file, read as the feed's source by the same pipeline.
"""

import asyncio
import hashlib
import json
from typing import Any

from django.db.models import F
from django.utils import timezone

from access.outbound import Limits, Outbound
from alerts.outside import road
from ingestion import letters
from ingestion.alerting import telling
from ingestion.connectors.client import CallFailed, Client
from ingestion.connectors.paging import Astray, address_of, next_position, stated_total
from ingestion.connectors.terms import Terms, terms_from
from ingestion.feed_runs import acting, open_letter, take_call
from ingestion.formats.json_file import Page, look_at_page
from ingestion.formats.records import RejectedFile
from ingestion.mappings import TakenOver
from ingestion.services import receive_file
from ingestion.tables.feeds import FeedPage, FeedRun
from ledger.services import keep_document

LIMITS = Limits(most_bytes=10_000_000, seconds=30.0)
MOST_PAGES = 10_000


def read_pages(run: FeedRun, secret: str, runner: asyncio.Runner) -> None:
    """Read the feed from where the run stands to its last page."""
    out = Outbound(road(), LIMITS)
    runner.run(out.__aenter__())
    try:
        client = Client(terms_from(run.feed.terms), secret, out)
        while _read_page(run, runner, client):
            pass
    finally:
        runner.run(out.__aexit__(None, None, None))


def _read_page(run: FeedRun, runner: asyncio.Runner, client: Client) -> bool:
    """Fetch and keep the next page; whether there is another after it."""
    if run.pages >= MOST_PAGES:
        raise Astray(f"it has more than {MOST_PAGES:,} pages; ask the vendor for larger ones")
    take_call(run.feed, runner)
    body = runner.run(client.page(address_of(client.terms, run.position)))
    try:
        page = look_at_page(body, client.terms.rows)
    except RejectedFile as rejected:
        raise CallFailed(f"its page cannot be read: {rejected.reason}"[:500]) from None
    return _keep_page(run, client.terms, body, page)


def _keep_page(run: FeedRun, terms: Terms, body: bytes, page: Page) -> bool:
    """Keep a page, queue its import and move the run on, all together or not at all."""
    sha256 = hashlib.sha256(body).digest()
    number, rows = run.pages + 1, len(page.rows)
    after = next_position(terms, run.position, page.said, rows)
    with acting(run):
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


def _end(run: FeedRun) -> None:
    """The last page has come; whether as many rows came as the vendor said is said."""
    differs = run.stated is not None and run.stated != run.rows
    words = ""
    if differs:
        words = f"The vendor stated {run.stated:,} rows in all; {run.rows:,} came."
        open_letter(run, "E_FEED_TOTAL", words)
    FeedRun.objects.filter(pk=run.pk).update(
        state=FeedRun.State.DONE, ended_at=timezone.now(), words=words
    )
