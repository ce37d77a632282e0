"""Whether a signature is a key's own over a digest, of a kind that the signing rules take."""

import json
from collections.abc import Collection

from overrides import signatures
from overrides.models import Key
from overrides.policies import Policy
from overrides.signatures import FALLBACK, SignatureError


def check_signature(key: Key, policy: Policy, text: str, digest: bytes) -> None:
    """Raise SignatureError in words unless it holds, and the rules in force take its kind."""
    if key.alg == FALLBACK and not policy.password_keys:
        raise SignatureError(
            "The signing rules exclude fallback signatures. Sign with a passkey of yours."
        )
    check_made(key, text, digest, policy.origins)


def check_made(key: Key, text: str, digest: bytes, origins: Collection[str]) -> None:
    """Raise SignatureError unless the key made it over the digest, whatever the rules say now."""
    try:
        if json.loads(text)["alg"] != key.alg:
            raise SignatureError("The signature is of another kind than its key.")
        if key.alg == FALLBACK:
            signatures.check_fallback(text, public=key.public, digest=digest)
        else:
            signatures.check_assertion(
                text, public=key.public, rp=key.rp, origins=origins, digest=digest
            )
    except SignatureError:
        raise
    except (ValueError, KeyError, TypeError) as fault:
        raise SignatureError("The signature cannot be read. Try again.") from fault
