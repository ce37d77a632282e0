"""The key that signs checkpoints, and what it signed last. Both are files, outside the database.

Whoever can rewrite the database cannot sign, and cannot make the signer forget: beside the key it
remembers each log's last size, root and right edge, and grows only what it remembers.
"""

import base64
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from access.errors import Refused


class SignerUnusable(Refused):
    """The key or the signer's memory cannot be read."""

    code = "E_SIGNER"


@dataclass(frozen=True, slots=True)
class Signed:
    """The last checkpoint of a log: its size, its root, and its tree's right edge."""

    size: int
    root: bytes
    edge: tuple[bytes, ...]


def _key_path() -> Path:
    return Path(settings.LOG_KEY_FILE)


def _beside(ending: str) -> Path:
    path = _key_path()
    return path.with_name(path.name + ending)


@contextmanager
def turn() -> Iterator[None]:
    """The one right to sign: two signers would each remember half of what was signed."""
    _key_path().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _beside(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write_once(path: Path, text: str) -> None:
    """A complete file or none, which nobody may write to; the first of two writers wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=path.name) as fresh:  # 0600
        fresh.write(text)
        fresh.flush()
        os.fchmod(fresh.fileno(), 0o400)
        os.fsync(fresh.fileno())
        try:
            os.link(fresh.name, path)
        except FileExistsError:
            return


def private_key() -> Ed25519PrivateKey:
    """The key, drawn on first use. Raises SignerUnusable when the file is not one."""
    path = _key_path()
    if not path.exists():
        seed = Ed25519PrivateKey.generate().private_bytes_raw()
        _write_once(path, base64.b64encode(seed).decode() + "\n")
    try:
        seed = base64.b64decode(path.read_text().strip(), validate=True)
        key = Ed25519PrivateKey.from_private_bytes(seed)
    except (OSError, ValueError) as fault:
        raise SignerUnusable(
            f"the key of the log, {path}, cannot be read ({fault}): restore it from its copy"
        ) from None
    if not _beside(".pub").exists():
        public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
        _write_once(_beside(".pub"), public + "\n")
    return key


def public_key() -> bytes | None:
    """The 32 bytes outsiders verify with; None where nothing was ever signed."""
    return private_key().public_key().public_bytes_raw() if _key_path().exists() else None


def key_text(public: bytes) -> str:
    """The public key as it stands in a bundle and on paper."""
    return base64.b64encode(public).decode() + "\n"


def memory() -> dict[str, Signed]:
    """origin -> what was signed last. Raises SignerUnusable when the file is damaged."""
    path = _beside(".memory")
    if not path.exists():
        return {}
    try:
        said = json.loads(path.read_text())
        return {
            origin: Signed(
                int(kept["size"]),
                bytes.fromhex(kept["root"]),
                tuple(bytes.fromhex(edge) for edge in kept["edge"]),
            )
            for origin, kept in said.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as fault:
        raise SignerUnusable(
            f"what the signer remembers, {path}, cannot be read ({fault!r}): restore it from its "
            "copy; without it an older log could be signed again"
        ) from None


def remember(origin: str, signed: Signed) -> None:
    """Keep what is about to be given out, on disk before anybody sees it. Inside `turn`."""
    kept = {**memory(), origin: signed}
    text = json.dumps(
        {
            name: {"edge": [e.hex() for e in s.edge], "root": s.root.hex(), "size": s.size}
            for name, s in sorted(kept.items())
        },
        indent=0,
    )
    path = _beside(".memory")
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=path.name, delete=False) as fresh:
        fresh.write(text)
        fresh.flush()
        os.fsync(fresh.fileno())
    os.replace(fresh.name, path)
