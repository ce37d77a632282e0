"""200 MB in pieces and through the whole path: how much memory that takes, in a process of its own.

The other large things, which are small until they are opened, are in `made/`: 60 MB of workbook in
63 kB, 50 MB of text in 49 kB, XML that doubles itself, JSON 100,000 deep.
"""

import hashlib
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hostile.corpus import EXPECTED, MADE

MIB = 1024 * 1024
LARGE = 200 * MIB
LARGE_ROWS = 2_096  # each of 100 kB: as many as make 200 MB
# Beside what a process has that has imported nothing.
MOST_GROWTH = 300
HEADER = (
    "transaction_id,account_code,cost_center,amount,currency,jurisdiction,transaction_date,vendor,"
    "description\n"
)
OPENED_LARGE = [
    name
    for name in EXPECTED
    if name.startswith(("bomb/", "xml/01", "xml/02", "xml/06", "json/04", "shape/21"))
]


def large_file() -> Iterator[bytes]:
    """Cost lines whose remarks are far too long, in pieces of 4 MiB."""
    remark = "x" * 100_000
    piece, size, number = bytearray(HEADER.encode()), len(HEADER), 0
    while size < LARGE:
        number += 1
        row = f"BIG{number},2101-03-04,CAM,1.00,USD,IATSE,2025-03-14,Panavision,{remark}\n"
        piece += row.encode()
        size += len(row)
        while len(piece) >= 4 * MIB:
            yield bytes(piece[: 4 * MIB])
            del piece[: 4 * MIB]
    yield bytes(piece)


def send_large() -> tuple[object, ...]:
    """The file sent in pieces, read and accounted for: (state, rows, seconds)."""
    from ingestion import selectors, work
    from ingestion.models import ImportBatch
    from ingestion.tables.uploads import Upload
    from ingestion.uploads import Stated, add_piece, begin_upload, finish_upload
    from tests.factories import acting, role
    from tests.hostile.imports import hostile_film
    from tests.ingestion.sending import read_as

    film = hostile_film()
    console = film.cast["amir"]
    digest, size = hashlib.sha256(), 0
    for piece in large_file():
        digest.update(piece)
        size += len(piece)
    began = time.monotonic()
    with role("worker"), acting(film, "amir"):
        asked = read_as(film)
    with role("owner"):
        with acting(film, "amir"):
            upload = begin_upload(
                actor=console, production=film.production, read_as=asked,
                stated=Stated("big.csv", digest.digest(), size),
            )  # fmt: skip
        assert isinstance(upload, Upload)
        at = 0
        for piece in large_file():
            with acting(film, "amir"):
                at = add_piece(actor=console, upload=upload, offset=at, data=piece)
        with acting(film, "amir"):
            receipt = finish_upload(actor=console, upload=upload, read_as=asked)
    assert receipt is not None
    with role("worker"):
        with acting(film, "amir"):
            item = selectors.work_of("import", [receipt.batch.pk]).get()
        work.drain(only=item.pk)
        with acting(film, "amir"):
            batch = ImportBatch.objects.get(pk=receipt.batch.pk)
    assert batch.rows == batch.posted + batch.duplicate + batch.quarantined
    return batch.state, batch.code, batch.rows, round(time.monotonic() - began)


def open_bombs() -> tuple[object, ...]:
    """Every file that is small until it is opened, imported: their verdicts."""
    from tests.factories import import_data
    from tests.hostile.imports import hostile_film

    film = hostile_film()
    return tuple(
        (name, batch.state, batch.code)
        for name in OPENED_LARGE
        for batch in [import_data(film, (MADE / name).read_bytes(), name=Path(name).name)]
    )


def grown_by(act: Callable[[], tuple[object, ...]]) -> tuple[int, tuple[object, ...]]:
    """(MB the process grew to do it, what it said), of a process forked for it alone."""
    from django.db import connections

    connections.close_all()
    mine, theirs = multiprocessing.get_context("fork").Pipe(duplex=False)

    def child() -> None:
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before = peak()
        said = act()
        theirs.send((peak() - before, said))

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    theirs.close()
    try:
        return mine.recv()
    finally:
        process.join()


def peak() -> int:
    """The most memory this process has had, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


@pytest.mark.usefixtures("database")
def test_no_row_is_lost_where_long_rows_make_short_chunks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ingestion.gate import pipeline
    from tests.factories import import_data
    from tests.hostile.imports import hostile_film, outcomes

    monkeypatch.setattr(pipeline, "CHUNK_BYTES", 20_000)
    rows = [
        f"R{n},2101-03-04,CAM,{'1.00' if n % 7 else 'wrong'},USD,IATSE,2025-03-14,Panavision,text"
        for n in range(1_000)
    ]
    batch = import_data(hostile_film(), (HEADER + "\n".join(rows) + "\n").encode())
    assert (batch.rows, batch.posted, batch.quarantined) == (1_000, 857, 143)
    assert len(outcomes(batch)) == 1_000


@pytest.mark.usefixtures("database")
def test_200_mb_are_taken_and_read_in_bounded_memory() -> None:
    grown, said = grown_by(send_large)
    print(f"200 MB: {said}, the process grew by {grown} MB")
    assert said[:3] == ("posted_with_quarantine", "", LARGE_ROWS)
    assert grown < MOST_GROWTH


@pytest.mark.usefixtures("database")
def test_what_is_small_until_it_is_opened_is_opened_in_bounded_memory() -> None:
    grown, said = grown_by(open_bombs)
    print(f"{said}, the process grew by {grown} MB")
    assert len(said) == len(OPENED_LARGE) > 6
    assert grown < MOST_GROWTH
