"""Attacks on the tree of overrides, as an operator with the whole database could write them."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from ledger.audit_rules import Problem, leaf_hash
from ledger.override_tree import OverrideTree, decision_digest, es256_holds, mandate_digest
from overrides.policies import DEFAULT_RULES, Policy, written
from tests.overrides.signing import ORIGIN, RP, Device

ROLES = {
    "1": "production_accountant", "2": "line_producer", "3": "bond_representative",
    "4": "studio_executive", "5": "production_accountant",
}  # fmt: skip
BEGIN = datetime(2026, 1, 14, 12, tzinfo=UTC)
LEAF = "ab" * 32


@dataclass
class Log:
    """A log that is written entry by entry, true or not, and what its verifier says."""

    lines: list[bytes] = field(default_factory=list)
    at: datetime = BEGIN
    keys: dict[str, tuple[str, Device]] = field(default_factory=dict)  # person -> key, device
    last: dict[str, str] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    executed: dict[str, str] = field(default_factory=dict)
    mandates: int = 0

    def add(self, type_: str, data: dict[str, Any]) -> str:
        self.at += timedelta(seconds=1)
        entry = {"at": moment(self.at), "data": data, "salt": "00", "seq": str(len(self.lines)),
                 "type": type_}  # fmt: skip
        self.lines.append(json.dumps(entry).encode())
        return leaf_hash(self.lines[-1]).hex()

    def mandate(
        self, type_: str, said: Any, by: str, words: tuple[str, ...], signed: bool = True
    ) -> str:
        self.mandates += 1
        number, text = str(self.mandates), said if isinstance(said, str) else json.dumps(said)
        confirmations = []
        for person in words:
            told = {
                "mandate": number, "person": person, "role": ROLES[person], "type": type_,
                "said": hashlib.sha256(text.encode()).hexdigest(),
            }  # fmt: skip
            sig = self.sign(person, mandate_digest(told)) if signed else {}
            confirmations.append({"person": person, "role": ROLES[person], "sig": sig})
        self.add(type_, {"by": by, "confirmations": confirmations, "number": number, "said": text})
        return number

    def key(
        self, person: str, words: tuple[str, ...], *, by: str = "", signed: bool = True
    ) -> Device:
        device = Device()
        said = {"alg": "webauthn-es256", "credential": "", "person": person, "pub": device.public,
                "role": ROLES[person], "rp": RP}  # fmt: skip
        number = self.mandate("key.add", said, by or person, words, signed)
        self.keys[person] = (number, device)
        return device

    def sign(self, person: str, digest: bytes, **other: Any) -> dict[str, str]:
        number, device = self.keys[person]
        other.setdefault("key", number)
        named = other.pop("key")
        secret = other.pop("secret", device.secret)
        return dict(json.loads(Device(secret, **other).signs(digest, int(named))))

    def request(self, name: str = "OVR-0001", by: str = "1", **other: Any) -> str:
        data = {
            "amount": "100.0000", "becomes": "requested", "by": by, "document": "00" * 32,
            "expires": moment(self.at + timedelta(hours=72)), "follows": "",
            "justification": "rain", "kind": "contingency_draw", "policy": "1", "prev": "",
            "ratify_hours": "72",
            "proposed": {"lines": [{"account": "8001", "amount": "-100.0000"},
                                   {"account": "3310", "amount": "100.0000"}]},
            "ratify_roles": ["line_producer", "production_accountant"], "request": name,
            "roles": ["line_producer", "bond_representative"], "threshold": "2", **other,
        }  # fmt: skip
        self.asked[name] = self.last[name] = self.add("override.request", data)
        return name

    def step(self, type_: str, name: str, **data: Any) -> None:
        data = {"prev": self.last[name], "request": name, **data}
        self.last[name] = self.add(f"override.{type_}", data)
        if type_ == "execute":
            self.executed[name] = self.last[name]

    def decide(
        self, name: str, person: str, becomes: str, *, decision: str = "approve", role: str = "",
        type_: str = "decision", sig: dict[str, str] | None = None, **other: Any,
    ) -> None:  # fmt: skip
        leaf = self.asked[name] if type_ == "decision" else self.executed[name]
        extra = {k: other.pop(k) for k in ("reason", "back_to") if k in other}
        signs = {"decision": decision, "person": person, "request": name, "request_hash": leaf,
                 "role": role or ROLES[person], **extra}  # fmt: skip
        made = sig or self.sign(person, decision_digest(signs), **other)
        self.step(type_, name, becomes=becomes, decision=decision, person=person, sig=made,
                  role=role or ROLES[person], **extra)  # fmt: skip

    def approve(self, name: str = "OVR-0001") -> str:
        self.decide(name, "2", "requested")
        self.decide(name, "3", "approved")
        return name

    def execute(self, name: str = "OVR-0001", batch: str = "7", hours: int = 72) -> str:
        self.step("execute", name, batch=batch, becomes="executed", entry=LEAF,
                  ratify_by=moment(self.at + timedelta(hours=hours)))  # fmt: skip
        return name

    def ratify(self, name: str = "OVR-0001") -> str:
        self.decide(name, "1", "executed", decision="ratify", type_="ratify")
        self.decide(name, "2", "ratified", decision="ratify", type_="ratify")
        return name

    def later(self, hours: float) -> None:
        self.at += timedelta(hours=hours)

    def problems(self) -> list[str]:
        tree, found = OverrideTree(), []
        for place, line in enumerate(self.lines):
            try:
                tree.entry(f"OFFICE#{place}", json.loads(line), leaf_hash(line))
            except (Problem, ValueError, LookupError, TypeError, AttributeError) as fault:
                found.append(str(fault))
        return found + tree.finish()


def moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


POLICY = written(Policy(DEFAULT_RULES, RP, (ORIGIN,)))


def founded() -> Log:
    """Signing rules, and keys of the accountant, the line producer, the guarantor."""
    log = Log()
    log.mandate("policy.set", POLICY, "1", ("2", "3"), signed=False)
    for person in ("1", "2", "3"):
        others = [p for p in ("1", "2", "3") if p != person]
        log.key(person, (others[0], others[1]), signed=False)
    return log


ATTACKS: dict[str, Callable[[Log], None]] = {}


def attack(act: Callable[[Log], None]) -> None:
    ATTACKS[act.__name__] = act


@attack
def one_signature(log: Log) -> None:
    log.decide(log.request(), "2", "approved")
    log.execute()


@attack
def one_signature_that_says_so(log: Log) -> None:
    log.decide(log.request(), "2", "requested")
    log.execute()


@attack
def the_same_signature_twice(log: Log) -> None:
    name = log.request()
    log.decide(name, "2", "requested")
    log.decide(name, "2", "approved")
    log.execute()


@attack
def two_keys_of_one_person(log: Log) -> None:
    log.key("2", ("1", "3"))
    name = log.request()
    log.decide(name, "2", "requested")
    log.decide(name, "2", "approved")
    log.execute()


@attack
def who_asked_approves(log: Log) -> None:
    name = log.request(by="2")
    log.decide(name, "2", "requested")
    log.decide(name, "3", "approved")
    log.execute()


@attack
def forged_by_the_operator(log: Log) -> None:
    name = log.request()
    log.decide(name, "2", "requested")
    log.decide(name, "3", "approved", secret=Device().secret)
    log.execute()


@attack
def replayed_from_another_request(log: Log) -> None:
    log.execute(log.approve(log.request()))
    other = log.request("OVR-0002")
    for line in list(log.lines):
        entry = json.loads(line)
        if entry["type"] == "override.decision":
            said = {k: v for k, v in entry["data"].items() if k not in ("prev", "request")}
            log.step("decision", other, **said)
    log.execute(other, "8")


@attack
def a_request_edited_after_it_was_signed(log: Log) -> None:
    log.execute(log.approve(log.request()))
    place = next(i for i, line in enumerate(log.lines) if b"override.request" in line)
    log.lines[place] = log.lines[place].replace(b"rain", b"yacht")


@attack
def an_amount_raised_after_it_was_signed(log: Log) -> None:
    log.execute(log.approve(log.request()))
    place = next(i for i, line in enumerate(log.lines) if b"override.request" in line)
    log.lines[place] = log.lines[place].replace(b"100.0000", b"900.0000")


@attack
def decided_after_it_expired(log: Log) -> None:
    name = log.request()
    log.decide(name, "2", "requested")
    log.later(73)
    log.decide(name, "3", "approved")


@attack
def executed_after_it_expired(log: Log) -> None:
    log.approve(log.request())
    log.later(73)
    log.execute()


@attack
def open_for_longer_than_the_rules_say(log: Log) -> None:
    log.request(expires=moment(log.at + timedelta(hours=80)))


@attack
def signed_with_a_revoked_key(log: Log) -> None:
    said = {"key": log.keys["3"][0], "person": "3", "reason": "lost"}
    log.mandate("key.revoke", said, "3", ("1", "2"))
    log.approve(log.request())


@attack
def signed_in_another_role(log: Log) -> None:
    name = log.request()
    log.decide(name, "2", "requested", role="bond_representative")


@attack
def signed_with_anothers_key(log: Log) -> None:
    name = log.request()
    log.decide(name, "2", "requested")
    log.decide(name, "3", "approved", key=log.keys["2"][0], secret=log.keys["2"][1].secret)


@attack
def without_verifying_the_user(log: Log) -> None:
    log.decide(log.request(), "2", "requested", flags=1)


@attack
def phished_on_another_site(log: Log) -> None:
    log.decide(log.request(), "2", "requested", origin="https://prodacct.evil")


@attack
def made_for_another_relying_party(log: Log) -> None:
    log.decide(log.request(), "2", "requested", rp="prodacct.evil")


@attack
def a_registration_passed_off_as_an_approval(log: Log) -> None:
    log.decide(log.request(), "2", "requested", type="webauthn.create")


@attack
def executed_twice(log: Log) -> None:
    log.execute(log.approve(log.request()))
    log.execute(batch="8")


@attack
def executed_without_a_request(log: Log) -> None:
    log.last["OVR-0009"] = ""
    log.execute("OVR-0009")


@attack
def one_batch_for_two_overrides(log: Log) -> None:
    log.execute(log.approve(log.request()))
    log.execute(log.approve(log.request("OVR-0002")))


@attack
def a_rejected_one_executed(log: Log) -> None:
    name = log.request()
    log.decide(name, "2", "rejected", decision="reject", reason="no", back_to="nowhere")
    log.execute(name)


@attack
def a_rejection_reworded(log: Log) -> None:
    name = log.request()
    log.decide(name, "2", "rejected", decision="reject", reason="no", back_to="nowhere")
    log.lines[-1] = log.lines[-1].replace(b'"nowhere"', b'"request"')


@attack
def a_threshold_of_one(log: Log) -> None:
    log.mandate("policy.set", POLICY.replace('"threshold":"2"', '"threshold":"1"'), "1", ("2", "3"))


@attack
def rules_of_the_request_softened(log: Log) -> None:
    log.request(roles=["line_producer"])


@attack
def old_rules_used_after_new_ones(log: Log) -> None:
    log.mandate("policy.set", POLICY, "1", ("2", "3"))
    log.request()


@attack
def contingency_without_the_guarantor(log: Log) -> None:
    said = json.loads(POLICY)
    for rule in said["rules"]:
        rule["roles"] = ["line_producer"]
    log.mandate("policy.set", said, "1", ("2", "3"))


@attack
def a_key_the_operator_adds_unsigned(log: Log) -> None:
    log.key("5", ("2", "3"), signed=False)


@attack
def a_key_confirmed_by_one(log: Log) -> None:
    log.key("5", ("2",))


@attack
def a_key_confirmed_twice_by_one(log: Log) -> None:
    log.key("5", ("2", "2"))


@attack
def a_key_confirmed_by_who_it_is_for(log: Log) -> None:
    log.key("2", ("2", "3"))


@attack
def a_key_enrolled_for_somebody_else(log: Log) -> None:
    log.key("5", ("2", "3"), by="1")


@attack
def never_ratified_nor_reverted(log: Log) -> None:
    log.execute(log.approve(log.request()))
    log.later(100)
    log.add("note", {})


@attack
def ratified_too_late(log: Log) -> None:
    log.execute(log.approve(log.request()))
    log.later(73)
    log.ratify()


@attack
def ratified_by_one(log: Log) -> None:
    log.execute(log.approve(log.request()))
    log.decide("OVR-0001", "1", "ratified", decision="ratify", type_="ratify")


@attack
def a_longer_time_to_ratify(log: Log) -> None:
    log.execute(log.approve(log.request()), hours=80)


@attack
def reverted_before_its_time(log: Log) -> None:
    log.execute(log.approve(log.request()))
    log.step("revert", "OVR-0001", batch="8", becomes="reverted", entry=LEAF)


@attack
def a_step_left_out(log: Log) -> None:
    name = log.request()
    log.decide(name, "2", "requested")
    log.decide(name, "3", "approved")
    del log.lines[-2]


@attack
def audited_by_a_signer(log: Log) -> None:
    log.ratify(log.execute(log.approve(log.request())))
    log.decide("OVR-0001", "3", "audited", decision="audit", type_="audited")


@attack
def asked_again_after_a_final_no(log: Log) -> None:
    name = log.request()
    log.decide(name, "2", "rejected", decision="reject", reason="no", back_to="nowhere")
    log.request("OVR-0002", follows=log.asked[name], prev=log.last[name])


def test_there_are_attacks_enough() -> None:
    assert len(ATTACKS) >= 21


@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_is_accepted(name: str) -> None:
    log = founded()
    assert log.problems() == []
    ATTACKS[name](log)
    assert log.problems() != []


def test_what_is_lawful_is_accepted_from_request_to_audit() -> None:
    log = founded()
    log.key("4", ("1", "2"))
    log.ratify(log.execute(log.approve(log.request())))
    log.decide("OVR-0001", "4", "audited", decision="audit", type_="audited")
    second = log.request("OVR-0002")
    log.decide(second, "2", "rejected", decision="reject", reason="why?", back_to="support")
    third = log.request("OVR-0003", follows=log.asked[second], prev=log.last[second])
    log.execute(log.approve(third), "9")
    log.later(73)
    log.step("revert", third, batch="10", becomes="reverted", entry=LEAF)
    fourth = log.request("OVR-0004")
    log.later(73)
    log.step("expire", fourth, becomes="expired")
    said = {"key": log.keys["3"][0], "person": "3", "reason": "lost"}
    log.mandate("key.revoke", said, "3", ("1", "2"))
    log.key("3", ("1", "2"))
    log.execute(log.approve(log.request("OVR-0005")), "11")
    assert log.problems() == []


def test_every_byte_of_a_signed_approval_matters() -> None:
    log = founded()
    log.approve(log.request())
    line = log.lines[-1]
    whole = json.loads(line)
    for part in ("client", "auth", "sig"):
        text = whole["data"]["sig"][part]
        for place in range(0, len(text) - 4, 9):
            altered = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
            log.lines[-1] = line.replace(text.encode(), altered.encode())
            assert log.problems(), (part, place)


@given(message=st.binary(max_size=60), flip=st.integers(0, 511))
def test_the_curve_agrees_with_the_library(message: bytes, flip: int) -> None:
    device = Device()
    made = device.secret.sign(message, ec.ECDSA(hashes.SHA256()))
    public = bytes.fromhex(device.public)
    assert es256_holds(public, message, made)
    assert not es256_holds(public, message + b"x", made)
    at, bit = (flip // 8) % len(made), flip % 8
    assert not es256_holds(
        public, message, made[:at] + bytes([made[at] ^ 1 << bit]) + made[at + 1 :]
    )
