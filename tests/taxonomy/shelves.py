"""A place for snapshots of one test, as if its process had opened none before."""

from pathlib import Path

import pytest
from django.conf import LazySettings

from taxonomy import shelf
from taxonomy.snapshot import Manifest
from tests.factories import Film, acting, role


def empty_shelf(settings: LazySettings, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    settings.SNAPSHOT_FOLDER = folder
    forget(monkeypatch)


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a process that has just started."""
    monkeypatch.setattr(shelf, "_opened", {})


def written(film: Film) -> Manifest:
    with role("worker"), acting(film, "amir"):
        return shelf.write_snapshot(actor=film.cast["amir"], production=film.production)


def flip_a_bit(film: Film, generation: int) -> None:
    path = shelf.folder_of(film.production) / f"{generation:06d}.nodes.arrow"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
