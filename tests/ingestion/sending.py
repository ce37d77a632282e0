"""Sending files in pieces, as the page's script does."""

import hashlib

from ingestion.tables.uploads import Upload
from ingestion.uploads import ReadAs, Stated, begin_upload
from taxonomy.selectors import unit_by_code
from tests.factories import Film


def read_as(film: Film, source: str = "cost-lines", **choices: str) -> ReadAs:
    """As what a file is to be read, for the main unit."""
    unit = unit_by_code(film.production, "MAIN")
    assert unit is not None
    return ReadAs(source, unit, choices)


def stated(data: bytes, name: str = "costs.csv") -> Stated:
    """A file as its sender states it."""
    return Stated(name, hashlib.sha256(data).digest(), len(data))


def begun(film: Film, data: bytes, *, name: str = "costs.csv", person: str = "amir") -> Upload:
    """An upload of which nothing has arrived. Inside the person's context."""
    found = begin_upload(
        actor=film.cast[person], production=film.production, stated=stated(data, name),
        read_as=read_as(film),
    )  # fmt: skip
    assert isinstance(found, Upload)
    return found
