"""A leaf is traced to its root, and the first hop that does not hold is named."""

from pathlib import Path

import pytest
from django.db import transaction

from taxonomy import selectors, tracing
from taxonomy.models import CostNode
from tests.factories import Film, acting, role
from tests.ledger.raw_batches import query
from tests.ledger.tampering import tampering
from tests.taxonomy.shelves import empty_shelf, written


@pytest.fixture(autouse=True)
def own_shelf(settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    empty_shelf(settings, monkeypatch, tmp_path)


def leaf(film: Film, code: str = "3310") -> CostNode:
    found = selectors.nodes_by_code(film.production, code)
    return next(n for n in found if n.unit and n.unit.code == "MAIN")


def test_a_node_is_found_by_its_code_and_by_the_first_digits_of_its_digest(film: Film) -> None:
    written(film)
    with role("web"), acting(film, "amir"):
        node = leaf(film)
        digest = bytes(node.digest).hex()
        assert len(tracing.wanted_nodes(film.production, " 3310 ")) == 3  # one in every unit
        for asked in (digest[:7], digest[:8].upper(), digest):
            assert node in tracing.wanted_nodes(film.production, asked)
        assert tracing.wanted_nodes(film.production, digest) == [node]
        for nothing in (digest[:5], "zzzzzz", "", digest + "00", "f" * 64):
            assert tracing.wanted_nodes(film.production, nothing) == []


def test_a_whole_chain_has_no_wrong_hop(film: Film) -> None:
    written(film)
    with role("web"), acting(film, "amir"):
        steps = tracing.trace_node(leaf(film))
    assert [s.node.kind for s in steps] == ["account", "department", "unit", "production"]
    assert tracing.first_wrong(steps) is None


@pytest.mark.parametrize(
    ("code", "change", "wrong"),
    [
        ("3310", "line = 'ATL'", "account 3310 under department Camera should have digest"),
        ("Camera", "digest = sha256(digest)", "account 3310 under department Camera should have"),
        ("Camera", "window_end = window_end + 1", "department Camera under unit MAIN should have"),
        ("MAIN", "code = 'MIAN'", "unit MIAN under production"),
    ],
)
def test_the_first_wrong_hop_is_named(film: Film, code: str, change: str, wrong: str) -> None:
    with tampering():
        query(
            f"UPDATE taxonomy_costnode SET {change} WHERE code = %s AND production_id = %s"
            " AND unit_id = (SELECT id FROM taxonomy_unit WHERE code = 'MAIN'"
            " AND production_id = %s)",
            code,
            film.production.pk,
            film.production.pk,
        )
        found = tracing.first_wrong(tracing.trace_node(leaf(film)))
    assert found is not None
    assert found.fault.startswith(wrong)


def test_a_row_rewritten_together_with_its_digest_is_held_against_the_snapshot(film: Film) -> None:
    """Its chain recomputes: only what was written down before knows better."""
    written(film)
    with role("admin"), transaction.atomic():
        query("SET LOCAL session_replication_role = replica")
        query(
            "UPDATE taxonomy_costnode n SET line = 'ATL', digest = sec.node_digest("
            ' jsonb_populate_record(n, \'{"line": "ATL"}\'), p.digest)'
            " FROM taxonomy_costnode p WHERE p.id = n.parent_id AND n.id = %s",
            leaf(film).pk,
        )
        steps = tracing.trace_node(leaf(film))
        transaction.set_rollback(True)
    assert [bool(step.fault) for step in steps] == [True, False, False, False]
    assert steps[0].hop.fault == ""
    assert "the snapshot of" in steps[0].fault
    assert "altered after that" in steps[0].fault


def test_a_chain_that_leads_in_a_circle_ends(film: Film) -> None:
    with tampering():
        node = leaf(film)
        query("UPDATE taxonomy_costnode SET parent_id = %s WHERE id = %s", node.pk, node.parent_id)
        steps = tracing.trace_node(leaf(film))
    assert len(steps) == 2
    assert tracing.first_wrong(steps) is not None


def test_a_parent_that_is_gone_is_named(film: Film) -> None:
    with tampering():
        node = leaf(film)
        query("DELETE FROM taxonomy_costnode WHERE id = %s", node.parent_id)
        found = tracing.first_wrong(tracing.trace_node(leaf(film)))
    assert found is not None
    assert found.fault == "account 3310 names a parent that is not on record"
