"""Checkpoints as signed notes in the form of C2SP: origin, size and root, then one signature. Pure.

The form is read in one place only, the rules that go out with every bundle (audit_rules).
"""

import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ledger.audit_rules import Note, key_id, parse_note


def body_of(origin: str, size: int, root: bytes) -> str:
    """What is signed. AssertionError for an origin that could not be read back."""
    assert origin and not any(c.isspace() or c == "+" for c in origin), f"no origin: {origin!r}"
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def signed_note(key: Ed25519PrivateKey, *, origin: str, size: int, root: bytes) -> str:
    """The whole note. Ed25519 has no chance in it: the same head gives the same note."""
    body = body_of(origin, size, root)
    signed = key_id(origin, key.public_key().public_bytes_raw()) + key.sign(body.encode())
    return f"{body}\n\u2014 {origin} {base64.b64encode(signed).decode()}\n"


def note_of(raw: bytes, public: bytes, *, origin: str) -> Note | None:
    """The note, when its form, its origin, its key and its signature are right; None otherwise."""
    note = parse_note(raw)
    if note is None or note.origin != origin or note.key_id != key_id(origin, public):
        return None
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(note.signature, note.body)
    except InvalidSignature:
        return None
    return note
