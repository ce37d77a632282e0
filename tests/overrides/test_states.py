"""The table of states: whole, the same in the database, and the only way a state moves."""

import pytest
from django.db.utils import DatabaseError

from overrides import states
from overrides.models import ONCE_EACH, STEPS
from tests.factories import role
from tests.ledger.raw_batches import query
from tests.overrides.signing import Signing


def test_the_database_holds_the_same_table(database: None) -> None:
    with role("owner"):
        found = query("SELECT step, was, becomes, who FROM overrides_transition")
    assert {states.Move(*row) for row in found} == set(states.MOVES)
    assert {m.step for m in states.MOVES} == {"request", *STEPS}
    assert set(ONCE_EACH) <= set(STEPS)


def test_every_state_is_reached_and_the_ends_are_ends() -> None:
    assert {m.becomes for m in states.MOVES} == set(states.STATES)
    assert set(states.FINAL) == {"audited", "rejected", "expired", "reverted"}
    assert all(len({m.who for m in states.MOVES if m.step == s}) == 1 for s in STEPS)
    assert states.becomes("approve", "executed") == ()


def test_a_threshold_counts_people_and_wants_every_role() -> None:
    roles = frozenset({"line_producer", "bond_representative"})
    assert states.approval_state(roles, {1: "line_producer"}, 2) == "requested"
    both = {1: "line_producer", 2: "production_accountant"}
    assert states.approval_state(roles, both, 2) == "requested"
    assert states.approval_state(roles, {**both, 3: "bond_representative"}, 2) == "approved"
    with pytest.raises(AssertionError):
        states.approval_state(roles, both, 1)
    pair = frozenset({"line_producer", "production_accountant"})
    assert states.ratification_state(pair, {1: "line_producer"}) == "executed"
    assert states.ratification_state(pair, both) == "ratified"


def test_no_state_moves_but_with_its_entry_in_the_log(signing: Signing) -> None:
    found = signing.draw()
    for change in (
        "state = 'approved'", "state = 'executed'", "amount = 1", "threshold = 1",
        "last_leaf = leaf || leaf", "expires_at = expires_at + interval '1 day'",
    ):  # fmt: skip
        with role("owner"), pytest.raises(DatabaseError, match="does not become"):
            query(f"UPDATE overrides_override SET {change} WHERE id = %s", found.pk)
    for statement in (
        "DELETE FROM overrides_override", "TRUNCATE overrides_step", "DELETE FROM overrides_key",
        "UPDATE overrides_confirmation SET role = 'x'", "UPDATE overrides_step SET reason = 'x'",
        "DELETE FROM overrides_transition",
        "UPDATE overrides_signingrule SET roles = '{}'", "UPDATE overrides_key SET public = 'x'",
        "UPDATE overrides_mandate SET said = '{}'",
    ):  # fmt: skip
        with role("owner"), pytest.raises(DatabaseError):
            query(statement)


def test_an_approval_is_needed_of_a_role_that_is_missing_or_of_anybody_where_more_are() -> None:
    roles = ["line_producer", "bond_representative"]
    assert states.is_needed("line_producer", roles, [], 2)
    assert not states.is_needed("studio_executive", roles, [], 2)
    assert states.is_needed("studio_executive", roles, [], 3)
    assert not states.is_needed("studio_executive", roles, ["production_accountant"], 3)
    assert not states.is_needed("line_producer", roles, ["line_producer"], 2)
    assert states.is_needed("bond_representative", roles, ["line_producer"], 2)
