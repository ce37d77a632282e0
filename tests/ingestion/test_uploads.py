"""Uploads in pieces: what arrives, what goes on, what is refused, and what nobody else sees."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from access import context, services
from access.errors import Invalid, Refused, TooLong
from access.models import User
from ingestion import selectors, work
from ingestion.models import ImportBatch, WorkItem
from ingestion.services import Receipt
from ingestion.tables.uploads import Upload, UploadPiece
from ingestion.uploads import (
    KEPT,
    MOST_PIECE_BYTES,
    GoesOnElsewhere,
    Stated,
    add_piece,
    begin_upload,
    cancel_upload,
    finish_upload,
    sweep_uploads,
)
from ledger.selectors import document_bytes
from tests.factories import Film, acting, cost_line, cost_lines, import_data, role
from tests.ingestion.sending import begun, read_as, stated

DATA = cost_lines([cost_line(n) for n in range(1, 40)])
_number = itertools.count(1)


@contextmanager
def web(film: Film, person: str = "amir") -> Iterator[User]:
    """A request of somebody's."""
    with role("web"), acting(film, person):
        yield film.cast[person]


def send(film: Film, upload: Upload, data: bytes, *, size: int = 500) -> None:
    """The rest of the file, each piece a request of its own."""
    for at in range(upload.received, len(data), size):
        with web(film) as amir:
            after = add_piece(actor=amir, upload=upload, offset=at, data=data[at : at + size])
            assert after == min(at + size, len(data))


def finish(film: Film, upload: Upload) -> Receipt | None:
    with web(film) as amir:
        return finish_upload(actor=amir, upload=upload, read_as=read_as(film))


def state_of(upload: Upload) -> tuple[str, int]:
    """(state, pieces kept) once the sweep has been, as the owner sees it."""
    with role("worker"):
        sweep_uploads()
    with role("owner"):
        upload.refresh_from_db()
        return upload.state, UploadPiece.objects.filter(upload=upload).count()


def colleague(film: Film) -> User:
    """Somebody else who imports files on the film."""
    with role("owner"):
        console = services.console_person()
        person = services.add_person(
            actor=console, email=f"uploader{next(_number)}@example.org", name="Pia", password=None
        )
        services.give_membership(
            actor=console, production=film.production, user=person, role="payroll"
        )
    return person


def test_a_file_sent_in_pieces_is_the_file_that_was_chosen(film: Film) -> None:
    with web(film):
        upload = begun(film, DATA)
    send(film, upload, DATA)
    receipt = finish(film, upload)
    assert receipt is not None and not receipt.is_repeat
    with role("worker"):
        with acting(film, "amir"):
            assert b"".join(document_bytes(receipt.batch.document)) == DATA
            item = selectors.work_of("import", [receipt.batch.pk]).get()
        work.drain(only=item.pk)
        with acting(film, "amir"):
            batch = ImportBatch.objects.get(pk=receipt.batch.pk)
    assert (batch.state, batch.posted) == ("posted", 39)
    assert state_of(upload) == ("done", 0)


def test_the_same_file_chosen_again_goes_on_where_it_stopped(film: Film) -> None:
    with web(film) as amir:
        first = begun(film, DATA)
        add_piece(actor=amir, upload=first, offset=0, data=DATA[:700])
    with web(film):
        again = begun(film, DATA, name="renamed.csv")
    assert (again.pk, again.received) == (first.pk, 700)
    send(film, again, DATA)
    assert finish(film, again) is not None


def test_a_piece_that_comes_twice_or_too_early_is_told_where_the_upload_goes_on(
    film: Film,
) -> None:
    with web(film) as amir:
        upload = begun(film, DATA)
        add_piece(actor=amir, upload=upload, offset=0, data=DATA[:100])
    for offset in (0, 99, 101, 5_000):
        with web(film) as amir, pytest.raises(GoesOnElsewhere) as refused:
            add_piece(actor=amir, upload=upload, offset=offset, data=b"x")
        assert refused.value.offset == 100
    with web(film) as amir, pytest.raises(GoesOnElsewhere):
        finish_upload(actor=amir, upload=upload, read_as=read_as(film))
    assert state_of(upload) == ("open", 1)


def test_bytes_that_are_not_the_stated_file_s_are_not_kept_and_queue_nothing(film: Film) -> None:
    with web(film):
        upload = begun(film, DATA)
    send(film, upload, DATA[:-2] + b"9\n")
    with role("owner"):
        queued = WorkItem.objects.filter(production=film.production).count()
    assert finish(film, upload) is None
    assert state_of(upload) == ("wrong", 0)
    with role("owner"):
        assert WorkItem.objects.filter(production=film.production).count() == queued
        assert not ImportBatch.objects.filter(production=film.production).exists()


def test_a_file_that_is_here_is_not_sent_again(film: Film) -> None:
    batch = import_data(film, DATA)
    with web(film) as amir:
        asked = {"actor": amir, "production": film.production, "stated": stated(DATA)}
        found = begin_upload(**asked, read_as=read_as(film))
        assert isinstance(found, Receipt)
        assert (found.batch.pk, found.is_repeat) == (batch.pk, True)
    with role("owner"):
        assert not Upload.objects.filter(production=film.production).exists()


def test_bytes_that_are_here_are_read_as_another_source_without_being_sent(film: Film) -> None:
    first = import_data(film, b"nothing that is a cost line\n")
    assert first.state == "rejected"
    with web(film) as amir:
        found = begin_upload(
            actor=amir, production=film.production,
            stated=stated(b"nothing that is a cost line\n"), read_as=read_as(film),
        )  # fmt: skip
        assert isinstance(found, Receipt)
        assert (found.is_repeat, found.batch.pk > first.pk) == (False, True)
        assert found.batch.document_id == first.document_id


def test_an_answer_that_was_lost_is_given_again(film: Film) -> None:
    with web(film):
        upload = begun(film, DATA)
    send(film, upload, DATA)
    first = finish(film, upload)
    with role("owner"):
        upload.refresh_from_db()
    again = finish(film, upload)
    assert first is not None and again is not None
    assert (again.batch.pk, again.is_repeat) == (first.batch.pk, True)


def test_what_is_stated_is_held_against_the_limits_before_a_byte_is_sent(
    film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(said: Stated) -> None:
        with web(film) as amir:
            begin_upload(actor=amir, production=film.production, stated=said, read_as=read_as(film))

    digest = stated(DATA).sha256
    with pytest.raises(TooLong):
        ask(Stated("a.csv", digest, settings.MAX_FILE_BYTES + 1))
    for said in (Stated("a.csv", b"short", 5), Stated("a.csv", digest, 0)):
        with pytest.raises(Invalid):
            ask(said)
    monkeypatch.setattr(settings, "MAX_UNFINISHED_BYTES", 1_000)
    ask(Stated("a.csv", digest, 900))
    with pytest.raises(Refused, match="unfinished uploads of 900 bytes"):
        ask(Stated("b.csv", bytes(32), 101))
    ask(Stated("b.csv", bytes(32), 100))


def test_a_source_that_does_not_exist_is_refused_before_a_byte_is_sent(film: Film) -> None:
    with web(film) as amir, pytest.raises(Invalid, match="source"):
        begin_upload(
            actor=amir, production=film.production, stated=stated(DATA),
            read_as=read_as(film, "no-such-source"),
        )  # fmt: skip


def test_a_piece_too_long_or_past_the_end_is_refused(film: Film) -> None:
    with web(film):
        upload = begun(film, DATA)
    for data in (b"", bytes(MOST_PIECE_BYTES + 1), DATA + b"x"):
        with web(film) as amir, pytest.raises(Invalid):
            add_piece(actor=amir, upload=upload, offset=0, data=data)


def test_a_cancelled_upload_keeps_nothing_and_does_not_go_on(film: Film) -> None:
    with web(film) as amir:
        upload = begun(film, DATA)
        add_piece(actor=amir, upload=upload, offset=0, data=DATA[:100])
    with web(film) as amir:
        cancel_upload(actor=amir, upload=upload)
    assert state_of(upload) == ("cancelled", 0)
    with web(film) as amir, pytest.raises(Refused, match="over"):
        add_piece(actor=amir, upload=upload, offset=100, data=b"x")
    with web(film):
        assert begun(film, DATA).pk != upload.pk


def test_what_is_left_unfinished_for_a_day_is_swept_and_nothing_else(film: Film) -> None:
    with web(film) as amir:
        left, fresh = begun(film, DATA), begun(film, DATA + b"fresh\n")
        add_piece(actor=amir, upload=left, offset=0, data=DATA[:100])
        add_piece(actor=amir, upload=fresh, offset=0, data=DATA[:100])
    with role("owner"):
        Upload.objects.filter(pk=left.pk).update(
            moved_at=timezone.now() - KEPT - timedelta(minutes=1)
        )
    with role("worker"):
        assert sweep_uploads() >= 1
    assert (state_of(left), state_of(fresh)) == (("expired", 0), ("open", 1))


def test_an_upload_is_its_sender_s_alone(film: Film, other_film: Film) -> None:
    with web(film) as amir:
        upload = begun(film, DATA)
        add_piece(actor=amir, upload=upload, offset=0, data=DATA[:100])
    pia = colleague(film)
    askers = ((pia, film), (film.cast["lena"], film), (film.cast["amir"], other_film))
    for person, where in askers:
        with (
            role("web"),
            context.acting(user_id=person.pk, production_id=where.production.pk),
            connection.cursor() as cursor,
        ):
            assert selectors.upload_by_id(where.production, person, upload.pk) is None
            for table in ("ingestion_upload", "ingestion_uploadpiece"):
                cursor.execute(f"SELECT count(*) FROM {table} WHERE production_id = %s",
                               [film.production.pk])  # fmt: skip
                assert cursor.fetchone() == (0,)
            cursor.execute("UPDATE ingestion_upload SET state = 'cancelled' WHERE id = %s",
                           [upload.pk])  # fmt: skip
            assert cursor.rowcount == 0
    assert state_of(upload) == ("open", 1)


PIECE = (
    "INSERT INTO ingestion_uploadpiece (production_id, upload_id, made_by_id, start, data)"
    " VALUES (%(film)s, %(upload)s, %(person)s, {start}, {data})"
)
PAST_THE_SERVICE = [
    PIECE.format(start=0, data="'x'"),
    PIECE.format(start=101, data="'x'"),
    PIECE.format(start=100, data="convert_to(repeat('x', 5000), 'UTF8')"),
    PIECE.format(start=100, data="''"),
    PIECE.format(start=100, data="'x'").replace("%(person)s", "%(other)s"),
    "UPDATE ingestion_upload SET received = 99 WHERE id = %(upload)s",
    "UPDATE ingestion_upload SET state = 'done' WHERE id = %(upload)s",
    "UPDATE ingestion_upload SET received = byte_size + 1 WHERE id = %(upload)s",
    "UPDATE ingestion_upload SET byte_size = 1 WHERE id = %(upload)s",
    "UPDATE ingestion_upload SET sha256 = sha256 WHERE id = %(upload)s",
    "UPDATE ingestion_uploadpiece SET data = 'x' WHERE upload_id = %(upload)s",
    "DELETE FROM ingestion_upload WHERE id = %(upload)s",
    "DELETE FROM ingestion_uploadpiece WHERE upload_id = %(upload)s",
    "INSERT INTO ingestion_upload (production_id, made_by_id, file_name, sha256, byte_size,"
    " received, state) VALUES (%(film)s, %(other)s, 'a', sha256('a'), 1, 0, 'open')",
    "INSERT INTO ingestion_upload (production_id, made_by_id, file_name, sha256, byte_size,"
    " received, state) VALUES (%(film)s, %(person)s, 'a', sha256('a'), 1, 1, 'open')",
]


@pytest.mark.parametrize("statement", PAST_THE_SERVICE)
def test_the_database_refuses_what_the_service_would(film: Film, statement: str) -> None:
    with web(film) as amir:
        upload = begun(film, DATA)
        add_piece(actor=amir, upload=upload, offset=0, data=DATA[:100])
        asked = {"film": film.production.pk, "upload": upload.pk, "person": amir.pk,
                 "other": film.cast["lena"].pk}  # fmt: skip
        with (
            pytest.raises(DatabaseError),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement, asked)
    assert state_of(upload) == ("open", 1)
