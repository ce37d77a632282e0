"""What each kind of override must say of itself, as the offline verifier reads it from the log."""

import json
from collections.abc import Callable
from typing import Any

import pytest

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
