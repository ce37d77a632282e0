"""A folder on a vendor's SFTP server: the terms on which it is read, and reading it. Pure.

The server must show the host key that was agreed, or nothing is said to it, the password least of
all. Files are only read: nothing is renamed, moved or removed there.
"""

import fnmatch
import hmac
import io
import re
import socket
import stat
import time
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from types import TracebackType
from typing import IO, Any, Final, Self

import paramiko

from access.errors import Invalid
from access.outbound import Road, checked_host
from ingestion.connectors.client import CallFailed

AUTH_KINDS: Final = ("password", "key")
SECONDS = 20.0
MOST_SECONDS_A_FILE = 600.0
MOST_LISTED = 10_000
LARGEST = 500_000_000
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,250}", re.ASCII)
_KEYS = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
# How a server proves the key it has: an RSA key never by SHA-1.
_PROOFS = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}


@dataclass(frozen=True, slots=True)
class FolderTerms:
    """Where the folder is, whose key the server must show, how one signs in, what is taken."""

    host: str
    user: str
    host_key: str
    folder: str
    port: int = 22
    auth: str = "password"
    pattern: str = "*"
    most_bytes: int = 100_000_000

    def as_data(self) -> dict[str, Any]:
        """As it is kept with the feed."""
        return {"kind": "sftp", **{name: getattr(self, name) for name in self.__slots__}}


def folder_terms_from(data: Mapping[str, Any]) -> FolderTerms:
    """The terms as they were kept."""
    return FolderTerms(**{name: value for name, value in data.items() if name != "kind"})


def checked_folder_terms(terms: FolderTerms, road: Road) -> FolderTerms:
    """The terms, if they can be followed. Raises Invalid where they cannot, and says where."""
    if not _HOST.fullmatch(terms.host):
        raise Invalid(f"host: expected a name such as sftp.vendor.com, found {terms.host[:60]!r}")
    checked_host(terms.host, road)
    if not 0 < terms.port < 65_536:
        raise Invalid(f"port: expected 1 to 65535, found {terms.port}")
    if terms.auth not in AUTH_KINDS:
        raise Invalid(f"signing in: expected one of {', '.join(AUTH_KINDS)}, found {terms.auth!r}")
    for name, text in (("user", terms.user), ("folder", terms.folder), ("files", terms.pattern)):
        if not 0 < len(text) <= 500 or not text.isprintable():
            raise Invalid(f"{name}: expected 1 to 500 visible characters")
    if "/" in terms.pattern:
        raise Invalid("files: expected a pattern of names such as *.csv, without folders")
    if not 0 < terms.most_bytes <= LARGEST:
        raise Invalid(f"largest file: expected 1 to {LARGEST:,} bytes, found {terms.most_bytes:,}")
    _pinned(terms.host_key)
    return terms


def _pinned(text: str) -> tuple[str, bytes]:
    """('', SHA-256 of the key) or (kind of key, the key itself), as the vendor gave it."""
    wrong = Invalid(
        "host key: expected SHA256:… or a line such as ssh-ed25519 AAAA…, which the vendor gives "
        "you; ask for it, and do not take it from the server itself"
    )
    kind, _, rest = text.strip().partition(" ")
    try:
        if kind.startswith("SHA256:") and not rest:
            fingerprint = kind.removeprefix("SHA256:").rstrip("=")
            digest = b64decode(fingerprint + "=" * (-len(fingerprint) % 4), validate=True)
            if len(digest) != 32:
                raise wrong
            return "", digest
        blob = b64decode(rest.strip().partition(" ")[0], validate=True)
    except (NotBase64, ValueError):
        raise wrong from None
    size = int.from_bytes(blob[:4])
    if len(blob) < 20 or blob[4 : 4 + size] != kind.encode():
        raise wrong
    return kind, blob


def checked_folder_secret(terms: FolderTerms, secret: str) -> str:
    """The password, or a private key that can be read. Raises Invalid."""
    if terms.auth == "key":
        _private_key(secret)
        return secret.strip() + "\n"
    return secret


def _private_key(text: str) -> paramiko.PKey:
    for kind in _KEYS:
        try:
            return kind.from_private_key(io.StringIO(text))
        except paramiko.PasswordRequiredException:
            raise Invalid("secret: the private key has a passphrase; give one without") from None
        except (paramiko.SSHException, ValueError, IndexError, UnicodeError):
            continue
    raise Invalid("secret: expected a private key (Ed25519, ECDSA or RSA) in OpenSSH's or PEM form")


@dataclass(frozen=True, slots=True)
class Found:
    """A regular file of the folder as one look saw it."""

    name: str
    size: int
    changed_at: int

    @property
    def seen(self) -> list[int]:
        """What must be the same at the next look."""
        return [self.size, self.changed_at]

    @property
    def key(self) -> bytes:
        """What tells this state of this file from any other."""
        return sha256(f"{self.name}\0{self.size}\0{self.changed_at}".encode()).digest()


class Folder:
    """A signed-in session, to be entered. `address` is where the connection is made to."""

    def __init__(self, terms: FolderTerms, secret: str, address: str) -> None:
        self.terms = terms
        self._secret = secret
        self._address = address

    def __enter__(self) -> Self:
        try:
            wire = socket.create_connection((self._address, self.terms.port), timeout=SECONDS)
        except OSError as fault:
            raise CallFailed(f"{self.terms.host}: no connection ({_said(fault)})") from None
        self._transport = paramiko.Transport(wire)
        try:
            self._sign_in()
            self._sftp = _opened(self._transport)
        except BaseException:
            self._transport.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._transport.close()

    def _sign_in(self) -> None:
        kind, pinned = _pinned(self.terms.host_key)
        if kind:
            self._transport.get_security_options().key_types = _PROOFS.get(kind, (kind,))
        self._transport.banner_timeout = self._transport.auth_timeout = SECONDS
        try:
            self._transport.start_client(timeout=SECONDS)
        except (paramiko.SSHException, EOFError, OSError) as fault:
            if kind and "ncompatible" in str(fault):
                raise _wrong_key(self.terms, f"no {kind} key") from None
            raise CallFailed(f"{self.terms.host}: no SSH session ({_said(fault)})") from None
        shown = self._transport.get_remote_server_key().asbytes()
        if not hmac.compare_digest(shown if kind else sha256(shown).digest(), pinned):
            fingerprint = b64encode(sha256(shown).digest()).decode().rstrip("=")
            raise _wrong_key(self.terms, f"SHA256:{fingerprint}")
        try:
            if self.terms.auth == "key":
                self._transport.auth_publickey(self.terms.user, _private_key(self._secret))
            else:
                self._transport.auth_password(self.terms.user, self._secret, fallback=False)
            left = not self._transport.is_authenticated()
        except paramiko.AuthenticationException:
            left = True
        except (paramiko.SSHException, EOFError, OSError) as fault:
            raise CallFailed(f"{self.terms.host}: signing in broke off ({_said(fault)})") from None
        if left:
            raise CallFailed(
                f"{self.terms.host} does not let {self.terms.user} in; renew the feed's secret",
                is_final=True,
            )

    def listing(self) -> list[Found]:
        """The regular files whose names fit, by name. A link is not followed."""
        found, count = [], 0
        try:
            for entry in self._sftp.listdir_iter(self.terms.folder):
                count += 1
                if count > MOST_LISTED:
                    raise CallFailed(
                        f"the folder has more than {MOST_LISTED:,} entries; have old ones moved",
                        is_final=True,
                    )
                if _is_taken(entry, self.terms.pattern):
                    found.append(Found(entry.filename, entry.st_size or 0, entry.st_mtime or 0))
        except FileNotFoundError:
            raise CallFailed(f"there is no folder {self.terms.folder}", is_final=True) from None
        except (paramiko.SSHException, EOFError, OSError) as fault:
            raise CallFailed(f"the folder could not be read ({_said(fault)})") from None
        return sorted(found, key=lambda each: each.name)

    def fetch(self, found: Found, into: IO[bytes]) -> bool:
        """Write a file's bytes; whether it is still as it was found. Never more than it had."""
        path = f"{self.terms.folder.rstrip('/')}/{found.name}"
        deadline = time.monotonic() + MOST_SECONDS_A_FILE
        try:
            with self._sftp.open(path, "rb") as file:
                at = 0
                while piece := file.read(min(1 << 18, found.size - at + 1)):
                    at += len(piece)
                    if at > found.size:
                        return False
                    if time.monotonic() > deadline:
                        raise CallFailed(f"{found.name} did not arrive in {MOST_SECONDS_A_FILE:g}s")
                    into.write(piece)
                after = file.stat()
        except FileNotFoundError:
            return False
        except (paramiko.SSHException, EOFError, OSError) as fault:
            raise CallFailed(f"{found.name} broke off ({_said(fault)})") from None
        return at == found.size and [after.st_size or 0, after.st_mtime or 0] == found.seen


def _opened(transport: paramiko.Transport) -> paramiko.SFTPClient:
    try:
        opened = paramiko.SFTPClient.from_transport(transport)
    except (paramiko.SSHException, EOFError, OSError) as fault:
        raise CallFailed(f"it opens no SFTP session ({_said(fault)})") from None
    assert opened is not None
    channel = opened.get_channel()
    assert channel is not None
    channel.settimeout(SECONDS)
    return opened


def _is_taken(entry: paramiko.SFTPAttributes, pattern: str) -> bool:
    name = entry.filename
    return (
        stat.S_ISREG(entry.st_mode or 0)
        and fnmatch.fnmatchcase(name, pattern)
        and "/" not in name
        and "\0" not in name
        and not name.startswith(".")
    )


def _said(fault: BaseException) -> str:
    """A fault in a few visible words; what a server says is not repeated at length."""
    text = "".join(c for c in str(fault) if c.isprintable())[:80]
    return f"{type(fault).__name__}: {text}" if text else type(fault).__name__


def _wrong_key(terms: FolderTerms, shown: str) -> CallFailed:
    return CallFailed(
        f"{terms.host} is not the server that was agreed: it shows {shown}. Nothing was said to "
        "it. Ask the vendor whether its key has changed, and by another way than mail",
        is_final=True,
    )
