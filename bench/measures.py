"""What is measured. Each function runs alone in a child process and returns plain figures."""

import csv
import hashlib
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from django.db import connection, models, transaction
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from access import context
from access.models import Production, User
from access.selectors import production_by_code
from access.services import console_person
from bench.desk import settle_cause
from bench.files import HEADER, STARTS_ON, WEEKS, words
from bench.lookups import digest_lookup, grow_tree, write_snapshot
from bench.scopes import give_department, head_report, plain_count, scoped, sign_in
from ingestion import selectors, services, work
from ingestion.gate.pipeline import CHUNK_ROWS
from ingestion.reading import open_reader, stored_pieces
from ledger import journal
from ledger.bundle import export_bundle
from ledger.checkpoints import checkpoint_production
from ledger.journal import TransactionDraft
from ledger.models import Batch
from ledger.services import posting_lines, transaction_lines
from ledger.verify import verify_production
from purchasing.invoices import InvoicePlan, enter_invoice
from purchasing.orders import add_vendor
from purchasing.papers import CostLine
from taxonomy import selectors as taxonomy

__all__ = [
    "digest_lookup",
    "give_department",
    "grow_tree",
    "head_report",
    "plain_count",
    "scoped",
    "settle_cause",
    "write_snapshot",
]  # measured beside this file's own

COPY_BYTES = 1 << 20
PAGES = 40
PAGE_ROWS = 500
DOCUMENTS = 100


def _production(code: str) -> tuple[Production, User]:
    found = production_by_code(code)
    assert found is not None, f"the bench makes {code} before it measures on it"
    return found, console_person()


def _receive(path: Path, production: Production, person: User) -> services.Receipt:
    def read() -> Iterator[bytes]:
        with path.open("rb") as file:
            while piece := file.read(COPY_BYTES):
                yield piece

    unit = taxonomy.units(production).first()
    assert unit is not None
    return services.receive_file(
        actor=person, production=production, name=path.name, read=read,
        source="cost-lines", unit=unit,
    )  # fmt: skip


def ingest(file: str, code: str) -> dict[str, Any]:
    """The whole road, from the bytes on disk to the last commit, drained in this process."""
    production, person = _production(code)
    start = time.perf_counter()
    with context.acting(user_id=person.pk, production_id=production.pk):
        receipt = _receive(Path(file), production, person)
        item = selectors.work_of("import", [receipt.batch.pk]).get()
    assert work.drain(only=item.pk) == 1
    seconds = time.perf_counter() - start
    with context.acting(user_id=person.pk, production_id=production.pk):
        batch = selectors.import_by_id(production, receipt.batch.pk)
    assert batch is not None
    counts = ("rows", "posted", "duplicate", "quarantined")
    return {"seconds": seconds, **{name: getattr(batch, name) for name in counts}}


def prepare_floor(file: str, code: str, into: str) -> dict[str, Any]:
    """Write a file's finished rows as the bytes COPY takes, batch by batch, batch ids drawn."""
    production, person = _production(code)
    with context.acting(user_id=person.pk, production_id=production.pk):
        receipt = _receive(Path(file), production, person)
    batch = receipt.batch
    reader = open_reader(batch, lambda: stored_pieces(batch, lambda: None))
    posted: dict[bytes, tuple[bytes, int, int, int | None]] = {}
    rows = chunks = 0
    for chunks, chunk in enumerate(reader.chunks(), 1):
        outcome = reader.decide(chunk, posted, {})
        [(unit_id, drafts)] = outcome.drafts.items()
        posted.update((d.document_key, (d.facts, 0, 0, None)) for d in drafts)
        rows += _write_chunk(Path(into) / f"{chunks:04d}", production, batch, unit_id, drafts)
    return {"rows": rows, "chunks": chunks}


def _write_chunk(
    stem: Path, production: Production, batch: Any, unit_id: int, drafts: list[TransactionDraft]
) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('ledger_batch', 'id'))")
        [batch_id] = cursor.fetchone()
    document = str(batch.document_id)
    transactions = transaction_lines(drafts, production.pk, batch_id, document)
    postings = posting_lines(drafts, production.pk, batch_id, unit_id)
    stem.with_suffix(".transactions").write_text("".join(transactions), newline="")
    stem.with_suffix(".postings").write_text("".join(postings), newline="")
    header = {
        "id": batch_id,
        "unit_id": unit_id,
        "document_id": batch.document_id,
        "document_sha256": bytes(batch.document.sha256).hex(),
        "transaction_count": len(drafts),
        "line_count": sum(len(d.postings) for d in drafts),
        "control_total": str(journal.control_total(drafts)),
    }
    stem.with_suffix(".json").write_text(json.dumps(header))
    return len(drafts)


def copy_floor(code: str, chunks: str) -> dict[str, Any]:
    """COPY prepared batches into the product's own tables: keys, guards, seal and totals on.

    Only the database is timed. The seal is called just before the commit that would call it, so
    that it has a time of its own.
    """
    production, person = _production(code)
    seconds = 0.0
    copies: list[float] = []
    seals: list[float] = []
    for path in sorted(Path(chunks).glob("*.json")):
        header = json.loads(path.read_text())
        transactions = path.with_suffix(".transactions").read_bytes()
        postings = path.with_suffix(".postings").read_bytes()
        sha256 = bytes.fromhex(header.pop("document_sha256"))
        start = time.perf_counter()
        with context.acting(user_id=person.pk, production_id=production.pk):
            Batch.objects.create(
                production=production, kind="import", key=header["id"].to_bytes(32, "big"),
                origin="bench", document_sha256=sha256, actor=person, **header,
            )  # fmt: skip
            copying = time.perf_counter()
            _copy_bytes("ledger_transaction", journal.TRANSACTION_COLUMNS, transactions)
            _copy_bytes("ledger_posting", journal.POSTING_COLUMNS, postings)
            sealing = time.perf_counter()
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            sealed = time.perf_counter()
        seconds += time.perf_counter() - start
        if header["transaction_count"] > CHUNK_ROWS * 0.9:
            copies.append(sealing - copying)
            seals.append(sealed - sealing)
    return {"seconds": seconds, "copies": copies, "seals": seals}


def _copy_bytes(table: str, columns: str, data: bytes) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE prodacct_poster")
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for at in range(0, len(data), COPY_BYTES):
                copy.write(data[at : at + COPY_BYTES])
        cursor.execute("SET LOCAL ROLE NONE")


def verify(code: str) -> dict[str, Any]:
    """Recompute a production from its live rows, as `verify_journal` does, at rest.

    At rest: vacuumed, as the server does by itself within a minute. Before that, the first to read
    new rows marks each as committed, and shares the processors with the vacuum. Three times, and
    the median of them: the first still shares them with what writes the new pages to the disk.
    """
    production, _ = _production(code)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    took, hashes = [], []
    for _ in range(3):
        start = time.perf_counter()
        result = verify_production(production)
        took.append(time.perf_counter() - start)
        assert not result.findings, result.findings
        hashes.append(_hash_rate())
    return {
        "seconds": statistics.median(took), "postings": result.postings,
        "hashes_a_second": statistics.median(hashes),
    }  # fmt: skip


def sign_logs(code: str) -> dict[str, Any]:
    """A bundle goes as far as the logs are signed."""
    production, _ = _production(code)
    return {"checkpoints": len(checkpoint_production(production=production))}


def bundle_verify(code: str) -> dict[str, Any]:
    """Export a production's books, and verify the unpacked bundle as an outsider does."""
    production, _ = _production(code)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export_bundle(production=production, out=folder / "books.zip", with_sources=False)
        with zipfile.ZipFile(folder / "books.zip") as packed:
            packed.extractall(folder / "books")
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-I", "verify_bundle.py", "."],
            cwd=folder / "books", capture_output=True, text=True, check=True,
        )  # fmt: skip
        seconds = time.perf_counter() - start
    (postings,) = re.findall(r"([0-9,]+) postings", done.stdout)
    return {"seconds": seconds, "postings": int(postings.replace(",", ""))}


def _hash_rate() -> float:
    """How many lines of a posting's length this machine hashes in a second, one at a time.

    What verifying cannot do without, and a yardstick from the same minute: the same machine
    verified 97,000 postings a second in one hour and 224,000 in another.
    """
    lines = [b"%0160d" % number for number in range(100_000)]
    start = time.perf_counter()
    for _ in range(5):
        b"".join([hashlib.sha256(b"\0" + line).digest() for line in lines])
    return 5 * len(lines) / (time.perf_counter() - start)


def page_500_rows(code: str) -> dict[str, Any]:
    """An account's lines to date, a full page each, through URL, role, policies and template."""
    from django.test import Client
    from django.urls import NoReverseMatch, reverse

    person = console_person()
    client = Client(HTTP_HOST="localhost")
    sign_in(client, person)
    accounts = [account for account, _ in words()][:: len(words()) // PAGES]
    took = []
    for account in accounts:
        try:
            url = reverse("account_lines", args=[code, account])
        except NoReverseMatch:
            return {"reason": "this version has no page of account lines"}
        start = time.perf_counter()
        answer = client.get(url, {"upto": str(WEEKS)})
        took.append((time.perf_counter() - start) * 1000)
        assert answer.status_code == 200, f"{url} answers {answer.status_code}"
        lines = answer.content.count(b"<tr")
        if lines < PAGE_ROWS:
            return {"reason": f"too few lines: {lines} on the page of account {account}"}
    return {"p95_ms": statistics.quantiles(took, n=20)[-1], "pages": len(took)}


def named(code: str) -> dict[str, Any]:
    """The production's and the console's ids: the web role finds no production without them."""
    production, person = _production(code)
    return {"production": production.pk, "person": person.pk}


def post_document(production: int, person: int) -> dict[str, Any]:
    """An invoice of three lines entered by hand, as the web role, to the commit that seals it."""
    took = []
    with context.acting(user_id=person, production_id=production):
        film, accountant = Production.objects.get(pk=production), User.objects.get(pk=person)
        unit = taxonomy.units(film).first()
        assert unit is not None
        vendor = add_vendor(actor=accountant, production=film, name="Bench Rentals")
    accounts = [account for account, _ in words()][:3]
    lines = tuple(CostLine(account, "125.00", "a day") for account in accounts)
    for number in range(DOCUMENTS):
        plan = InvoicePlan(unit, vendor, f"B-{number}", STARTS_ON, "USD", lines)
        start = time.perf_counter()
        with context.acting(user_id=person, production_id=production):
            enter_invoice(actor=accountant, production=film, plan=plan)
        took.append((time.perf_counter() - start) * 1000)
    return {"p95_ms": statistics.quantiles(took, n=20)[-1], "documents": len(took)}


_Word = Annotated[str, StringConstraints(min_length=1, max_length=120)]


class PeerLine(BaseModel):
    """What a Django project would write in an afternoon."""

    model_config = ConfigDict(extra="forbid")

    transaction_id: _Word
    account_code: Annotated[str, StringConstraints(pattern=r"^\d{4}$")]
    cost_center: _Word
    amount: Annotated[str, StringConstraints(pattern=r"^-?\d+(\.\d{1,2})?$")]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    jurisdiction: _Word
    transaction_date: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$")]
    vendor: _Word


class PeerCost(models.Model):
    """One table, no postings, no seal: only its unique key."""

    transaction_id = models.CharField(max_length=120, unique=True)
    account_code = models.CharField(max_length=16)
    cost_center = models.CharField(max_length=6)
    amount = models.DecimalField(max_digits=19, decimal_places=4)
    currency = models.CharField(max_length=3)
    jurisdiction = models.CharField(max_length=32)
    transaction_date = models.DateField()
    vendor = models.TextField()

    class Meta:
        app_label = "bench"
        db_table = "bench_peer_cost"

    def __str__(self) -> str:
        return self.transaction_id


def bulk_create(file: str) -> dict[str, Any]:
    """The usual way: csv, pydantic row by row, bulk_create that ignores conflicts."""
    with connection.schema_editor() as editor:
        editor.execute("DROP TABLE IF EXISTS bench_peer_cost")
        editor.create_model(PeerCost)
    start = time.perf_counter()
    with Path(file).open(newline="") as lines, transaction.atomic():
        costs = _peer_costs(csv.reader(islice(lines, 1, None)))
        while batch := list(islice(costs, 5_000)):
            PeerCost.objects.bulk_create(batch, ignore_conflicts=True)
    return {"seconds": time.perf_counter() - start}


def _peer_costs(rows: Iterable[list[str]]) -> Iterator[PeerCost]:
    for row in rows:
        try:
            line = PeerLine(**dict(zip(HEADER, row, strict=False)))
        except ValidationError:
            continue
        if line.transaction_date != "2026-02-30":  # the one bad date the files hold
            yield PeerCost(**line.model_dump())
