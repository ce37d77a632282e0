"""Overrides as their log tells them: who signed what, with which keys, and what came of it.

Standard library only: part of the verifier that goes out with every bundle. One tree replays the
entries of one log in order and names the first thing that is wrong with each.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from ledger.audit_rules import Problem, exact_base64, is_anybodys_key, signature_holds

FOUNDERS = 3  # from the third person with a key on, mandates are signed
FEWEST = 2
GUARANTOR = "bond_representative"
GUARANTEED = ("contingency_draw", "atl_btl")  # what the guarantor signs for, whatever the rules
AUDITORS = (GUARANTOR, "studio_executive")
WEBAUTHN, PASSWORD = "webauthn-es256", "ed25519-password"
# What a waiver may pass over; of everything else a held row stays where it is.
WAIVABLE = frozenset({"E_NET_PAY", "E_SEGMENT"})
GRACE = timedelta(
    hours=24
)  # how late the sweep that reverts may be before its absence is a finding
NUMBERED = "OVR-"
OURS = ("key.", "policy.", "override.")


def digest(domain: str, said: dict[str, str]) -> bytes:
    """What a key signs: SHA-256 of the domain, a line end and the JSON text of what is said."""
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"prodacct/{domain}/v1\n{text}".encode()).digest()


def decision_digest(said: dict[str, str]) -> bytes:
    """The digest of a decision: request, request_hash, decision, person, role."""
    return digest("override-decision", said)


def mandate_digest(said: dict[str, str]) -> bytes:
    """The digest of a confirmation: mandate, type, said (its SHA-256), person, role."""
    return digest("override-mandate", said)


# --- ECDSA on P-256 (FIPS 186-5), as WebAuthn signs ---------------------------------------------

_PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_COEFFICIENT = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_BASE_POINT = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
Affine = tuple[int, int] | None


def _plus(a: Affine, b: Affine) -> Affine:
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % _PRIME == 0:
            return None
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, _PRIME) % _PRIME
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, _PRIME) % _PRIME
    x = (slope * slope - a[0] - b[0]) % _PRIME
    return x, (slope * (a[0] - x) - a[1]) % _PRIME


def _multiple(k: int, a: Affine) -> Affine:
    found: Affine = None
    while k:
        if k & 1:
            found = _plus(found, a)
        a = _plus(a, a)
        k >>= 1
    return found


def _der_numbers(signature: bytes) -> tuple[int, int]:
    """The two numbers of an ECDSA signature in DER. Raises ValueError."""
    if len(signature) < 8 or signature[0] != 0x30 or signature[1] != len(signature) - 2:
        raise ValueError("not a DER sequence")
    at, found = 2, []
    for _ in range(2):
        if at + 2 > len(signature) or signature[at] != 2 or not 0 < signature[at + 1] <= 33:
            raise ValueError("not a DER integer")
        number = signature[at + 2 : at + 2 + signature[at + 1]]
        if len(number) != signature[at + 1]:
            raise ValueError("cut short")
        found.append(int.from_bytes(number, "big"))
        at += 2 + len(number)
    if at != len(signature):
        raise ValueError("more than two integers")
    return found[0], found[1]


def es256_holds(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature over the message was made with the key of this uncompressed point."""
    if len(public) != 65 or public[0] != 4:
        return False
    q = int.from_bytes(public[1:33], "big"), int.from_bytes(public[33:], "big")
    if max(q) >= _PRIME or (q[1] * q[1] - q[0] ** 3 + 3 * q[0] - _COEFFICIENT) % _PRIME:
        return False
    try:
        r, s = _der_numbers(signature)
    except ValueError:
        return False
    if not (0 < r < _ORDER and 0 < s < _ORDER):
        return False
    z = int.from_bytes(hashlib.sha256(message).digest(), "big")
    w = pow(s, -1, _ORDER)
    point = _plus(_multiple(z * w % _ORDER, _BASE_POINT), _multiple(r * w % _ORDER, q))
    return point is not None and point[0] % _ORDER == r


# --- keys and rules -----------------------------------------------------------------------------


@dataclass
class SigningKey:
    """A key that was added, and whether it was revoked since."""

    person: str
    role: str
    alg: str
    public: bytes
    rp: str
    is_live: bool = True


def assertion_fault(key: SigningKey, origins: list[str], wanted: bytes, sig: dict[str, Any]) -> str:
    """What is wrong with a signature over `wanted`; '' when it holds."""
    made = exact_base64(str(sig["sig"]).encode())
    if made is None or sig["alg"] != key.alg:
        return "its signature is of another kind than its key"
    if key.alg == PASSWORD:
        return "" if signature_holds(key.public, wanted, made) else "its signature does not hold"
    client, auth = (exact_base64(str(sig[part]).encode()) for part in ("client", "auth"))
    if key.alg != WEBAUTHN or client is None or auth is None or len(auth) < 37:
        return "its signature cannot be read"
    said = json.loads(client)
    faults = {
        "its signature is no assertion of this site's own page":
            said["type"] != "webauthn.get" or bool(said.get("crossOrigin")),
        "it was signed for another site": said["origin"] not in origins
            or auth[:32] != hashlib.sha256(key.rp.encode()).digest(),
        "it signs something else":
            exact_base64(_standard_base64(str(said["challenge"]))) != wanted,
        "its signer was not verified by the device": auth[32] & 0x05 != 0x05,
    }  # fmt: skip
    signed = auth + hashlib.sha256(client).digest()
    first = next((words for words, is_so in faults.items() if is_so), "")
    return first or ("" if es256_holds(key.public, signed, made) else "its signature does not hold")


def _standard_base64(text: str) -> bytes:
    return text.replace("-", "+").replace("_", "/").encode() + b"=" * (-len(text) % 4)


def rule_for(rules: list[dict[str, Any]], kind: str, amount: Decimal) -> dict[str, Any] | None:
    """The rule of the smallest tier that covers an amount."""
    fitting = [r for r in rules if r["kind"] == kind
               and (not r["up_to"] or amount <= Decimal(r["up_to"]))]  # fmt: skip
    bounded = [r for r in fitting if r["up_to"]]
    by_tier = sorted(bounded, key=lambda r: Decimal(r["up_to"]))
    return next(iter(by_tier or fitting), None)


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")  # noqa: DTZ007 - all are UTC


# --- the tree -----------------------------------------------------------------------------------


@dataclass
class Asked:
    """An override, as far as its entries have been read."""

    data: dict[str, Any]
    leaf: str
    last: str
    state: str = "requested"
    approved: dict[str, str] = field(default_factory=dict)
    ratified: dict[str, str] = field(default_factory=dict)
    back_to: str = ""
    executed: str = ""
    executed_batch: str = ""
    reverted_batch: str = ""
    ratify_by: str = ""

    @property
    def lines(self) -> dict[str, Decimal]:
        """account -> what is to be posted to it."""
        found: dict[str, Decimal] = {}
        for line in self.data["proposed"]["lines"]:
            found[line["account"]] = found.get(line["account"], Decimal(0)) + Decimal(
                line["amount"]
            )
        return {account: amount for account, amount in found.items() if amount}


class OverrideTree:
    """The overrides of one log, replayed entry by entry."""

    def __init__(self) -> None:
        self.keys: dict[str, SigningKey] = {}
        self.founders: set[str] = set()
        self.founding = hashlib.sha256()
        self.policy: dict[str, Any] = {}
        self.policy_number = ""
        self.mandates: set[str] = set()
        self.asked: dict[str, Asked] = {}
        self.batches: dict[str, tuple[str, str]] = {}  # batch -> (its entry's leaf, who named it)
        # override -> the digest of the node its branch departs from; in whatever unit's log
        self.branches: dict[str, str] = {}
        self.signatures = 0
        self.fallbacks: list[str] = []  # signatures made with a key that a pass phrase unlocked
        self.last_at = ""

    @property
    def is_founded(self) -> bool:
        """Whether three people have had keys."""
        return len(self.founders) >= FOUNDERS

    def entry(self, where: str, entry: dict[str, Any], leaf: bytes) -> None:
        """Take the next entry of the log, of whatever type. Raises Problem."""
        self.last_at = entry["at"]
        kind = entry["type"]
        data = entry["data"]
        if kind == "node" and data["reason"].startswith(f"OVERRIDE {NUMBERED}"):
            name = data["reason"].removeprefix("OVERRIDE ").partition(":")[0]
            if name in self.branches or data["flag"] != "OVERRIDE":
                raise Problem(where, f"{name} has two branches, or one that is not flagged")
            self.branches[name] = data["original"]
        if not kind.startswith(OURS):
            return
        if kind in ("key.add", "key.revoke", "policy.set"):
            self._mandate(where, kind, data, leaf)
        elif kind == "override.request":
            self._request(where, entry["at"], data, leaf.hex())
        else:
            self._step(where, kind, entry["at"], data, leaf.hex())

    def finish(self) -> list[str]:
        """What is missing at the end: overrides neither ratified nor reverted."""
        if not self.last_at:
            return []
        end = _moment(self.last_at)
        return [
            f"{name}: was neither ratified nor reverted, and its time ended {asked.ratify_by}"
            for name, asked in self.asked.items()
            if asked.state == "executed" and end > _moment(asked.ratify_by) + GRACE
        ]

    # mandates

    def _mandate(self, where: str, kind: str, data: dict[str, Any], leaf: bytes) -> None:
        said = json.loads(data["said"])
        if data["number"] in self.mandates:
            raise Problem(where, f"mandate {data['number']} is in force already")
        self._confirmations(where, kind, data, said.get("person", ""))
        self.mandates.add(data["number"])
        if not self.is_founded:
            self.founding.update(leaf)
        if kind == "policy.set":
            _check_rules(where, said["rules"])
            self.policy, self.policy_number = said, data["number"]
        elif kind == "key.add":
            self._add_key(where, data, said)
        else:
            key = self.keys.get(said["key"])
            if key is None or not key.is_live or key.person != said["person"]:
                raise Problem(where, "revokes a key that is not in force")
            key.is_live = False

    def _add_key(self, where: str, data: dict[str, Any], said: dict[str, Any]) -> None:
        public = bytes.fromhex(said["pub"])
        if data["by"] != said["person"] or not self.policy:
            raise Problem(where, "adds a key that its person did not enrol, or before the rules")
        if any(key.public == public for key in self.keys.values()):
            raise Problem(where, "adds a key that was added before")
        if said["alg"] == PASSWORD and is_anybodys_key(public):
            raise Problem(where, "adds a key under which anybody can sign")
        self.keys[data["number"]] = SigningKey(
            said["person"], said["role"], said["alg"], public, said["rp"]
        )
        self.founders.add(said["person"])

    def _confirmations(self, where: str, kind: str, data: dict[str, Any], person: str) -> None:
        people = set()
        for word in data["confirmations"]:
            if word["person"] in (data["by"], person):
                raise Problem(where, "is confirmed by who proposed it, or whose key it is")
            if self.is_founded:
                said = {
                    "mandate": data["number"], "person": word["person"], "role": word["role"],
                    "said": hashlib.sha256(data["said"].encode()).hexdigest(), "type": kind,
                }  # fmt: skip
                self._check(where, word, mandate_digest(said))
            people.add(word["person"])
        if len(people) < FEWEST:
            raise Problem(where, "is in force without the word of two others")

    def _check(self, where: str, word: dict[str, Any], wanted: bytes) -> None:
        """The signature is the person's in that role, by a key in force. Raises Problem."""
        sig = word["sig"]
        key = self.keys.get(str(sig.get("key")))
        if key is None or not key.is_live:
            raise Problem(where, "is signed with a key that is unknown or revoked")
        if (key.person, key.role) != (word["person"], word["role"]):
            raise Problem(where, "is signed with the key of somebody else, or of another role")
        if key.alg == PASSWORD and self.policy.get("password_keys") is not True:
            raise Problem(where, "is signed with a fallback key, which the rules exclude")
        self.signatures += 1
        fault = assertion_fault(key, self.policy["origins"], wanted, sig)
        if fault:
            raise Problem(where, fault)
        if key.alg == PASSWORD:
            self.fallbacks.append(f"{where}, by person {key.person} with key {sig['key']}")

    # overrides

    def _request(self, where: str, at: str, data: dict[str, Any], leaf: str) -> None:
        name, asked = data["request"], Asked(data, leaf, leaf)
        if name in self.asked or not self.is_founded:
            raise Problem(where, f"{name} is asked for twice, or before three people have keys")
        amount = Decimal(data["amount"])
        lines = [Decimal(line["amount"]) for line in data["proposed"]["lines"]]
        if amount <= 0 or amount != sum(m for m in lines if m > 0):
            raise Problem(where, f"{name} is not of the amount of its lines")
        rule = rule_for(self.policy["rules"], data["kind"], amount)
        if rule is None or data["policy"] != self.policy_number:
            raise Problem(where, f"{name} goes by rules that are not in force")
        for part in ("threshold", "roles", "ratify_hours", "ratify_roles"):
            if data[part] != rule[part]:
                raise Problem(where, f"{name}: its {part} is not what the rules say")
        latest = _moment(at) + timedelta(hours=int(rule["open_hours"]))
        if _moment(data["expires"]) > latest:
            raise Problem(where, f"{name} stays open for longer than the rules say")
        if len(data["document"]) != 64 or not data["justification"].strip():
            raise Problem(where, f"{name} has no document or no justification")
        if data["kind"] == "validation_waiver":
            _check_waiver(where, name, data["proposed"])
        if data["kind"] == "atl_btl" and sum(lines):
            raise Problem(where, f"{name} gives one side of the line what the other does not lose")
        if data["follows"]:
            before = next((a for a in self.asked.values() if a.leaf == data["follows"]), None)
            if before is None or before.state != "rejected" or before.back_to in ("", "nowhere"):
                raise Problem(where, f"{name} asks again for what was not sent back")
            if data["prev"] != before.last:
                raise Problem(where, f"{name} does not follow what was sent back")
        self.asked[name] = asked

    def _step(self, where: str, kind: str, at: str, data: dict[str, Any], leaf: str) -> None:
        asked = self.asked.get(data["request"])
        if asked is None:
            raise Problem(where, f"{data['request']} was never asked for")
        if data["prev"] != asked.last:
            raise Problem(where, f"{data['request']}: does not follow the step before it")
        steps: dict[str, Callable[[str, Asked, str, dict[str, Any]], str]] = {
            "override.decision": self._decision, "override.execute": self._execute,
            "override.ratify": self._ratify, "override.revert": self._revert,
            "override.expire": self._expire, "override.stop": self._stop,
            "override.audited": self._audited,
        }  # fmt: skip
        if kind not in steps:
            raise Problem(where, f"{kind} is no step of an override")
        becomes = steps[kind](f"{where}: {data['request']}", asked, at, data)
        if data["becomes"] != becomes:
            raise Problem(where, f"{data['request']} becomes {becomes}, not {data['becomes']}")
        asked.state, asked.last = becomes, leaf
        if kind == "override.execute":
            asked.executed = leaf

    def _signed(self, where: str, asked: Asked, data: dict[str, Any], signs: str) -> None:
        said: dict[str, str] = {
            "decision": data["decision"], "person": data["person"], "request": data["request"],
            "request_hash": signs, "role": data["role"],
        }  # fmt: skip
        said |= {part: data[part] for part in ("reason", "back_to") if part in data}
        self._check(where, data, decision_digest(said))

    def _decision(self, where: str, asked: Asked, at: str, data: dict[str, Any]) -> str:
        decision, person = data["decision"], data["person"]
        if decision not in ("approve", "reject") or ("back_to" in data and decision == "approve"):
            raise Problem(where, "is neither approved nor rejected")
        if person == asked.data["by"]:
            raise Problem(where, "is decided by who asked for it")
        if asked.state not in (("requested",) if decision == "approve" else
                               ("requested", "approved")):  # fmt: skip
            raise Problem(where, f"is decided when it is {asked.state}")
        if at > asked.data["expires"]:
            raise Problem(where, "is decided after it expired")
        if person in asked.approved:
            raise Problem(where, "is decided twice by one person")
        self._signed(where, asked, data, asked.leaf)
        if decision == "reject":
            asked.back_to = data["back_to"]
            return "rejected"
        asked.approved[person] = data["role"]
        enough = len(asked.approved) >= max(FEWEST, int(asked.data["threshold"]))
        roles = set(asked.data["roles"]) <= set(asked.approved.values())
        return "approved" if enough and roles else "requested"

    def _execute(self, where: str, asked: Asked, at: str, data: dict[str, Any]) -> str:
        if asked.state != "approved":
            raise Problem(where, f"is executed when it is {asked.state}")
        if at > asked.data["expires"]:
            raise Problem(where, "is executed after it expired")
        latest = _moment(at) + timedelta(hours=int(asked.data["ratify_hours"]))
        if _moment(data["ratify_by"]) > latest:
            raise Problem(where, "may be ratified for longer than the rules say")
        asked.executed_batch, asked.ratify_by = data["batch"], data["ratify_by"]
        self._names(where, data)
        return "executed"

    def _names(self, where: str, data: dict[str, Any]) -> None:
        if data["batch"] in self.batches:
            raise Problem(where, f"batch {data['batch']} carried out another step")
        self.batches[data["batch"]] = (data["entry"], where)

    def _ratify(self, where: str, asked: Asked, at: str, data: dict[str, Any]) -> str:
        if asked.state != "executed" or data["decision"] != "ratify":
            raise Problem(where, f"is ratified when it is {asked.state}")
        if at > asked.ratify_by:
            raise Problem(where, "is ratified after its time")
        if data["person"] in asked.ratified or data["role"] not in asked.data["ratify_roles"]:
            raise Problem(where, "is ratified twice by one person, or by another role")
        self._signed(where, asked, data, asked.executed)
        asked.ratified[data["person"]] = data["role"]
        done = set(asked.data["ratify_roles"]) <= set(asked.ratified.values())
        return "ratified" if done else "executed"

    def _revert(self, where: str, asked: Asked, at: str, data: dict[str, Any]) -> str:
        if asked.state != "executed" or at <= asked.ratify_by:
            raise Problem(where, f"is reverted when it is {asked.state}, or before its time")
        asked.reverted_batch = data["batch"]
        self._names(where, data)
        return "reverted"

    def _expire(self, where: str, asked: Asked, at: str, data: dict[str, Any]) -> str:
        if asked.state not in ("requested", "approved") or at <= asked.data["expires"]:
            raise Problem(where, f"expires when it is {asked.state}, or before its time")
        return "expired"

    def _stop(self, where: str, asked: Asked, at: str, data: dict[str, Any]) -> str:
        if asked.state != "approved" or not data.get("reason"):
            raise Problem(where, f"is stopped when it is {asked.state}, or without a reason")
        return "rejected"

    def _audited(self, where: str, asked: Asked, at: str, data: dict[str, Any]) -> str:
        if asked.state != "ratified" or data["decision"] != "audit":
            raise Problem(where, f"is audited when it is {asked.state}")
        if data["person"] in {asked.data["by"], *asked.approved, *asked.ratified}:
            raise Problem(where, "is audited by somebody who took part in it")
        if data["role"] not in AUDITORS:
            raise Problem(where, "is audited for nobody outside")
        self._signed(where, asked, data, asked.executed)
        return "audited"


def branch_problems(asked: dict[str, Asked], branches: dict[str, str]) -> list[str]:
    """What is wrong between overrides and the branches of the cost tree that say they are theirs,
    whatever logs they stand in."""
    grown = {
        name: each.data["target_digest"]
        for name, each in asked.items()
        if each.executed_batch and "branch" in each.data["proposed"]
    }
    return [
        f"{name}: its branch is missing, departs from another node, or was never carried out"
        for name in sorted(grown.keys() | branches.keys())
        if grown.get(name) != branches.get(name)
    ]


def _check_waiver(where: str, name: str, proposed: dict[str, Any]) -> None:
    if not proposed["codes"] or set(proposed["codes"]) - WAIVABLE:
        raise Problem(where, f"{name} passes over what no override passes over")
    if len(proposed["payload"]) != 64 or len(proposed["cells"]) != 64:
        raise Problem(where, f"{name} does not say which bytes it is about")


def _check_rules(where: str, rules: list[dict[str, Any]]) -> None:
    if not rules:
        raise Problem(where, "sets no rules")
    for rule in rules:
        if int(rule["threshold"]) < FEWEST or len(set(rule["roles"])) > int(rule["threshold"]):
            raise Problem(where, f"{rule['kind']}: a threshold below two, or roles beyond it")
        if not rule["roles"] or not rule["ratify_roles"]:
            raise Problem(where, f"{rule['kind']}: nobody signs it, or ratifies it")
        if rule["kind"] in GUARANTEED and GUARANTOR not in rule["roles"]:
            raise Problem(where, f"{rule['kind']}: it goes without the guarantor's signature")
