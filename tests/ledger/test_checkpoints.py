"""Checkpoints: what is signed, what is refused, and what a rewritten database cannot hide."""

import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.db.utils import DatabaseError

from ledger import checkpoints, notes, seal, signing, tasks
from ledger.checkpoints import InconsistentLog, checkpoint_production, publish
from ledger.models import Checkpoint
from ledger.seal import Tree
from ledger.verify import verify_production
from tests.factories import Film, acting, cost_line, cost_lines, import_data, role
from tests.ledger.raw_batches import insert, query, words
from tests.ledger.tampering import rewritten, tampering


def signed(film: Film) -> list[Checkpoint]:
    with role("worker"):
        return checkpoint_production(production=film.production)


def kept(film: Film) -> list[Checkpoint]:
    with role("owner"):
        return list(Checkpoint.objects.filter(production=film.production).order_by("size"))


def note_file(checkpoint: Checkpoint, film: Film) -> Path:
    return checkpoints.folder_of(film.production, checkpoint.unit) / f"{checkpoint.size}.note"


def cut_tail(film: Film, size: int) -> None:
    """Take the last entries of MAIN away, wind its head back, and forget what was signed."""
    w = words(film)
    with rewritten():
        rows = query(
            "SELECT batch_id, leaf FROM ledger_logentry WHERE unit_id = %s ORDER BY seq",
            w.units["MAIN"],
        )
        for table, column in (
            ("ledger_posting", "batch_id"), ("ledger_transaction", "batch_id"),
            ("ledger_batchtotal", "batch_id"), ("ledger_sealedleaves", "batch_id"),
            ("ledger_leafbucket", "batch_id"), ("ledger_batch", "id"),
        ):  # fmt: skip
            query(f"DELETE FROM {table} WHERE {column} = ANY(%s)", [b for b, _ in rows[size:] if b])
        query("DELETE FROM ledger_logentry WHERE unit_id = %s AND seq >= %s", w.units["MAIN"], size)
        query("DELETE FROM ledger_checkpoint WHERE unit_id = %s", w.units["MAIN"])
        tree = Tree()
        for _, leaf in rows[:size]:
            tree.append(bytes(leaf))
        query("UPDATE ledger_loghead SET size = %s, root = %s, edge = %s WHERE unit_id = %s",
              size, tree.root(), tree.edge, w.units["MAIN"])  # fmt: skip


def test_a_log_is_signed_when_it_has_grown_and_its_note_leaves_the_house(film: Film) -> None:
    assert signed(film) == [], "empty logs are not signed"
    import_data(film, cost_lines([cost_line(1)]))
    (made,) = signed(film)
    assert signed(film) == [], "a log that has not grown is not signed again"
    import_data(film, cost_lines([cost_line(2)]))
    assert len(signed(film)) == 1
    both = kept(film)
    public = signing.public_key()
    assert public is not None
    with role("owner"):
        for checkpoint in both:
            origin = f"prodacct/{film.code}/MAIN"
            note = notes.note_of(checkpoint.note.encode(), public, origin=origin)
            assert note is not None
            assert (note.size, note.root) == (checkpoint.size, bytes(checkpoint.root))
            assert note_file(checkpoint, film).read_text() == checkpoint.note
        assert verify_production(film.production).findings == []
    assert made.size < both[1].size


def test_the_key_is_a_file_nobody_may_write_to_outside_the_database(film: Film) -> None:
    import_data(film, cost_lines([cost_line(1)]))
    signed(film)
    path = Path(settings.LOG_KEY_FILE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert signing.private_key().private_bytes_raw() == signing.private_key().private_bytes_raw()


def test_nothing_is_signed_that_could_still_be_undone(film: Film) -> None:
    with role("worker"), pytest.raises(AssertionError, match="committed"), acting(film, "amir"):
        checkpoint_production(production=film.production)


def test_a_log_whose_tail_was_cut_is_not_signed_and_is_named(film: Film) -> None:
    """The whole database rewritten: entries, batches, totals, head and table of checkpoints."""
    for number in (1, 2, 3):
        import_data(film, cost_lines([cost_line(number)]))
    (checkpoint,) = signed(film)
    cut_tail(film, checkpoint.size - 2)
    with pytest.raises(InconsistentLog, match="Entries were removed"):
        signed(film)
    with role("owner"):
        found = verify_production(film.production).findings
    cut = [f for f in found if f.record == "log of unit MAIN"]
    assert any("what the signer remembers was over" in f.problem for f in cut) or any(
        "its tail was cut" in f.problem for f in cut
    )
    assert any(f.record == f"checkpoint MAIN@{checkpoint.size}" for f in found)
    import_data(film, cost_lines([cost_line(7), cost_line(8)]))
    import_data(film, cost_lines([cost_line(9)]))
    import_data(film, cost_lines([cost_line(10)]))
    with pytest.raises(InconsistentLog, match=r"another root|Something signed was altered"):
        signed(film)


def test_the_folder_alone_names_a_cut_tail(film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    import_data(film, cost_lines([cost_line(1)]))
    import_data(film, cost_lines([cost_line(2)]))
    (checkpoint,) = signed(film)
    cut_tail(film, checkpoint.size - 1)
    monkeypatch.setattr(signing, "memory", dict)
    with role("owner"):
        found = verify_production(film.production).findings
    assert [f.record for f in found if "its tail was cut" in f.problem] == ["log of unit MAIN"]


@pytest.mark.parametrize("again", ["the same", "another"])
def test_a_forged_file_in_the_folder_is_named(film: Film, again: str) -> None:
    import_data(film, cost_lines([cost_line(1)]))
    (checkpoint,) = signed(film)
    path = note_file(checkpoint, film)
    text = path.read_text()
    path.write_text(text + text.splitlines()[-1] + "\n" if again == "the same" else "forged")
    with role("owner"):
        found = verify_production(film.production).findings
    path.write_text(text)
    assert [f.record for f in found] == [f"checkpoint file {film.code}/MAIN/{path.name}"]


def test_an_altered_memory_signs_nothing(film: Film) -> None:
    import_data(film, cost_lines([cost_line(1)]))
    signed(film)
    import_data(film, cost_lines([cost_line(2)]))
    path = Path(settings.LOG_KEY_FILE + ".memory")
    before = path.read_text()
    origin = f"prodacct/{film.code}/MAIN"
    said = json.loads(before)
    said[origin]["root"] = "00" * 32
    for text in ("{", json.dumps({origin: {}}), '{"x": 1}', json.dumps(said)):
        path.write_text(text)
        with pytest.raises(signing.SignerUnusable, match="the signer remembers"):
            signed(film)
    path.write_text(before)
    assert len(signed(film)) == 1


def test_one_log_that_was_altered_does_not_keep_the_others_from_being_signed(film: Film) -> None:
    import_data(film, cost_lines([cost_line(1)]))
    import_data(film, cost_lines([cost_line(2)]))
    signed(film)
    cut_tail(film, 1)
    import_data(film, cost_lines([cost_line(30)]), unit="SECOND")
    with pytest.raises(InconsistentLog):
        signed(film)
    assert [c.unit.code for c in kept(film)] == ["SECOND"]


def test_an_altered_entry_since_the_last_checkpoint_is_not_signed(film: Film) -> None:
    import_data(film, cost_lines([cost_line(1)]))
    signed(film)
    import_data(film, cost_lines([cost_line(2)]))
    w = words(film)
    with rewritten():
        query("UPDATE ledger_logentry SET line = line || ' ' WHERE unit_id = %s AND seq ="
              " (SELECT max(seq) FROM ledger_logentry WHERE unit_id = %s)",
              w.units["MAIN"], w.units["MAIN"])  # fmt: skip
    with pytest.raises(InconsistentLog, match="run verify_journal"):
        signed(film)


def test_the_task_signs_every_production_and_twice_is_harmless(film: Film) -> None:
    import_data(film, cost_lines([cost_line(1)]))
    with role("worker"):
        assert tasks.checkpoint(film.production.pk) == 1
        assert tasks.checkpoint(film.production.pk) == 0
        assert tasks.checkpoint(-1) == 0
    assert settings.CELERY_BEAT_SCHEDULE["sign the logs that grew"]["task"] == checkpoints.TASK


def test_a_closed_period_asks_for_a_checkpoint_once_it_is_committed(
    film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, list[int]]] = []
    monkeypatch.setattr(
        checkpoints.current_app, "send_task", lambda name, args: asked.append((name, args))
    )
    with role("worker"), acting(film, "amir"):
        checkpoints.checkpoint_after_commit(film.production)
        assert asked == []
    assert asked == [(checkpoints.TASK, [film.production.pk])]


def test_a_file_that_was_lost_is_given_out_again(film: Film) -> None:
    import_data(film, cost_lines([cost_line(1)]))
    (checkpoint,) = signed(film)
    note_file(checkpoint, film).unlink()
    with role("worker"):
        assert publish(production=film.production, unit=checkpoint.unit) == 1
    assert note_file(checkpoint, film).read_text() == checkpoint.note


# --- the database says no as well ---------------------------------------------------------------


def test_the_database_takes_only_what_the_head_says(film: Film, other_film: Film) -> None:
    import_data(film, cost_lines([cost_line(1)]))
    import_data(other_film, cost_lines([cost_line(1)]))
    w = words(film)
    with role("owner"):
        ((size, root),) = query(
            "SELECT size, root FROM ledger_loghead WHERE unit_id = %s", w.units["MAIN"]
        )
    note = notes.signed_note(signing.private_key(), origin="o", size=size, root=bytes(root))
    right = {"production_id": w.production, "unit_id": w.units["MAIN"], "size": size,
             "root": bytes(root), "note": note}  # fmt: skip
    wrong = {
        "another size": ({"size": size + 1}, "not where the log"),
        "another root": ({"root": seal.EMPTY_ROOT}, "not where the log"),
        "another note": ({"note": note.replace(f"\n{size}\n", f"\n{size + 1}\n")}, "another size"),
        "another film": ({"production_id": other_film.production.pk}, "not where|row-level"),
    }
    with role("worker"):
        for change, said in wrong.values():
            with pytest.raises(DatabaseError, match=said), acting(film, "amir"):
                insert("ledger_checkpoint", **{**right, **change})
        with acting(film, "amir"):
            insert("ledger_checkpoint", **right)
        with pytest.raises(DatabaseError, match="already"), acting(film, "amir"):
            insert("ledger_checkpoint", **right)


def test_only_a_worker_writes_checkpoints_and_only_in_its_own_context(
    film: Film, other_film: Film
) -> None:
    w = words(other_film)
    with (
        role("worker"),
        pytest.raises(DatabaseError, match="own signed context"),
        acting(film, "amir"),
    ):
        query("SELECT * FROM journal.held_head(%s, %s)", w.production, w.units["MAIN"])
    for name in ("web", "bond"):
        with (
            role(name),
            pytest.raises(DatabaseError, match=r"denied|read-only"),
            acting(film, "amir"),
        ):
            query("INSERT INTO ledger_checkpoint DEFAULT VALUES")


# --- writers that die ---------------------------------------------------------------------------

WRITER = """
import sys, os
import tests.database_server
import django; django.setup()
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
from tests.factories import Film, role
from tests.ledger.raw_batches import draft, header, words
from tests.factories import acting
from access.models import Production, User
from ledger import services
with role("owner"):
    film = Film(Production.objects.get(pk=int(sys.argv[2])),
                {"amir": User.objects.get(email="amir@example.org")})
w = words(film)
import hashlib, itertools
number = itertools.count()
def fresh():
    return hashlib.sha256(f"{os.getpid()} {next(number)}".encode()).digest()
print("ready", flush=True)
with role("worker"):
    while True:
        for unit in ("MAIN", "SECOND"):
            with acting(film, "amir"):
                services.post_batch(actor=film.cast["amir"], header=header(film, w, unit=unit,
                    key=fresh()), drafts=[draft(w, unit=unit, document_key=fresh(), facts=fresh())
                                          for _ in range(3)])
            print("posted", flush=True)
"""


def test_seven_writers_that_are_killed_leave_a_gapless_log_that_verifies(film: Film) -> None:
    from django.db import connection

    database = str(connection.settings_dict["NAME"])
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "prodacct.settings"}

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", WRITER, database, str(film.production.pk)],
            env=environment, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    dice = random.Random(int(os.environ.get("PRODACCT_SEED", "1914")))
    posted = 0
    for _ in range(2):
        writers = [start() for _ in range(7)]
        for writer in dice.sample(writers, 7):
            assert writer.stdout is not None
            lives = dice.randrange(1, 15)
            for _ in range(1 + lives):  # and one line to say that it has begun
                assert writer.stdout.readline()
            posted += lives
            signed(film)
            time.sleep(dice.uniform(0, 0.05))  # somewhere in the middle of a batch
            writer.send_signal(signal.SIGKILL)
        for writer in writers:
            writer.communicate()
    signed(film)
    with role("owner"):
        result = verify_production(film.production)
        assert result.findings == []
        assert result.batches >= posted
        gaps = query(
            "SELECT unit_id, count(*), min(seq), max(seq) FROM ledger_logentry"
            " WHERE production_id = %s GROUP BY 1",
            film.production.pk,
        )
        assert len(gaps) == 2
        assert all((low, high) == (0, count - 1) for _, count, low, high in gaps)
        assert result.checkpoints > 7


def test_tampering_is_undone(film: Film) -> None:
    with tampering():
        query("DELETE FROM ledger_loghead WHERE production_id = %s", film.production.pk)
    with role("owner"):
        assert verify_production(film.production).findings == []
