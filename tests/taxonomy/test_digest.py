import hashlib
from collections.abc import Hashable
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonomy.digest import (
    NodeFacts,
    TreeNode,
    duplicates,
    encode_node,
    first_fault,
    node_digest,
    trace,
)

SHOOT = (date(2026, 3, 2), date(2026, 5, 29))
DIGESTS = st.binary(min_size=32, max_size=32)
# Few letters, so that hypothesis keeps trying to move a character over a field's edge.
WORDS = st.text(alphabet="AB:|\x00\x01é", max_size=4)
DAYS = st.none() | st.dates()
FACTS = st.builds(
    NodeFacts, WORDS, WORDS.map("R".__add__), WORDS, WORDS, DAYS, DAYS, st.just(b"") | DIGESTS
)
PARENTS = st.just(b"") | DIGESTS


def tree(production: str = "NIGHT") -> dict[Hashable, TreeNode]:
    """Production > main unit > camera > camera package rental, keyed by row number."""
    facts = [
        NodeFacts("production", production),
        NodeFacts("unit", "MAIN", "MAIN"),
        NodeFacts("department", "CAM", "MAIN", "BTL", *SHOOT),
        NodeFacts("account", "3350", "MAIN", "BTL", *SHOOT),
    ]
    nodes: dict[Hashable, TreeNode] = {}
    parent, digest = None, b""
    for key, each in enumerate(facts, 1):
        digest = node_digest(each, digest)
        nodes[key] = TreeNode(each, digest, parent)
        parent = key
    return nodes


@given(FACTS, PARENTS, FACTS, PARENTS)
def test_two_different_nodes_never_share_an_encoding(
    one: NodeFacts, one_parent: bytes, other: NodeFacts, other_parent: bytes
) -> None:
    same = (one, one_parent) == (other, other_parent)
    assert (encode_node(one, one_parent) == encode_node(other, other_parent)) == same
    assert (node_digest(one, one_parent) == node_digest(other, other_parent)) == same


@given(FACTS, st.integers(0, 4))
def test_a_character_moved_over_a_fields_edge_changes_the_encoding(
    facts: NodeFacts, cut: int
) -> None:
    joined = facts.code + facts.unit
    code, unit = joined[: cut + 1], joined[cut + 1 :]
    moved = replace(facts, code=code, unit=unit)
    assert (encode_node(moved) == encode_node(facts)) == (moved == facts)


def test_the_encoding_is_fixed_for_good() -> None:
    """Digests already recorded must verify for ever: this figure may never change."""
    facts = NodeFacts("account", "3350", "MAIN", "BTL", *SHOOT)
    assert encode_node(NodeFacts("production", "N")) == (
        b"prodacct/cost-node\x01"
        b"\x00\x00\x00\x00"
        b"\x00\x00\x00\x0aproduction"
        b"\x00\x00\x00\x01N" + b"\x00\x00\x00\x00" * 5
    )
    expected = hashlib.sha256(
        b"prodacct/cost-node\x01"
        b"\x00\x00\x00\x20" + b"p" * 32 + b"\x00\x00\x00\x07account"
        b"\x00\x00\x00\x043350"
        b"\x00\x00\x00\x04MAIN"
        b"\x00\x00\x00\x03BTL"
        b"\x00\x00\x00\x0a2026-03-02"
        b"\x00\x00\x00\x0a2026-05-29"
        b"\x00\x00\x00\x00"
    ).digest()
    assert node_digest(facts, b"p" * 32) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"code": "3355"},
        {"kind": "department"},
        {"unit": "SECOND"},
        {"tier": "ATL"},
        {"opens": date(2026, 3, 3)},
        {"closes": None},
        {"original": b"o" * 32},
    ],
)
def test_every_fact_is_covered(change: dict[str, object]) -> None:
    facts = tree()[4].facts
    assert node_digest(replace(facts, **change), b"p" * 32) != node_digest(facts, b"p" * 32)


def test_equal_allocations_in_one_production_give_equal_digests() -> None:
    assert tree()[4].digest == tree()[4].digest
    assert [len(group) for group in duplicates([*tree().values(), tree()[4]])] == [2]


def test_the_same_allocation_in_another_production_differs() -> None:
    other = tree("DAY")
    assert tree()[4].facts == other[4].facts
    assert tree()[4].digest != other[4].digest
    assert duplicates([*tree().values(), *other.values()]) == []


def test_duplicates_come_in_the_order_they_were_first_met() -> None:
    nodes = tree()
    groups = duplicates([nodes[3], nodes[2], nodes[2], nodes[3], nodes[3], nodes[1]])
    assert [[node.facts.code for node in group] for group in groups] == [["CAM"] * 3, ["MAIN"] * 2]


def test_a_root_needs_the_productions_code_and_a_parent_a_whole_digest() -> None:
    with pytest.raises(ValueError, match="production's code"):
        node_digest(NodeFacts("production", ""))
    with pytest.raises(ValueError, match="32 bytes, not 5"):
        node_digest(NodeFacts("unit", "MAIN"), b"short")


def test_a_true_leaf_is_traced_to_its_root_without_a_fault() -> None:
    nodes = tree()
    hops = trace(nodes[4], nodes)
    assert [(hop.kind, hop.code) for hop in hops] == [
        ("account", "3350"),
        ("department", "CAM"),
        ("unit", "MAIN"),
        ("production", "NIGHT"),
    ]
    assert all(hop.recorded == hop.recomputed for hop in hops)
    assert first_fault(hops) == ""


def test_a_tree_may_be_kept_by_digest_as_well_as_by_row() -> None:
    rows = tree()
    by_digest: dict[Hashable, TreeNode] = {
        node.digest: replace(node, parent=rows[node.parent].digest if node.parent else None)
        for node in rows.values()
    }
    assert first_fault(trace(by_digest[rows[4].digest], by_digest)) == ""


def test_a_changed_department_is_named_and_its_neighbours_are_not() -> None:
    nodes = tree()
    nodes[3] = replace(nodes[3], facts=replace(nodes[3].facts, tier="ATL"))
    hops = trace(nodes[4], nodes)
    assert [bool(hop.fault) for hop in hops] == [False, True, False, False]
    assert first_fault(hops).startswith("department CAM under unit MAIN should have digest")


def test_a_department_rewritten_with_its_digest_is_betrayed_by_the_leaf() -> None:
    nodes = tree()
    forged = replace(nodes[3].facts, tier="ATL")
    nodes[3] = TreeNode(forged, node_digest(forged, nodes[2].digest), 2)
    assert first_fault(trace(nodes[4], nodes)).startswith("account 3350 under department CAM")


def test_a_leaf_hung_under_another_department_is_named() -> None:
    nodes = tree()
    art = NodeFacts("department", "ART", "MAIN", "BTL", *SHOOT)
    nodes[9] = TreeNode(art, node_digest(art, nodes[2].digest), 2)
    moved = replace(nodes[4], parent=9)
    assert first_fault(trace(moved, nodes)).startswith("account 3350 under department ART")


def test_a_missing_parent_ends_the_trace_and_is_named() -> None:
    nodes = tree()
    del nodes[2]
    hops = trace(nodes[4], nodes)
    assert len(hops) == 2
    assert first_fault(hops) == "department CAM names a parent that is not on record"


def test_a_renamed_production_is_named_at_the_root() -> None:
    nodes = tree()
    nodes[1] = replace(nodes[1], facts=NodeFacts("production", "OTHER"))
    assert first_fault(trace(nodes[4], nodes)).startswith("production OTHER as a root should")


def test_a_circle_ends_the_trace() -> None:
    nodes = tree()
    nodes[1] = replace(nodes[1], parent=3)
    hops = trace(nodes[4], nodes)
    assert any("leads back" in hop.fault for hop in hops)
    assert len(hops) <= 5


@given(st.integers(1, 4), FACTS)
def test_whatever_node_is_altered_it_is_the_one_named(key: int, facts: NodeFacts) -> None:
    nodes = tree()
    if facts == nodes[key].facts:
        return
    nodes[key] = replace(nodes[key], facts=facts)
    hops = trace(nodes[4], nodes)
    assert [4 - place for place, hop in enumerate(hops) if hop.fault] == [key]
