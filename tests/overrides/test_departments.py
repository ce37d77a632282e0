"""A department asks that a cost of its own be moved, follows its requests, and decides nothing."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse

from access.errors import Invalid, NotFoundHere, Refused
from ledger.corrections import Change
from ledger.verify import verify_production
from overrides import selectors
from overrides.carrying import Asked
from overrides.models import Key, Mandate, Override, SigningRule, Step
from tests.budgets.films import DAY, book
from tests.factories import acting, cost_line, cost_lines, import_data, role
from tests.ledger.raw_batches import query
from tests.overrides.signing import Signing, asks_to_move, move_clock
from tests.overrides.test_execution import posted
from tests.overrides.test_views import page

TO_ART = (Change(1, "2220"),)


def of_art(signing: Signing) -> tuple[int, int]:
    """A posted cost of the art department."""
    import_data(
        signing.film, cost_lines([cost_line("ART1", account="2220", center="ART", amount="77.00")])
    )
    with role("owner"):
        [key] = query(
            "SELECT batch_id, number FROM ledger_transaction WHERE production_id = %s"
            " AND reference = 'ART1'", signing.film.production.pk,
        )  # fmt: skip
    return key[0], key[1]


def test_a_department_asks_others_sign_and_the_cost_moves_and_back(signing: Signing) -> None:
    found = asks_to_move(signing, posted(signing.film))
    assert found.proposed["lines"] == [
        {"account": "3310", "amount": "-125.0000", "cost_center": "CAM"},
        {"account": "2220", "amount": "125.0000", "cost_center": "ART"},
    ]
    assert found.checked == "Budget v1's boundary is kept."
    signing.executed(found)
    assert book(signing.film, 1) == {"2220": Decimal(125)}
    with role("web"), acting(signing.film, "cho"):
        assert selectors.override(signing.film.production, found.number).state == "executed"  # type: ignore[union-attr]
        assert [s.step for s in selectors.steps(found)] == ["approve", "approve", "execute"]
    move_clock(found, "ratify_by")
    assert signing.works() == 1
    assert book(signing.film, 1) == {"3310": Decimal(125)}
    with role("owner"):
        assert verify_production(signing.film.production).findings == []


def test_a_department_sees_its_own_requests_and_nothing_else_of_overrides(
    signing: Signing,
) -> None:
    key = posted(signing.film)
    theirs = signing.asks(Asked("reclassification", DAY, document=key, changes=TO_ART))
    signing.decides("lena", theirs)
    mine = asks_to_move(signing, key)
    for name, seen in (("cho", [mine.number]), ("ada", [])):
        with role("web"), acting(signing.film, name):
            assert list(Override.objects.values_list("number", flat=True)) == seen
            for table in (Step, Key, Mandate, SigningRule):
                assert not table.objects.exists(), table


def test_nothing_of_the_other_department_is_shown(signing: Signing) -> None:
    theirs, mine = of_art(signing), posted(signing.film)
    with pytest.raises(NotFoundHere):
        asks_to_move(signing, theirs)
    found = asks_to_move(signing, mine)
    with role("web"), acting(signing.film, "cho"):
        said = f"{found.proposed}{found.target}{found.checked}"
    assert "77" not in said
    with role("web"), acting(signing.film, "ada"):
        assert selectors.override(signing.film.production, found.number) is None


@pytest.mark.parametrize(
    "kind", ["contingency_draw", "over_budget", "over_po", "late_posting", "atl_btl",
             "validation_waiver"],
)  # fmt: skip
def test_a_department_asks_for_nothing_but_that(signing: Signing, kind: str) -> None:
    with pytest.raises(Refused, match="sees every department's costs"):
        asks_to_move(signing, posted(signing.film), kind=kind)


def test_what_would_stop_it_is_said_when_it_is_asked_for(signing: Signing) -> None:
    key = posted(signing.film)
    with pytest.raises(Refused, match="froze that boundary"):
        asks_to_move(signing, key, changes=(Change(1, "1401"),))
    with pytest.raises(Invalid, match="stays in its department"):
        asks_to_move(signing, key, changes=(Change(1, "3301"),))
    with pytest.raises(Invalid, match="expected an account of the chart"):
        asks_to_move(signing, key, changes=(Change(1, "9999"),))
    with pytest.raises(Invalid, match="it says whose cost it becomes"):
        asks_to_move(signing, key, changes=(Change(1, "2220", 1),))
    asks_to_move(signing, key)
    signing.executed(signing.asks(Asked("reclassification", DAY, document=key, changes=TO_ART)))
    with pytest.raises(Refused, match=r"reversed already"):
        asks_to_move(signing, key)


def test_a_department_decides_nothing(signing: Signing) -> None:
    found = signing.draw()
    with (
        role("web"),
        acting(signing.film, "cho"),
        pytest.raises(DatabaseError, match=r"denied|may"),
    ):
        Step.objects.create(
            production_id=found.production_id, override=found, number=0, step="approve",
            becomes="", person=signing.person("cho"), taken_at="2000-01-01T00:00Z", leaf=b"",
            signature="{}",
        )  # fmt: skip


def attack(signing: Signing, **proposed: object) -> None:
    """Past the services: a request of the department's, altered."""
    found = asks_to_move(signing, posted(signing.film))
    with role("web"), acting(signing.film, "cho"):
        other = Override.objects.get(pk=found.pk)
        other.pk = None
        other.kind = str(proposed.pop("kind", other.kind))
        other.proposed = found.proposed | proposed
        other.save(force_insert=True)


OTHERS = [
    {"account": "2220", "amount": "-5.0000", "cost_center": "ART"},
    {"account": "3310", "amount": "5.0000", "cost_center": "CAM"},
]


@pytest.mark.parametrize(
    "proposed",
    [{"kind": "over_budget"}, {"lines": OTHERS}, {"document": [0, 1]},
     {"changes": [{"line_no": 1, "account": "2220", "cost_center_id": 1, "segments": None}]}],
    ids=["another kind", "another's cost", "no document", "another's centre"],
)  # fmt: skip
def test_the_database_takes_nothing_else_of_a_department(
    signing: Signing, proposed: dict[str, object]
) -> None:
    with pytest.raises(DatabaseError, match="a department asks that costs of its own be moved"):
        attack(signing, **proposed)


def test_the_database_takes_no_document_of_another_department(signing: Signing) -> None:
    batch, number = of_art(signing)
    with pytest.raises(DatabaseError, match="a document that is its own whole"):
        attack(signing, document=[batch, number])


def test_a_department_asks_from_the_documents_own_page_and_follows_its_request(
    signing: Signing, browse: Callable[[str], Client]
) -> None:
    batch, number = posted(signing.film)
    other = signing.draw("10")
    with role("web"):
        client, seen = page(signing, "cho", "transaction", at=[f"{batch}-{number}"])
        assert f"?document={batch}-{number}" in seen.content.decode()  # type: ignore[attr-defined]
        _, form = page(signing, "cho", "override_new", document=f"{batch}-{number}")
        text = form.content.decode()  # type: ignore[attr-defined]
        assert "Camera package rental" in text or "3310" in text
        assert "contingency" not in text
        paper = SimpleUploadedFile("note.txt", b"the crane was art's")
        where = reverse("override_new", args=[signing.film.code])
        sent = {"kind": "reclassification", "day": "2026-01-14", "reason": "art's crane",
                "document": f"{batch}-{number}", "lines": "1 2220", "file": paper}  # fmt: skip
        answer = client.post(where, sent, follow=True)
        assert answer.status_code == 200
        text = answer.content.decode()
        assert "waits for its signers" in text and "art&#x27;s crane" in text
        mine = other.number + 1
        for to, at, status in (
            ("asked", [], 200), ("asked_one", [mine], 200), ("asked_document", [mine], 200),
            ("asked_one", [other.number], 404), ("asked_document", [other.number], 404),
            ("overrides", [], 404), ("override", [mine], 404), ("signers", [], 404),
        ):  # fmt: skip
            assert client.get(reverse(to, args=[signing.film.code, *at])).status_code == status, to
        _, of_ada = page(signing, "ada", "asked_one", at=[mine])
        assert of_ada.status_code == 404  # type: ignore[attr-defined]
        _, of_amir = page(signing, "amir", "asked")
        assert other.reference in of_amir.content.decode()  # type: ignore[attr-defined]
