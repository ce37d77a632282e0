"""The snapshots keep up with the trees by themselves, and never with a tree that was altered."""

from pathlib import Path

import pytest
from django.conf import settings as django_settings

from taxonomy import shelf, tasks
from taxonomy.branches import NodeWish, append_node
from taxonomy.selectors import all_nodes
from tests.factories import Film, acting, role
from tests.ledger.raw_batches import query
from tests.ledger.tampering import rewritten
from tests.taxonomy.shelves import empty_shelf, flip_a_bit, forget


@pytest.fixture(autouse=True)
def own_shelf(settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    empty_shelf(settings, monkeypatch, tmp_path)


def kept(film: Film) -> int:
    with role("worker"):
        return tasks.keep_snapshots(film.production.pk)


def generation(film: Film) -> int:
    snapshot = shelf.snapshot_of(film.production)
    assert snapshot is not None
    return snapshot.manifest.generation


def grown(film: Film) -> None:
    with role("web"), acting(film, "amir"):
        department = all_nodes(film.production).filter(kind="department", name="Camera").first()
        assert department is not None
        append_node(
            actor=film.cast["amir"], parent=department, kind="account", code="3344",
            wish=NodeWish("Drones"),
        )  # fmt: skip


def test_a_snapshot_is_written_when_there_is_none_and_when_the_tree_has_grown(film: Film) -> None:
    assert (kept(film), generation(film)) == (1, 1)
    assert (kept(film), generation(film)) == (0, 1)
    grown(film)
    assert (kept(film), generation(film)) == (1, 2)
    with role("worker"), acting(film, "amir"):
        assert shelf.status(film.production).newer == 0


def test_a_damaged_snapshot_is_written_anew(film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(film)
    grown(film)
    kept(film)
    flip_a_bit(film, 2)
    forget(monkeypatch)
    assert (kept(film), generation(film)) == (1, 3)


def test_a_tree_that_was_altered_is_said_and_not_written(
    film: Film, caplog: pytest.LogCaptureFixture
) -> None:
    kept(film)
    grown(film)
    with rewritten():
        query(
            "UPDATE taxonomy_costnode SET digest = sha256(digest) WHERE production_id = %s"
            " AND code = '3310'", film.production.pk,
        )  # fmt: skip
    assert (kept(film), generation(film)) == (0, 1)
    assert any("are not as they were" in r.getMessage() for r in caplog.records)


def test_every_hour_asks_for_it() -> None:
    scheduled = {entry["task"] for entry in django_settings.CELERY_BEAT_SCHEDULE.values()}
    assert tasks.keep_snapshots.name in scheduled
