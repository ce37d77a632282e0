"""Signing without a passkey: a code of one's app, and a pass phrase that unlocks a key.

The signature is over what a passkey would sign, by a key of its owner's that two others confirmed;
its kind marks it. The server has the private key open while it signs, so it could sign something
else then: a passkey's signature is the better one, and rules exclude these unless they say
otherwise (docs/decisions/0041).
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from access import codes
from access.errors import Invalid, Refused
from access.models import Production, User
from overrides import mandates, sealed_keys, selectors, signatures
from overrides.models import Key, Mandate, SealedKey
from overrides.sealed_keys import Sealed, Terms
from overrides.signatures import FALLBACK

SIGNING, ENROLLING = "sign", "enrol"
LONGEST = 200
NO_APP = "Set up an authenticator app first, under your keys."


class WrongProof(Refused):
    """The code or the pass phrase was wrong, or both: which is not said."""

    code = "E_PROOF"

    def __init__(self, what: str = "The code or the pass phrase is not right, or the code") -> None:
        super().__init__(f"{what} was used already. Wait for the next code, then try again.")


@dataclass(frozen=True)
class Proof:
    """What a person gives to sign: a code of their app, and the pass phrase of their key."""

    code: str
    phrase: str

    def __repr__(self) -> str:
        return "Proof()"  # never in a log or a report of a fault


def is_taken(production: Production) -> bool:
    """Whether the signing rules in force take fallback signatures."""
    policy = selectors.policy(production)
    return policy is not None and policy.password_keys


def key_of(production: Production, user: User) -> Key | None:
    """The person's newest fallback key in force."""
    held = [k for k in selectors.live_keys(production, user) if k.alg == FALLBACK]
    return held[-1] if held else None


def enrol(*, actor: User, production: Production, proof: Proof, again: str) -> Mandate:
    """Make a fallback key and propose it; two others confirm it. Raises Refused in words.

    The pass phrase is not the password: whoever overhears one of them has not the other.
    """
    if not is_taken(production):
        raise Refused("The signing rules exclude fallback signatures.")
    if not codes.has_app(actor):
        raise Refused(NO_APP)
    if proof.phrase != again:
        raise Invalid("Pass phrase: the two are not the same.")
    if len(proof.phrase) > LONGEST:
        raise Invalid(f"Pass phrase: expected at most {LONGEST} characters.")
    try:
        validate_password(proof.phrase, actor)
    except ValidationError as fault:
        raise Invalid(f"Pass phrase: {' '.join(fault.messages)}") from fault
    place = codes.begin_try(actor, ENROLLING)
    if not codes.takes_code(actor, proof.code):
        raise WrongProof("The code is not right, or")
    if actor.check_password(proof.phrase):
        raise Invalid("Pass phrase: choose another than the password you sign in with.")
    made = sealed_keys.new_key(proof.phrase, _whose(production, actor))
    mandate = mandates.propose_fallback_key(actor=actor, production=production, public=made.public)
    SealedKey.objects.create(
        production=production, user=actor, public=made.public, salt=made.salt, sealed=made.sealed,
        **asdict(made.terms),
    )  # fmt: skip
    codes.give_back(place)
    return mandate


def sign(
    *, actor: User, production: Production, digest_for: Callable[[Key], bytes], proof: Proof
) -> str:
    """What the step or the confirmation keeps: a signature with the actor's fallback key.

    Raises WrongProof without saying what was wrong, and TooManyTries. Both halves are looked at
    whatever the other was, so that the time it takes says nothing either.
    """
    key = key_of(production, actor)
    kept = _kept(key) if key else None
    if key is None or kept is None:
        raise Refused("You have no fallback key in force here.")
    if not is_taken(production):
        raise Refused("The signing rules exclude fallback signatures. Sign with a passkey.")
    if not codes.has_app(actor):
        raise Refused(NO_APP)
    place = codes.begin_try(actor, SIGNING)
    secret = sealed_keys.opened(kept, proof.phrase[:LONGEST], _whose(production, actor))
    is_code = codes.takes_code(actor, proof.code)
    if secret is None or not is_code:
        raise WrongProof
    codes.give_back(place)
    return signatures.fallback_text(key.number, secret.sign(digest_for(key)))


def _kept(key: Key) -> Sealed | None:
    row = selectors.sealed_key(key)
    if row is None:
        return None
    terms = Terms(row.memory_kib, row.iterations, row.lanes, row.kdf)
    return Sealed(row.public, bytes(row.salt), row.sealed, terms)


def _whose(production: Production, user: User) -> str:
    return f"{production.pk}/{user.pk}"
