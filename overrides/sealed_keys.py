"""A private key that its owner's pass phrase opens, for one signature and no longer.

It is sealed twice: under a key that argon2id derives from the pass phrase, and around that under
one derived from the installation's secret. Whoever has the rows alone cannot even try pass
phrases; whoever has the secret too must try each at argon2id's price.
"""

import os
import unicodedata
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.fernet import InvalidToken
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from access.errors import Refused
from access.sealing import seal_of

KDF: Final = "argon2id"
PURPOSE = b"prodacct override fallback keys v1"
_NONCE = 12


class NotOpened(Refused):
    """The installation's secret is another than the one the key was sealed under."""

    code = "E_SEALED"

    def __init__(self) -> None:
        super().__init__(
            "This fallback key cannot be opened any more, since the installation's secret was "
            "changed. Have it revoked, and make another."
        )


@dataclass(frozen=True)
class Terms:
    """What it costs to try a pass phrase."""

    memory_kib: int
    iterations: int
    lanes: int
    kdf: str = KDF


# RFC 9106, section 4: the second of its recommended sets. A key keeps those it was sealed on.
TERMS = Terms(64 * 1024, 3, 4)


@dataclass(frozen=True)
class Sealed:
    """A sealed private key, its public half, and the terms on which a pass phrase opens it."""

    public: str
    salt: bytes
    sealed: str
    terms: Terms


def new_key(phrase: str, whose: str) -> Sealed:
    """A key pair made now, its private half sealed. `whose` is bound to it: it opens for nobody
    else's row."""
    secret, salt, nonce = Ed25519PrivateKey.generate(), os.urandom(16), os.urandom(_NONCE)
    public = secret.public_key().public_bytes_raw().hex()
    box = AESGCM(_derived(salt, TERMS, phrase)).encrypt(
        nonce, secret.private_bytes_raw(), _bound(public, whose)
    )
    return Sealed(public, salt, seal_of(PURPOSE).encrypt(nonce + box).decode(), TERMS)


def opened(kept: Sealed, phrase: str, whose: str) -> Ed25519PrivateKey | None:
    """The private key, or None where the pass phrase is another. Raises NotOpened."""
    assert kept.terms.kdf == KDF, "the database keeps no other"
    key = AESGCM(_derived(kept.salt, kept.terms, phrase))
    try:
        box = seal_of(PURPOSE).decrypt(kept.sealed.encode())
    except InvalidToken as fault:
        raise NotOpened from fault
    try:
        raw = key.decrypt(box[:_NONCE], box[_NONCE:], _bound(kept.public, whose))
    except InvalidTag:
        return None
    return Ed25519PrivateKey.from_private_bytes(raw)


def _derived(salt: bytes, terms: Terms, phrase: str) -> bytes:
    # Two keyboards write one letter in two ways; NFC makes it one.
    said = unicodedata.normalize("NFC", phrase).encode()
    return Argon2id(
        salt=salt, length=32, iterations=terms.iterations, lanes=terms.lanes,
        memory_cost=terms.memory_kib,
    ).derive(said)  # fmt: skip


def _bound(public: str, whose: str) -> bytes:
    return f"prodacct fallback key v1\n{whose}\n{public}".encode()
