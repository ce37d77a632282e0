"""Checkpoints in the form of a signed note, and Ed25519 against the vectors of RFC 8032."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger import audit_rules, notes

# RFC 8032, section 7.1: secret key, public key, message, signature.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
ORIGIN = "prodacct/NF/MAIN"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
PUBLIC = KEY.public_key().public_bytes_raw()
NOTE = notes.signed_note(KEY, origin=ORIGIN, size=12, root=b"\x07" * 32).encode()


@pytest.mark.parametrize("vector", VECTORS)
def test_signing_and_verifying_agree_with_the_vectors_of_rfc_8032(vector: tuple[str, ...]) -> None:
    secret, public, message, signature = map(bytes.fromhex, vector)
    key = Ed25519PrivateKey.from_private_bytes(secret)
    assert key.public_key().public_bytes_raw() == public
    assert key.sign(message) == signature
    assert audit_rules.signature_holds(public, message, signature)
    assert not audit_rules.signature_holds(public, message + b"x", signature)


def test_no_bit_of_a_signature_a_message_or_a_key_can_be_changed() -> None:
    _, public, message, signature = map(bytes.fromhex, VECTORS[2])
    for index in range(0, len(signature) * 8, 3):
        assert not audit_rules.signature_holds(public, message, flipped(signature, index))
    for index in range(0, 256, 7):
        assert not audit_rules.signature_holds(flipped(public, index), message, signature)


def test_a_signature_whose_number_is_above_the_order_is_refused() -> None:
    _, public, message, signature = map(bytes.fromhex, VECTORS[1])
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(signature[32:], "little") + order
    assert not audit_rules.signature_holds(
        public, message, signature[:32] + s.to_bytes(32, "little")
    )


def test_a_note_is_three_lines_an_empty_one_and_a_signature() -> None:
    lines = NOTE.decode().split("\n")
    assert lines[:4] == [ORIGIN, "12", base64.b64encode(b"\x07" * 32).decode(), ""]
    assert lines[4].startswith(f"\u2014 {ORIGIN} ")
    signed = base64.b64decode(lines[4].rpartition(" ")[2])
    assert signed[:4] == audit_rules.key_id(ORIGIN, PUBLIC)
    KEY.public_key().verify(signed[4:], "\n".join(lines[:3]).encode() + b"\n")
    read = notes.note_of(NOTE, PUBLIC, origin=ORIGIN)
    assert read is not None and (read.size, read.root) == (12, b"\x07" * 32)


def flipped(data: bytes, index: int) -> bytes:
    changed = bytearray(data)
    changed[index // 8] ^= 1 << index % 8
    return bytes(changed)


def test_no_bit_of_a_note_can_be_changed() -> None:
    for index in range(len(NOTE) * 8):
        assert notes.note_of(flipped(NOTE, index), PUBLIC, origin=ORIGIN) is None


SECOND = NOTE.split(b"\n\n")[1]
FOREIGN = notes.signed_note(OTHER, origin=ORIGIN, size=12, root=b"\x07" * 32).encode()
REFUSED = {
    "another key": FOREIGN,
    "another log": notes.signed_note(KEY, origin="prodacct/NF/2ND", size=12, root=b"\x07" * 32)
    .encode(),
    "a double signature": NOTE + SECOND,
    "a second signature of another": NOTE + FOREIGN.split(b"\n\n")[1],
    "no signature": NOTE.split(b"\n\n")[0] + b"\n\n",
    "a body of another size": NOTE.replace(b"\n12\n", b"\n13\n"),
    "a size with a zero in front": NOTE.replace(b"\n12\n", b"\n012\n"),
    "more after it": NOTE + b"\n",
    "an extra line": NOTE.replace(b"\n\n", b"\nmore\n\n"),
    "a line end of Windows": NOTE.replace(b"\n", b"\r\n"),
    "nothing": b"",
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_note_with_anything_else_is_refused(name: str) -> None:
    assert notes.note_of(REFUSED[name], PUBLIC, origin=ORIGIN) is None
    if name != "another log":  # which log it is of, an outsider asks of the note itself
        with pytest.raises(audit_rules.Problem, match="a note: "):
            audit_rules.checked_note("a note", REFUSED[name], PUBLIC)


@pytest.mark.parametrize("origin", ["", "a b", "a+b", "a\nb"])
def test_an_origin_that_could_not_be_read_back_is_never_signed(origin: str) -> None:
    with pytest.raises(AssertionError):
        notes.signed_note(KEY, origin=origin, size=1, root=b"\0" * 32)
