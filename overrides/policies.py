"""The signing rules of a production, as data: who signs what, up to which amount, how fast. Pure.

A version of the rules is one text. It is proposed by one person and confirmed by two others before
it is in force (overrides/mandates.py); the database turns the same text into rows and holds the
same floors (sql/mandates.sql).
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from overrides.states import GUARANTEED, KINDS, LEAST_THRESHOLD

GUARANTOR: Final = "bond_representative"
SIGNING_ROLES: Final = frozenset(
    {"production_accountant", "line_producer", GUARANTOR, "studio_executive"}
)
MOST_HOURS = 24 * 60
_AMOUNT = re.compile(r"(?:0|[1-9][0-9]{0,12})(?:\.[0-9]{1,4})?", re.ASCII)


class PolicyError(ValueError):
    """What is wrong with signing rules, in words."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Up to an amount in the production's currency ("" for any), who must sign a kind, and when."""

    kind: str
    up_to: str
    threshold: int
    roles: tuple[str, ...]
    open_hours: int
    ratify_hours: int
    ratify_roles: tuple[str, ...]


_BOTH = ("line_producer", "production_accountant")
_ORDINARY = tuple(kind for kind in KINDS if kind not in GUARANTEED)
DEFAULT_RULES: Final = (
    *(
        rule
        for kind in _ORDINARY
        for rule in (
            Rule(kind, "25000", 2, ("line_producer",), 72, 72, _BOTH),
            Rule(kind, "", 2, ("line_producer", GUARANTOR), 72, 72, _BOTH),
        )
    ),
    *(Rule(kind, "", 2, ("line_producer", GUARANTOR), 72, 72, _BOTH) for kind in GUARANTEED),
)


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules, whom assertions are made for, and the terms of the contingency."""

    rules: tuple[Rule, ...]
    rp: str
    origins: tuple[str, ...]
    # Whether fallback signatures are taken (overrides/fallback.py), by the name the log has for it.
    password_keys: bool = False
    # The most that is drawn of contingency for each side of the line; "" for no cap.
    most_atl: str = ""
    most_btl: str = ""


def written(policy: Policy) -> str:
    """The one text of a policy, as it is signed. Raises PolicyError."""
    check(policy)
    said = asdict(policy)
    for rule in said["rules"]:
        rule["threshold"] = str(rule["threshold"])
        rule["open_hours"], rule["ratify_hours"] = (
            str(rule["open_hours"]),
            str(rule["ratify_hours"]),
        )
    return canonical(said)


def read(text: str) -> Policy:
    """A policy from its text. Raises PolicyError."""
    try:
        said = json.loads(text)
        rules = tuple(_rule(r) for r in said.pop("rules"))
        return check(Policy(rules, said.pop("rp"), tuple(said.pop("origins")), **said))
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as fault:
        raise PolicyError(f"The signing rules cannot be read: {fault!r}"[:200]) from fault


def _rule(said: Mapping[str, Any]) -> Rule:
    return Rule(
        said["kind"], said["up_to"], int(said["threshold"]), tuple(said["roles"]),
        int(said["open_hours"]), int(said["ratify_hours"]), tuple(said["ratify_roles"]),
    )  # fmt: skip


def canonical(said: Any) -> str:
    """JSON with sorted keys and no spaces; no floats come in here, so it is RFC 8785's text."""
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def check(policy: Policy) -> Policy:
    """The policy itself. Raises PolicyError in words."""
    if not policy.rules or not policy.rp or not policy.origins:
        raise PolicyError("Expected rules, a host name and at least one address people sign at.")
    if not isinstance(policy.password_keys, bool):
        raise PolicyError("Fallback signatures: expected true or false.")
    for rule in policy.rules:
        _check_rule(rule)
    for cap in (policy.most_atl, policy.most_btl):
        if cap and not _AMOUNT.fullmatch(cap):
            raise PolicyError(f"Contingency cap: expected an amount or nothing, found {cap!r}.")
    places = [(rule.kind, rule.up_to) for rule in policy.rules]
    if len(set(places)) != len(places):
        raise PolicyError("Two rules are about the same kind up to the same amount.")
    return policy


def _check_rule(rule: Rule) -> None:
    name = KINDS.get(rule.kind, rule.kind)
    if rule.kind not in KINDS:
        raise PolicyError(f"{name}: expected a kind that can be carried out.")
    if rule.up_to and not _AMOUNT.fullmatch(rule.up_to):
        raise PolicyError(f"{name}: expected an amount or nothing, found {rule.up_to[:30]!r}.")
    if rule.threshold < LEAST_THRESHOLD:
        raise PolicyError(
            f"{name}: {rule.threshold} signatures are too few; two people are the least."
        )
    wrong = (set(rule.roles) | set(rule.ratify_roles)) - SIGNING_ROLES
    if wrong or not rule.roles or len(set(rule.roles)) > rule.threshold or not rule.ratify_roles:
        raise PolicyError(f"{name}: expected roles that sign, no more than signatures are needed.")
    if rule.kind in GUARANTEED and GUARANTOR not in rule.roles:
        raise PolicyError(f"{name}: the completion guarantor signs every one.")
    if not (0 < rule.open_hours <= MOST_HOURS and 0 < rule.ratify_hours <= MOST_HOURS):
        raise PolicyError(f"{name}: expected 1 to {MOST_HOURS} hours.")


def covers_every_kind(rules: Iterable[Rule]) -> bool:
    """Whether every kind that can be carried out has a rule without an upper amount."""
    return {r.kind for r in rules if not r.up_to} == set(KINDS)
