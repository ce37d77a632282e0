"""The bench's file does to the product what the bench takes it to do."""

from dataclasses import asdict
from pathlib import Path

import pytest

from bench.files import STARTS_ON, WEEKS, write_file
from tests.factories import Cast, import_data, make_film, role

ROWS = 3_000


@pytest.mark.usefixtures("database")
def test_every_row_of_the_file_becomes_what_its_truth_says(cast: Cast, tmp_path: Path) -> None:
    with role("owner"):
        film = make_film(cast, chart=None, starts_on=STARTS_ON, weeks=WEEKS)
    path = tmp_path / "costs.csv"
    truth = asdict(write_file(path, ROWS))
    assert all(truth.values()), "each kind of row is in it"
    posted = import_data(film, path.read_bytes())
    assert {name: getattr(posted, name) for name in truth} == truth
