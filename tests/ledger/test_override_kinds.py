"""What each kind of override must say of itself, as the offline verifier reads it from the log."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.ledger.test_override_tree import Log, founded


def waiver(log: Log, **other: Any) -> str:
    """A request to pass a held row over."""
    proposed = {"codes": ["E_NET_PAY"], "payload": "ab" * 32, "cells": "cd" * 32,
                "lines": [{"account": "0310", "amount": "-100.0000"},
                          {"account": "3301", "amount": "100.0000"}], **other}  # fmt: skip
    return log.request(kind="validation_waiver", proposed=proposed, roles=["line_producer"])


LAWFUL: tuple[Callable[[Log], str], ...] = (waiver,)
ATTACKS: dict[str, Callable[[Log], str]] = {
    "a waiver of what is never passed over":
        lambda log: waiver(log, codes=["E_NET_PAY", "E_ACCOUNT"]),
    "a waiver of nothing": lambda log: waiver(log, codes=[]),
    "a waiver of any row": lambda log: waiver(log, payload=""),
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
