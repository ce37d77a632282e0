"""What each kind of override must say of itself, as the offline verifier reads it from the log."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from ledger.audit_rules import leaf_hash
from ledger.override_tree import OverrideTree, branch_problems
from tests.ledger.test_override_tree import POLICY, Log, founded


def waiver(log: Log, **other: Any) -> str:
    """A request to pass a held row over."""
    proposed = {"codes": ["E_NET_PAY"], "payload": "ab" * 32, "cells": "cd" * 32,
                "lines": [{"account": "0310", "amount": "-100.0000"},
                          {"account": "3301", "amount": "100.0000"}], **other}  # fmt: skip
    return log.request(kind="validation_waiver", proposed=proposed, roles=["line_producer"])


def crossing(log: Log, given: str = "100.0000") -> str:
    """A request to move budget across the line."""
    lines = [{"account": "3310", "amount": "-100.0000"}, {"account": "1401", "amount": given}]
    return log.request(kind="atl_btl", proposed={"lines": lines}, amount=given)


def rules_without_the_guarantor(log: Log) -> None:
    said = json.loads(POLICY)
    for rule in said["rules"]:
        if rule["kind"] == "atl_btl":
            rule["roles"] = ["line_producer"]
    log.mandate("policy.set", json.dumps(said), "1", ("2", "3"))


LAWFUL: tuple[Callable[[Log], str], ...] = (waiver, crossing)
ATTACKS: dict[str, Callable[[Log], object]] = {
    "a waiver of what is never passed over":
        lambda log: waiver(log, codes=["E_NET_PAY", "E_ACCOUNT"]),
    "a waiver of nothing": lambda log: waiver(log, codes=[]),
    "a waiver of any row": lambda log: waiver(log, payload=""),
    "a move that gives more than it takes": lambda log: crossing(log, "101.0000"),
    "a move without the guarantor": rules_without_the_guarantor,
    "a waiver of a row put right since": lambda log: waiver(log, cells=""),
}  # fmt: skip


@pytest.mark.parametrize("ask", LAWFUL)
def test_what_is_lawful_is_accepted(ask: Callable[[Log], str]) -> None:
    log = founded()
    log.ratify(log.execute(log.approve(ask(log))))
    assert log.problems() == []


@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_is_accepted(name: str) -> None:
    log = founded()
    ATTACKS[name](log)
    assert log.problems() != []


NODE = "ef" * 32


def grown(log: Log, reason: str = "OVERRIDE OVR-0001: rain", original: str = NODE) -> None:
    """A branch of the cost tree, as its unit's log tells of it."""
    log.add("node", {"flag": "OVERRIDE", "original": original, "reason": reason})


def departs(log: Log) -> str:
    """A draw that is to hang as a branch beside a node."""
    lines = [{"account": "8001", "amount": "-100.0000"}, {"account": "3310", "amount": "100.0000"}]
    branch = {"departs": "00" * 32, "digest": NODE, "node": "7"}
    return log.request(proposed={"lines": lines, "branch": branch}, target_digest=NODE)


def missing(log: Log) -> list[str]:
    tree = OverrideTree()
    for line in log.lines:
        tree.entry("x", json.loads(line), leaf_hash(line))
    return branch_problems(tree.asked, tree.branches)


def test_a_branch_is_there_when_it_was_carried_out_and_not_before() -> None:
    log = founded()
    departs(log)
    assert missing(log) == []
    log.approve()
    grown(log)
    assert missing(log) != [], "it is not carried out yet"
    log.execute()
    assert missing(log) == []
    grown(log, "Moved by the studio")  # a person's own, of no override
    assert (missing(log), log.problems()) == ([], [])


@pytest.mark.parametrize(
    "reason, original", [("rain", NODE), ("OVERRIDE OVR-0002: rain", NODE),
                         ("OVERRIDE OVR-0001: rain", "00" * 32)],
)  # fmt: skip
def test_a_branch_that_is_missing_or_departs_from_another_node_is_named(
    reason: str, original: str
) -> None:
    log = founded()
    log.approve(departs(log))
    grown(log, reason, original)
    log.execute()
    assert missing(log) != []


def test_two_branches_of_one_override_are_named() -> None:
    log = founded()
    log.execute(log.approve(departs(log)))
    grown(log)
    grown(log)
    assert any("two branches" in said for said in log.problems())
