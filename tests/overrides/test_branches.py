"""An override that departs from a cost node hangs a branch beside it, and is taken back by one."""

from pathlib import Path

import pytest
from django.db import DatabaseError

from access import context
from access.errors import NotFoundHere, Refused
from ledger.verify import verify_production
from overrides import branching, selectors
from overrides.carrying import Asked
from overrides.models import Override
from overrides.verifying import verify_overrides
from taxonomy.branches import NodeWish, open_override_branch
from taxonomy.models import CostNode
from tests.budgets.films import DAY, book
from tests.factories import acting, role
from tests.ledger.raw_batches import query
from tests.overrides.signing import (
    Signing,
    asks_to_move,
    move_clock,
    unpacked_books,
    verified_offline,
)
from tests.overrides.test_execution import posted

LINES = (("3310", "2500"),)


def node_of(signing: Signing, code: str = "3310", kind: str = "account") -> CostNode:
    with role("owner"):
        return CostNode.objects.filter(
            production=signing.film.production, code=code, kind=kind, unit__code="MAIN", flag=""
        ).get()


def asks(signing: Signing, node: CostNode) -> Override:
    return signing.asks(Asked("over_budget", DAY, LINES, node=node.pk))


def branches(signing: Signing) -> list[tuple[str, str, bytes]]:
    with role("owner"):
        rows = CostNode.objects.filter(production=signing.film.production, flag="OVERRIDE")
        return [(n.name, n.reason, bytes(n.original)) for n in rows.order_by("pk")]


def problems(signing: Signing) -> list[str]:
    production = signing.film.production
    with role("worker"), context.acting(user_id=context.NOBODY, production_id=production.pk):
        return verify_overrides(production)[1]


def test_it_is_carried_out_as_a_branch_that_names_the_node_and_taken_back_as_another(
    signing: Signing,
) -> None:
    node = node_of(signing)
    found = asks(signing, node)
    assert bytes(found.target_digest) == bytes(node.digest)
    assert found.target == "MAIN/3310, budget v1"
    assert branches(signing) == []
    signing.executed(found)
    assert book(signing.film, 3)["3310"] == 52500
    [(name, reason, original)] = branches(signing)
    assert (name, original) == (node.name, bytes(node.digest))
    assert reason == f"OVERRIDE {found.reference}: the storm took the set"
    assert problems(signing) == []
    with role("owner"):
        grown = selectors.branch_of(found)
    assert grown is not None
    move_clock(found, "ratify_by")
    assert signing.works() == 1
    assert book(signing.film, 3)["3310"] == 50000
    assert branches(signing)[1] == (
        f"{node.name}, taken back", f"{found.reference} was not ratified in time",
        bytes(grown.digest),
    )  # fmt: skip
    with role("owner"):
        assert verify_production(signing.film.production).findings == []
    posted(signing.film)  # costs of the account go to its own node as before
    assert book(signing.film, 1) == {"3310": 125}


def test_a_bundle_tells_of_the_branch(signing: Signing, tmp_path: Path) -> None:
    signing.executed(asks(signing, node_of(signing)))
    done = verified_offline(unpacked_books(signing, tmp_path))
    assert done.returncode == 0, done.stdout


def test_what_has_no_branch_is_no_target(signing: Signing) -> None:
    with pytest.raises(Refused, match="nothing is posted to that account"):
        asks(signing, node_of(signing, "2220"))
    with role("owner"):
        unit = CostNode.objects.get(production=signing.film.production, kind="unit", code="MAIN")
    with pytest.raises(Refused, match="name an account of a unit"):
        asks(signing, unit)
    with pytest.raises(NotFoundHere):
        signing.asks(Asked("over_budget", DAY, LINES, node=0))


def test_the_database_takes_no_other_node_and_no_node_without_a_branch(signing: Signing) -> None:
    found, other = asks(signing, node_of(signing)), node_of(signing, "2220")
    said = found.proposed["branch"]
    for proposed, digest in (
        (found.proposed | {"branch": said | {"node": str(other.pk)}}, found.target_digest),
        (found.proposed | {"branch": said}, other.digest),
        ({"lines": found.proposed["lines"]}, found.target_digest),
    ):
        with role("web"), acting(signing.film, "amir"):
            wrong = Override.objects.get(pk=found.pk)
            wrong.pk, wrong.proposed, wrong.target_digest = None, proposed, digest
            with pytest.raises(DatabaseError, match="departs from a cost node names it"):
                wrong.save(force_insert=True)


@pytest.mark.parametrize("name", ["web", "worker"])
def test_no_branch_says_that_it_is_an_overrides_but_as_it_is_carried_out(
    signing: Signing, name: str
) -> None:
    node = node_of(signing)
    found = asks(signing, node)
    with (
        role(name), acting(signing.film, "amir"),
        pytest.raises(DatabaseError, match="no override that is carried out has this branch"),
    ):  # fmt: skip
        open_override_branch(
            actor=signing.person("amir"), original=node, wish=NodeWish(),
            reason=f"OVERRIDE {found.reference}: mine",
        )  # fmt: skip


def test_it_is_not_carried_out_without_its_branch(
    signing: Signing, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = signing.approved(asks(signing, node_of(signing)))
    monkeypatch.setattr(branching, "grow", lambda found: None)
    assert signing.works() == 1
    assert signing.now(found).state == "rejected", "the step is refused, and it is sent back"
    assert book(signing.film, 3)["3310"] == 50000


def test_a_branch_that_is_altered_or_gone_is_named(signing: Signing) -> None:
    found = signing.executed(asks(signing, node_of(signing)))
    with role("owner"):
        query("ALTER TABLE ledger_logentry DISABLE TRIGGER USER")
        query(
            "UPDATE ledger_logentry SET line = replace(line, 'OVERRIDE OVR', 'OVERRIDE XXX')"
            " WHERE production_id = %s AND type = 'node'", signing.film.production.pk,
        )  # fmt: skip
        query("ALTER TABLE ledger_logentry ENABLE TRIGGER USER")
    assert any(f"{found.reference}: its branch is missing" in said for said in problems(signing))


def test_a_department_hangs_no_branch(signing: Signing) -> None:
    key = posted(signing.film)
    with pytest.raises(Refused, match="a department asks that costs of its own be moved"):
        asks_to_move(signing, key, node=node_of(signing).pk)
