"""What an outsider needs to check the books: hashes, trees, signatures, and one way to read.

Standard library only: this file is the first half of the verifier that goes out with every
bundle (ledger/verify_bundle.py is the second), and the house reads its own records by it.
"""

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

BUNDLE, PROOF = "prodacct bundle 1", "prodacct proof 1"
SCALE = 10_000  # amounts are whole ten-thousandths: four decimals, no float anywhere
TILE = 8_192  # 256 hashes of 32 bytes

# What a row's line says, in this order. The line is hashed as it stands: P2(...), or P3 and what
# the posting is coded to besides its account (`location=NOLA set=CAFE`), then (...); or T2 and the
# document key and the facts in hex, with a point between, then (...).
TRANSACTION = (
    "document_key", "facts", "production_id", "batch_id", "number", "document_id", "source_row",
    "source_line", "source_start", "source_end", "reference", "vendor", "description",
    "jurisdiction", "effective_date", "occurred_at", "source_zone", "period_id", "cost_center_id",
    "reverses_batch_id", "reverses_number",
)  # fmt: skip
POSTING = (
    "segments", "production_id", "batch_id", "line_no", "transaction_number", "unit_id", "book",
    "account_id", "counter_account_id", "cost_center_id", "node_id", "period_id", "component",
    "line", "rule", "currency", "amount", "base_amount", "commitment_id",
)  # fmt: skip

SEGMENTS = (
    "episode", "location", "set", "insurance", "1099", "free1", "free2", "free3", "free4",
)  # fmt: skip

_NOTE = re.compile(
    rb"(?P<body>(?P<origin>[^\s+]+)\n(?P<size>0|[1-9][0-9]{0,17})\n(?P<root>[A-Za-z0-9+/]{43}=)\n)"
    rb"\n\xe2\x80\x94 (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/]{91}=)\n"
)
_TRANSACTION = re.compile(r"T2((?:[0-9a-f]{2})*)\.((?:[0-9a-f]{2})*)(\(.*)", re.DOTALL)
_POSTING = re.compile(r"P(?:2|3([^(]+))(\(.*)", re.DOTALL)
_CODED = re.compile("".join(f"(?:{s}=[A-Z0-9][A-Z0-9._/-]{{0,15}} )?" for s in SEGMENTS))
_FIELD = re.compile(r'(?:"((?:[^"\\]|""|\\\\|\\n)*)"|([^"\\(),\s]*))(,|\)\Z)')
_ESCAPED = re.compile(r'""|\\\\|\\n')
_PLAIN = {'""': '"', "\\\\": "\\", "\\n": "\n"}
_AMOUNT = re.compile(r"-?(?:0|[1-9][0-9]{0,23})\.[0-9]{4}")
_COUNT = re.compile(r"0|[1-9][0-9]{0,17}")


class Problem(Exception):
    """What is wrong, and where."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where


# --- hashes -------------------------------------------------------------------------------------


def leaf_hash(line: bytes) -> bytes:
    """The leaf of a log entry or of a row: SHA-256 of a zero byte and the line's bytes."""
    return hashlib.sha256(b"\0" + line).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The parent of two subtrees of a log (RFC 6962)."""
    return hashlib.sha256(b"\1" + left + right).digest()


class Log:
    """A log's tree, of which only the right edge is kept (RFC 6962, section 2.1)."""

    def __init__(self) -> None:
        self.size = 0
        self.edge: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add one leaf."""
        n = self.size
        while n & 1:
            leaf = node_hash(self.edge.pop(), leaf)
            n >>= 1
        self.edge.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self.edge:
            return hashlib.sha256(b"").digest()
        root = self.edge[-1]
        for left in reversed(self.edge[:-1]):
            root = node_hash(left, root)
        return root


def batch_root(leaves: bytes) -> bytes:
    """The root of a batch: fan-out 256 over its rows' leaves; a tile is SHA-256(0x01 || hashes)."""
    while True:
        tiles = [leaves[i : i + TILE] for i in range(0, len(leaves), TILE)]
        leaves = b"".join(hashlib.sha256(b"\1" + tile).digest() for tile in tiles)
        if len(leaves) <= 32:
            return leaves


def root_of_tiles(leaf: bytes, index: int, count: int, tiles: list[list[bytes]]) -> bytes | None:
    """The root a batch of `count` rows has if row `index` has this leaf; None when malformed.

    Each tile lists the hashes beside ours, in order, without ours.
    """
    here = leaf
    for siblings in tiles:
        start = index // 256 * 256
        if len(siblings) != min(256, count - start) - 1:
            return None
        at = index - start
        here = hashlib.sha256(
            b"\1" + b"".join(siblings[:at]) + here + b"".join(siblings[at:])
        ).digest()
        index, count = index // 256, (count + 255) // 256
    return here if tiles and count == 1 else None


def root_of_path(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes | None:
    """The root a log of `size` entries has if entry `index` has this leaf (RFC 9162, 2.1.3.2)."""
    fn, sn, here = index, size - 1, leaf
    if not 0 <= index < size:
        return None
    for step in path:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            here = node_hash(step, here)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            here = node_hash(here, step)
        fn, sn = fn >> 1, sn >> 1
    return here if sn == 0 else None


# --- Ed25519 signatures (RFC 8032, section 5.1.7) -----------------------------------------------

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_I = pow(2, (_P - 1) // 4, _P)
Point = tuple[int, int, int, int]


def _add(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % _P, (p[1] + p[0]) * (q[1] + q[0]) % _P
    c, d = 2 * p[3] * q[3] * _D % _P, 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(s: int, p: Point) -> Point:
    q: Point = (0, 1, 1, 0)
    while s:
        if s & 1:
            q = _add(q, p)
        p = _add(p, p)
        s >>= 1
    return q


def _point(data: bytes) -> Point | None:
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= _P:
        return None
    x2 = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(x2, (_P + 3) // 8, _P)
    if (x * x - x2) % _P:
        x = x * _I % _P
    if (x * x - x2) % _P or (x == 0 and sign):
        return None
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


_BASE = _point((4 * pow(5, -1, _P) % _P).to_bytes(32, "little"))


def signature_holds(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature over the message was made with the key this public key belongs to."""
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = _point(public), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= _L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % _L
    assert _BASE is not None
    left, right = _times(s, _BASE), _add(r, _times(k, a))
    return (left[0] * right[2] - right[0] * left[2]) % _P == 0 and (
        left[1] * right[2] - right[1] * left[2]
    ) % _P == 0


def is_anybodys_key(public: bytes) -> bool:
    """Whether this is no key at all: one of the few points under which anybody can sign."""
    point = _point(public) if len(public) == 32 else None
    if point is None:
        return True
    eight = _times(8, point)
    return eight[0] % _P == 0 and (eight[1] - eight[2]) % _P == 0


# --- checkpoints --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Note:
    """A checkpoint as it was signed: a C2SP signed note."""

    body: bytes
    origin: str
    size: int
    root: bytes
    key_id: bytes
    signature: bytes


def key_id(name: str, public: bytes) -> bytes:
    """Four bytes that say which key of a name signed."""
    return hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]


def fingerprint(public: bytes) -> str:
    """The key as people compare it on paper: its SHA-256 in groups of four."""
    text = hashlib.sha256(public).hexdigest()
    return " ".join(text[i : i + 4] for i in range(0, 64, 4))


def exact_base64(text: bytes) -> bytes | None:
    """What base64 text stands for; None unless it is the one text for these bytes."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return data if base64.b64encode(data) == text else None


def parse_note(raw: bytes) -> Note | None:
    """The one form a checkpoint has: three lines, an empty one, one signature. None otherwise."""
    found = _NOTE.fullmatch(raw)
    if found is None or found["origin"] != found["name"]:
        return None
    root, signed = exact_base64(found["root"]), exact_base64(found["signature"])
    if root is None or signed is None:
        return None
    try:
        origin = found["origin"].decode()
    except UnicodeDecodeError:
        return None
    return Note(found["body"], origin, int(found["size"]), root, signed[:4], signed[4:])


def checked_note(where: str, raw: bytes, public: bytes) -> Note:
    """The checkpoint, if its form and its signature are right. Raises Problem."""
    note = parse_note(raw)
    if note is None:
        raise Problem(where, "is not a checkpoint with exactly one signature")
    if note.key_id != key_id(note.origin, public):
        raise Problem(where, "is signed with another key")
    if not signature_holds(public, note.body, note.signature):
        raise Problem(where, "its signature does not hold")
    return note


# --- strict reading -----------------------------------------------------------------------------


def transaction_of(line: str) -> dict[str, str | None]:
    """The columns of a document's line. Raises ValueError for anything but exactly these."""
    found = _TRANSACTION.fullmatch(line)
    if found is None:
        raise ValueError("it does not begin as a document does")
    return dict(zip(TRANSACTION, [found[1], found[2], *_row(found[3])], strict=True))


def posting_of(line: str) -> dict[str, str | None]:
    """The columns of a posting's line. Raises ValueError for anything but exactly these."""
    found = _POSTING.fullmatch(line)
    if found is None:
        raise ValueError("it does not begin as a posting does")
    if found[1] is not None and not _CODED.fullmatch(found[1] + " "):
        raise ValueError("it is coded in another form than the one there is")
    return dict(zip(POSTING, [found[1] or "", *_row(found[2])], strict=True))


def _row(text: str) -> list[str | None]:
    if not text.endswith(")"):
        raise ValueError("it has no end")
    if '"' not in text:
        return [value or None for value in text[1:-1].split(",")]
    values: list[str | None] = []
    at, end = 1, ","
    while end == ",":
        found = _FIELD.match(text, at)
        if found is None:
            raise ValueError("its fields cannot be told apart")
        quoted, plain, end = found.groups()
        if quoted is None:
            values.append(plain or None)
        else:
            values.append(_ESCAPED.sub(lambda m: _PLAIN[m[0]], quoted))
        at = found.end()
    return values


def canonical(value: Any) -> bytes:
    """The one text of a JSON value here: sorted keys, no spaces, a line end."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode() + b"\n"


def strict_json(where: str, raw: bytes) -> dict[str, Any]:
    """A JSON object in its one text. Raises Problem."""
    try:
        value = json.loads(raw)
        same = isinstance(value, dict) and canonical(value) == raw
    except (ValueError, RecursionError):
        same = False
    if not same:
        raise Problem(where, "is not the one JSON text of an object")
    return dict(value)


def whole(text: Any) -> int:
    """A count written without sign or leading zero. Raises ValueError."""
    if not isinstance(text, str) or not _COUNT.fullmatch(text):
        raise ValueError(f"expected a count, found {text!r}"[:80])
    return int(text)


def units_of(text: Any) -> int:
    """An amount in ten-thousandths. Raises ValueError."""
    if not isinstance(text, str) or not _AMOUNT.fullmatch(text):
        raise ValueError(f"expected an amount with four decimals, found {text!r}"[:80])
    return int(text.replace(".", ""))


def amount(units: int) -> str:
    """Ten-thousandths as an amount."""
    return f"{'-' if units < 0 else ''}{abs(units) // SCALE}.{abs(units) % SCALE:04d}"


def digest_of(value: Any) -> bytes:
    """32 bytes from their lower-case hex. Raises ValueError."""
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
        raise ValueError("expected 64 hex digits")
    return bytes.fromhex(value)


def json_object(raw: bytes) -> dict[str, Any]:
    """A JSON object whose bytes have been checked against a hash. Raises ValueError."""
    value = json.loads(raw)
    if not isinstance(value, dict):
        raise ValueError("expected a JSON object")
    return value
