"""Bundles and proofs: what an outsider finds out with nothing but Python."""

import base64
import hashlib
import json
import random
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import call_command
from django.core.management.base import CommandError

from access.errors import Refused
from ledger import audit_rules, notes, seal, signing
from ledger.bundle import NothingToExport, export_bundle, verifier_source
from ledger.checkpoints import checkpoint_production
from ledger.proofs import Unprovable, proof_of
from ledger.verify_bundle import Bundle, main, verify_proof
from tests.factories import Cast, Film, cost_line, cost_lines, import_data, make_film, role
from tests.ingestion.books import log_types
from tests.ledger.raw_batches import query
from tests.ledger.tampering import a_row, rewritten

FLIPS, FLIPS_OUTSIDE, PROOF_FLIPS = 2_000, 30, 200
SEED = 20260105


@dataclass(frozen=True)
class Unpacked:
    """A bundle in a folder, the film it is of, and a proof out of it."""

    folder: Path
    film: Film
    key: bytes
    proof: bytes

    def problems(self, key: bytes | None = None) -> list[str]:
        return Bundle(self.folder, key).verify().problems

    def files(self) -> list[Path]:
        return sorted(p for p in self.folder.rglob("*") if p.is_file())


@pytest.fixture(scope="module")
def unpacked(cast: Cast, tmp_path_factory: pytest.TempPathFactory) -> Unpacked:
    with role("owner"):
        film = make_film(cast)
    rows = [cost_line(n, amount=f"{n}.25", vendor=f"Vendor {n}") for n in range(1, 9)]
    import_data(film, cost_lines([*rows, cost_line(99, vendor='"Say ""when"", Inc."')]))
    with role("worker"):
        checkpoint_production(production=film.production)
    import_data(film, cost_lines([cost_line(20, account="2220", center="ART", currency="EUR")]))
    place = tmp_path_factory.mktemp("bundle")
    with role("owner"):
        export_bundle(production=film.production, out=place / "b.zip", with_sources=True)
        row = a_row(film, "ledger_posting")
        proof = proof_of(
            production=film.production, batch_id=row["batch_id"], line_no=row["line_no"]
        )
    folder = place / "unpacked"
    with zipfile.ZipFile(place / "b.zip") as packed:
        packed.extractall(folder)
    key = signing.public_key()
    assert key is not None
    return Unpacked(folder, film, key, proof)


@contextmanager
def altered(path: Path, data: bytes | None) -> Iterator[None]:
    """Another content in a file, or no file, and the old one back at the end."""
    before = path.read_bytes() if path.exists() else None
    if data is None:
        path.unlink()
    else:
        path.write_bytes(data)
    try:
        yield
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_bytes(before)


def flip(data: bytes, rng: random.Random) -> tuple[bytes, int]:
    """The data with one bit changed, and in which byte."""
    at = rng.randrange(len(data))
    changed = bytearray(data)
    changed[at] ^= 1 << rng.randrange(8)
    return bytes(changed), at


def outside(unpacked: Unpacked, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The verifier of the bundle itself, as an outsider runs it."""
    return subprocess.run(
        [sys.executable, "-I", "verify_bundle.py", *arguments],
        cwd=unpacked.folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_bundle_agrees_with_itself_and_says_how_much_was_checked(unpacked: Unpacked) -> None:
    checked = Bundle(unpacked.folder, unpacked.key).verify()
    assert checked.problems == []
    assert checked.counts["postings"] == checked.counts["transactions"] == 10
    assert (checked.counts["checkpoints"], checked.counts["sources"]) == (3, 2)


def test_the_verifier_in_the_bundle_stands_alone(unpacked: Unpacked) -> None:
    key = base64.b64encode(unpacked.key).decode()
    done = outside(unpacked, ".", "--key", key)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("everything agrees")
    told = outside(unpacked, ".")
    assert told.returncode == 0
    assert told.stdout.startswith("WARNING  the key comes from the bundle itself")
    assert audit_rules.fingerprint(unpacked.key) in told.stdout
    source = (unpacked.folder / "verify_bundle.py").read_text()
    assert source == verifier_source()
    assert "ledger.audit_rules" not in source.replace("(ledger/", "")
    for module in ("django", "cryptography", "psycopg"):
        assert f"import {module}" not in source and f"from {module}" not in source
    assert audit_rules.fingerprint(unpacked.key) in (unpacked.folder / "VERIFY.md").read_text()


def test_every_one_of_two_thousand_flipped_bits_is_found(unpacked: Unpacked) -> None:
    rng = random.Random(SEED)
    files = [path for path in unpacked.files() if path.stat().st_size]
    for number in range(FLIPS):
        path = files[number % len(files)]
        data, at = flip(path.read_bytes(), rng)
        with altered(path, data):
            problems = unpacked.problems()
        assert problems, f"byte {at} of {path.name}"
        name = path.relative_to(unpacked.folder).as_posix()
        if path.name == "journal.jsonl":
            entry = path.read_bytes()[:at].count(b"\n")
            assert any(p.startswith(f"{path.parent.name}#{entry}:") for p in problems), problems
        elif name != "manifest.json":
            assert any(p.startswith(f"{name}: ") for p in problems), problems


def test_flipped_bits_are_found_by_the_verifier_that_is_handed_out(unpacked: Unpacked) -> None:
    rng = random.Random(SEED + 1)
    files = [p for p in unpacked.files() if p.name != "verify_bundle.py" and p.stat().st_size]
    for number in range(FLIPS_OUTSIDE):
        path = files[number % len(files)]
        with altered(path, flip(path.read_bytes(), rng)[0]):
            done = outside(unpacked, ".")
        assert (done.returncode, done.stderr) == (1, ""), path
        assert "PROBLEM  " in done.stdout


def test_a_file_that_is_missing_or_added_is_named(unpacked: Unpacked) -> None:
    for path in unpacked.files():
        name = path.relative_to(unpacked.folder).as_posix()
        with altered(path, None):
            assert any(p.startswith(f"{name}: ") for p in unpacked.problems()), name
        for data in {b"", b"\xff\xfe\x00", b"[" * 100_000, b"{}\n"} - {path.read_bytes()}:
            with altered(path, data):
                assert any(p.startswith(f"{name}: ") for p in unpacked.problems()), name
    with altered(unpacked.folder / "more.txt", b"more"):
        assert "more.txt: is not in the manifest" in unpacked.problems()
    assert Bundle(unpacked.folder / "nowhere", None).verify().problems


# --- a forger who makes the manifest agree ------------------------------------------------------


@pytest.fixture
def forged(unpacked: Unpacked, tmp_path: Path) -> Unpacked:
    """A copy to alter, whose manifest will be made to agree."""
    folder = tmp_path / "copy"
    shutil.copytree(unpacked.folder, folder)
    return Unpacked(folder, unpacked.film, unpacked.key, unpacked.proof)


def edit(forged: Unpacked, name: str, change: Callable[[bytes], bytes]) -> list[str]:
    """Alter a file, have the manifest agree, and verify."""
    path = forged.folder / name
    before = path.read_bytes()
    assert change(before) != before, "the forgery forges something"
    path.write_bytes(change(before))
    manifest = json.loads((forged.folder / "manifest.json").read_bytes())
    manifest["files"] = {
        p.relative_to(forged.folder).as_posix(): audit_hash(p)
        for p in forged.files()
        if p.name != "manifest.json"
    }
    (forged.folder / "manifest.json").write_bytes(audit_rules.canonical(manifest))
    return forged.problems()


def audit_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def lines_changed(number: int, change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def edited(data: bytes) -> bytes:
        lines = data.split(b"\n")
        lines[number] = change(lines[number])
        return b"\n".join(lines)

    return edited


def test_an_altered_posting_is_named_though_the_manifest_agrees(forged: Unpacked) -> None:
    rows = (forged.folder / "units/MAIN/rows.txt").read_bytes().split(b"\n")
    number = next(n for n, line in enumerate(rows) if line.startswith(b"P2("))
    problems = edit(
        forged, "units/MAIN/rows.txt", lines_changed(number, lambda b: b.replace(b"1.25", b"9.25"))
    )
    assert any("posting" in p and "is not as it was sealed" in p for p in problems), problems


def test_a_posting_with_its_leaf_is_named_by_its_entry(forged: Unpacked) -> None:
    def rewritten(data: bytes) -> bytes:
        changed = data.replace(b",1.2500,1.2500,", b",9.2500,9.2500,")
        place = forged.folder / "units/MAIN/row_leaves.bin"
        lines = changed.split(b"\n")[:-1]
        place.write_bytes(b"".join(audit_rules.leaf_hash(line) for line in lines))
        return changed

    problems = edit(forged, "units/MAIN/rows.txt", rewritten)
    assert any("its leaves are not those it sealed" in p for p in problems), problems
    assert all(p.startswith(("MAIN#", "tables/")) for p in problems)


@pytest.mark.parametrize("table", ["trial_balance", "cost_report"])
def test_a_table_that_is_not_the_sum_of_the_postings_is_named(forged: Unpacked, table: str) -> None:
    def inflated(data: bytes) -> bytes:
        said = json.loads(data)
        row = next(r for r in said["rows"] if "3310" in r)
        row[3] = "1000000.0000"
        return audit_rules.canonical(said)

    problems = edit(forged, f"tables/{table}.json", inflated)
    assert [p.partition(":")[0] for p in problems] == [f"tables/{table}.json"]


def test_accounts_that_change_places_are_named_though_every_table_agrees(
    forged: Unpacked,
) -> None:
    def exchanged(name: str) -> Callable[[bytes], bytes]:
        names = {'"3310"': '"1401"', '"1401"': '"3310"'}

        def edited(data: bytes) -> bytes:
            text = re.sub('"3310"|"1401"', lambda found: names[found.group()], data.decode())
            said = json.loads(text)
            if isinstance(said["rows"], list):
                said["rows"].sort(key=lambda row: [str(cell) for cell in row])
            return audit_rules.canonical(said)

        return edited

    for name in ("trial_balance", "cost_report"):
        edit(forged, f"tables/{name}.json", exchanged(name))
    problems = edit(forged, "tables/accounts.json", exchanged("accounts"))
    assert len(problems) == 2, problems
    assert all(
        re.fullmatch(r"tables/accounts.json: account \d+ is not as the log says it", problem)
        for problem in problems
    )


def test_a_week_that_is_moved_or_left_out_is_named(forged: Unpacked) -> None:
    def moved(data: bytes) -> bytes:
        said = json.loads(data)
        *_, first, second = sorted(said["rows"], key=int)  # weeks in which nothing was posted
        said["rows"][first]["ends_on"] = "2027-01-01"
        del said["rows"][second]
        return audit_rules.canonical(said)

    problems = edit(forged, "tables/periods.json", moved)
    assert [p.rpartition(" period ")[0] for p in problems] == ["tables/periods.json:"] * 2


def test_an_account_that_is_renamed_between_two_bundles_is_named_by_the_entry(
    film: Film, tmp_path: Path
) -> None:
    import_data(film, cost_lines([cost_line(1)]))
    with role("owner"):
        export_bundle(production=film.production, out=tmp_path / "first.zip")
        export_bundle(production=film.production, out=tmp_path / "again.zip")
    assert log_types(film).count("chart") == 1  # what is said is not said again
    with rewritten():
        query("UPDATE ledger_account SET code = '3311' WHERE production_id = %s AND code = '3310'",
              film.production.pk)  # fmt: skip
    with role("owner"):
        export_bundle(production=film.production, out=tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as packed:
        packed.extractall(tmp_path / "b")
    (problem,) = Bundle(tmp_path / "b", None).verify().problems
    assert re.match(r"[A-Z]+#\d+: changes account \d+ from .*'code': '3310'", problem), problem


def test_a_cut_tail_a_double_entry_and_an_exchange_are_named(forged: Unpacked) -> None:
    name = "units/MAIN/journal.jsonl"
    path, leaves = forged.folder / name, forged.folder / "units/MAIN/leaves.bin"
    before, kept = path.read_bytes(), leaves.read_bytes()
    lines = before.split(b"\n")[:-1]
    for changed in (lines[:-1], [*lines, lines[-1]], [*lines[1:], lines[0]], lines[:1], []):
        path.write_bytes(before)
        leaves.write_bytes(b"".join(audit_rules.leaf_hash(line) for line in changed))
        text = b"".join(line + b"\n" for line in changed)
        problems = edit(forged, name, lambda _, text=text: text)
        assert any(p.startswith("MAIN#") for p in problems), problems
        leaves.write_bytes(kept)


def resigned(forged: Unpacked, key: Ed25519PrivateKey, **change: Any) -> Callable[[bytes], bytes]:
    def edited(data: bytes) -> bytes:
        note = audit_rules.parse_note(data)
        assert note is not None
        said = {"origin": note.origin, "size": note.size, "root": note.root, **change}
        return notes.signed_note(key, **said).encode()

    return edited


def test_a_checkpoint_of_another_key_log_size_or_root_is_refused(forged: Unpacked) -> None:
    last = sorted((forged.folder / "checkpoints/MAIN").iterdir(), key=lambda p: int(p.stem))[-1]
    name = last.relative_to(forged.folder).as_posix()
    before = last.read_bytes()
    other, own = Ed25519PrivateKey.generate(), signing.private_key()
    for change, said in (
        (resigned(forged, other), "is signed with another key"),
        (resigned(forged, own, origin=f"prodacct/{forged.film.code}/SECOND"), "of another log"),
        (resigned(forged, own, size=99), "the name of its size"),
        (resigned(forged, own, root=b"\1" * 32), "another root than its checkpoint"),
        (lambda b: b + b.split(b"\n\n")[1], "exactly one signature"),
        (lambda b: b.replace(b"\n\n", b"\nmore\n\n"), "exactly one signature"),
    ):
        last.write_bytes(before)
        problems = edit(forged, name, change)
        assert any(said in p for p in problems), (said, problems)


def test_a_key_of_the_forger_s_own_is_refused_when_the_right_one_is_known(forged: Unpacked) -> None:
    """All notes signed anew under another key: the bundle agrees with itself, and only so."""
    other = Ed25519PrivateKey.generate()
    public = other.public_key().public_bytes_raw()
    for path in (forged.folder / "checkpoints").glob("*/*.note"):
        path.write_bytes(resigned(forged, other)(path.read_bytes()))
    assert edit(forged, "key.txt", lambda _: base64.b64encode(public) + b"\n") == []
    assert "key.txt: is not the key that was given with --key" in forged.problems(forged.key)
    assert main([str(forged.folder), "--key", base64.b64encode(forged.key).decode()]) == 1
    assert main([str(forged.folder)]) == 0


def test_a_wrong_call_ends_with_two(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["here", "--key", "short"], ["--proof"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err


# --- proofs -------------------------------------------------------------------------------------


def test_a_posting_is_proved_without_showing_any_other(
    unpacked: Unpacked, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(unpacked.proof)
    assert verify_proof(path, unpacked.key).problems == []
    done = outside(unpacked, "--proof", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "everything agrees: 1 postings" in done.stdout
    assert unpacked.proof.count(b"P2(") == 1 and b'"T2' not in unpacked.proof
    assert b"Vendor" not in unpacked.proof


def test_no_flipped_bit_of_a_proof_is_accepted(unpacked: Unpacked, tmp_path: Path) -> None:
    rng, path = random.Random(SEED), tmp_path / "p.json"
    for _ in range(PROOF_FLIPS):
        data, at = flip(unpacked.proof, rng)
        path.write_bytes(data)
        assert verify_proof(path, None).problems, at


def test_a_proof_of_another_key_posting_or_shape_is_refused(
    unpacked: Unpacked, tmp_path: Path
) -> None:
    path = tmp_path / "p.json"
    said = json.loads(unpacked.proof)
    path.write_bytes(unpacked.proof)
    assert verify_proof(path, bytes(32)).problems
    changes: list[dict[str, Any]] = [
        {"posting": said["posting"].replace(",1,", ",2,", 1)},
        {"posting": said["posting"].replace("P2", "T2")},
        {"inclusion": said["inclusion"][:-1]},
        {"inclusion": [*said["inclusion"], "00" * 32]},
        {"inclusion": 7},
        {"tiles": []},
        {"tiles": [[]]},
        {"tiles": {}},
        {"checkpoint": None},
        {"entry": "[]"},
        {"entry": "{}"},
        {"key": ""},
        {"more": 1},
    ]
    for change in changes:
        path.write_bytes(audit_rules.canonical({**said, **change}))
        assert verify_proof(path, None).problems, change
    for data in (b"", b"{}", b"[" * 100_000, b"\xff"):
        path.write_bytes(data)
        assert verify_proof(path, None).problems
    assert verify_proof(tmp_path / "nowhere", None).problems


def test_a_posting_that_was_altered_cannot_be_proved(film: Film) -> None:
    import_data(film, cost_lines([cost_line(1), cost_line(2)]))
    row = a_row_of(film)
    with rewritten():
        query("UPDATE ledger_posting SET rule = 'mine' WHERE ctid = %s::tid", row["at"])
    with role("owner"), pytest.raises(Unprovable, match="run verify_journal"):
        proof_of(production=film.production, batch_id=row["batch_id"], line_no=row["line_no"])


def a_row_of(film: Film) -> dict[str, Any]:
    with role("owner"):
        return a_row(film, "ledger_posting")


# --- the commands -------------------------------------------------------------------------------


def test_the_commands_write_a_bundle_and_a_proof(unpacked: Unpacked, tmp_path: Path) -> None:
    film, row = unpacked.film, a_row_of(unpacked.film)
    posting = f"{row['batch_id']}/{row['line_no']}"
    with role("owner"):
        call_command("export_bundle", production=film.code, out=tmp_path / "b.zip")
        call_command("prove", posting, production=film.code, out=tmp_path / "p.json")
        for arguments in (("export_bundle",), ("prove", posting)):
            with pytest.raises(CommandError, match="there is no production"):
                call_command(*arguments, production="NONE", out=tmp_path / "x")
            with pytest.raises(CommandError, match="No such file"):
                call_command(*arguments, production=film.code, out=tmp_path / "no" / "x")
        for wrong in ("1", "a/b", "1/2/3", "1/"):
            with pytest.raises(CommandError, match="expected batch/line"):
                call_command("prove", wrong, production=film.code, out=tmp_path / "x")
        with pytest.raises(CommandError, match="there is none in"):
            call_command("prove", "999999/1", production=film.code, out=tmp_path / "x")
    assert verify_proof(tmp_path / "p.json", unpacked.key).problems == []
    with zipfile.ZipFile(tmp_path / "b.zip") as packed:
        assert not [n for n in packed.namelist() if n.startswith("sources/")]
        packed.extractall(tmp_path / "b")
    assert Bundle(tmp_path / "b", unpacked.key).verify().problems == []


def test_nothing_posted_is_nothing_to_export(film: Film, tmp_path: Path) -> None:
    with role("owner"), pytest.raises(NothingToExport, match="nothing has been posted"):
        export_bundle(production=film.production, out=tmp_path / "b.zip")
    assert issubclass(NothingToExport, Refused)


def test_the_root_of_a_log_of_one_entry_is_its_leaf() -> None:
    leaf = seal.leaf_hash(b"line")
    assert audit_rules.root_of_path(leaf, 0, 1, []) == leaf == seal.tree_root([leaf])
