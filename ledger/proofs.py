"""The proof that one posting stands in the signed log, without showing any other row."""

from django.db import connection, transaction

from access.errors import Invalid, Refused
from access.models import Production
from ledger import seal, signing
from ledger.audit_rules import PROOF, canonical
from ledger.checkpoints import checkpoint_production
from ledger.findings import rows

_POSTING = """
SELECT journal.posting_line(p), b.transaction_count, s.leaves, e.unit_id, e.seq, e.line
FROM ledger_posting p
JOIN ledger_batch b ON b.id = p.batch_id
JOIN ledger_sealedleaves s ON s.batch_id = p.batch_id
JOIN ledger_logentry e ON e.batch_id = p.batch_id
WHERE p.production_id = %s AND p.batch_id = %s AND p.line_no = %s
"""


class Unprovable(Refused):
    """The posting, its batch or its log is not as it was sealed."""

    code = "E_UNPROVABLE"


def proof_of(*, production: Production, batch_id: int, line_no: int) -> bytes:
    """The proof file of a posting: row, way to the batch's root, entry, way to the log's root.

    The owner's connection. It discloses the hashes beside the posting's, not the rows they are of.
    Raises Invalid when there is no such posting, Unprovable when it is not as it was sealed.
    """
    checkpoint_production(production=production)
    public = signing.public_key()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        found = next(rows(_POSTING, [production.pk, batch_id, line_no]), None)
        if found is None or public is None:
            raise Invalid(f"posting {batch_id}/{line_no}: there is none in {production.code}")
        line, before, kept, unit_id, seq, entry = found
        size, note = next(
            rows(
                "SELECT size, note FROM ledger_checkpoint WHERE production_id = %s"
                " AND unit_id = %s ORDER BY size DESC LIMIT 1",
                [production.pk, unit_id],
            )
        )
        log = [
            bytes(leaf)
            for (leaf,) in rows(
                "SELECT leaf FROM ledger_logentry WHERE production_id = %s AND unit_id = %s"
                " AND seq < %s ORDER BY seq",
                [production.pk, unit_id, size],
            )
        ]
    leaves, index = bytes(kept), before + line_no - 1
    if leaves[32 * index : 32 * index + 32] != seal.leaf_hash(line.encode()):
        raise Unprovable(
            f"posting {batch_id}/{line_no} is not as it was sealed: run verify_journal"
        )
    return canonical(
        {
            "checkpoint": note,
            "entry": entry,
            "format": PROOF,
            "inclusion": [step.hex() for step in seal.inclusion_path(log, seq)],
            "key": signing.key_text(public).strip(),
            "posting": line,
            "tiles": [[h.hex() for h in tile] for tile in seal.tile_path(leaves, index)],
        }
    )
