"""Fallback signatures in the log: which the verifier takes, that it marks them, and attacks."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.audit_rules import Problem, is_anybodys_key, leaf_hash, signature_holds
from ledger.override_tree import PASSWORD, OverrideTree, decision_digest
from overrides.policies import DEFAULT_RULES, Policy, written
from tests.ledger.test_override_tree import ROLES, Log
from tests.overrides.signing import ORIGIN, RP, Device

TAKEN = written(Policy(DEFAULT_RULES, RP, (ORIGIN,), password_keys=True))
EXCLUDED = written(Policy(DEFAULT_RULES, RP, (ORIGIN,)))
# The points of small order (RFC 8032's curve), in the one form they are read in.
WEAK = [
    "01" + "00" * 31, "00" * 32, "ec" + "ff" * 30 + "7f", "00" * 31 + "80",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]  # fmt: skip


class FallbackLog(Log):
    """A log in which the line producer (2) has a fallback key, and everybody else a passkey."""

    fallback: Ed25519PrivateKey

    def add_fallback(self, *, signed: bool, public: str = "") -> None:
        self.fallback = Ed25519PrivateKey.generate()
        public = public or self.fallback.public_key().public_bytes_raw().hex()
        said = {"alg": PASSWORD, "credential": "", "person": "2", "pub": public,
                "role": ROLES["2"], "rp": ""}  # fmt: skip
        number = self.mandate("key.add", said, "2", ("1", "3"), signed)
        self.keys["2"] = (number, Device())

    def sign(self, person: str, digest: bytes, **other: Any) -> dict[str, str]:
        if person != "2" or other:
            return super().sign(person, digest, **other)
        made = base64.b64encode(self.fallback.sign(digest)).decode()
        return {"alg": PASSWORD, "key": self.keys["2"][0], "sig": made}

    def rules(self, said: str) -> None:
        self.mandate("policy.set", said, "1", ("2", "3"))

    def replayed(self) -> tuple[OverrideTree, list[str]]:
        tree, found = OverrideTree(), []
        for place, line in enumerate(self.lines):
            try:
                tree.entry(f"OFFICE#{place}", json.loads(line), leaf_hash(line))
            except Problem as fault:
                found.append(str(fault))
        return tree, found


def founded(rules: str = TAKEN) -> FallbackLog:
    log = FallbackLog()
    log.mandate("policy.set", rules, "1", ("2", "3"), signed=False)
    log.key("1", ("2", "3"), signed=False)
    log.add_fallback(signed=False)
    log.key("3", ("1", "2"), signed=False)
    return log


ATTACKS: dict[str, tuple[Callable[[FallbackLog], None], str]] = {}


def attack(said: str) -> Callable[[Callable[[FallbackLog], None]], None]:
    def keep(act: Callable[[FallbackLog], None]) -> None:
        ATTACKS[act.__name__] = act, said

    return keep


@attack("does not hold")
def one_of_another_request(log: FallbackLog) -> None:
    log.decide(log.request(), "2", "requested")
    first = json.loads(log.lines[-1])["data"]["sig"]
    log.decide(log.request("OVR-0002"), "2", "requested", sig=first)


@attack("does not hold")
def an_approval_passed_off_as_a_ratification(log: FallbackLog) -> None:
    log.decide(log.request(), "2", "requested")
    first = json.loads(log.lines[-1])["data"]["sig"]
    log.decide("OVR-0001", "3", "approved")
    log.execute()
    log.decide("OVR-0001", "2", "executed", decision="ratify", type_="ratify", sig=first)


@attack("does not hold")
def a_word_for_a_mandate_passed_off_as_an_approval(log: FallbackLog) -> None:
    log.rules(TAKEN)
    said = json.loads(log.lines[-1])["data"]["confirmations"]
    (word,) = [one["sig"] for one in said if one["person"] == "2"]
    log.decide(log.request(policy="5"), "2", "requested", sig=word)


@attack("unknown or revoked")
def one_of_a_revoked_key(log: FallbackLog) -> None:
    said = {"key": log.keys["2"][0], "person": "2", "reason": "overheard"}
    log.mandate("key.revoke", said, "2", ("1", "3"))
    log.decide(log.request(), "2", "requested")


@attack("which the rules exclude")
def one_under_an_exclusion(log: FallbackLog) -> None:
    name = log.request()
    log.rules(EXCLUDED)
    log.decide(name, "2", "requested")


@attack("which the rules exclude")
def one_where_the_rules_say_nothing(log: FallbackLog) -> None:
    said = json.loads(TAKEN)
    del said["password_keys"]
    log.rules(json.dumps(said))
    log.decide(log.request(policy="5"), "2", "requested")


@attack("which the rules exclude")
def one_where_the_rules_say_a_word_for_yes(log: FallbackLog) -> None:
    log.rules(json.dumps({**json.loads(TAKEN), "password_keys": "no"}))
    log.decide(log.request(policy="5"), "2", "requested")


@attack("somebody else")
def one_with_a_key_of_another(log: FallbackLog) -> None:
    name = log.request()
    log.decide(name, "2", "requested")
    log.decide(name, "3", "approved", sig=log.sign("2", b"x" * 32))


@attack("does not hold")
def one_made_with_another_private_key(log: FallbackLog) -> None:
    log.fallback = Ed25519PrivateKey.generate()
    log.decide(log.request(), "2", "requested")


@attack("of another kind than its key")
def one_passed_off_as_a_passkey_s(log: FallbackLog) -> None:
    name = log.request()
    signs = {"decision": "approve", "person": "2", "request": name, "role": ROLES["2"],
             "request_hash": log.asked[name]}  # fmt: skip
    sig = log.sign("2", decision_digest(signs))
    log.decide(name, "2", "requested", sig={**sig, "alg": "webauthn-es256"})


@attack("of another kind than its key")
def a_passkey_that_signs_as_a_fallback(log: FallbackLog) -> None:
    name = log.request()
    log.decide(name, "3", "requested", sig=log.sign("2", b"x" * 32) | {"key": log.keys["3"][0]})


@attack("anybody can sign")
def a_key_that_is_anybody_s(log: FallbackLog) -> None:
    log.add_fallback(signed=True, public=WEAK[0])


@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_is_accepted(name: str) -> None:
    log = founded()
    assert log.problems() == []
    act, said = ATTACKS[name]
    act(log)
    assert said in log.replayed()[1][-1]


def test_lawful_ones_are_taken_and_marked_and_those_before_an_exclusion_stay() -> None:
    log = founded()
    log.execute(log.approve(log.request()))
    log.rules(EXCLUDED)
    tree, problems = log.replayed()
    assert problems == []
    assert tree.signatures == 4
    assert tree.fallbacks == [
        "OFFICE#5: OVR-0001, by person 2 with key 3", "OFFICE#8, by person 2 with key 3",
    ]  # fmt: skip


def test_every_byte_of_a_fallback_signature_matters() -> None:
    log = founded()
    log.decide(log.request(), "2", "requested")
    line = log.lines[-1]
    text = json.loads(line)["data"]["sig"]["sig"]
    made = base64.b64decode(text)
    for place in range(64):
        altered = made[:place] + bytes([made[place] ^ 1]) + made[place + 1 :]
        log.lines[-1] = line.replace(text.encode(), base64.b64encode(altered))
        assert "does not hold" in log.replayed()[1][-1], place


def test_points_of_small_order_are_told_from_keys() -> None:
    for text in WEAK:
        assert is_anybodys_key(bytes.fromhex(text)), text
    identity = bytes.fromhex(WEAK[0])
    assert signature_holds(identity, b"anything", identity + bytes(32)), "why they are refused"
    assert not is_anybodys_key(Ed25519PrivateKey.generate().public_key().public_bytes_raw())
