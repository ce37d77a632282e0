"""Appending to the cost tree: what the services refuse, and the database after them."""

import json
from datetime import date
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from access.errors import Invalid
from ledger.verify import verify_production
from taxonomy import selectors
from taxonomy.branches import (
    DriftingNode,
    DuplicateNode,
    NodeWish,
    append_node,
    correct_node,
    open_override_branch,
)
from taxonomy.digest import NodeFacts, first_fault, node_digest, trace
from taxonomy.models import CostNode
from taxonomy.trees import tree_of, way_up
from tests.factories import Cast, Film, acting, cost_line, cost_lines, import_data, make_film, role
from tests.ledger.raw_batches import query


def node(film: Film, code: str, unit: str = "MAIN") -> CostNode:
    found = [
        n
        for n in selectors.nodes_by_code(film.production, code)
        if n.unit is not None and n.unit.code == unit and not n.flag
    ]
    return found[0]


def entries(film: Film, unit: str = "MAIN") -> list[dict[str, Any]]:
    """What the unit's log says of nodes."""
    with role("owner"):
        rows = query(
            "SELECT e.line FROM ledger_logentry e JOIN taxonomy_unit u ON u.id = e.unit_id"
            " WHERE e.production_id = %s AND u.code = %s AND e.type = 'node' ORDER BY e.seq",
            film.production.pk,
            unit,
        )
    return [json.loads(line)["data"] for (line,) in rows]


def findings(film: Film) -> list[str]:
    with role("owner"):
        return [
            f"{f.record}: {f.problem}" for f in verify_production(film.production).findings or []
        ]


def correction(film: Film, **wish: Any) -> CostNode:
    with role("web"), acting(film, "amir"):
        return correct_node(
            actor=film.cast["amir"],
            original=node(film, "3310"),
            reason="The rental is art department",
            wish=NodeWish(**wish or {"name": "Lens rental"}),
        )


def test_a_leaf_is_appended_chained_to_its_parent_and_logged(film: Film) -> None:
    with role("web"), acting(film, "amir"):
        made = append_node(
            actor=film.cast["amir"],
            parent=node(film, "Camera"),
            kind="account",
            code="3320",
            wish=NodeWish("Drone rental"),
        )
        hops = trace(tree_of(film.production)[made.pk], tree_of(film.production))
        assert [n.kind for n in way_up(made)] == ["account", "department", "unit", "production"]
    assert [hop.kind for hop in hops] == ["account", "department", "unit", "production"]
    assert first_fault(hops) == ""
    assert made.line == "BTL"
    (entry,) = entries(film)
    assert (entry["node"], entry["digest"]) == (str(made.pk), bytes(made.digest).hex())
    assert (entry["actor"], entry["name"]) == (str(film.cast["amir"].pk), "Drone rental")
    assert entries(film, "SECOND") == []
    assert findings(film) == []


def test_a_department_is_appended_and_leaves_below_it(film: Film) -> None:
    with role("web"), acting(film, "amir"):
        made = append_node(
            actor=film.cast["amir"],
            parent=node(film, "MAIN"),
            kind="department",
            code="Drones",
            wish=NodeWish("Drones", "BTL"),
        )
        append_node(
            actor=film.cast["amir"], parent=made, kind="account", code="3330", wish=NodeWish("Kit")
        )
    assert [e["code"] for e in entries(film)] == ["Drones", "3330"]
    assert findings(film) == []


def test_a_correction_stands_for_the_node_it_names_and_leaves_it_as_it_was(film: Film) -> None:
    made = correction(film)
    with role("owner"):
        first = node(film, "3310")
        assert first.name == "Camera package rental"
        assert bytes(made.original) == bytes(first.digest)
        assert (made.flag, made.code, made.parent_id) == ("CORRECTION", "3310", first.parent_id)
        leaves = selectors.leaf_nodes(film.production)
        assert leaves[first.unit_id, "3310"] == made.pk
        assert leaves[node(film, "3310", "SECOND").unit_id, "3310"] != made.pk
    import_data(film, cost_lines([cost_line(1)]))
    with role("owner"):
        posted = query("SELECT node_id FROM ledger_posting WHERE production_id = %s",
                       film.production.pk)  # fmt: skip
    assert posted == [(made.pk,)]
    assert findings(film) == []


def test_an_override_branch_carries_leaves_that_ordinary_costs_never_reach(film: Film) -> None:
    with role("web"), acting(film, "amir"):
        camera = node(film, "Camera")
        branch = open_override_branch(
            actor=film.cast["amir"],
            original=camera,
            reason="Second unit shoots the stunt",
            wish=NodeWish(line="ATL"),
        )
        leaf = append_node(
            actor=film.cast["amir"],
            parent=selectors.node_by_id(film.production, branch.pk),  # type: ignore[arg-type]
            kind="account",
            code="3310",
            wish=NodeWish("Camera package rental"),
        )
        leaves = selectors.leaf_nodes(film.production)
        named = list(selectors.nodes_naming(film.production, [bytes(camera.digest)]))
    assert (branch.flag, branch.branch_id, branch.line) == ("OVERRIDE", branch.pk, "ATL")
    assert leaf.branch_id == branch.pk
    assert leaf.pk not in leaves.values()
    assert named == [branch]
    assert findings(film) == []


def test_the_digest_of_a_flagged_node_covers_its_flag_and_the_node_it_names() -> None:
    plain = NodeFacts("account", "3310", "MAIN", "BTL")
    digests = {
        node_digest(
            NodeFacts("account", "3310", "MAIN", "BTL", None, None, original, flag), b"p" * 32
        )
        for original in (b"a" * 32, b"b" * 32)
        for flag in ("CORRECTION", "OVERRIDE", "")
    }
    assert len(digests | {node_digest(plain, b"p" * 32)}) == 7


def test_an_equal_node_is_refused_until_a_person_says_so_and_is_listed_after(film: Film) -> None:
    asked: dict[str, Any] = {"kind": "account", "code": "3310", "wish": NodeWish("Camera package")}
    with role("web"), acting(film, "amir"):
        camera = node(film, "Camera")
        with pytest.raises(DuplicateNode, match="an equal node stands already"):
            append_node(actor=film.cast["amir"], parent=camera, **asked)
        assert selectors.duplicate_nodes(film.production) == []
        first = node(film, "3310")
        again = append_node(
            actor=film.cast["amir"], parent=camera, is_known_duplicate=True, **asked
        )
        assert bytes(again.digest) == bytes(first.digest)
        assert selectors.duplicate_nodes(film.production) == [[first, again]]
        assert selectors.equal_nodes(first) == [again]
        leaves = selectors.leaf_nodes(film.production)
    assert leaves[first.unit_id, "3310"] == first.pk
    assert findings(film) == []


def test_a_code_with_another_meaning_is_refused_by_service_and_database(film: Film) -> None:
    with role("web"), acting(film, "amir"):
        art = node(film, "Art")
        with pytest.raises(DriftingNode, match="it stands in this unit as 'Camera package rental'"):
            append_node(
                actor=film.cast["amir"], parent=art, kind="account", code="3310", wish=NodeWish("X")
            )
    with pytest.raises(DatabaseError, match="stands in this unit with other facts"):
        insert(film, "Art", code="3310")


@pytest.mark.parametrize(
    ("kind", "code", "wish", "said"),
    [
        ("unit", "X", NodeWish(), "below a department hangs account"),
        ("account", "33-1", NodeWish("X"), "accounts are written NNNN"),
        ("account", "", NodeWish("X"), "code: expected 1 to 20"),
        ("account", "3320", NodeWish("X" * 121), "name: expected 1 to 120"),
        ("account", "3320", NodeWish("a\nb"), "name: expected 1 to 120"),
        ("account", "3320", NodeWish("X", "MID"), "line: expected one of ATL, BTL"),
        ("account", "3320", NodeWish("X", None, date(2026, 9, 1), date(2026, 1, 1)), "is before"),
    ],
)
def test_words_that_cannot_be_taken_are_refused(
    film: Film, kind: str, code: str, wish: NodeWish, said: str
) -> None:
    with role("web"), acting(film, "amir"), pytest.raises(Invalid, match=said):
        append_node(
            actor=film.cast["amir"], parent=node(film, "Camera"), kind=kind, code=code, wish=wish
        )


@pytest.mark.parametrize("reason", ["", "  ", "a\nb", "x" * 301])
def test_a_correction_and_an_override_need_a_reason(film: Film, reason: str) -> None:
    with role("web"), acting(film, "amir"):
        for service in (correct_node, open_override_branch):
            with pytest.raises(Invalid, match="reason: expected"):
                service(
                    actor=film.cast["amir"],
                    original=node(film, "3310"),
                    reason=reason,
                    wish=NodeWish("Other"),
                )


def test_a_correction_that_changes_nothing_and_one_of_the_root_are_refused(film: Film) -> None:
    with role("web"), acting(film, "amir"):
        with pytest.raises(Invalid, match="nothing to correct"):
            correct_node(
                actor=film.cast["amir"], original=node(film, "3310"), reason="x", wish=NodeWish()
            )
        root = selectors.root_nodes(film.production).get()
        with pytest.raises(Invalid, match="neither corrected nor overridden"):
            open_override_branch(
                actor=film.cast["amir"], original=root, reason="x", wish=NodeWish("Y")
            )


def insert(film: Film, parent: str, person: str = "amir", **other: Any) -> None:
    """A node by raw SQL as the web role, its digest right unless one is given."""
    with role("web"), acting(film, person):
        above = node(film, parent)
        values: dict[str, Any] = {
            "kind": "account", "code": "3340", "name": "N", "line": "BTL",
            "window_start": above.window_start, "window_end": above.window_end,
            "unit_id": above.unit_id, "parent_id": above.pk, "flag": "", "original": b"",
            "reason": "", "actor_id": film.cast[person].pk, "production_id": film.production.pk,
            "recorded_at": "2020-01-01T00:00:00Z", **other,
        }  # fmt: skip
        assert above.unit is not None
        facts = NodeFacts(
            values["kind"], values["code"], above.unit.code, values["line"],
            values["window_start"], values["window_end"], values["original"], values["flag"],
        )  # fmt: skip
        values.setdefault("digest", node_digest(facts, bytes(above.digest)))
        names = ", ".join(values)
        marks = ", ".join(["%s"] * len(values))
        query(f"INSERT INTO taxonomy_costnode ({names}) VALUES ({marks})", *values.values())


def test_the_database_takes_a_right_node_and_gives_it_its_moment_itself(film: Film) -> None:
    insert(film, "Camera")
    with role("owner"):
        made = node(film, "3340")
    assert made.recorded_at.year >= 2026
    assert [e["code"] for e in entries(film)] == ["3340"]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"digest": b"\0" * 32}, "its digest is stated as 0000000000000000 and computed as"),
        ({"digest": b""}, "its digest is stated as"),
        ({"reason": "because"}, "only a correction or an override names another node"),
        ({"original": b"\1" * 32}, "only a correction or an override names another node"),
        ({"flag": "OVERRIDE", "original": b"\1" * 32}, "needs a person and a reason"),
        ({"flag": "MERGE", "original": b"\1" * 32, "reason": "x"}, "needs a person and a reason"),
        (
            {"flag": "OVERRIDE", "original": b"\1" * 32, "reason": "x"},
            "no account of this unit with that code has the digest 0101010101010101",
        ),
        ({"kind": "department"}, "a department does not hang below a department"),
        ({"kind": "wish"}, "a wish does not hang below"),
        ({"parent_id": None}, "a production has one root"),
        ({"parent_id": None, "kind": "production", "unit_id": None}, "a production has one root"),
        ({"parent_id": 987_654_321}, "its parent is no node of this production"),
        ({"unit_id": None}, "of another unit than its parent"),
        ({"window_end": date(2001, 1, 1)}, "its window is no span of days"),
        ({"window_end": "infinity", "digest": b""}, "its window is no span of days"),
    ],
)
def test_the_database_refuses(film: Film, other: dict[str, Any], said: str) -> None:
    if other.get("window_end") == "infinity":
        other = {**other, "digest": b"\0" * 32}
    with pytest.raises(DatabaseError, match=said):
        insert_as_stated(film, other)
    assert entries(film) == []


def insert_as_stated(film: Film, other: dict[str, Any]) -> None:
    if isinstance(other.get("window_end"), str):
        with role("owner"), acting(film, "amir"):
            parent = node(film, "Camera")
            query(
                "INSERT INTO taxonomy_costnode (production_id, parent_id, kind, code, name, line,"
                " unit_id, window_start, window_end, digest, recorded_at, flag, original, reason)"
                " SELECT production_id, id, 'account', '3340', 'N', line, unit_id, window_start,"
                " 'infinity', digest, now(), '', '', '' FROM taxonomy_costnode WHERE id = %s",
                parent.pk,
            )
    insert(film, "Camera", **other)


def test_a_node_of_another_production_is_no_parent(film: Film, other_film: Film) -> None:
    with role("owner"):
        elsewhere = node(other_film, "Camera")
    with pytest.raises(DatabaseError, match="its parent is no node of this production"):
        insert(film, "Camera", parent_id=elsewhere.pk)


@pytest.mark.parametrize("person", ["lena", "cho"])
def test_only_who_may_append_writes_and_only_as_themselves(film: Film, person: str) -> None:
    with pytest.raises(DatabaseError, match="row-level security"):
        insert(film, "Camera", person=person)
    with pytest.raises(DatabaseError, match="row-level security"):
        insert(film, "Camera", actor_id=film.cast["lena"].pk)
    with pytest.raises(DatabaseError, match="row-level security"):
        insert(film, "Camera", actor_id=None)


def test_the_worker_appends_nothing_but_what_an_override_was_signed_for(film: Film) -> None:
    refusals = {
        "INSERT INTO taxonomy_costnode DEFAULT VALUES": "no override that is carried out",
        "DELETE FROM taxonomy_costnode": "denied",
    }
    with role("worker"), acting(film, "amir"):
        for verb, said in refusals.items():
            with pytest.raises(DatabaseError, match=said), transaction.atomic():
                query(verb)


def test_a_department_head_sees_their_own_branch_up_to_the_root_and_no_other(film: Film) -> None:
    correction(film)
    with role("web"), acting(film, "cho"):
        seen = {(n.kind, n.code) for n in selectors.all_nodes(film.production)}
        flagged = [n.flag for n in selectors.all_nodes(film.production) if n.flag]
    assert seen == {
        ("production", film.code),
        *(("unit", unit) for unit in ("MAIN", "SECOND", "OFFICE")),
        ("department", "Camera"),
        *(("account", code) for code in ("3301", "3310", "3399")),
    }
    assert flagged == ["CORRECTION"]
    for person in ("bea", "eve", "otto"):
        with role("web"), acting(film, person):
            assert list(selectors.all_nodes(film.production)) == []


TAMPERED = {
    "reason = 'another'": "reason was logged as",
    "name = 'another'": "name was logged as",
    "actor_id = NULL": "it gives a reason, or a flag, that nobody gave it",
    "branch_id = id": "it is not in the branch its parent is in",
    "line = 'ATL'": "should have digest",
    "flag = 'OVERRIDE'": "should have digest",
    "original = sha256(original)": "should have digest",
}


@pytest.fixture(scope="module")
def corrected(cast: Cast) -> Film:
    with role("owner"):
        film = make_film(cast)
    correction(film)
    return film


@pytest.mark.parametrize(("change", "said"), TAMPERED.items())
def test_the_verifier_names_an_appended_node_that_was_altered(
    corrected: Film, change: str, said: str
) -> None:
    with role("admin"), transaction.atomic():
        query("SET LOCAL session_replication_role = replica")
        query(
            f"UPDATE taxonomy_costnode SET {change} WHERE flag <> '' AND production_id = %s",
            corrected.production.pk,
        )
        found = verify_production(corrected.production).findings or []
        transaction.set_rollback(True)
    assert any(said in f.problem and "3310" in f.record for f in found), found


def test_the_verifier_misses_a_logged_node_and_an_unlogged_one(corrected: Film) -> None:
    with role("admin"), transaction.atomic():
        query("SET LOCAL session_replication_role = replica")
        query("DELETE FROM taxonomy_costnode WHERE flag <> '' AND production_id = %s",
              corrected.production.pk)  # fmt: skip
        gone = [f.problem for f in verify_production(corrected.production).findings or []]
        transaction.set_rollback(True)
    assert gone == ["it was logged, and is gone"]
    with role("admin"), transaction.atomic():
        query("SET LOCAL session_replication_role = replica")
        query(
            "UPDATE taxonomy_costnode SET actor_id = %s"
            " WHERE code = '2220' AND flag = '' AND production_id = %s",
            corrected.cast["amir"].pk,
            corrected.production.pk,
        )
        found = {f.problem for f in verify_production(corrected.production).findings or []}
        transaction.set_rollback(True)
    assert found == {"no log entry tells of it"}


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=0, max_size=20
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    kind=WORDS, code=WORDS, line=st.sampled_from(["", "ATL", "BTL"]),
    opens=st.dates(), closes=st.dates(), original=st.binary(max_size=32),
    flag=st.sampled_from(["", "OVERRIDE", "CORRECTION"]), parent=st.just(b"p" * 32),
)  # fmt: skip
def test_the_database_computes_the_digest_that_python_computes(database: None, **said: Any) -> None:
    with role("owner"), connection.cursor() as cursor:
        cursor.execute(
            "SELECT sec.node_digest(jsonb_populate_record(NULL::taxonomy_costnode,"
            " jsonb_build_object('kind', left(%(kind)s, 12), 'code', %(code)s::text,"
            " 'line', %(line)s::text, 'flag', %(flag)s::text,"
            " 'window_start', %(opens)s::date, 'window_end', %(closes)s::date,"
            " 'original', %(original)s::bytea)), %(parent)s::bytea)",
            said,
        )
        [computed] = cursor.fetchone() or [b""]
    facts = NodeFacts(
        said["kind"][:12], said["code"], "", said["line"], said["opens"], said["closes"],
        said["original"], said["flag"],
    )  # fmt: skip
    assert bytes(computed) == node_digest(facts, said["parent"])
