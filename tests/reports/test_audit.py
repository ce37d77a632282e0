"""The audit explorer: found by the start of a hash, and only what the asker may see."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from ledger.checkpoints import checkpoint_production
from tests.budgets.films import budget_film, changed, estimated, locked
from tests.factories import Cast, Film, cost_line, cost_lines, import_data, role
from tests.ledger.raw_batches import query
from tests.ledger.tampering import rewritten
from tests.purchasing.office import office, paperwork
from tests.signing_in import sign_in

Browse = Callable[[str], Client]


def page(browse: Browse, film: Film, person: str, **asked: str) -> str:
    response = browse(person).get(reverse("audit", args=[film.code]), asked)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def posted(film: Film) -> dict[str, str]:
    """Camera and art in one batch; every hash that can be looked for."""
    import_data(
        film,
        cost_lines([cost_line(1), cost_line(2, account="2220", center="ART", vendor="Timber")]),
    )
    with role("owner"):
        rows = query(
            "SELECT 'posting ' || c.code, encode(journal.posting_leaf(p), 'hex')"
            " FROM ledger_posting p JOIN taxonomy_costcenter c ON c.id = p.cost_center_id"
            " WHERE p.production_id = %(p)s"
            " UNION ALL SELECT 'transaction ' || c.code, encode(journal.transaction_leaf(t), 'hex')"
            " FROM ledger_transaction t JOIN taxonomy_costcenter c ON c.id = t.cost_center_id"
            " WHERE t.production_id = %(p)s"
            " UNION ALL SELECT 'document key ' || c.code, encode(t.document_key, 'hex')"
            " FROM ledger_transaction t JOIN taxonomy_costcenter c ON c.id = t.cost_center_id"
            " WHERE t.production_id = %(p)s"
            " UNION ALL SELECT 'log entry', encode(leaf, 'hex') FROM ledger_logentry"
            " WHERE production_id = %(p)s AND type = 'post'"
            " UNION ALL SELECT 'batch key', encode(key, 'hex') FROM ledger_batch"
            " WHERE production_id = %(p)s"
            " UNION ALL SELECT 'file', encode(sha256, 'hex') FROM ledger_sourcedocument"
            " WHERE production_id = %(p)s".replace("%(p)s", str(film.production.pk))
        )
    return dict(rows)


def found(text: str) -> list[str]:
    return re.findall(r'<td class="mono wrap c-small">([0-9a-f]{64})</td>', text)


@pytest.mark.parametrize("digits", [6, 7, 9, 11, 64])
def test_every_hash_is_found_by_how_it_begins(
    film: Film, browse: Browse, posted: dict[str, str], digits: int
) -> None:
    assert len(posted) == 9
    for what, hash_ in posted.items():
        text = page(browse, film, "amir", q=hash_[:digits].upper())
        assert found(text) == [hash_], what
        kind = what.removesuffix(" CAM").removesuffix(" ART")
        (url,) = re.findall(rf'<a href="([^"]+)">{kind}</a>', text)
        assert browse("amir").get(url).status_code == 200


def test_a_department_head_finds_only_what_is_theirs(
    film: Film, browse: Browse, posted: dict[str, str]
) -> None:
    for what, hash_ in posted.items():
        seen = found(page(browse, film, "cho", q=hash_))
        assert seen == ([] if what.endswith("ART") else [hash_]), what
    assert found(page(browse, film, "ada", q=posted["posting ART"])) != []


def test_a_hash_of_another_film_is_found_by_nobody_here(
    film: Film, other_film: Film, browse: Browse, posted: dict[str, str]
) -> None:
    for hash_ in posted.values():
        response = browse("amir").get(reverse("audit", args=[other_film.code]), {"q": hash_})
        assert found(response.content.decode()) == []


def test_hashes_that_begin_alike_are_listed(film: Film, browse: Browse) -> None:
    import_data(film, cost_lines([cost_line(n) for n in range(1, 3001)]))
    with role("owner"):
        alike = query(
            "SELECT left(h, 5) FROM (SELECT encode(journal.posting_leaf(p), 'hex') AS h"
            f" FROM ledger_posting p WHERE production_id = {film.production.pk}) x"
            " GROUP BY 1 HAVING count(*) > 1 ORDER BY 1 LIMIT 1"
        )
        ((start,),) = alike
        leaves = query(
            "SELECT encode(journal.posting_leaf(p), 'hex') FROM ledger_posting p"
            f" WHERE production_id = {film.production.pk}"
            f" AND left(encode(journal.posting_leaf(p), 'hex'), 5) = '{start}'"
        )
    each = [found(page(browse, film, "amir", q=leaf[:6])) for (leaf,) in leaves]
    assert all(leaf in seen for (leaf,), seen in zip(leaves, each, strict=True))


def test_the_entries_are_filtered_by_person_action_and_day(
    film: Film, browse: Browse, posted: dict[str, str]
) -> None:
    entries = re.compile(r'<a href="[^"]+/audit/[^"]+">([A-Z]+#\d+)</a>')
    everything = entries.findall(page(browse, film, "amir"))
    assert "MAIN#0" in everything
    for text, is_there in (
        ("action:post", True), ("action:post actor:amir", True), ("actor:AMIR@example", True),
        ("action:note", False), ("actor:lena", False), ("to:2020-01-01", False),
        ("from:2020-01-01", True), ("from:2199-01-01", False), ("actor:'", False),
    ):  # fmt: skip
        assert ("MAIN#0" in entries.findall(page(browse, film, "amir", q=text))) is is_there, text
    assert entries.findall(page(browse, film, "amir", before="2020")) == []


def test_an_entry_shows_its_neighbours_its_documents_and_how_far_it_was_verified(
    film: Film, browse: Browse, posted: dict[str, str]
) -> None:
    import_data(film, cost_lines([cost_line(7)]))
    url = reverse("audit_entry", args=[film.code, "MAIN", 0])
    before = browse("amir").get(url).content.decode()
    assert "not verified yet" in before and "not yet: the next one will" in before
    with role("worker"):
        checkpoint_production(production=film.production)
    with role("owner"):
        call_command("verify_journal", production=film.code)
    text = browse("amir").get(url).content.decode()
    assert "stands over this entry" in text and "verified to entry" in text
    assert "hashes to its leaf" in text and ">MAIN#1</a>" in text
    assert posted["log entry"] in text and "Panavision" in text and "Timber" in text
    for_cho = browse("cho").get(url).content.decode()
    assert "Panavision" in for_cho and "Timber" not in for_cho
    assert "control_total" not in for_cho


def test_an_altered_line_is_shown_as_altered(film: Film, browse: Browse) -> None:
    import_data(film, cost_lines([cost_line(1)]))
    with rewritten():
        query(
            "UPDATE ledger_logentry SET line = 'no json' WHERE production_id = %s AND seq = 0",
            film.production.pk,
        )
    response = browse("amir").get(reverse("audit_entry", args=[film.code, "MAIN", 0]))
    assert "was altered: it does not hash to its leaf" in response.content.decode()
    assert "MAIN#0" in page(browse, film, "amir")


def rows(text: str) -> list[str]:
    """What stands in the column of objects, tags taken out."""
    cells = re.findall(r'<td class="wrap c-small">(.*?)</td>', text)
    return [" ".join(unescape(re.sub(r"<[^>]+>", "", cell)).split()) for cell in cells]


@pytest.fixture
def busy(film: Film) -> Film:
    """Camera and art have ordered, been invoiced and paid, and hold floats."""
    o = office(film)
    paperwork(o, "CAM", "3310", "lenses")
    paperwork(o, "ART", "2220", "timber")
    return film


def test_records_are_asked_for_by_the_name_people_call_them(busy: Film, browse: Browse) -> None:
    def seen(q: str) -> list[str]:
        return rows(page(browse, busy, "amir", q=q))

    assert seen("object:order po-0002") == [
        "order PO-0002 state approved \u2192 open; version 0 \u2192 1",
        "order PO-0002 state draft \u2192 approved; approved by \u2192 Lena",
        "order PO-0002 first entered",
    ]
    for q, expected in (
        ("object:invoice", ["invoice timber", "invoice lenses"]),
        ("object:invoice lenses", ["invoice lenses"]),
        ("object:payment timber", ["payment timber"]),
        ("object:vendor vendor of ART", ["vendor Vendor of ART"]),
        ("object:fund", ["fund timber", "fund lenses"]),
        ("object:settlement", ["payment timber pays invoice timber",
                               "payment lenses pays invoice lenses"]),
        ("object:commitment PO-0001/1", ["commitment PO-0001/1"]),
        ("object:order-line", ["order PO-0002, line 1 v1", "order PO-0001, line 1 v1"]),
        ("object:vendor Vendor", []), ("object:order \"}", []), ("object:order %", []),
        ("object:invoice lenses actor:lena", []), ("object:invoice action:post", []),
    ):  # fmt: skip
        assert seen(q) == [f"{name} first entered" for name in expected], q


def test_an_entry_of_a_record_shows_all_that_changed(busy: Film, browse: Browse) -> None:
    text = page(browse, busy, "amir", q="object:order PO-0001")
    first, approved = re.findall(r'<a href="([^"]+/audit/[^"]+)">', text)[-1:-3:-1]
    client = browse("amir")
    made = client.get(first).content.decode()
    assert "As order PO-0001 was first entered" in made and ">Vendor of CAM</td>" in made
    changed_ = client.get(approved).context["entry"]["changes"]
    assert changed_ == [("state", "draft", "approved"), ("approved by", "", "Lena")]
    assert browse("cho").get(approved).status_code == 404


def test_a_budget_and_what_changed_it_are_named(cast: Cast) -> None:
    film = budget_film(cast)
    locked(film)
    changed(film, "overage", ("3310", "7.50"))
    estimated(film, "3310", "efc", "60000")

    def browse(name: str) -> Client:
        client = Client()
        sign_in(client, cast[name])
        return client

    with role("web"):
        for q, last, states in (
            ("object:change bc-0001", "change BC-0001 state requested \u2192 approved; ", 2),
            ("object:efc VE-0001", "EFC entry VE-0001 first entered", 1),
            ("object:budget v1", "budget v1", 4), ("object:budget v2", "", 0),
        ):  # fmt: skip
            seen = rows(page(browse, film, "lena", q=q))
            assert len(seen) == states, q
            assert not seen or seen[0].startswith(last)
        seen = rows(page(browse, film, "lena"))
    assert "change BC-0001, account 3310 first entered" in seen
    assert [s for s in seen if s.startswith("budget v1") and "line 7" in s] != [], seen


def test_a_department_head_learns_of_no_record_by_asking_for_it(busy: Film, browse: Browse) -> None:
    for q in ("", "object:order", "object:invoice timber", "object:vendor Vendor of ART",
              "object:fund timber", "object:payment", "object:commitment PO-0002/1"):  # fmt: skip
        seen = rows(page(browse, busy, "cho", q=q))
        assert all(re.fullmatch(r"batch \d+", row) for row in seen), q
        assert bool(seen) == (q == ""), "what they see at all are batches of their own"
    assert "timber" not in page(browse, busy, "cho")


def test_a_posting_is_found_by_those_who_may_see_it(
    film: Film, browse: Browse, posted: dict[str, str]
) -> None:
    with role("owner"):
        lines = dict(query("SELECT c.code, p.batch_id || '/' || p.line_no FROM ledger_posting p"
                           " JOIN taxonomy_costcenter c ON c.id = p.cost_center_id"
                           " WHERE p.production_id = %s", film.production.pk))  # fmt: skip
    batch = lines["ART"].partition("/")[0]
    asked = [f"object:posting {lines['CAM']}", f"object:posting {lines['ART']}",
             f"object:posting {batch}/99", f"object:document {batch}-1",
             f"object:document {batch}-2", f"object:batch {batch}",
             "object:batch 999999999999999999"]  # fmt: skip
    for person, expected in (("amir", [1, 1, 0, 1, 1, 1, 0]), ("cho", [1, 0, 0, 1, 0, 1, 0])):
        found = [rows(page(browse, film, person, q=q)) for q in asked]
        assert found == [[f"batch {batch}"] * n for n in expected], person


def test_a_line_that_was_altered_names_nothing_and_stops_nothing(
    busy: Film, browse: Browse
) -> None:
    with rewritten():
        query("UPDATE ledger_logentry SET line = replace(line, '\"number\"', '\"no\"')"
              " WHERE production_id = %s AND type = 'row' AND strpos(line, 'PO-0001') > 0",
              busy.production.pk)  # fmt: skip
    text = page(browse, busy, "amir")
    assert "purchaseorder" in text and "order PO-0002 first entered" in rows(text)


def test_what_cannot_be_read_is_said_and_nothing_is_shown(film: Film, browse: Browse) -> None:
    text = page(browse, film, "amir", q="<b>abc")
    assert "6 to 64 digits" in text and "<b>abc" not in text
    for name in ("bea", "eve"):
        assert browse(name).get(reverse("audit", args=[film.code])).status_code == 404
