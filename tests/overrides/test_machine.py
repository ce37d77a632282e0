"""Steps at random, lawful and not: the tree takes exactly those the table of states allows.

The keys are the kind that plain Python checks quickest; test_override_tree.py is about passkeys.
"""

import base64
import json
from datetime import timedelta
from random import Random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.audit_rules import Problem, leaf_hash
from ledger.override_tree import AUDITORS, OverrideTree
from overrides import states
from overrides.policies import DEFAULT_RULES, Policy, written
from tests.ledger.test_override_tree import ROLES, Log, moment
from tests.overrides.signing import ORIGIN, RP, Device

STEPS = 10_000
RATIFIERS = frozenset({"line_producer", "production_accountant"})
TYPES = {
    "approve": "decision", "reject": "decision", "ratify": "ratify", "audit": "audited",
    "execute": "execute", "revert": "revert", "expire": "expire", "stop": "stop",
}  # fmt: skip


class QuickLog(Log):
    """A log whose people sign with Ed25519."""

    def key(
        self, person: str, words: tuple[str, ...], *, by: str = "", signed: bool = True
    ) -> Device:
        secret = Ed25519PrivateKey.generate()
        public = secret.public_key().public_bytes_raw().hex()
        said = {"alg": "ed25519-password", "credential": "", "person": person, "rp": RP,
                "pub": public, "role": ROLES[person]}  # fmt: skip
        number = self.mandate("key.add", said, by or person, words, signed)
        self.keys[person] = (number, secret)  # type: ignore[assignment]
        return Device()

    def sign(self, person: str, digest: bytes, **other: object) -> dict[str, str]:
        number, secret = self.keys[person]
        made = base64.b64encode(secret.sign(digest)).decode()  # type: ignore[attr-defined]
        return {"alg": "ed25519-password", "key": number, "sig": made}


class Model:
    """What an override is, by the table of states alone."""

    def __init__(self, by: str) -> None:
        self.by, self.state = by, states.REQUESTED
        self.approved: dict[int, str] = {}
        self.ratified: dict[int, str] = {}
        self.has_ended = False

    def after(self, step: str, person: str) -> str:
        """The state a step leads to; '' where it is not lawful."""
        allowed, role, who = states.becomes(step, self.state), ROLES[person], int(person)
        in_time = self.has_ended == (step in ("expire", "revert")) or step in ("audit", "stop")
        if not allowed or not in_time or not self._may(step, person, role):
            return ""
        if step == "approve":
            roles = frozenset({"line_producer", "bond_representative"})
            return states.approval_state(roles, {**self.approved, who: role}, 2)
        if step == "ratify":
            return states.ratification_state(RATIFIERS, {**self.ratified, who: role})
        return allowed[0]

    def _may(self, step: str, person: str, role: str) -> bool:
        has_approved = int(person) in self.approved
        return {
            "approve": person != self.by and not has_approved,
            "reject": person != self.by and not has_approved,
            "ratify": role in RATIFIERS and int(person) not in self.ratified,
            "audit": role in AUDITORS and person != self.by and not has_approved,
        }.get(step, True)


def test_no_step_is_taken_that_the_table_does_not_allow() -> None:
    random, taken, refused, number = Random(1912), 0, 0, 0
    while taken + refused < STEPS:
        log = founded()
        for _ in range(12):
            number += 1
            a, b = _one_life(log, random, f"OVR-{number:04d}", number)
            taken, refused = taken + a, refused + b
    assert taken > STEPS // 10
    assert refused > STEPS // 10


def founded() -> QuickLog:
    """A log with rules and the keys of four people, replayed without a problem."""
    log = QuickLog()
    policy = Policy(DEFAULT_RULES, RP, (ORIGIN,), password_keys=True)
    log.mandate("policy.set", written(policy), "1", ("2", "3"), signed=False)
    for person, words in (("1", "23"), ("2", "13"), ("3", "12"), ("4", "12")):
        log.key(person, (words[0], words[1]), signed=person == "4")
    log.tree = OverrideTree()  # type: ignore[attr-defined]
    assert fed(log) == []
    return log


def fed(log: QuickLog) -> list[str]:
    """Feed the tree the lines it has not seen; what it says of them."""
    tree, said = log.tree, []  # type: ignore[attr-defined]
    for line in log.lines:
        try:
            tree.entry("x", json.loads(line), leaf_hash(line))
        except Problem as problem:
            said.append(str(problem))
    log.lines.clear()
    return said


def _one_life(log: QuickLog, random: Random, name: str, number: int) -> tuple[int, int]:
    by, taken, refused = random.choice("12"), 0, 0
    log.request(name, by=by)
    assert fed(log) == []
    model = Model(by)
    while taken < 20 and refused < 60 and model.state not in states.FINAL:
        step, person = random.choice(list(TYPES)), random.choice("1234")
        if not model.has_ended and random.random() < 0.04:
            log.later(73)
            model.has_ended = True
        becomes, before = model.after(step, person), log.last[name]
        log.tree.asked[name].approved = {str(k): v for k, v in model.approved.items()}  # type: ignore[attr-defined]
        log.tree.asked[name].ratified = {str(k): v for k, v in model.ratified.items()}  # type: ignore[attr-defined]
        _write(log, name, step, person, becomes or random.choice(states.STATES), number)
        problems = fed(log)
        assert (problems == []) == bool(becomes), (model.state, step, person, becomes, problems)
        if not becomes:
            refused, log.last[name] = refused + 1, before
            continue
        taken += 1
        if step in ("approve", "ratify"):
            (model.approved if step == "approve" else model.ratified)[int(person)] = ROLES[person]
        model.state = becomes
        model.has_ended = model.has_ended and step != "execute"
    return taken, refused


def _write(log: QuickLog, name: str, step: str, person: str, becomes: str, number: int) -> None:
    kind, said = TYPES[step], {}
    if step in ("execute", "revert"):
        batch = f"{number}{step}"
        log.tree.batches.pop(batch, None)  # type: ignore[attr-defined]
        said = {"batch": batch, "entry": "00" * 32, "becomes": becomes}
        if step == "execute":
            said["ratify_by"] = moment(log.at + timedelta(hours=72))
        executed = dict(log.executed)
        log.step(kind, name, **said)
        if log.tree.asked[name].state != "approved":  # type: ignore[attr-defined]
            log.executed = executed
        return
    if step in ("expire", "stop"):
        log.step(kind, name, becomes=becomes, reason="no")
        return
    log.executed.setdefault(name, "00" * 32)
    extra = {"reason": "no", "back_to": "nowhere"} if step == "reject" else {}
    log.decide(name, person, becomes, decision=step, type_=kind, **extra)
