"""Secrets at rest: encrypted under a key that comes from the installation's secret.

Fernet (AES-128-CBC with HMAC-SHA256). The text says whose it is, so that a ciphertext copied into
another row opens nothing there. With the installation's secret changed, the one before is named in
PRODACCT_SECRET_KEY_BEFORE until every secret has been given anew.
"""

import json
from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from access.errors import Invalid, Refused

MOST_CHARACTERS = 8_000


class SecretLost(Refused):
    """The secret cannot be opened: the installation's own is not the one it was kept under."""

    code = "secret_lost"


def _fernet() -> MultiFernet:
    return MultiFernet(
        Fernet(
            urlsafe_b64encode(
                HKDF(SHA256(), 32, None, b"prodacct secrets at rest v1").derive(key.encode())
            )
        )
        for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    )


def sealed(text: str, *, production_id: int, kind: str) -> bytes:
    """The secret as it is kept."""
    # A private key has lines; everything else that has would be cut or bent in a header.
    plain = text.replace("\n", "") if text.startswith("-----BEGIN ") else text
    if not text or len(text) > MOST_CHARACTERS or not plain.isprintable():
        raise Invalid(f"secret: expected 1 to {MOST_CHARACTERS:,} visible characters")
    return _fernet().encrypt(json.dumps([production_id, kind, text]).encode())


def opened(kept: bytes, *, production_id: int, kind: str) -> str:
    """The secret itself. Raises SecretLost."""
    try:
        whose, what, text = json.loads(_fernet().decrypt(kept))
    except InvalidToken:
        raise SecretLost(
            "the secret was kept under another PRODACCT_SECRET_KEY; give it anew, or name the key "
            "before in PRODACCT_SECRET_KEY_BEFORE"
        ) from None
    if (whose, what) != (production_id, kind):
        raise SecretLost("the secret is another production's; give it anew")
    return str(text)
