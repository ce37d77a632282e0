"""What stands in static/vendor is what the lock says, and nothing stands there beside it."""

import hashlib
import json
from pathlib import Path

VENDOR = Path(__file__).resolve().parents[2] / "static" / "vendor"
LOCK = json.loads((VENDOR / "vendor.lock.json").read_text())["files"]


def test_every_vendored_file_is_the_one_that_is_locked() -> None:
    for locked in LOCK:
        for name, digest in (
            (locked["file"], locked["sha256"]), (locked["licence_file"], locked["licence_sha256"]),
        ):  # fmt: skip
            assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest, name


def test_nothing_stands_beside_what_is_locked() -> None:
    named = {locked[key] for locked in LOCK for key in ("file", "licence_file")}
    found = {str(p.relative_to(VENDOR)) for p in VENDOR.rglob("*") if p.is_file()}
    assert found == named | {"vendor.lock.json"}


def test_the_lock_and_the_package_file_name_the_same_versions() -> None:
    wanted = json.loads((VENDOR.parents[1] / "package.json").read_text())["dependencies"]
    assert wanted == {locked["name"]: locked["version"] for locked in LOCK}
