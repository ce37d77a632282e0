"""A process takes the newest good snapshot, says what was wrong with the others, and never more
than the database says."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from taxonomy import selectors, shelf
from taxonomy.branches import NodeWish, append_node
from tests.factories import Film, acting, role
from tests.ingestion.workers import ROOT, worker_environment
from tests.taxonomy.shelves import empty_shelf, flip_a_bit, forget, written


@pytest.fixture(autouse=True)
def own_shelf(settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    empty_shelf(settings, monkeypatch, tmp_path)


def test_a_snapshot_holds_every_node_as_the_database_has_it(film: Film) -> None:
    manifest = written(film)
    with role("owner"):
        nodes = list(selectors.all_nodes(film.production).select_related("unit"))
    snapshot = shelf.snapshot_of(film.production)
    assert snapshot is not None
    assert (manifest.rows, manifest.production) == (len(nodes), film.code)
    assert manifest.roots == (bytes(nodes[0].digest).hex(),)
    for node in nodes:
        row = snapshot.row_at(snapshot.position_of(bytes(node.digest)))
        assert (row.id, row.parent_id, row.kind, row.code) == (
            node.pk, node.parent_id or 0, node.kind, node.code
        )  # fmt: skip
        assert (row.unit, row.line) == (node.unit.code if node.unit else "", node.line)


def test_a_process_opens_it_once_and_again_when_there_is_a_newer(film: Film) -> None:
    assert shelf.snapshot_of(film.production) is None
    written(film)
    first = shelf.snapshot_of(film.production)
    assert shelf.snapshot_of(film.production) is first
    written(film)
    second = shelf.snapshot_of(film.production)
    assert second is not None
    assert second is not first
    assert second.manifest.generation == 2


def test_every_snapshot_is_opened_and_checked_as_a_process_starts(
    film: Film, other_film: Film, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for each in (film, film, other_film):
        written(each)
    flip_a_bit(film, 2)
    forget(monkeypatch)
    with caplog.at_level(logging.ERROR):
        assert shelf.open_all() == 2
    assert f"snapshot 2 of production {film.production.pk} is not used" in caplog.text
    assert "generation 1 is used instead" in caplog.text
    monkeypatch.setattr(shelf, "open_newest", None)  # what is open now is not opened again
    used = [shelf.snapshot_of(each.production) for each in (film, other_film)]
    assert [s.manifest.generation for s in used if s is not None] == [1, 1]
    assert [s.manifest.production for s in used if s is not None] == [film.code, other_film.code]


def test_a_snapshot_in_the_folder_of_another_production_is_not_used_for_it(
    film: Film, other_film: Film, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    written(other_film)
    folder = shelf.folder_of(other_film.production)
    folder.rename(shelf.folder_of(film.production))
    forget(monkeypatch)
    assert shelf.open_all() == 1
    assert shelf.snapshot_of(film.production) is None
    assert f"it is of production {other_film.code}, not of {film.code}" in caplog.text


@pytest.mark.parametrize(
    "started",
    ["import prodacct.wsgi",
     "from celery.signals import worker_init; import prodacct.celery as c;"
     " c.app.loader.import_default_modules(); worker_init.send(None)"],
)  # fmt: skip
def test_web_processes_and_workers_check_them_as_they_start(
    film: Film, tmp_path: Path, started: str
) -> None:
    written(film)
    flip_a_bit(film, 1)
    home = tmp_path / "home"
    (home / "snapshots").mkdir(parents=True)
    shelf.folder_of(film.production).rename(home / "snapshots" / str(film.production.pk))
    with role("worker"):
        environment = {**worker_environment(), "PRODACCT_HOME": str(home)}
    said = subprocess.run(
        [sys.executable, "-c", f"import django; django.setup(); {started}"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert f"snapshot 1 of production {film.production.pk} is not used" in said.stderr


def test_a_damaged_snapshot_is_passed_over_and_reported_once(
    film: Film, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    written(film)
    written(film)
    flip_a_bit(film, 2)
    forget(monkeypatch)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            snapshot = shelf.snapshot_of(film.production)
            assert snapshot is not None
            assert snapshot.manifest.generation == 1
    assert len(caplog.records) == 1
    assert f"snapshot 2 of {film.code} is not used: 000002.nodes.arrow hashes to" in caplog.text
    assert "generation 1 is used instead" in caplog.text
    with role("worker"), acting(film, "amir"):
        found = shelf.status(film.production)
    assert found.used is not None
    assert found.used.generation == 1
    (fault,) = found.faults
    assert (fault["generation"], fault["used"]) == (2, 1)
    assert "hashes to" in fault["problem"]


def test_without_any_good_snapshot_nodes_are_read_from_the_database(
    film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(film)
    flip_a_bit(film, 1)
    forget(monkeypatch)
    with role("worker"), acting(film, "amir"):
        assert shelf.status(film.production).used is None
        root = selectors.root_nodes(film.production).get()
        assert shelf.nodes_starting_with(film.production, bytes(root.digest)) == [root]


def test_a_list_of_faults_that_is_torn_is_begun_anew(
    film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(film)
    (shelf.folder_of(film.production) / "faults.json").write_text('[{"gen')
    written(film)
    flip_a_bit(film, 2)
    forget(monkeypatch)
    with role("worker"), acting(film, "amir"):
        assert [fault["generation"] for fault in shelf.status(film.production).faults] == [2]


def test_a_node_recorded_later_is_found_all_the_same_and_counted_as_newer(film: Film) -> None:
    written(film)
    with role("web"), acting(film, "amir"):
        camera = next(
            n
            for n in selectors.nodes_by_code(film.production, "Camera")
            if n.unit and n.unit.code == "MAIN"
        )
        made = append_node(
            actor=film.cast["amir"], parent=camera, kind="account", code="3320", wish=NodeWish("D")
        )
        assert shelf.nodes_starting_with(film.production, bytes(made.digest)) == [made]
        assert shelf.status(film.production).newer == 1


def test_what_the_snapshot_knows_is_shown_to_nobody_who_may_not_see_it(film: Film) -> None:
    written(film)
    with role("owner"):
        art = selectors.nodes_by_code(film.production, "2220")[0]
        camera = selectors.nodes_by_code(film.production, "3310")[0]
    with role("web"), acting(film, "cho"):
        assert shelf.nodes_starting_with(film.production, bytes(art.digest)) == []
        assert shelf.nodes_starting_with(film.production, bytes(camera.digest)) == [camera]
