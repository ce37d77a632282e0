"""Fetching a rates file from where it is published, and from nowhere else. Pure.

The one road out of the house: https only, hosts on a list, an address that is public and to which
the connection is then made (a second look-up could answer otherwise), no redirects, and limits on
size and time. The certificate is checked against the host's name.
"""

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Sequence
from urllib.parse import urlsplit

from access.errors import Invalid, Refused

MOST_BYTES = 1_000_000
MOST_SECONDS = 10.0
READ_BYTES = 65_536
LONGEST_URL = 300

# (host, port) -> the addresses the name has.
Resolve = Callable[[str, int], Sequence[str]]
# (host, port, address, seconds) -> a connection to that address, the certificate the host's.
Connect = Callable[[str, int, str, float], http.client.HTTPConnection]


class NotFetched(Refused):
    """The file could not be fetched; the sentence says why and what to do."""

    code = "not_fetched"
    status = 502


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, as its name servers say now."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class _Pinned(http.client.HTTPSConnection):
    """A TLS connection to one address, verified as the host."""

    def __init__(self, host: str, port: int, address: str, seconds: float) -> None:
        self._address = address
        self._tls = ssl.create_default_context()
        super().__init__(host, port, timeout=seconds, context=self._tls)

    def connect(self) -> None:
        """Connect to the address that was checked, not to whatever the name is now."""
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


def pinned(host: str, port: int, address: str, seconds: float) -> http.client.HTTPConnection:
    """A connection to the address, with the certificate checked against the host."""
    return _Pinned(host, port, address, seconds)


def checked_host(url: str, allowed: Collection[str]) -> tuple[str, str]:
    """(host, path) of an address on the list. Raises Invalid for any other.

    No user name, port or fragment: what reads one way here must not read another way elsewhere.
    """
    plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Invalid(f"address: expected https://HOST/PATH, found {url[:80]!r}") from None
    if not plain or len(url) > LONGEST_URL or parts.scheme != "https":
        raise Invalid(f"address: expected https://HOST/PATH, found {url[:80]!r}")
    if parts.netloc not in allowed or parts.hostname != parts.netloc or port or parts.fragment:
        raise Invalid(
            f"address: expected a host of the list ({', '.join(sorted(allowed))}), found "
            f"{parts.netloc[:80]!r}. Download the file yourself and load it from disk."
        )
    path = parts.path or "/"
    return parts.netloc, f"{path}?{parts.query}" if parts.query else path


def is_public(address: str) -> bool:
    """Whether an address is one of the open internet, in whatever form it is wrapped."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
        if inner is not None:
            return inner.is_global and not inner.is_multicast
        if found in ipaddress.ip_network("64:ff9b::/96"):
            return is_public(str(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)))
    return found.is_global and not found.is_multicast


def fetch(
    url: str,
    allowed: Collection[str],
    *,
    look_up: Resolve = resolve,
    connect: Connect = pinned,
) -> bytes:
    """The bytes at an address of an allowed host. Raises Invalid and NotFetched."""
    host, path = checked_host(url, allowed)
    deadline = time.monotonic() + MOST_SECONDS
    try:
        addresses = look_up(host, 443)
    except OSError as error:
        raise NotFetched(f"{host}: its name was not found ({error}). Try again later.") from None
    wrong = [address for address in addresses if not is_public(address)]
    if wrong or not addresses:
        raise NotFetched(f"{host}: its address {(wrong or ['none'])[0]} is not a public one.")
    connection = connect(host, 443, addresses[0], MOST_SECONDS)
    # The connection's own timeout begins anew with every byte: this one does not.
    cut = threading.Timer(MOST_SECONDS, _cut, [connection])
    cut.daemon = True
    cut.start()
    try:
        connection.request("GET", path, headers={"Accept": "text/csv, application/zip"})
        return _body(connection, host, deadline)
    except (OSError, http.client.HTTPException) as error:
        if time.monotonic() > deadline:
            raise _too_slow(host) from None
        raise NotFetched(f"{host}: {error or type(error).__name__}. Try again later.") from None
    finally:
        cut.cancel()
        connection.close()


def _cut(connection: http.client.HTTPConnection) -> None:
    """End a connection that has had its time, from another thread."""
    line = connection.sock
    if line is not None:
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)


def _too_slow(host: str) -> NotFetched:
    return NotFetched(f"{host}: it took longer than {MOST_SECONDS:.0f} seconds. Try again later.")


def _body(connection: http.client.HTTPConnection, host: str, deadline: float) -> bytes:
    answer = connection.getresponse()
    if answer.status != 200:
        raise NotFetched(
            f"{host}: expected the file (200), found {answer.status}. Redirects are not followed."
        )
    data = bytearray()
    while piece := answer.read1(READ_BYTES):
        data += piece
        if len(data) > MOST_BYTES:
            raise NotFetched(f"{host}: the file is larger than {MOST_BYTES:,} bytes.")
    # A connection that was cut looks like one that has ended.
    if time.monotonic() > deadline:
        raise _too_slow(host)
    if answer.length:
        raise NotFetched(f"{host}: the answer broke off {answer.length:,} bytes before its end.")
    return bytes(data)
