"""The mapped files of a cost tree: what is looked up, and what is found when they are damaged."""

import hashlib
import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxonomy.snapshot import (
    NOWHERE,
    Row,
    Snapshot,
    Unusable,
    generations,
    open_generation,
    open_newest,
    write_generation,
)


def rows(count: int, salt: str = "") -> list[Row]:
    """A tree of `count` nodes, ten below each."""
    return [
        Row(
            hashlib.sha256(f"{salt}{n}".encode()).digest(),
            n,
            n // 10,
            "account" if n > 10 else "department",
            f"{n % 30:04d}",
            f"U{n % 3}",
            "BTL",
            "",
        )
        for n in range(1, count + 1)
    ]


def opened(folder: Path) -> Snapshot:
    snapshot, faults = open_newest(folder, "NF")
    assert snapshot is not None
    assert faults == []
    return snapshot


@pytest.mark.parametrize("count", [1, 2, 3, 10, 1_000])
def test_every_digest_is_found_alone_and_in_a_batch_and_no_other(
    tmp_path: Path, count: int
) -> None:
    made = rows(count)
    random.Random(7).shuffle(made)
    manifest = write_generation(tmp_path, "NF", made)
    assert (manifest.rows, manifest.version, manifest.generation) == (count, count, 1)
    snapshot = opened(tmp_path)
    assert [snapshot.row_at(snapshot.position_of(row.digest)) for row in made] == made
    others = [hashlib.sha256(b"other%d" % n).digest() for n in range(200)]
    assert {snapshot.position_of(digest) for digest in others} == {NOWHERE}
    asked = [row.digest for row in made] + others
    found = snapshot.ids_of(b"".join(asked)).tolist()
    assert found == [row.id for row in made] + [0] * len(others)
    assert snapshot.ids_of(b"").tolist() == []


NEAR = st.binary(min_size=1, max_size=2).map(lambda b: b.ljust(32, b"\0"))


@settings(max_examples=80, deadline=None)
@given(
    kept=st.lists(NEAR | st.binary(min_size=32, max_size=32), min_size=1, max_size=40),
    asked=st.lists(NEAR | st.binary(min_size=32, max_size=32), max_size=40),
)
def test_a_snapshot_answers_as_a_dictionary_does(
    tmp_path_factory: pytest.TempPathFactory, kept: list[bytes], asked: list[bytes]
) -> None:
    """Digests that share their first bytes crowd one bucket; equal ones give the first recorded."""
    folder = tmp_path_factory.mktemp("snapshot")
    made = [Row(d, n, 0, "account", "1", "", "", "") for n, d in enumerate(kept, 1)]
    write_generation(folder, "NF", made)
    snapshot = opened(folder)
    first: dict[bytes, int] = {}
    for row in made:
        first.setdefault(row.digest, row.id)
    asked = [*asked, *kept]
    expected = [first.get(digest, 0) for digest in asked]
    assert snapshot.ids_of(b"".join(asked)).tolist() == expected
    alone = [snapshot.position_of(digest) for digest in asked]
    assert [0 if at == NOWHERE else int(snapshot.ids[at]) for at in alone] == expected
    for digest in asked:
        shared = [snapshot.digest_at(at) for at in snapshot.starting_with(digest[:1], most=99)]
        assert shared == sorted(d for d in kept if d[:1] == digest[:1])


def test_a_leaf_is_walked_up_to_its_root(tmp_path: Path) -> None:
    write_generation(tmp_path, "NF", rows(200))
    snapshot = opened(tmp_path)
    way = snapshot.way_up(snapshot.position_of(rows(200)[122].digest))
    assert [(row.id, row.parent_id) for row in way] == [(123, 12), (12, 1), (1, 0)]


def test_what_is_no_whole_number_of_digests_is_refused(tmp_path: Path) -> None:
    write_generation(tmp_path, "NF", rows(3))
    with pytest.raises(ValueError, match="reshape"):
        opened(tmp_path).positions_of(b"x" * 33)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ([], "at least one node"),
        ([Row(b"short", 1, 0, "", "", "", "", "")], "every node a digest"),
        ([Row(b"x" * 32, 1, 7, "", "", "", "", "")], "node 7 is a parent and is not in the tree"),
    ],
)
def test_a_tree_that_is_none_is_not_written(tmp_path: Path, bad: list[Row], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        write_generation(tmp_path, "NF", bad)
    assert generations(tmp_path) == []


def test_three_generations_are_kept_and_the_newest_is_used(tmp_path: Path) -> None:
    first = None
    for n in range(1, 6):
        write_generation(tmp_path, "NF", rows(10 + n))
        first = first or opened(tmp_path)
    assert generations(tmp_path) == [5, 4, 3]
    assert len(list(tmp_path.glob("*.arrow"))) == 6
    assert len(opened(tmp_path)) == 15
    # Who had opened one that has been dropped still reads it.
    assert first is not None
    assert first.position_of(rows(11)[10].digest) != NOWHERE
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_every_flipped_bit_makes_the_last_good_generation_take_over(tmp_path: Path) -> None:
    write_generation(tmp_path, "NF", rows(40))
    write_generation(tmp_path, "NF", rows(50))
    chance = random.Random(20_26)
    tried = 0
    for path in sorted(tmp_path.glob("000002.*")):
        whole = path.read_bytes()
        places = [chance.randrange(len(whole) * 8) for _ in range(60)]
        for place in places:
            torn = bytearray(whole)
            torn[place // 8] ^= 1 << place % 8
            path.write_bytes(torn)
            snapshot, faults = open_newest(tmp_path, "NF")
            assert snapshot is not None
            if snapshot.manifest.generation == 2:  # white space, or the same number otherwise
                assert path.suffix == ".json"
                assert json.loads(torn) == json.loads(whole)
                continue
            tried += 1
            assert (len(snapshot), [fault.generation for fault in faults]) == (40, [2])
        path.write_bytes(whole)
    assert tried > 150
    assert len(opened(tmp_path)) == 50


DAMAGE = {
    "torn manifest": ("000002.json", lambda data: data[: len(data) // 2], "cannot be read"),
    "empty manifest": ("000002.json", lambda data: b"", "cannot be read"),
    "a manifest that is a list": ("000002.json", lambda data: b"[1, 2]", "cannot be read"),
    "a manifest too deep": ("000002.json", lambda data: b"[" * 99_999, "cannot be read"),
    "another's manifest": ("000002.json", lambda data: data.replace(b"NF", b"FN"), "not as it was"),
    "torn nodes": ("000002.nodes.arrow", lambda data: data[:-9], "hashes to"),
    "empty nodes": ("000002.nodes.arrow", lambda data: b"", "hashes to|cannot be mapped"),
    "torn index": ("000002.index.arrow", lambda data: data[: len(data) // 2], "hashes to"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_generation_is_named_and_the_one_before_it_is_used(
    tmp_path: Path, damage: str
) -> None:
    name, change, said = DAMAGE[damage]
    for count in (40, 50):
        write_generation(tmp_path, "NF", rows(count))
    path = tmp_path / name
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(Unusable, match=said):
        open_generation(tmp_path, 2, "NF")
    snapshot, (fault,) = open_newest(tmp_path, "NF")
    assert snapshot is not None
    assert (len(snapshot), fault.generation) == (40, 2)


def test_a_missing_file_is_named_and_with_no_good_generation_there_is_none(tmp_path: Path) -> None:
    write_generation(tmp_path, "NF", rows(40))
    (tmp_path / "000001.index.arrow").unlink()
    snapshot, (fault,) = open_newest(tmp_path, "NF")
    assert snapshot is None
    assert "000001.index.arrow cannot be mapped" in fault.problem
    assert open_newest(tmp_path / "nowhere", "NF") == (None, [])


def test_the_manifest_of_one_generation_does_not_stand_for_another(tmp_path: Path) -> None:
    for count in (40, 50):
        write_generation(tmp_path, "NF", rows(count))
    (tmp_path / "000002.json").write_bytes((tmp_path / "000001.json").read_bytes())
    snapshot, (fault,) = open_newest(tmp_path, "NF")
    assert snapshot is not None
    assert (snapshot.manifest.generation, fault.generation) == (1, 2)


def test_the_snapshot_of_another_production_in_its_place_is_not_used(tmp_path: Path) -> None:
    write_generation(tmp_path, "NF", rows(40))
    snapshot, (fault,) = open_newest(tmp_path, "DAY")
    assert snapshot is None
    assert fault.problem == "it is of production NF, not of DAY"
