"""The rules that go out with every bundle agree with the database and with their definitions."""

import hashlib
import json
import random

import pytest

from ledger import audit_rules, seal
from tests.factories import Film, acting, role
from tests.ledger.raw_batches import draft, header, query, words, write_batch

TABLES = {
    "ledger_transaction": ("transaction", audit_rules.transaction_of, audit_rules.TRANSACTION),
    "ledger_posting": ("posting", audit_rules.posting_of, audit_rules.POSTING),
}
ODD = ['say "when"', "back\\slash", "a,b", "(x)", "line\nend", "\\n", '\\\n"', " ", "", "\t", "é日",
       '""', "\r\n", "\\\\n", "NULL", "'"]  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_every_column_of_a_row_stands_in_its_line_under_its_name(film: Film, table: str) -> None:
    """A column that is added to the table and not to both encodings fails here."""
    word, read, names = TABLES[table]
    w = words(film)
    with role("worker"), acting(film, "amir"):
        batch = write_batch(
            w,
            transactions=[
                {"vendor": odd, "description": odd[::-1], "reference": odd, "source_row": number}
                for number, odd in enumerate(ODD)
            ],
            postings=[{"transaction_number": n + 1, "rule": ODD[n]} for n in range(len(ODD))],
        )
    with role("owner"):
        columns = {
            name
            for (name,) in query(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_schema = 'public' AND table_name = %s",
                table,
            )
        }
        rows = query(
            f"SELECT journal.{word}_line(x), journal.{word}_leaf(x), to_jsonb(x) FROM {table} x"
            " WHERE batch_id = %s",
            batch,
        )
    assert set(names) == columns and len(names) == len(columns)
    assert len(rows) == len(ODD)
    for line, leaf, row in rows:
        assert "\n" not in line
        assert audit_rules.leaf_hash(line.encode()) == bytes(leaf)
        found = read(line)
        for name, value in json.loads(row).items():
            assert found[name] == as_line(name, value), name


def as_line(name: str, value: object) -> str | None:
    """What a column's JSON looks like in a line."""
    if value is None:
        return None
    text = str(value)
    if name in {"document_key", "facts"}:
        return text.removeprefix("\\x")
    if name in {"amount", "base_amount"}:
        return f"{value:.4f}"
    return text


def test_no_setting_of_a_session_changes_a_line(film: Film) -> None:
    w = words(film)
    with role("worker"), acting(film, "amir"):
        batch = write_batch(w, transactions=[{"occurred_at": "2026-01-14 10:00:00.5+02"}])
    lines = "SELECT journal.transaction_line(t), encode(journal.transaction_leaf(t), 'hex')" \
            f" FROM ledger_transaction t WHERE batch_id = {batch}"  # fmt: skip
    with role("owner"):
        usual = query(lines)
        assert "2026-01-14T08:00:00.5" in usual[0][0]
        for setting in ("datestyle = 'German, DMY'", "timezone = 'Asia/Kathmandu'",
                        "bytea_output = 'escape'", "extra_float_digits = -3"):  # fmt: skip
            query(f"SET {setting}")
            assert query(lines) == usual, setting
        query("RESET ALL")


@pytest.mark.parametrize(
    "line",
    ["", "P2", "P2(", "P2()", "P2(1,2", "P3(1)", 'P2("a)', 'P2("a"b)', "P2(a b)", "T2(1)", "T2..(",
     'P2(1,"a\\x")', "P2(" + "1," * 16 + "1)", "P2(" + "1," * 18 + "1)", "T2ab.ab(1)"],
)  # fmt: skip
def test_a_line_that_is_no_row_is_refused_by_name(line: str) -> None:
    for read in (audit_rules.posting_of, audit_rules.transaction_of):
        with pytest.raises(ValueError, match=r"its? |argument"):
            read(line)


def test_trees_and_roots_agree_with_the_house_s_own() -> None:
    leaves = [hashlib.sha256(b"%d" % n).digest() for n in range(700)]
    log, tree = audit_rules.Log(), seal.Tree()
    for leaf in leaves:
        log.append(leaf)
        tree.append(leaf)
        assert log.root() == tree.root()
    for size in (1, 2, 255, 256, 257, 700):
        joined = b"".join(leaves[:size])
        assert audit_rules.batch_root(joined) == seal.leaves_root(joined)


def test_a_path_through_a_log_leads_to_its_root_and_no_other_way_does() -> None:
    leaves = [hashlib.sha256(b"%d" % n).digest() for n in range(70)]
    for size in range(1, 70):
        root = seal.tree_root(leaves[:size])
        for index in {0, size // 2, size - 1}:
            path = seal.inclusion_path(leaves[:size], index)
            assert audit_rules.root_of_path(leaves[index], index, size, path) == root
            assert audit_rules.root_of_path(leaves[index], index, size, [*path, root]) != root
            if path:
                assert audit_rules.root_of_path(leaves[index], index, size, path[:-1]) != root
            if size > 1:
                other = (index + 1) % size
                assert audit_rules.root_of_path(leaves[index], other, size, path) != root
    assert audit_rules.root_of_path(leaves[0], 3, 3, []) is None


def test_the_tiles_of_a_batch_lead_to_its_root_and_no_other_way_does() -> None:
    rng = random.Random(7)
    leaves = [hashlib.sha256(b"%d" % n).digest() for n in range(66_000)]
    for count in (1, 2, 255, 256, 257, 600, 66_000):
        joined = b"".join(leaves[:count])
        root = seal.leaves_root(joined)
        for index in {0, count - 1, rng.randrange(count)}:
            tiles = seal.tile_path(joined, index)
            assert audit_rules.root_of_tiles(leaves[index], index, count, tiles) == root
            assert audit_rules.root_of_tiles(leaves[index], index, count, tiles[:-1]) is None
            if count > 1:
                wrong = audit_rules.root_of_tiles(leaves[index - 1], index, count, tiles)
                assert wrong != root


def test_amounts_are_whole_ten_thousandths() -> None:
    for text in ("0.0000", "12.5000", "-0.0001", "123456789012345.9999"):
        assert audit_rules.amount(audit_rules.units_of(text)) == text
    for text in (
        "",
        "1",
        "1.5",
        "+1.0000",
        "01.0000",
        "1.00000",
        "NaN",
        "1e3",
        None,
        1,
        "\u0661.0000",
    ):
        with pytest.raises(ValueError, match="expected an amount"):
            audit_rules.units_of(text)


def test_a_batch_posted_by_the_service_reads_back_from_its_lines(film: Film) -> None:
    from ledger import services

    w = words(film)
    with role("worker"), acting(film, "amir"):
        batch = services.post_batch(
            actor=film.cast["amir"], header=header(film, w), drafts=[draft(w, amounts=["-7.25"])]
        )
    with role("owner"):
        ((line,),) = query(
            "SELECT journal.posting_line(p) FROM ledger_posting p WHERE batch_id = %s", batch.pk
        )
    row = audit_rules.posting_of(line)
    assert (row["amount"], row["currency"], row["commitment_id"]) == ("-7.2500", "USD", None)
