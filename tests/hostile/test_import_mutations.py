"""Thousands of damaged files carried on: to the drafts of postings, and hundreds to the books."""

import random
from datetime import date

import pytest
from django.db import connection

from ingestion import selectors, work
from ingestion.formats.records import RejectedFile
from ingestion.gate import pipeline
from ingestion.gate.drafting import Drafter
from ingestion.gate.identity import Identities
from ingestion.gate.pipeline import FileReader, held_copy_line, open_import
from ingestion.gate.schema import Gate
from ingestion.layouts.mapping import declared
from ingestion.layouts.sources import COST_LINES
from ingestion.layouts.vocabulary import AccountWord, Vocabulary
from ingestion.models import ImportBatch
from ledger.fx import RateBook
from ledger.journal import (
    POSTING_COLUMNS,
    TRANSACTION_COLUMNS,
    posting_copy_line,
    transaction_copy_line,
)
from ledger.verify import verify_production
from tests.factories import Film, acting, receive, role
from tests.hostile.imports import hostile_film, posted_count
from tests.hostile.test_mutations import SMALL, damage
from tests.lengths import times

MUTATIONS = 10_000
IN_DATABASE = times(200, promised=2_000)
MAPPINGS = [
    COST_LINES,
    COST_LINES,
    declared(COST_LINES, decimal=",", date_format="%d/%m/%Y"),
    declared(COST_LINES, encoding="shift_jis"),
    declared(COST_LINES, encoding="cp1252"),
]
ACCOUNTS = {
    code: AccountWord(number, code, "BTL", 1, None)
    for number, code in enumerate(("2101-03-04", "2101-13-45", "0101-03-04"), 1)
}


def words() -> Vocabulary:
    return Vocabulary(
        accounts=ACCOUNTS, account_format="NNNN-NN-NN", cost_centers={"CAM": 1, "WRI": 2},
        units={"MAIN": 1}, currency="USD", time_zone="UTC",
        periods=[(date(2025, 1, 6), date(2025, 7, 6), 1)], default_unit="MAIN",
        default_day=date(2025, 3, 14), categories=frozenset({"2101", "0101"}),
    )  # fmt: skip


def reader_of(data: bytes, dice: random.Random) -> FileReader:
    mapping = dice.choice(MAPPINGS)
    reading, resolution = open_import("week.csv", [data], mapping)
    return FileReader(
        mapping=mapping,
        gate=Gate(mapping, words(), mapping.fields),
        identities=Identities(mapping),
        drafter=Drafter(
            mapping, "USD", 99, {(1, code): a.id for code, a in ACCOUNTS.items()},
            {a.id: code for code, a in ACCOUNTS.items()}, {}, {1: "Camera", 2: "Writing"}, {},
            RateBook("USD"),
        ),
        reading=reading,
        resolution=resolution,
        has_spans=True,
    )  # fmt: skip


def carried(reader: FileReader) -> tuple[int, int, int, int]:
    """(rows, posted, duplicate, held) of a file up to the lines that COPY would be given."""
    rows = posted = duplicate = held = 0
    for chunk in reader.chunks():
        assert len(chunk.candidates) + len(chunk.held) == chunk.rows
        assert chunk.first_row == rows + 1
        rows += chunk.rows
        outcome = reader.decide(chunk, {}, {})
        for draft in (d for drafts in outcome.drafts.values() for d in drafts):
            posted += 1
            line_of_copy(transaction_copy_line(draft, 1, 2, posted, "3"), TRANSACTION_COLUMNS)
            for posting in draft.postings:
                assert posting.amount
                line_of_copy(posting_copy_line(posting, "1\t2\t", 1, "1\t1\t"), POSTING_COLUMNS)
        for row in outcome.held:
            held += 1
            assert row.violations
            line_of_copy(held_copy_line(row, 1, 2, reader.mapping), pipeline.HELD_COLUMNS)
        duplicate += len(outcome.duplicates)
    return rows, posted, duplicate, held


def line_of_copy(line: str, columns: str) -> None:
    """One line with as many cells as columns, and nothing PostgreSQL's text cannot hold."""
    assert line.count("\n") == 1
    assert line.endswith("\n")
    assert line.count("\t") == columns.count(",")
    assert "\0" not in line
    assert "\r" not in line
    line.encode()


def test_no_damage_stops_a_file_on_its_way_to_the_books() -> None:
    dice = random.Random(1936)
    names = sorted(SMALL)
    sums = [0, 0, 0, 0]
    rejected = 0
    for _ in range(MUTATIONS):
        data = damage(SMALL[dice.choice(names)], dice)
        try:
            rows, posted, duplicate, held = carried(reader_of(data, dice))
        except RejectedFile:
            rejected += 1
            continue
        assert rows == posted + duplicate + held
        for index, count in enumerate((rows, posted, duplicate, held)):
            sums[index] += count
    # All three ends must be well travelled.
    assert min(sums[1:]) > 100, sums
    assert MUTATIONS // 20 < rejected < MUTATIONS * 2 // 3


@pytest.fixture
def hostile(database: None) -> Film:
    return hostile_film()


def test_damaged_files_in_the_books_add_up_and_leave_a_journal_that_verifies(
    hostile: Film,
) -> None:
    dice = random.Random(1937)
    small = sorted(name for name, data in SMALL.items() if len(data) < 700)
    with role("worker"):
        for number in range(IN_DATABASE):
            name = dice.choice(small)
            choices = dice.choice([{}, {}, {}, {"decimal": ","}, {"encoding": "shift_jis"}])
            # A number of its own in most files, else nearly all would be duplicates.
            data = damage(SMALL[name], dice).replace(b"TX", b"T%d" % number)
            receive(hostile, data, name=name.rpartition("/")[2], choices=choices)
        with acting(hostile, "amir"):
            items = selectors.work_of(
                "import", list(selectors.imports(hostile.production).values_list("pk", flat=True))
            ).order_by("pk")
            waiting = list(items.values_list("pk", flat=True))
        assert sum(work.drain(only=item) for item in waiting) == len(waiting)
    batches = list(ImportBatch.objects.filter(production=hostile.production))
    assert len(batches) > IN_DATABASE * 9 // 10
    states = {"posted", "posted_with_quarantine", "rejected", "mapping_needed"}
    assert {batch.state for batch in batches} == states
    for batch in batches:
        assert batch.rows == batch.posted + batch.duplicate + batch.quarantined
        is_read = batch.state.startswith("posted")
        assert is_read == (not batch.code)
        assert is_read or batch.rows == 0
    with connection.cursor() as cursor:
        for table, column in (("heldrow", "quarantined"), ("duplicaterow", "duplicate")):
            cursor.execute(
                f"SELECT count(*) FROM ingestion_{table} WHERE production_id = %s",
                [hostile.production.pk],
            )
            assert cursor.fetchone() == (sum(getattr(batch, column) for batch in batches),)
    assert posted_count(hostile) == sum(batch.posted for batch in batches) > IN_DATABASE // 4
    assert verify_production(hostile.production).findings == []
