"""The verifier names whatever was altered, by anybody, and is stopped by nothing it reads."""

import json

import pytest

from ledger import seal, verify_totals
from ledger.verify import Finding, verify_production
from tests.factories import Cast, Film, cost_line, cost_lines, import_data, make_film, role
from tests.ledger.altering import flip, flips
from tests.ledger.raw_batches import query
from tests.ledger.tampering import a_row, names_of, rewritten, tampering, undone, unit_code

# Columns no seal covers, and why. The list is exact: a test flips them and expects silence.
NOT_SEALED = {
    ("ledger_batch", "xid"): "serves only while the batch is being filled",
    ("ledger_sourcedocument", "xid"): "serves only while the document is received",
    ("ledger_batchtotal", "id"): "a row number that nothing refers to",
    ("ledger_sourcedocument", "name"): "a label; the document is its bytes",
    ("ledger_sourcedocument", "received_at"): "when the bytes came; the log says when they posted",
    ("ledger_sourcedocument", "received_by_id"): "the batch's own actor is sealed",
    ("ledger_checkpoint", "id"): "a row number that nothing refers to",
    ("ledger_checkpoint", "signed_at"): "when it was signed; what was signed is size and root",
    ("taxonomy_costnode", "name"): "a label; the digest is over code, unit, line and window",
    ("taxonomy_costnode", "recorded_at"): "when the node was recorded; the digest is over facts",
}
# The tree is read as Python dates, so that a moment there is no date for is found all the same.
UNREADABLE = ("taxonomy_costnode", "'infinity'")
TABLES = [
    "ledger_posting",
    "ledger_transaction",
    "ledger_batch",
    "ledger_batchtotal",
    "ledger_logentry",
    "ledger_loghead",
    "ledger_sealedleaves",
    "ledger_leafbucket",
    "ledger_checkpoint",
    "ledger_sourcepiece",
    "ledger_sourcedocument",
    "ledger_attachment",
    "ledger_attachmentwithdrawal",
    "ledger_statementline",
    "taxonomy_costnode",
]


def findings(film: Film) -> list[Finding]:
    found = verify_production(film.production).findings
    assert found is not None
    return found


def records(film: Film) -> set[str]:
    return {finding.record for finding in findings(film)}


def test_a_film_is_whole_after_its_imports_and_the_counts_say_what_was_read(imported: Film) -> None:
    with role("owner"):
        result = verify_production(imported.production)
        ((nodes,),) = query(
            "SELECT count(*) FROM taxonomy_costnode WHERE production_id = %s",
            imported.production.pk,
        )
    assert result.findings == []
    assert (result.batches, result.transactions, result.postings) == (3, 7, 7)
    assert (result.entries, result.documents, result.nodes) == (13, 6, nodes)


def test_a_film_just_opened_is_whole(cast: Cast) -> None:
    with role("owner"):
        assert findings(make_film(cast)) == []


@pytest.mark.parametrize("table", TABLES)
def test_every_column_that_is_altered_is_named(imported: Film, table: str) -> None:
    altered = set()
    with tampering():
        row = a_row(imported, table)
        before = names_of(table, row)
        every = flips(table)
        for column, value in every:
            with undone():
                if not flip(table, row["at"], column, value):
                    continue
                altered.add(column)
                found = records(imported)
                expected = before | names_of(table, row)
                is_sealed = (table, column) not in NOT_SEALED or (table, value) == UNREADABLE
                assert bool(found & expected) == is_sealed, (column, value, found)
                assert is_sealed or not found
    assert altered == {column for column, _ in every}, "every column was altered at least once"


@pytest.mark.parametrize("table", TABLES)
def test_a_row_that_is_deleted_is_named(imported: Film, table: str) -> None:
    with tampering():
        row = a_row(imported, table)
        expected = names_of(table, row)
        query(f"DELETE FROM {table} WHERE ctid = %s::tid", row["at"])
        assert records(imported) & expected


def test_totals_added_up_a_batch_at_a_time_leave_none_out(
    imported: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of every batch, and those of batches that are not there, before, between and after."""
    monkeypatch.setattr(verify_totals, "_POSTINGS_AT_A_TIME", 1)
    kept = "ledger_batchtotal WHERE production_id = %s"
    with tampering():
        assert findings(imported) == []
        key = imported.production.pk
        query(f"UPDATE {kept.replace(' WHERE', ' SET amount = amount + 1 WHERE')}", key)
        ((first, last),) = query(f"SELECT min(batch_id), max(batch_id) FROM {kept}", key)
        query("CREATE TEMP TABLE added ON COMMIT DROP AS TABLE ledger_batchtotal WITH NO DATA")
        query(f"INSERT INTO added SELECT * FROM {kept} AND batch_id = %s", key, first)
        for number, batch in enumerate((-7, 0, last + 1, 2**63 - 1), 1):
            query(
                "INSERT INTO ledger_batchtotal SELECT * FROM jsonb_populate_recordset("
                "NULL::ledger_batchtotal, (SELECT jsonb_agg(to_jsonb(a) || jsonb_build_object("
                "'id', a.id + %s, 'batch_id', %s::bigint)) FROM added a))",
                number * 1_000_000,
                batch,
            )
        totals = query(f"SELECT DISTINCT batch_id, account_id FROM {kept}", key)
        named = {r for r in records(imported) if r.startswith("total of batch")}
    assert named == {f"total of batch {b}, account {a}" for b, a in totals}
    assert {-7, 0, first, last, last + 1, 2**63 - 1} <= {b for b, _ in totals}


INSERTED = {
    "ledger_posting": "line_no = line_no + 100",
    "ledger_transaction": "number = number + 100, document_key = facts, source_row = 100",
    "ledger_batch": "id = id + 1000000, key = sha256(key)",
    "ledger_batchtotal": "id = id + 1000000, cost_center_id = cost_center_id + 1",
    "ledger_logentry": "seq = seq + 100, batch_id = NULL",
    "ledger_loghead": "unit_id = unit_id + 1000000",
    "ledger_sealedleaves": "batch_id = batch_id + 1000000",
    "ledger_leafbucket": "batch_id = batch_id + 1000000",
    "ledger_checkpoint": "id = id + 1000000, size = size + 1",
    "ledger_sourcepiece": "number = number + 1, data = ''",
    "ledger_sourcedocument": "id = id + 1000000, sha256 = sha256(sha256)",
    "ledger_attachment": "id = id + 1000000",
    "ledger_attachmentwithdrawal": "id = id + 1000000, attachment_id = attachment_id + 1000000",
    "ledger_statementline": "id = id + 1000000, number = 100, source_row = 100, twin = 100,"
    " bank_id = 'another'",
    "taxonomy_costnode": "id = id + 1000000, code = 'X'",
}


@pytest.mark.parametrize("table", TABLES)
def test_a_row_that_is_added_is_found(imported: Film, table: str) -> None:
    with tampering():
        row = a_row(imported, table)
        query(f"CREATE TEMP TABLE added ON COMMIT DROP AS TABLE {table} WITH NO DATA")
        query(f"INSERT INTO added SELECT * FROM {table} WHERE ctid = %s::tid", row["at"])
        query(f"UPDATE added SET {INSERTED[table]}")
        query(f"INSERT INTO {table} SELECT * FROM added")
        ((added,),) = query("SELECT to_jsonb(x) FROM added x")
        added = json.loads(added)
        found = records(imported)
        assert any(str(added.get(key)) in " ".join(found) for key in
                   ("line_no", "number", "id", "batch_id", "seq", "size", "unit_id", "statement_id",
                    "document_id")
                   if added.get(key) is not None), found  # fmt: skip


SWAPS = [
    ("ledger_posting", "amount", "base_amount"),
    ("ledger_posting", "line_no",),
    ("ledger_posting", "transaction_number",),
    ("ledger_transaction", "reference",),
    ("ledger_transaction", "document_key",),
    ("ledger_transaction", "number",),
    ("ledger_batch", "key",),
    ("ledger_batch", "document_id", "document_sha256"),
    ("ledger_batch", "id",),
    ("ledger_batchtotal", "amount",),
    ("ledger_batchtotal", "batch_id",),
    ("ledger_logentry", "line",),
    ("ledger_logentry", "line", "leaf"),
    ("ledger_logentry", "line", "leaf", "batch_id"),
    ("ledger_logentry", "seq",),
    ("ledger_sealedleaves", "leaves",),
    ("ledger_sealedleaves", "batch_id",),
    ("ledger_leafbucket", "entries",),
    ("ledger_leafbucket", "bucket",),
    ("ledger_leafbucket", "batch_id",),
    ("ledger_checkpoint", "note",),
    ("ledger_checkpoint", "unit_id",),
    ("ledger_checkpoint", "size", "root", "note"),
    ("ledger_sourcepiece", "data",),
    ("ledger_sourcepiece", "document_id",),
    ("ledger_sourcedocument", "sha256",),
    ("taxonomy_costnode", "code",),
    ("taxonomy_costnode", "digest",),
    ("taxonomy_costnode", "code", "line", "digest"),
]  # fmt: skip
WHICH = {
    "ledger_logentry": "type = 'post' AND unit_id = (SELECT min(unit_id) FROM ledger_logentry e"
    " WHERE e.production_id = x.production_id)",
    "taxonomy_costnode": "kind = 'account' AND code IN ('3310', '2220')",
    "ledger_batchtotal": "amount > 0",
    # A bucket that two batches have cannot be given to either once more.
    "ledger_leafbucket": "NOT EXISTS (SELECT 1 FROM ledger_leafbucket k"
    " WHERE k.production_id = x.production_id AND k.bucket = x.bucket"
    " AND k.batch_id <> x.batch_id)",
}
# A number in its batch can only be exchanged with another of the same batch.
FIRST_BATCH = (
    "batch_id = (SELECT min(id) FROM ledger_batch b WHERE b.production_id = x.production_id)"
)
IN_ONE_BATCH = {"line_no", "transaction_number", "number"}


@pytest.mark.parametrize("swap", SWAPS, ids=" ".join)
def test_two_rows_that_change_places_are_both_named(imported: Film, swap: tuple[str, ...]) -> None:
    table, *names = swap
    with tampering():
        which = FIRST_BATCH if IN_ONE_BATCH & set(names) else WHICH.get(table, "true")
        # In the order of what is exchanged: two rows that say the same could change places unseen.
        order = ", ".join(f"x.{n}::text" for n in names)
        rows = query(
            f"SELECT ctid::text, to_jsonb(x) FROM {table} x WHERE production_id = %s"
            f" AND {which} ORDER BY {order}",
            imported.production.pk,
        )
        (one, first), (two, second) = [(at, json.loads(row)) for at, row in (rows[0], rows[-1])]
        expected = [names_of(table, first), names_of(table, second)]
        query(f"CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT ctid::text AS at, * FROM {table}"
              " WHERE ctid = ANY(%s::tid[])", [one, two])  # fmt: skip
        query(f"DELETE FROM {table} WHERE ctid = ANY(%s::tid[])", [one, two])
        pairs = ", ".join(f"{n} = other.{n}" for n in names)
        query("CREATE TEMP TABLE other ON COMMIT DROP AS TABLE kept")
        query(f"UPDATE kept SET {pairs} FROM other WHERE other.at <> kept.at")
        query("ALTER TABLE kept DROP COLUMN at")
        query(f"INSERT INTO {table} SELECT * FROM kept")
        found = records(imported)
        for each, row in zip(expected, (first, second), strict=True):
            assert found & (each | names_of(table, row)), found


# --- nothing that is read stops it --------------------------------------------------------------

ODD_LINES = [
    "",
    "no json",
    "{",
    "[]",
    "{}",
    "null",
    "true",
    "7",
    "1e999",
    '"text"',
    "NaN",
    "[" * 100_000,
    '{"a":' * 100_000,
    "9" * 5_000,
    '{"at":"","data":[],"salt":"","seq":"0","type":"post"}',
    '{"data":{},"seq":"0","type":"post"}',
    '{"data":{"batch":[[]],"root":{}},"seq":"0","type":"post"}',
    '{"data":{"batch":null,"root":null,"lines":{},"name":7},"seq":"0","type":"post"}',
    r'{"data":{"batch":"\ud800","root":"\u0000"},"seq":"0","type":"post"}',
    '{"data":{"batch":1e400,"root":"' + "f" * 64 + '"},"seq":"0","type":"post"}',
    '{"data":{},"seq":["0"],"type":{}}',
    '{"data":{},"seq":"1","type":"post"}',
    '{"data":{},"seq":"0","type":"upload"}',
    "\x01\x7f\u2028\ufeff",
]


@pytest.mark.parametrize("is_rehashed", [False, True], ids=["leaf as it was", "leaf recomputed"])
def test_a_log_line_may_be_anything_and_is_named(imported: Film, is_rehashed: bool) -> None:
    with tampering():
        ((unit, code, batch),) = query(
            "SELECT e.unit_id, u.code, e.batch_id FROM ledger_logentry e JOIN taxonomy_unit u"
            " ON u.id = e.unit_id WHERE e.production_id = %s AND u.code = 'MAIN' AND seq = 0",
            imported.production.pk,
        )
        for line in ODD_LINES:
            with undone():
                leaf = ", leaf = sha256('\\x00'::bytea || convert_to(line, 'UTF8'))"
                query("UPDATE ledger_logentry SET line = %s WHERE unit_id = %s AND seq = 0",
                      line, unit)  # fmt: skip
                if is_rehashed:
                    query(f"UPDATE ledger_logentry SET type = type{leaf}"
                          f" WHERE unit_id = {unit} AND seq = 0")  # fmt: skip
                found = records(imported)
                named = f"log of unit {code}" if is_rehashed else f"log entry {code}#0"
                assert named in found, line[:60]
                assert found & {f"log entry {code}#0", f"batch {batch}"}, line[:60]


def test_leaves_that_were_resealed_do_not_agree_with_the_log(imported: Film) -> None:
    """The careful one: a posting, and the leaves the batch was sealed with, altered together."""
    with tampering():
        row = a_row(imported, "ledger_posting")
        query("UPDATE ledger_posting SET amount = amount + 1 WHERE ctid = %s::tid", row["at"])
        query(
            "UPDATE ledger_sealedleaves SET leaves = journal.batch_leaves(production_id, batch_id)"
            " WHERE batch_id = %s",
            row["batch_id"],
        )
        assert Finding(
            f"batch {row['batch_id']}", "its sealed leaves are not those of its log entry"
        ) in findings(imported)


def test_a_log_rewritten_up_to_its_last_line_does_not_agree_with_its_head(imported: Film) -> None:
    """The more careful one still: posting, leaves, and the log line with its leaf."""
    with tampering():
        row = a_row(imported, "ledger_posting")
        query("UPDATE ledger_posting SET rule = 'mine' WHERE ctid = %s::tid", row["at"])
        query(
            "UPDATE ledger_sealedleaves SET leaves = journal.batch_leaves(production_id, batch_id)"
            " WHERE batch_id = %s",
            row["batch_id"],
        )
        ((leaves, line),) = query(
            "SELECT s.leaves, e.line FROM ledger_sealedleaves s JOIN ledger_logentry e"
            " ON e.batch_id = s.batch_id WHERE s.batch_id = %s",
            row["batch_id"],
        )
        entry = json.loads(line)
        entry["data"]["root"] = seal.leaves_root(bytes(leaves)).hex()
        forged = json.dumps(entry, sort_keys=True, separators=(",", ":"))
        query(
            "UPDATE ledger_logentry SET line = %s, leaf = %s WHERE batch_id = %s",
            forged,
            seal.leaf_hash(forged.encode()),
            row["batch_id"],
        )
        code = unit_code(row["unit_id"])
        assert records(imported) == {f"log of unit {code}", f"look-up of batch {row['batch_id']}"}


def test_counts_that_were_altered_with_a_row_do_not_keep_it_busy_for_ever(imported: Film) -> None:
    with tampering():
        row = a_row(imported, "ledger_posting")
        query("UPDATE ledger_posting SET amount = amount + 1 WHERE ctid = %s::tid", row["at"])
        query(
            "UPDATE ledger_batch SET line_count = 100000, transaction_count = 100000 WHERE id = %s",
            row["batch_id"],
        )
        found = findings(imported)
        assert names_of("ledger_posting", row) <= {finding.record for finding in found}
        assert len(found) < 50


@pytest.mark.parametrize(
    "change",
    [
        "code = '' WHERE parent_id IS NULL",
        "digest = 'short' WHERE kind = 'unit'",
        "digest = '' WHERE kind = 'production'",
        "parent_id = id WHERE kind = 'department'",
        "parent_id = NULL WHERE kind = 'account'",
        "window_end = '0044-03-15 BC' WHERE code = '3310'",
        "window_start = '-infinity' WHERE code = '3310'",
    ],
)
def test_a_tree_that_makes_no_sense_is_a_finding(imported: Film, change: str) -> None:
    with tampering():
        query(f"UPDATE taxonomy_costnode SET {change} AND production_id = {imported.production.pk}")
        assert any(record.startswith("cost node ") for record in records(imported))


@pytest.mark.parametrize("gone", ["ledger_account", "ledger_period", "taxonomy_costcenter"])
def test_a_posting_whose_words_are_gone_is_named(imported: Film, gone: str) -> None:
    with tampering():
        row = a_row(imported, "ledger_posting")
        column = {"ledger_account": "account_id", "ledger_period": "period_id",
                  "taxonomy_costcenter": "cost_center_id"}[gone]  # fmt: skip
        query(f"DELETE FROM {gone} WHERE id = %s", row[column])
        assert names_of("ledger_posting", row) <= records(imported)


def test_a_unit_that_is_gone_with_its_log_still_there_is_named(imported: Film) -> None:
    with tampering():
        ((unit,),) = query(
            "DELETE FROM taxonomy_unit WHERE production_id = %s AND code = 'OFFICE' RETURNING id",
            imported.production.pk,
        )
        assert Finding(f"unit {unit}", "it has a log and is gone") in findings(imported)


def test_what_is_done_to_another_film_is_not_found_in_this_one(imported: Film, cast: Cast) -> None:
    with role("owner"):
        other = make_film(cast)
    import_data(other, cost_lines([cost_line(1)]))
    with tampering():
        query("UPDATE ledger_posting SET amount = 1 WHERE production_id = %s", other.production.pk)
        assert findings(imported) == []
        assert findings(other)


def test_a_committed_forgery_is_named_by_whichever_process_looks_at_it(film: Film) -> None:
    """Outside a transaction two server processes share the work, as of one moment."""
    import_data(film, cost_lines([cost_line(n) for n in (1, 2)]))
    with role("owner"):
        ((batch, account),) = query(
            "SELECT batch_id, account_id FROM ledger_batchtotal WHERE production_id = %s"
            " AND amount > 0",
            film.production.pk,
        )
    with rewritten():
        query("UPDATE ledger_batchtotal SET amount = amount + 1 WHERE batch_id = %s"
              " AND account_id = %s", batch, account)  # fmt: skip
        query("UPDATE ledger_posting SET rule = 'mine' WHERE batch_id = %s AND line_no = 1", batch)
    with role("owner"):
        assert records(film) == {f"posting {batch}/1", f"total of batch {batch}, account {account}"}
