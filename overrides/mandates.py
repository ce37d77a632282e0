"""Who may sign: keys and signing rules, proposed by one person and confirmed by two others."""

import hashlib
import json

from access.errors import Invalid, Refused
from access.models import Production, User
from access.selectors import memberships_of
from overrides import policies, selectors, signatures
from overrides.keys import check_signature
from overrides.models import Confirmation, Key, Mandate
from overrides.policies import Policy, PolicyError
from overrides.requests import in_words
from overrides.signatures import SignatureError

LONGEST_REASON = 300


def propose_rules(*, actor: User, production: Production, policy: Policy) -> Mandate:
    """Propose signing rules; they are in force once two others have confirmed them.

    Raises Invalid in words when they break a floor.
    """
    try:
        text = policies.written(policy)
    except PolicyError as fault:
        raise Invalid(str(fault)) from fault
    if not policies.covers_every_kind(policy.rules):
        raise Invalid("Every kind needs a rule without an upper amount.")
    return _propose(actor, production, "policy.set", text)


def propose_key(
    *, actor: User, production: Production, credential: str, public: str, rp: str
) -> Mandate:
    """Propose a passkey that the actor's own device has just made."""
    said = {
        "alg": signatures.WEBAUTHN, "credential": credential, "person": str(actor.pk),
        "pub": public, "role": _role(actor, production), "rp": rp,
    }  # fmt: skip
    return _propose(actor, production, "key.add", policies.canonical(said))


def propose_fallback_key(*, actor: User, production: Production, public: str) -> Mandate:
    """Propose a key that a pass phrase of the actor's unlocks (overrides/fallback.py)."""
    said = {
        "alg": signatures.FALLBACK, "credential": "", "person": str(actor.pk), "pub": public,
        "role": _role(actor, production), "rp": "",
    }  # fmt: skip
    return _propose(actor, production, "key.add", policies.canonical(said))


def propose_revocation(*, actor: User, key: Key, reason: str) -> Mandate:
    """Propose that a key be revoked. Raises Invalid without a reason."""
    if not 0 < len(reason.strip()) <= LONGEST_REASON:
        raise Invalid(f"Reason: expected 1 to {LONGEST_REASON} characters.")
    said = {"key": str(key.number), "person": str(key.person_id), "reason": reason.strip()}
    return _propose(actor, key.production, "key.revoke", policies.canonical(said))


def _propose(actor: User, production: Production, kind: str, said: str) -> Mandate:
    with in_words():
        made = Mandate.objects.create(
            production=production, number=0, type=kind, said=said, proposed_by=actor
        )
    made.refresh_from_db()
    return made


def _role(actor: User, production: Production) -> str:
    held = memberships_of(actor).filter(production=production).first()
    return held.role if held else ""


def confirmation_digest(mandate: Mandate, key: Key) -> bytes:
    """What a key signs to confirm a mandate."""
    return signatures.mandate_digest({
        "mandate": str(mandate.number), "person": str(key.person_id), "role": key.role,
        "said": hashlib.sha256(mandate.said.encode()).hexdigest(), "type": mandate.type,
    })  # fmt: skip


def confirm(*, actor: User, mandate: Mandate, signature: str = "") -> Mandate:
    """Confirm what somebody else proposed; the second of two puts it in force.

    Unsigned until three people have had keys, signed from then on. Raises Refused.
    """
    if actor.pk in (mandate.proposed_by_id, mandate.person_id):
        raise Refused("Two others confirm this: neither who proposed it, nor whose key it is.")
    if selectors.is_founded(mandate.production):
        _check(actor, mandate, signature)
    with in_words():
        Confirmation.objects.create(
            production_id=mandate.production_id, mandate=mandate, person=actor, role="",
            signature=signature,
        )  # fmt: skip
    mandate.refresh_from_db()
    return mandate


def _check(actor: User, mandate: Mandate, signature: str) -> None:
    policy = selectors.policy(mandate.production)
    live = selectors.live_keys(mandate.production, actor)
    try:
        named = json.loads(signature)["key"] if signature else ""
        key = next((k for k in live if str(k.number) == named), None)
        if key is None or policy is None:
            raise Refused("Confirm this with a key of your own that is in force.")
        check_signature(key, policy, signature, confirmation_digest(mandate, key))
    except (SignatureError, ValueError, KeyError, TypeError) as fault:
        raise Refused(str(fault)) from fault
