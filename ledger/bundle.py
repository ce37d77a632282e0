"""An audit bundle: the books in files that anybody can check without prodacct.

It is written in one pass, a batch in memory at a time, as of the last checkpoints: what came after
them is in no bundle, because nothing stands over it yet.
"""

import ast
import hashlib
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from access.errors import Refused
from access.models import Production
from ledger import signing
from ledger.audit_rules import BUNDLE, canonical, fingerprint
from ledger.checkpoints import checkpoint_production
from ledger.findings import rows, rows_in_turn
from ledger.masters import masters_said, say_masters
from ledger.models import LogHead, SourceDocument
from ledger.selectors import document_bytes

HERE = Path(__file__).resolve().parent
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # a bundle of the same books is the same bytes on any day
# What the verifier consists of, in the order in which each part needs those before it.
PARTS = ("audit_rules", "override_tree", "verify_bundle")

_LOGS = """
SELECT u.id, u.code, c.size FROM taxonomy_unit u
JOIN (SELECT unit_id, max(size) AS size FROM ledger_checkpoint
      WHERE production_id = %(p)s GROUP BY unit_id) c ON c.unit_id = u.id
WHERE u.production_id = %(p)s ORDER BY u.id
"""
_ENTRIES = """
SELECT convert_to(line, 'UTF8'), leaf, batch_id FROM ledger_logentry
WHERE production_id = %s AND unit_id = %s AND seq < %s ORDER BY seq
"""
_BATCH_ROWS = """
SELECT 1, convert_to(string_agg(journal.transaction_line(t), E'\\n' ORDER BY t.number), 'UTF8')
FROM ledger_transaction t WHERE t.production_id = %(p)s AND t.batch_id = %(b)s
UNION ALL
SELECT 2, convert_to(string_agg(journal.posting_line(x), E'\\n' ORDER BY x.line_no), 'UTF8')
FROM ledger_posting x WHERE x.production_id = %(p)s AND x.batch_id = %(b)s
ORDER BY 1
"""
# The totals of the batches that stand under a checkpoint, and of no other.
_COVERED = """
FROM ledger_batchtotal t
JOIN ledger_logentry e ON e.batch_id = t.batch_id AND e.production_id = t.production_id
JOIN (SELECT unit_id, max(size) AS size FROM ledger_checkpoint
      WHERE production_id = %(p)s GROUP BY unit_id) c
    ON c.unit_id = e.unit_id AND e.seq < c.size
JOIN ledger_account a ON a.id = t.account_id
"""
_TRIAL_BALANCE = f"""
SELECT t.book::text, a.code, t.currency, greatest(sum(t.amount), 0)::numeric(28, 4)::text,
       greatest(-sum(t.amount), 0)::numeric(28, 4)::text
{_COVERED} WHERE t.production_id = %(p)s GROUP BY t.book, a.code, t.currency
"""
_COST_REPORT = f"""
SELECT a.code, r.number::text, t.currency, sum(t.amount)::numeric(28, 4)::text,
       sum(t.base_amount)::numeric(28, 4)::text, sum(t.lines)::text
{_COVERED} JOIN ledger_period r ON r.id = t.period_id
WHERE t.production_id = %(p)s AND t.book = 1 AND a.statement = 'cost'
GROUP BY a.code, r.number, t.currency
"""
_SOURCES = f"""
SELECT DISTINCT b.document_id {_COVERED} JOIN ledger_batch b ON b.id = t.batch_id
WHERE t.production_id = %(p)s AND b.document_id IS NOT NULL ORDER BY 1
"""


class NothingToExport(Refused):
    """No log of the production has an entry."""

    code = "E_NOTHING_TO_EXPORT"


@dataclass(slots=True)
class Archive:
    """A ZIP file that is written piece by piece and remembers the hash of every file in it."""

    zip: zipfile.ZipFile
    files: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, pieces: Iterable[bytes]) -> None:
        """Write a file of any length."""
        digest = hashlib.sha256()
        info = zipfile.ZipInfo(name, LONG_AGO)
        info.compress_type = zipfile.ZIP_DEFLATED
        with self.zip.open(info, "w", force_zip64=True) as out:
            for piece in pieces:
                digest.update(piece)
                out.write(piece)
        self.files[name] = digest.hexdigest()

    def add_table(self, name: str, said: Any) -> None:
        """Write a table as JSON in its one text."""
        self.add(f"tables/{name}.json", [canonical({"rows": said})])


def export_bundle(
    *, production: Production, out: Path, with_sources: bool = False
) -> dict[str, int]:
    """Sign where the logs stand and write the bundle; how many of what it holds.

    The owner's connection, which sees all rows. Raises the signer's refusal, and NothingToExport.
    """
    if not LogHead.objects.filter(production=production, size__gt=0).exists():
        raise NothingToExport(f"nothing has been posted to {production.code} yet")
    say_masters(production=production)
    checkpoint_production(production=production)
    public = signing.public_key()
    assert public is not None, "it has just signed"
    with transaction.atomic(), zipfile.ZipFile(out, "w", allowZip64=True) as packed:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        logs = list(rows(_LOGS, {"p": production.pk}))
        archive = Archive(packed)
        for log in logs:
            _add_log(archive, production, *log)
        _add_tables(archive, production, logs, with_sources=with_sources)
        if with_sources:
            _add_sources(archive, production)
        archive.add("key.txt", [signing.key_text(public).encode()])
        archive.add("verify_bundle.py", [verifier_source().encode()])
        archive.add("VERIFY.md", [verify_text(production, public).encode()])
        archive.add("manifest.json", [canonical({"files": archive.files, "format": BUNDLE})])
    return {"files": len(archive.files), "entries": sum(size for _, _, size in logs)}


def _add_log(archive: Archive, production: Production, unit_id: int, unit: str, size: int) -> None:
    asked = [production.pk, unit_id, size]
    place = f"units/{unit}"
    archive.add(
        f"{place}/journal.jsonl", (bytes(r[0]) + b"\n" for r in rows_in_turn(_ENTRIES, asked))
    )
    archive.add(f"{place}/leaves.bin", (bytes(r[1]) for r in rows_in_turn(_ENTRIES, asked)))
    batches = [r[2] for r in rows_in_turn(_ENTRIES, asked) if r[2] is not None]
    archive.add(f"{place}/rows.txt", _lines_of(production, batches))
    archive.add(f"{place}/row_leaves.bin", _leaves_of(production, batches))
    for checkpoint_size, note in rows(
        "SELECT size, note FROM ledger_checkpoint"
        " WHERE production_id = %s AND unit_id = %s AND size <= %s ORDER BY size",
        asked,
    ):
        archive.add(f"checkpoints/{unit}/{checkpoint_size}.note", [note.encode()])


def _lines_of(production: Production, batches: list[int]) -> Iterator[bytes]:
    for batch in batches:
        for _, lines in rows(_BATCH_ROWS, {"p": production.pk, "b": batch}):
            if lines is not None:
                yield bytes(lines) + b"\n"


def _leaves_of(production: Production, batches: list[int]) -> Iterator[bytes]:
    for batch in batches:
        for (leaves,) in rows(
            "SELECT leaves FROM ledger_sealedleaves WHERE production_id = %s AND batch_id = %s",
            [production.pk, batch],
        ):
            yield bytes(leaves)


def _add_tables(
    archive: Archive, production: Production, logs: list[Any], *, with_sources: bool
) -> None:
    asked = {"p": production.pk}
    archive.add_table(
        "production",
        {
            "code": production.code, "currency": production.currency, "id": str(production.pk),
            "title": production.title, "with_sources": with_sources,
        },
    )  # fmt: skip
    archive.add_table("units", {str(unit_id): unit for unit_id, unit, _ in logs})
    for word, said in masters_said(production).items():
        archive.add_table(word, said)
    archive.add_table("trial_balance", sorted(list(row) for row in rows(_TRIAL_BALANCE, asked)))
    archive.add_table(
        "cost_report",
        sorted((list(row) for row in rows(_COST_REPORT, asked)), key=lambda r: [str(c) for c in r]),
    )


def _add_sources(archive: Archive, production: Production) -> None:
    for (document_id,) in list(rows(_SOURCES, {"p": production.pk})):
        document = SourceDocument.objects.get(production=production, pk=document_id)
        archive.add(f"sources/{bytes(document.sha256).hex()}", document_bytes(document))


def verifier_source() -> str:
    """The verifier as one file: its parts one after the other, without the imports between."""
    whole = (HERE / f"{PARTS[-1]}.py").read_text()
    doc = "".join(whole.splitlines(keepends=True)[: ast.parse(whole).body[0].end_lineno])
    return doc + "\n".join(_without_joints((HERE / f"{part}.py").read_text()) for part in PARTS)


def _without_joints(source: str) -> str:
    """A part without its docstring and without what it imports of the other parts."""
    lines = source.splitlines(keepends=True)
    first, *body = ast.parse(source).body
    joints = [
        node for node in body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ledger.")
    ]  # fmt: skip
    for node in reversed([first, *joints]):
        del lines[node.lineno - 1 : node.end_lineno]
    return "".join(lines)


def verify_text(production: Production, public: bytes) -> str:
    """What an outsider is told, in plain words."""
    text = (HERE / "VERIFY.md").read_text()
    return text.replace("TITLE", f"{production.title} ({production.code})").replace(
        "FINGERPRINT", fingerprint(public)
    )
