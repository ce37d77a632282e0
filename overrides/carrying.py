"""Kinds of overrides and who carries each out: this app its own, an app above it what is about its
own rows. Each app says at its start which kinds it carries.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from access.models import Production, User
from ledger.corrections import Change
from ledger.models import Batch
from overrides.models import Override
from overrides.states import KINDS

# What the head of a department may ask for, about what is the department's own.
OF_A_DEPARTMENT = frozenset({"reclassification"})
POSTING = frozenset({"post_entries"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to do, by kind: accounts and amounts as typed (a draw names contingency
    with a minus); an order and by how much its lines grow; a document and where its lines belong;
    a journal's debits and credits for a closed week; a held row, by its import and its number.
    `node` is the node of the cost tree beside which it is to hang as a branch."""

    kind: str
    day: date
    lines: Sequence[tuple[str, str]] = ()
    order: str = ""
    document: tuple[int, int] | None = None
    changes: Sequence[Change] = ()
    row: tuple[int, int] | None = None
    node: int | None = None


@dataclass(frozen=True, slots=True)
class Meant:
    """What it would post: what it departs from (in words and by digest), the rule passed over,
    and what is to be carried out."""

    target: str
    digest: bytes
    rule: str
    proposed: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Carrier:
    """How a kind is planned, posted and taken back. `needs` are the actions that whoever asks must
    have, for it is in their name that it is posted."""

    plan: Callable[[User, Production, Asked], Meant]
    run: Callable[[Override, User], Batch]
    take_back: Callable[[Override, Batch, User], Batch]
    needs: frozenset[str] = frozenset()


_CARRIERS: dict[str, Carrier] = {}


def add(kind: str, carrier: Carrier) -> None:
    """Say who carries a kind out. Done once, as an app is loaded."""
    assert kind in KINDS and kind not in _CARRIERS, "a kind is one app's"
    _CARRIERS[kind] = carrier


def of(kind: str) -> Carrier:
    """Who carries a kind out. KeyError for one that nobody does."""
    return _CARRIERS[kind]


def is_department(actions: frozenset[str]) -> bool:
    """Whether somebody who may ask asks for a department alone."""
    return "view_all_costs" not in actions


def missing(kind: str, actions: frozenset[str]) -> frozenset[str]:
    """The actions that somebody lacks to ask for a kind."""
    if is_department(actions):
        return frozenset() if kind in OF_A_DEPARTMENT else frozenset({"view_all_costs"})
    return of(kind).needs - actions


def why(found: Override) -> str:
    """What a posting under an override says of itself."""
    return f"OVERRIDE {found.reference}: {found.justification}"


def not_ratified(found: Override) -> str:
    """What the posting that takes it back says."""
    return f"{found.reference} was not ratified in time"
