"""manage.py snapshot_taxonomy: writing a generation, and how the snapshot stands."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.factories import Film, role
from tests.taxonomy.shelves import empty_shelf, flip_a_bit, forget


@pytest.fixture(autouse=True)
def own_shelf(settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    empty_shelf(settings, monkeypatch, tmp_path)


def said(*options: str) -> tuple[int, str]:
    out = StringIO()
    try:
        with role("worker"):
            call_command("snapshot_taxonomy", *options, stdout=out)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue()
    return 0, out.getvalue()


def test_a_generation_is_written_and_used(film: Film) -> None:
    code, text = said("--production", film.code)
    assert code == 0
    assert f"{film.code}: generation 1, " in text
    assert "is in use, 0 nodes recorded since" in text
    assert "generation 1 of" in said("--production", film.code, "--status")[1]


def test_no_snapshot_is_said_and_ends_with_1(film: Film) -> None:
    code, text = said("--production", film.code, "--status")
    assert (code, "no snapshot" in text) == (1, True)


def test_a_fault_is_shown_with_what_was_used_instead(
    film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    said("--production", film.code)
    said("--production", film.code)
    flip_a_bit(film, 2)
    forget(monkeypatch)
    code, text = said("--production", film.code, "--status")
    assert code == 0
    assert "FAULT  generation 2, found " in text
    assert "generation 1 was used" in text
    assert f"{film.code}: generation 1 of" in text


def test_a_production_that_is_none_is_refused(film: Film) -> None:
    with pytest.raises(CommandError, match="there is no production"):
        said("--production", "NONE")
