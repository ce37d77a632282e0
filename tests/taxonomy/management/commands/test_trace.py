"""manage.py trace: what it prints, and how it ends."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from taxonomy import selectors
from tests.factories import Film, role
from tests.ledger.raw_batches import query
from tests.ledger.tampering import tampering
from tests.taxonomy.shelves import empty_shelf


@pytest.fixture(autouse=True)
def own_shelf(settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    empty_shelf(settings, monkeypatch, tmp_path)


def traced(*options: str) -> tuple[int, list[str]]:
    out = StringIO()
    try:
        call_command("trace", *options, stdout=out)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue().splitlines()
    return 0, out.getvalue().splitlines()


def test_every_hop_from_the_leaf_to_the_root_has_a_line(film: Film) -> None:
    with role("worker"):
        code, lines = traced("3310", "--production", film.code.lower(), "--unit", "main")
    with role("owner"):
        root = selectors.root_nodes(film.production).get()
    assert code == 0
    assert [line[10:].split()[1] for line in lines if line] == [
        "account", "department", "unit", "production",
    ]  # fmt: skip
    assert lines[3].startswith(f"{bytes(root.digest).hex()[:8]}  ok     production {film.code}")


def test_the_first_wrong_hop_is_named_and_the_command_ends_with_1(film: Film) -> None:
    with tampering():
        query(
            "UPDATE taxonomy_costnode SET line = 'ATL' WHERE code = '3310' AND production_id = %s",
            film.production.pk,
        )
        code, lines = traced("3310", "--production", film.code, "--unit", "MAIN")
    assert code == 1
    assert "  WRONG  account 3310" in lines[0]
    assert lines[-1].startswith("WRONG  account 3310 under department Camera should have digest")


@pytest.mark.parametrize("asked", ["9999", "abcdef", "a"])
def test_a_node_nobody_recorded_is_refused(film: Film, asked: str) -> None:
    with role("worker"), pytest.raises(CommandError, match="is no code of"):
        traced(asked, "--production", film.code)


def test_a_production_that_is_none_is_refused(film: Film) -> None:
    with role("worker"), pytest.raises(CommandError, match="there is no production"):
        traced("3310", "--production", "NONE")
