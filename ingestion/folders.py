"""Looking into a folder on a vendor's server: what lies still there is taken, once.

A run is one look. What it saw is kept as its position; a file is taken when the look before saw
it just so, in size and time. The same state of a file is asked for once (a page's `asked`), and
the same bytes under any name are the same import.
"""

import asyncio
import json
import tempfile
from collections.abc import Iterator
from typing import IO, Any

from django.utils import timezone

from access.outbound import pinned_address
from alerts.outside import road
from ingestion import letters
from ingestion.alerting import telling
from ingestion.connectors.folder import Folder, Found, folder_terms_from
from ingestion.feed_runs import acting, open_letter, take_call
from ingestion.mappings import TakenOver
from ingestion.services import receive_file
from ingestion.tables.feeds import FeedPage, FeedRun

READ_BYTES = 1 << 20
IN_MEMORY = 1 << 20


def look_into(run: FeedRun, secret: str, runner: asyncio.Runner) -> None:
    """One look: take what lies still, and remember the rest for the next."""
    terms = folder_terms_from(run.feed.terms)
    take_call(run.feed, runner)
    address = runner.run(pinned_address(terms.host, terms.port, road()))
    with Folder(terms, secret, address) as folder:
        found = folder.listing()
        with acting(run):
            before = telling.last_look(run)
            taken = telling.states_taken(run.feed, [each.key for each in found])
        moving, large = [], []
        for each in found:
            if each.key in taken:
                continue
            if before.get(each.name) != each.seen:
                moving.append(each.name)
            elif each.size > terms.most_bytes:
                large.append(each.name)
            elif not _take(run, folder, each):
                moving.append(each.name)
    told = before.get("", [])
    seen: dict[str, list[Any]] = {each.name: list(each.seen) for each in found}
    _end(run, {**seen, "": large}, moving, [name for name in large if name not in told])


def _take(run: FeedRun, folder: Folder, found: Found) -> bool:
    """Fetch one file and queue its import; False when it changed under our hands."""
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
        if not folder.fetch(found, file):
            return False
        _keep(run, found, file)
    return True


def _keep(run: FeedRun, found: Found, file: IO[bytes]) -> None:
    """Keep a file, queue its import and move the run on, all together or not at all."""

    def read() -> Iterator[bytes]:
        file.seek(0)
        while piece := file.read(READ_BYTES):
            yield piece

    number = run.pages + 1
    with acting(run):
        moved = FeedRun.objects.filter(
            pk=run.pk, state=FeedRun.State.RUNNING, pages=run.pages
        ).update(pages=number, failures=0, words="")
        if moved != 1:
            raise TakenOver(f"run {run.pk} is not at file {run.pages} any more")
        receipt = receive_file(
            actor=run.made_by, production=run.production, name=found.name, read=read,
            source=run.feed.source, unit=run.feed.unit,
        )  # fmt: skip
        FeedPage.objects.create(
            production_id=run.production_id, run=run, number=number, rows=0, asked=found.key,
            document=receipt.batch.document, batch=receipt.batch,
        )  # fmt: skip
        letters.settle_letter(run.production_id, "call", run.pk, "done")
    run.pages, run.failures = number, 0


def _end(run: FeedRun, seen: dict[str, list[Any]], moving: list[str], large: list[str]) -> None:
    """What was seen is what the next look goes by; what is too large is told once."""
    said = []
    if moving:
        said.append(f"{len(moving):,} new or still being written: the next look takes them.")
    with acting(run):
        if large:
            most = folder_terms_from(run.feed.terms).most_bytes
            words = f"{', '.join(large)[:300]}: larger than {most:,} bytes, not taken."
            open_letter(run, "E_FEED_SIZE", words)
            said.append(words)
        FeedRun.objects.filter(pk=run.pk, state=FeedRun.State.RUNNING).update(
            state=FeedRun.State.DONE,
            ended_at=timezone.now(),
            words=" ".join(said),
            position=json.dumps(seen),
        )
