"""Eight people do the same thing at the same moment, and the books do not show it."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from ingestion.models import ImportBatch
from ledger.verify import verify_production
from tests.factories import Film, cost_line, cost_lines
from tests.ingestion.books import entries
from tests.ingestion.workers import Workers, workers

PEOPLE = 8
DOCUMENTS = 120
ROUNDS = 3


@pytest.fixture(scope="module")
def crew(database: None) -> Iterator[Workers]:
    """Small chunks, so that the files are posted in many interleaved steps."""
    with workers(17) as made:
        yield made


def all_at_once(crew: Workers, film: Film, files: list[Path]) -> None:
    """Each file is handed in and carried to its end by a process of its own; none has an error."""
    at = time.time() + 0.3
    pids = crew.fork(
        *(
            {"do": "receive", "file": str(path), "at": at, "production": film.production.pk,
             "user": film.cast["amir"].pk}
            for path in files
        )
    )  # fmt: skip
    assert crew.wait(*pids) == [0] * len(files)


def assert_each_document_once(film: Film, documents: int) -> list[ImportBatch]:
    assert len(entries(film)) == documents
    assert len({entry.reference for entry in entries(film)}) == documents
    batches = list(ImportBatch.objects.filter(production=film.production))
    assert sum(batch.posted for batch in batches) == documents
    assert all(batch.state == "posted" for batch in batches)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM ingestion_workitem WHERE production_id = %s AND state <> 'done'",
            [film.production.pk],
        )
        assert cursor.fetchone() == (0,)
    assert verify_production(film.production).findings == []
    return batches


def written(path: Path, rows: list[str]) -> Path:
    path.write_bytes(cost_lines(rows))
    return path


def rows_of(round_number: int, numbers: range) -> list[str]:
    return [cost_line(f"R{round_number}-{n}", amount=f"{n + 1}.00") for n in numbers]


def test_the_same_file_from_eight_processes_posts_once(
    film: Film, crew: Workers, tmp_path: Path
) -> None:
    for number in range(ROUNDS):
        path = written(tmp_path / f"{number}.csv", rows_of(number, range(DOCUMENTS)))
        all_at_once(crew, film, [path] * PEOPLE)
        batches = assert_each_document_once(film, (number + 1) * DOCUMENTS)
        assert len(batches) == number + 1
        assert all(batch.duplicate == 0 for batch in batches)


def test_eight_shuffled_exports_of_one_week_post_each_document_once(
    film: Film, crew: Workers, tmp_path: Path
) -> None:
    dice = random.Random(1898)
    for number in range(ROUNDS):
        files = []
        for person in range(PEOPLE):
            rows = rows_of(number, range(DOCUMENTS))
            dice.shuffle(rows)
            files.append(written(tmp_path / f"{number}-{person}.csv", rows))
        all_at_once(crew, film, files)
        batches = assert_each_document_once(film, (number + 1) * DOCUMENTS)
        assert sum(b.duplicate for b in batches) == (number + 1) * DOCUMENTS * (PEOPLE - 1)


def test_eight_overlapping_exports_post_each_document_once(
    film: Film, crew: Workers, tmp_path: Path
) -> None:
    for number in range(ROUNDS):
        files = [
            written(
                tmp_path / f"{number}-{person}.csv",
                rows_of(number, range(person * 30, person * 30 + 90))[:: -1 if person % 2 else 1],
            )
            for person in range(PEOPLE)
        ]
        all_at_once(crew, film, files)
        assert_each_document_once(film, (number + 1) * (30 * (PEOPLE - 1) + 90))
