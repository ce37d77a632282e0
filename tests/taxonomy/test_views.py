"""The cost tree's screens, asked as those who may, as another department, and as a stranger."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from taxonomy import selectors
from taxonomy.models import CostNode
from tests.factories import Film, role
from tests.ledger.raw_batches import query
from tests.taxonomy.shelves import empty_shelf, flip_a_bit, forget, written

Browse = Callable[[str], Client]


@pytest.fixture(autouse=True)
def own_shelf(settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    empty_shelf(settings, monkeypatch, tmp_path)


def node(film: Film, code: str) -> CostNode:
    with role("owner"):
        found = selectors.nodes_by_code(film.production, code)
    return next(n for n in found if n.unit and n.unit.code == "MAIN" and not n.flag)


def card(film: Film, code: str) -> str:
    return reverse("cost_node", args=[film.code, node(film, code).pk])


def appending(film: Film, code: str) -> str:
    return reverse("append_node", args=[film.code, node(film, code).pk])


def flagged(film: Film) -> list[tuple[str, str, str]]:
    with role("owner"):
        return query(
            "SELECT flag, name, reason FROM taxonomy_costnode WHERE actor_id IS NOT NULL"
            " AND production_id = %s ORDER BY id",
            film.production.pk,
        )  # type: ignore[return-value]


def test_the_tree_opens_to_its_units_and_a_node_opens_the_way_to_it(
    film: Film, browse: Browse
) -> None:
    page = browse("amir").get(reverse("cost_tree", args=[film.code]))
    text = page.content.decode()
    assert page.status_code == 200
    assert ">MAIN</b>" in text
    assert ">Camera</b>" not in text
    with role("web"):
        opened = browse("amir").get(card(film, "Camera")).content.decode()
    assert ">3310</b>" in opened
    assert ">2220</b>" not in opened
    assert ">Art</b>" in opened


def test_verify_chain_shows_each_hop_and_the_first_wrong_one_in_words(
    film: Film, browse: Browse
) -> None:
    url = card(film, "3310")
    with role("web"):
        plain = browse("amir").get(url).content.decode()
        whole = browse("amir").get(url + "?verify=1").content.decode()
    assert "✓" not in plain
    assert whole.count("✓ holds") == 4
    assert "every hop holds" in whole
    with role("admin"):
        query("ALTER TABLE taxonomy_costnode DISABLE TRIGGER USER")
        try:
            query(
                "UPDATE taxonomy_costnode SET line = 'ATL' WHERE code = '3310'"
                " AND production_id = %s", film.production.pk,
            )  # fmt: skip
        finally:
            query("ALTER TABLE taxonomy_costnode ENABLE TRIGGER USER")
    with role("web"):
        wrong = browse("amir").get(url + "?verify=1").content.decode()
    assert wrong.count("✓ holds") == 3
    assert "✗ account 3310 under department Camera should have digest" in wrong


def test_an_accountant_appends_a_leaf_a_correction_and_an_override(
    film: Film, browse: Browse
) -> None:
    leaf = {"action": "leaf", "kind": "account", "code": "3320", "name": "Drones", "line": "BTL"}
    reason = {"reason": "Moved by the studio", "name": "Lenses", "line": "BTL"}
    below, beside = appending(film, "Camera"), appending(film, "3310")
    with role("web"):
        made = browse("amir").post(below, leaf, follow=True)
        assert made.status_code == 200
        assert "Drones" in made.content.decode()
        for action in ("correction", "override"):
            page = browse("amir").post(beside, {"action": action, **reason}, follow=True)
            assert f">{action}</strong>" in page.content.decode()
    assert flagged(film) == [
        ("", "Drones", ""),
        ("CORRECTION", "Lenses", "Moved by the studio"),
        ("OVERRIDE", "Lenses", "Moved by the studio"),
    ]
    with role("web"):
        page = browse("amir").get(card(film, "3310")).content.decode()
    assert page.count("Moved by the studio") == 2


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ({"action": "leaf", "kind": "account", "code": "x"}, 422, "accounts are written NNNN"),
        ({"action": "leaf", "kind": "account", "code": "2220", "line": "BTL"}, 409, "it stands in"),
        (
            {"action": "leaf", "kind": "account", "code": "3310", "line": "BTL"},
            409,
            "an equal node",
        ),
        ({"action": "correction", "name": "N"}, 422, "reason: expected 1 to 300"),
        ({"action": "correction", "reason": "r", "opens": "31.3."}, 422, "first day: expected"),
        ({"action": "delete"}, 422, "action: expected leaf, correction or override"),
        ({}, 422, "action: expected leaf, correction or override"),
    ],
)
def test_a_refusal_is_said_on_the_card_and_nothing_is_recorded(
    film: Film, browse: Browse, given: dict[str, str], status: int, said: str
) -> None:
    url = appending(film, "Camera")
    with role("web"):
        page = browse("amir").post(url, given)
    assert page.status_code == status
    assert said in page.content.decode()
    assert flagged(film) == []


def test_a_second_equal_node_is_recorded_once_it_is_said_to_be_meant(
    film: Film, browse: Browse
) -> None:
    leaf = {"action": "leaf", "kind": "account", "code": "3310", "name": "Again", "line": "BTL"}
    url, tree = appending(film, "Camera"), reverse("cost_tree", args=[film.code])
    with role("web"):
        client = browse("amir")
        assert 'name="duplicate"' in client.post(url, leaf).content.decode()
        assert client.post(url, {**leaf, "duplicate": "meant"}).status_code == 302
        assert "Equal digests, for you to judge" in client.get(tree).content.decode()
    assert flagged(film) == [("", "Again", "")]


@pytest.mark.parametrize("person", ["lena", "cho"])
def test_who_may_only_look_gets_no_forms_and_appends_nothing(
    film: Film, browse: Browse, person: str
) -> None:
    url, post = card(film, "3310"), appending(film, "3310")
    with role("web"):
        page = browse(person).get(url)
        assert page.status_code == 200
        assert "Append correction" not in page.content.decode()
        refused = browse(person).post(post, {"action": "correction", "reason": "r", "name": "N"})
    assert refused.status_code == 404
    assert flagged(film) == []


def test_another_department_and_strangers_get_the_answer_of_what_is_not_there(
    film: Film, browse: Browse
) -> None:
    art, camera = card(film, "2220"), card(film, "3310")
    nothing = reverse("cost_node", args=[film.code, 987_654_321])
    beyond = reverse("cost_node", args=[film.code, 1 << 70])
    with role("web"):
        for person, url in (("cho", art), ("ada", camera), ("otto", camera), ("bea", camera)):
            assert browse(person).get(url).status_code == 404
        assert browse("cho").get(camera).status_code == 200
        assert browse("amir").get(nothing).status_code == 404
        assert browse("amir").get(beyond).status_code == 404
        tree = browse("cho").get(reverse("cost_tree", args=[film.code])).content.decode()
        found = browse("cho").get(reverse("cost_tree", args=[film.code]), {"find": "2220"})
    assert "Snapshot" not in tree
    assert "No node has the code" in found.content.decode()


def test_a_search_goes_to_the_one_node_or_lists_them(film: Film, browse: Browse) -> None:
    digest = bytes(node(film, "3310").digest).hex()
    tree = reverse("cost_tree", args=[film.code])
    with role("web"):
        client = browse("amir")
        one = client.get(tree, {"find": digest[:10]})
        many = client.get(tree, {"find": "3310"}).content.decode()
        odd = client.get(tree, {"find": "<script>\0"})
    assert one.headers["Location"] == card(film, "3310")
    assert many.count(">3310</a>") == 3
    assert odd.status_code == 200
    assert b"<script>\0" not in odd.content


def test_a_fault_of_the_snapshot_stands_on_the_screen_of_those_who_see_all(
    film: Film, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(film)
    written(film)
    flip_a_bit(film, 2)
    forget(monkeypatch)
    with role("web"):
        page = browse("amir").get(reverse("cost_tree", args=[film.code])).content.decode()
    assert "Generation 2 is not used" in page
    assert "Generation 1 was used instead" in page
