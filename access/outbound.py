"""The one road out of the house: rates, vendors' APIs and webhooks all go by it. Pure.

https only, hosts on a list, an address that is public and to which the connection is then made (a
second look-up could answer otherwise), the certificate checked against the host's name, no
redirects, no proxies, and limits on size and on the time of the whole exchange.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx

from access.errors import Invalid, Refused

LONGEST_URL = 2_000
LOOPBACK = frozenset({"127.0.0.1", "localhost"})

# (host, port) -> the addresses the name has.
LookUp = Callable[[str, int], Awaitable[Sequence[str]]]


class NotFetched(Refused):
    """No whole answer came; the sentence says why. Trying again later may help."""

    code = "not_fetched"
    status = 502


class TooMuch(NotFetched):
    """The answer is larger than is taken: asked again, it would be as large."""


@dataclass(frozen=True, slots=True)
class Road:
    """Where one may go: these hosts by https. `loopback` lets this machine's own ports be asked
    too, without TLS: for tests, and for a gateway the operator runs beside it."""

    hosts: Collection[str]
    loopback: bool = False
    # Hosts of the list that may stand inside the network, such as a bank's gateway.
    private: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is taken, and how long the whole exchange may last."""

    most_bytes: int = 1_000_000
    seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, as its name servers say now."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def checked_url(url: str, road: Road) -> httpx.URL:
    """The address, if it leads to a host of the road. Raises Invalid for any other.

    No user name, port or fragment: what reads one way here must not read another way elsewhere.
    """
    plain = url.isascii() and url.isprintable() and not set(url) & set(' \\"<>')
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _wrong_address(url) from None
    if not plain or len(url) > LONGEST_URL or parts.fragment:
        raise _wrong_address(url)
    if road.loopback and parts.hostname in LOOPBACK and parts.scheme in {"http", "https"}:
        if parts.netloc not in {parts.hostname, f"{parts.hostname}:{port}"}:
            raise _wrong_address(url)
        return httpx.URL(url)
    if parts.scheme != "https":
        raise _wrong_address(url)
    if parts.netloc not in road.hosts or parts.hostname != parts.netloc:
        raise Invalid(
            f"address: expected a host of the list ({', '.join(sorted(road.hosts))}), found "
            f"{parts.netloc[:80]!r}"
        )
    return httpx.URL(url)


def _wrong_address(url: str) -> Invalid:
    # The query may hold a key: it is not said.
    return Invalid(f"address: expected https://HOST/PATH, found {url.partition('?')[0][:80]!r}")


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


def checked_host(host: str, road: Road) -> str:
    """The host, if it is one of the road's. Raises Invalid for any other."""
    if host in road.hosts or (road.loopback and host in LOOPBACK):
        return host
    raise Invalid(
        f"host: expected one of the list ({', '.join(sorted(road.hosts))}), found {host[:80]!r}"
    )


async def pinned_address(host: str, port: int, road: Road, look_up: LookUp = resolve) -> str:
    """The address a connection is made to: looked up once, and public unless the road says that
    this host is inside. Raises NotFetched."""
    if road.loopback and host in LOOPBACK:
        return "127.0.0.1"
    try:
        found = await look_up(host, port)
    except OSError as fault:
        raise NotFetched(f"{host}: its name was not found ({fault}). Try again later.") from None
    allowed = is_inside if host in road.private else is_public
    wrong = [address for address in found if not allowed(address)]
    if wrong or not found:
        raise NotFetched(f"{host}: its address {(wrong or ['none'])[0]} is not a public one.")
    return found[0]


def is_inside(address: str) -> bool:
    """Whether an address is public or of a private network: never this machine, nor the link,
    where clouds keep their machines' own secrets."""
    if is_public(address):
        return True
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return (
        found.is_private
        and not found.is_loopback
        and not found.is_link_local
        and not found.is_multicast
        and not found.is_unspecified
        and not found.is_reserved
    )


@dataclass
class Outbound:
    """A client for the road. Its connections are kept for as long as it is entered."""

    road: Road
    limits: Limits = field(default_factory=Limits)
    look_up: LookUp = resolve
    transport: httpx.AsyncBaseTransport | None = None

    async def __aenter__(self) -> Self:
        transport = self.transport or httpx.AsyncHTTPTransport(
            verify=ssl.create_default_context(), trust_env=False
        )
        self._client = httpx.AsyncClient(
            transport=transport, follow_redirects=False, trust_env=False,
            timeout=httpx.Timeout(self.limits.seconds),
        )  # fmt: skip
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        """One exchange. Raises Invalid for an address off the road, NotFetched for no answer."""
        wanted = checked_url(url, self.road)
        host = wanted.host
        try:
            async with asyncio.timeout(self.limits.seconds):
                address = await pinned_address(host, 443, self.road, self.look_up)
                return await self._exchange(
                    self._client.build_request(
                        method,
                        wanted.copy_with(host=address),
                        headers={
                            **headers, "Host": wanted.netloc.decode(),
                            "Accept-Encoding": "identity",
                        },
                        content=body or None,
                        # The certificate is the host's, wherever the connection is made to.
                        extensions={"sni_hostname": host},
                    ),
                    host,
                )  # fmt: skip
        except (TimeoutError, httpx.TimeoutException):
            raise NotFetched(
                f"{host}: it took longer than {self.limits.seconds:g} seconds. Try again later."
            ) from None
        except httpx.HTTPError as fault:
            raise NotFetched(
                f"{host}: the answer broke off or none came ({type(fault).__name__}). "
                "Try again later."
            ) from None

    async def _exchange(self, request: httpx.Request, host: str) -> Answer:
        answer = await self._client.send(request, stream=True)
        try:
            if answer.headers.get("Content-Encoding", "identity") != "identity":
                raise NotFetched(f"{host}: expected a plain answer, found a packed one.")
            data = bytearray()
            async for piece in answer.aiter_raw():
                data += piece
                if len(data) > self.limits.most_bytes:
                    raise TooMuch(
                        f"{host}: the answer is larger than {self.limits.most_bytes:,} bytes."
                    )
        finally:
            await answer.aclose()
        said = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status_code, said, bytes(data))


async def send_once(
    out: Outbound, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
) -> Answer:
    """One exchange by a client that is opened for it alone."""
    async with out:
        return await out.send(method, url, headers, body)
