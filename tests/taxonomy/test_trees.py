"""The stored tree of cost nodes: every node is proven up to the production's root."""

from taxonomy.digest import duplicates, first_fault, trace
from taxonomy.trees import tree_of
from tests.factories import Film, role
from tests.ledger.raw_batches import query


def test_every_node_traces_to_the_root_of_its_production(film: Film) -> None:
    with role("owner"):
        nodes = tree_of(film.production)
    roots = [key for key, node in nodes.items() if node.parent is None]
    assert len(roots) == 1
    root = nodes[roots[0]]
    assert (root.facts.kind, root.facts.code) == ("production", film.code)
    kinds = set()
    for node in nodes.values():
        hops = trace(node, nodes)
        assert first_fault(hops) == ""
        assert hops[-1].recorded == root.digest
        kinds.add(tuple(hop.kind for hop in hops))
    assert kinds == {
        ("production",),
        ("unit", "production"),
        ("department", "unit", "production"),
        ("account", "department", "unit", "production"),
        ("account", "unit", "production"),
    }


def test_every_detail_account_has_a_node_in_every_unit(film: Film) -> None:
    with role("owner"):
        nodes = tree_of(film.production)
        codes = {
            code
            for (code,) in query(
                "SELECT code FROM ledger_account WHERE production_id = %s AND is_postable",
                film.production.pk,
            )
        }
    for unit in ("MAIN", "SECOND", "OFFICE"):
        found = [
            n.facts.code
            for n in nodes.values()
            if n.facts.kind == "account" and n.facts.unit == unit
        ]
        assert sorted(found) == sorted(codes)


def test_no_two_nodes_of_a_film_share_a_digest(film: Film) -> None:
    with role("owner"):
        assert duplicates(tree_of(film.production).values()) == []


def test_the_same_chart_in_two_films_gives_other_digests(film: Film, other_film: Film) -> None:
    with role("owner"):
        one, other = tree_of(film.production), tree_of(other_film.production)
    assert len(one) == len(other)
    assert not {n.digest for n in one.values()} & {n.digest for n in other.values()}


def test_an_account_moved_to_another_department_is_no_longer_proven(film: Film) -> None:
    with role("owner"):
        nodes = tree_of(film.production)
    lens = next(n for n in nodes.values() if n.facts.code == "3310" and n.facts.unit == "MAIN")
    art = next(
        key
        for key, n in nodes.items()
        if n.facts.kind == "department" and n.facts.code == "Art" and n.facts.unit == "MAIN"
    )
    moved = type(lens)(lens.facts, lens.digest, art)
    assert "account 3310 under department Art should have digest" in first_fault(
        trace(moved, nodes)
    )


def test_a_tree_is_read_under_the_reader_s_own_scope(film: Film, other_film: Film) -> None:
    from tests.factories import acting

    with role("web"), acting(film, "cho"):
        assert tree_of(film.production)
        assert tree_of(other_film.production) == {}
    with role("web"), acting(film, "otto"):
        assert tree_of(film.production) == {}
