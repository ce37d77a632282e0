"""What people sign, and whether they did: WebAuthn, checked as the device's own library does, and
fallback signatures, which are Ed25519 over the same digest."""

import base64
import hashlib
import json
from collections.abc import Collection
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fido2.cose import ES256
from fido2.webauthn import AttestationObject, AuthenticatorData, CollectedClientData

from ledger.override_tree import PASSWORD as FALLBACK
from ledger.override_tree import WEBAUTHN, decision_digest, mandate_digest

__all__ = ["FALLBACK", "WEBAUTHN", "SignatureError", "decision_digest", "mandate_digest"]


class SignatureError(ValueError):
    """Why a signature or a new key is not taken, in words."""


def base64_text(data: bytes) -> str:
    """Bytes as log entries write them."""
    return base64.b64encode(data).decode()


def web_base64(data: bytes) -> str:
    """Bytes as browsers write them."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_web(text: str) -> bytes:
    """The bytes a browser wrote. Raises SignatureError."""
    try:
        return base64.b64decode(
            text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True
        )
    except ValueError as fault:
        raise SignatureError("What the browser sent cannot be read. Try again.") from fault


def signed_text(key: int, client: bytes, auth: bytes, signature: bytes) -> str:
    """An assertion as it is kept in the step and in the log."""
    said = {
        "alg": WEBAUTHN, "auth": base64_text(auth), "client": base64_text(client),
        "key": str(key), "sig": base64_text(signature),
    }  # fmt: skip
    return json.dumps(said, sort_keys=True, separators=(",", ":"))


def fallback_text(key: int, signature: bytes) -> str:
    """A fallback signature as it is kept in the step and in the log."""
    said = {"alg": FALLBACK, "key": str(key), "sig": base64_text(signature)}
    return json.dumps(said, sort_keys=True, separators=(",", ":"))


def check_fallback(text: str, *, public: str, digest: bytes) -> None:
    """Raise SignatureError unless this is the fallback key's signature over the digest."""
    said: dict[str, Any] = json.loads(text)
    try:
        made = base64.b64decode(said["sig"], validate=True)
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(made, digest)
    except (ValueError, InvalidSignature) as fault:
        raise SignatureError("The signature does not hold. Nothing was taken.") from fault


def check_assertion(
    text: str, *, public: str, rp: str, origins: Collection[str], digest: bytes
) -> None:
    """Raise SignatureError unless this is the key's assertion over the digest, its person verified
    by the device."""
    said: dict[str, Any] = json.loads(text)
    client_data, auth_data = base64.b64decode(said["client"]), base64.b64decode(said["auth"])
    client, auth = _read(client_data, auth_data)
    if client.type != CollectedClientData.TYPE.GET or client.cross_origin:
        raise SignatureError("This is no approval made on this site's own page.")
    if client.origin not in origins or auth.rp_id_hash != hashlib.sha256(rp.encode()).digest():
        raise SignatureError("This was signed for another site. Nothing was taken.")
    if client.challenge != digest:
        raise SignatureError("What was signed is not what is decided here. Look again and sign.")
    if not auth.is_user_present() or not auth.is_user_verified():
        raise SignatureError(
            "The device did not verify you. Use your fingerprint, your face or your PIN."
        )
    try:
        signed = auth_data + client.hash
        _cose(public).verify(signed, base64.b64decode(said["sig"]))  # type: ignore[no-untyped-call]
    except InvalidSignature as fault:
        raise SignatureError("The signature does not hold. Nothing was taken.") from fault


def read_registration(
    *, attestation: bytes, client_data: bytes, challenge: bytes, rp: str, origins: Collection[str]
) -> tuple[str, str]:
    """(credential id, public key) of a key a device has just made. Raises SignatureError."""
    try:
        client = CollectedClientData(client_data)
        auth = AttestationObject(attestation).auth_data
    except (ValueError, KeyError, IndexError) as fault:
        raise SignatureError("What the device sent cannot be read. Try again.") from fault
    if (client.type, client.challenge) != (CollectedClientData.TYPE.CREATE, challenge):
        raise SignatureError("This key was made for another page. Begin again.")
    if client.origin not in origins or auth.rp_id_hash != hashlib.sha256(rp.encode()).digest():
        raise SignatureError("This key was made for another site.")
    if not auth.is_user_verified() or auth.credential_data is None:
        raise SignatureError("The device did not verify you. Use a device that does.")
    key = auth.credential_data.public_key
    if not isinstance(key, ES256):
        raise SignatureError("Expected a key of the kind ES256. Use another device.")
    point = b"\x04" + key[-2].rjust(32, b"\0") + key[-3].rjust(32, b"\0")
    return base64_text(auth.credential_data.credential_id), point.hex()


def _read(client: bytes, auth: bytes) -> tuple[CollectedClientData, AuthenticatorData]:
    try:
        return CollectedClientData(client), AuthenticatorData(auth)
    except (ValueError, KeyError, IndexError) as fault:
        raise SignatureError("The signature cannot be read. Try again.") from fault


def _cose(public: str) -> ES256:
    point = bytes.fromhex(public)
    return ES256({1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})
