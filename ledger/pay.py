"""Who is paid, kept apart from what is paid. Pure.

A document of a payroll source carries a token where others carry a vendor: a salted hash of the
person's name and of what the line says of the pay. The words stand in a table of their own, which
only those who may see pay read (sql/payees.sql); the token is sealed with the document, so that a
changed name is found, and shows nobody whose it is.
"""

import hashlib
from typing import NamedTuple

SALT_BYTES = 16
_DOMAIN = b"prodacct/payee/1"
_MARK = "payee:"
NAME_WITHHELD = "Name withheld"
WORDS_WITHHELD = "Withheld"
ROW_WITHHELD = (
    "Withheld: the row as received names a person and what they are paid. The production "
    "accountant and payroll open it."
)


class Payee(NamedTuple):
    """The words of one payroll document: `token` stands for them in the journal."""

    token: str
    salt: bytes
    name: str
    description: str


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def payee_of(salt: bytes, name: str, description: str) -> Payee:
    """The words with their token: SHA-256 over the salt (16 bytes) and both, as the database has
    it (journal.payee_token)."""
    assert len(salt) == SALT_BYTES
    body = _DOMAIN + salt + _framed(name.encode()) + _framed(description.encode())
    return Payee(_MARK + hashlib.sha256(body).hexdigest(), salt, name, description)


def is_token(vendor: str) -> bool:
    """Whether a document's vendor stands for a person's name."""
    return vendor.startswith(_MARK) and len(vendor) == len(_MARK) + 64


PAYEE_COLUMNS = "production_id, token, cost_center_id, salt, name, description"
