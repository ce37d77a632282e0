"""Approving, rejecting, ratifying and auditing: each a signature over the override's own entry."""

import hashlib
import json
from dataclasses import dataclass

from access.errors import Invalid, NotFoundHere, Refused
from access.models import User
from overrides import selectors, signatures
from overrides.keys import check_signature
from overrides.models import Key, Override, Step
from overrides.requests import in_words
from overrides.signatures import SignatureError
from overrides.states import BACK_TO

DECISIONS = ("approve", "reject", "ratify", "audit")


class BadSignature(Refused):
    """What was signed does not hold, or is not what is decided."""

    code = "E_SIGNATURE"


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decides: one of DECISIONS; a rejection says why and where it goes back to."""

    step: str
    reason: str = ""
    back_to: str = ""

    def said(self, found: Override, key: Key) -> dict[str, str]:
        """What is signed, in the terms of ledger/override_tree.py."""
        leaf = found.leaf if self.step in ("approve", "reject") else found.executed_leaf
        said = {
            "decision": self.step, "person": str(key.person_id), "request": found.reference,
            "request_hash": bytes(leaf or b"").hex(), "role": key.role,
        }  # fmt: skip
        more = {"reason": self.reason, "back_to": self.back_to}
        return said | {name: text for name, text in more.items() if text}


def digest_of(found: Override, decision: Decision, key: Key) -> bytes:
    """The challenge the key signs for this decision."""
    return signatures.decision_digest(decision.said(found, key))


def hash_words(digest: bytes) -> str:
    """The start of a digest as people compare it: 9f3a 1c07."""
    text = hashlib.sha256(digest).hexdigest()
    return f"{text[:4]} {text[4:8]}"


def check_decision(actor: User, found: Override, decision: Decision) -> None:
    """Refuse in words, before anything is signed, what the database would refuse after."""
    if decision.step not in DECISIONS:
        raise Invalid(f"Decision: expected one of {', '.join(DECISIONS)}.")
    name = found.reference
    wanted = {"approve": ("requested",), "reject": ("requested", "approved"),
              "ratify": ("executed",), "audit": ("ratified",)}  # fmt: skip
    if found.state not in wanted[decision.step]:
        raise Refused(f"{name} is {found.state} already.")
    if decision.step != "ratify" and found.requested_by_id == actor.pk:
        raise Refused(f"You asked for {name}: others decide it.")
    if decision.step != "audit" and selectors.has_ended(found):
        raise Refused(f"The time to decide {name} is over.")
    if decision.step == "reject" and (
        not decision.reason.strip() or decision.back_to not in BACK_TO
    ):
        raise Invalid("Reject: expected a reason, and where the request goes back to.")
    if decision.step != "reject" and (decision.reason or decision.back_to):
        raise Invalid("Only a rejection carries a reason and a step to go back to.")


def decide(*, actor: User, found: Override, decision: Decision, signature: str) -> Step:
    """Take a signed decision. Raises Refused and BadSignature; then nothing has changed.

    `signature` is the text of `signatures.signed_text`.
    """
    check_decision(actor, found, decision)
    key = own_key(actor, found, signature)
    policy = selectors.policy(found.production)
    if policy is None:
        raise NotFoundHere
    try:
        check_signature(key, policy, signature, digest_of(found, decision, key))
    except SignatureError as fault:
        raise BadSignature(str(fault)) from fault
    with in_words():
        made = Step.objects.create(
            production_id=found.production_id, override=found, number=0, step=decision.step,
            becomes="", person=actor, key=key, signature=signature, reason=decision.reason,
            back_to=decision.back_to, taken_at="2000-01-01T00:00Z", leaf=b"",
        )  # fmt: skip
    made.refresh_from_db()
    return made


def own_key(actor: User, found: Override, signature: str) -> Key:
    """The key in force that a signature names, if it is the actor's. Raises BadSignature."""
    try:
        number = int(json.loads(signature)["key"])
    except (ValueError, KeyError, TypeError) as fault:
        raise BadSignature("The signature cannot be read. Try again.") from fault
    for key in selectors.live_keys(found.production, actor):
        if key.number == number:
            return key
    raise BadSignature("This key is not yours, or was revoked. Sign with one that is in force.")
