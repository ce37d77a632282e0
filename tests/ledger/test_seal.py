"""The trees over a unit's log and a batch, in Python and in SQL, and what a log takes."""

import hashlib

import pytest
from django.db import transaction
from django.db.utils import DatabaseError, IntegrityError

from ledger import seal, services
from tests.factories import Film, acting, role
from tests.ledger.raw_batches import draft, header, query, words, write_batch


def ledger_rows(film: Film) -> list[tuple[int]]:
    """How many batches and log entries the film has."""
    with role("owner"):
        return query(
            "SELECT (SELECT count(*) FROM ledger_batch WHERE production_id = %s)"
            " + (SELECT count(*) FROM ledger_logentry WHERE production_id = %s)",
            film.production.pk,
            film.production.pk,
        )


REFUSED = [
    ("note", "no json", "invalid input syntax"),
    ("note", "", "invalid input syntax"),
    ("note", None, "a JSON object on one line"),
    ("note", "[]", "a JSON object on one line"),
    ("note", '"text"', "a JSON object on one line"),
    ("note", '{}, "seq": "7"', "invalid input syntax"),
    ("note", '{"a":\n1}', "a JSON object on one line"),
    ("post", '{"batch":"1"}', "seals a batch"),
]


def test_a_log_takes_a_json_object_on_one_line_and_no_forged_seal(film: Film) -> None:
    w = words(film)
    unit = w.units["MAIN"]
    append = "SELECT journal.append(%s, %s, %s, %s, NULL)"
    with role("worker"):
        for entry_type, data, said in REFUSED:
            with pytest.raises(DatabaseError, match=said), acting(film, "amir"):
                query(append, w.production, unit, entry_type, data)
        with acting(film, "amir"):
            assert query(append, w.production, unit, "note", "{}") == [(0,)]


def test_a_log_is_written_only_under_its_own_context(film: Film, other_film: Film) -> None:
    o = words(other_film)
    with (
        role("worker"),
        pytest.raises(DatabaseError, match="only under its own signed context"),
        acting(film, "amir"),
    ):
        query("SELECT journal.append(%s, %s, 'note', '{}', NULL)", o.production, o.units["MAIN"])
    with role("worker"), pytest.raises(DatabaseError, match="has no log"), acting(film, "amir"):
        query("SELECT journal.append(%s, %s, 'note', '{}', NULL)", film.production.pk,
              o.units["MAIN"])  # fmt: skip


def test_a_worker_cannot_say_of_its_own_batch_what_the_seal_would_not(film: Film) -> None:
    w = words(film)
    with role("worker"), pytest.raises(IntegrityError, match="batch"), acting(film, "amir"):
        batch_id = write_batch(w)
        query("SELECT journal.append(%s, %s, 'post', %s, %s)", w.production, w.units["MAIN"],
              '{"root":"forged"}', batch_id)  # fmt: skip
    assert ledger_rows(film) == [(0,)]


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def test_the_tree_gives_the_roots_certificate_transparency_publishes() -> None:
    lines = [b"", b"\x00", b"\x10", b" !", b"01", b"@ABC", b"PQRSTUVW", b"`abcdefghijklmno"]
    leaves = [seal.leaf_hash(line) for line in lines]
    assert [seal.tree_root(leaves[:n]).hex()[:16] for n in range(9)] == [
        "e3b0c44298fc1c14", "6e340b9cffb37a98", "fac54203e7cc696c", "aeb6bcfe274b70a1",
        "d37ee418976dd957", "4e3bbb1f7b478dcf", "76e67dadbcdf1e10", "ddb89be403809e32",
        "5dc9da79a70659a9",
    ]  # fmt: skip


def test_the_tree_agrees_with_the_definition_at_every_size() -> None:
    leaves = [hashlib.sha256(b"%d" % n).digest() for n in range(130)]
    tree = seal.Tree()
    for size, leaf in enumerate(leaves):
        assert tree.root() == naive_root(leaves[:size])
        tree.append(leaf)
        assert len(tree.edge) == (size + 1).bit_count()


def test_every_entry_of_a_unit_s_log_moves_its_root_as_the_definition_says(film: Film) -> None:
    w = words(film)
    unit = w.units["MAIN"]
    with role("worker"), acting(film, "amir"):
        for size in range(1, 41):
            query("SELECT journal.append(%s, %s, 'note', %s, NULL)", w.production, unit,
                  f'{{"n":"\u00e9{size}"}}')  # fmt: skip
            ((head_size, root, edge),) = query(
                "SELECT size, root, edge FROM ledger_loghead WHERE unit_id = %s", unit
            )
            lines = query(
                "SELECT convert_to(line, 'UTF8'), leaf FROM ledger_logentry"
                " WHERE unit_id = %s ORDER BY seq",
                unit,
            )
            leaves = [seal.leaf_hash(bytes(line)) for line, _ in lines]
            tree = seal.Tree()
            for leaf in leaves:
                tree.append(leaf)
            assert [bytes(leaf) for _, leaf in lines] == leaves
            assert (head_size, bytes(root)) == (size, naive_root(leaves))
            assert (tree.root(), tree.edge) == (bytes(root), [bytes(e) for e in edge])


def test_the_root_of_a_batch_is_the_same_in_sql_and_in_python_at_every_size(film: Film) -> None:
    pool = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(70_000))
    with role("owner"):
        for size in (*range(1, 71), 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 70_000):
            leaves = pool[: size * 32]
            ((root,),) = query("SELECT journal.leaves_root(%s)", leaves)
            assert bytes(root) == seal.leaves_root(leaves), size
            assert len(root) == 32


def test_the_root_of_a_batch_stands_over_the_leaves_of_its_live_rows(film: Film) -> None:
    w = words(film)
    with role("worker"), acting(film, "amir"):
        batch = services.post_batch(
            actor=film.cast["amir"],
            header=header(film, w),
            drafts=[draft(w, amounts=["1.00"] * 3) for _ in range(90)],
        )
    with role("owner"):
        ((leaves, line),) = query(
            "SELECT s.leaves, e.line FROM ledger_sealedleaves s"
            " JOIN ledger_logentry e ON e.batch_id = s.batch_id WHERE s.batch_id = %s",
            batch.pk,
        )
        assert len(leaves) == 32 * (90 + 270)
        assert f'"root":"{seal.leaves_root(bytes(leaves)).hex()}"' in line
        with transaction.atomic():
            assert query("SELECT journal.batch_leaves(%s, %s)", w.production, batch.pk) == [
                (leaves,)
            ]
