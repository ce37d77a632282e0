"""The one road out of the house leads to listed hosts at public addresses, and nowhere else."""

import asyncio
import datetime
import ipaddress
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from access.errors import Invalid
from access.outbound import (
    Answer,
    Limits,
    LookUp,
    NotFetched,
    Outbound,
    Road,
    TooMuch,
    checked_host,
    checked_url,
    is_public,
    pinned_address,
    send_once,
)
from ledger.fetching import fetch_by

BANK = "www.ecb.europa.eu"
ROAD = Road(frozenset({BANK}))
HERE = Road(frozenset(), loopback=True)
URL = f"https://{BANK}/stats/eurofxref/eurofxref.zip"
PUBLIC = "203.0.114.9"


def answering(*addresses: str) -> LookUp:
    """A name server that knows these addresses."""

    async def look_up(host: str, port: int) -> Sequence[str]:
        return addresses

    return look_up


def ask(out: Outbound, url: str) -> Answer:
    return asyncio.run(send_once(out, "GET", url, {}))


@pytest.mark.parametrize(
    "url",
    [
        "http://www.ecb.europa.eu/a.csv",
        "file:///etc/passwd",
        "ftp://www.ecb.europa.eu/a.csv",
        "https://127.0.0.1/a.csv",
        "https://2130706433/a.csv",
        "https://0x7f.1/a.csv",
        "https://[::1]/a.csv",
        "https://169.254.169.254/latest/meta-data",
        "https://www.ecb.europa.eu.example.org/a.csv",
        "https://example.org/?www.ecb.europa.eu",
        "https://www.ecb.europa.eu@example.org/a.csv",
        "https://user:word@www.ecb.europa.eu/a.csv",
        "https://www.ecb.europa.eu:8443/a.csv",
        "https://www.ecb.europa.eu:443/a.csv",
        "https://WWW.ECB.EUROPA.EU/a.csv",
        "https://www.ecb.europa.eu./a.csv",
        "https://www.ecb.europa.eu\\@example.org/a.csv",
        "https://www.ecb.europa.eu/a b.csv",
        "https://www.ecb.europa.eu/a.csv\r\nHost: example.org",
        "https://www.ecb.europa.eu/a.csv#part",
        "https://www.ecb.europa.eu:port/a.csv",
        "https://www.ecb.europa.eu/" + "a" * 4000,
        "https:///a.csv",
        "www.ecb.europa.eu/a.csv",
        "",
    ],
)
def test_any_other_address_is_refused_before_anything_is_asked(url: str) -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        raise AssertionError(f"asked for {host}")

    with pytest.raises(Invalid, match="address: expected"):
        ask(Outbound(ROAD, look_up=never), url)


def test_a_listed_host_is_taken_with_its_path_and_query() -> None:
    found = checked_url(URL + "?a=1", ROAD)
    assert (found.host, found.raw_path) == (BANK, b"/stats/eurofxref/eurofxref.zip?a=1")
    assert checked_url(f"https://{BANK}", ROAD).raw_path == b"/"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "255.255.255.255", "224.0.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "2002:7f00:1::", "64:ff9b::7f00:1",
        "2001:db8::1", "not an address",
    ],
)  # fmt: skip
def test_addresses_inside_a_house_are_not_public_in_any_wrapping(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(NotFetched, match="not a public one"):
        ask(Outbound(ROAD, look_up=answering(PUBLIC, address)), URL)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
def test_addresses_of_the_open_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.2:80/", "http://user@127.0.0.1:80/", "http://10.0.0.1/", "ftp://127.0.0.1/",
        "http://localhost.example.org/", "https://169.254.169.254/", "http://[::1]/",
    ],
)  # fmt: skip
def test_this_machines_own_ports_are_asked_only_by_their_plain_name(url: str) -> None:
    with pytest.raises(Invalid, match="address: expected"):
        ask(Outbound(HERE), url)
    with pytest.raises(Invalid, match="address: expected"):
        ask(Outbound(ROAD), "http://127.0.0.1:80/")


def test_a_refusal_does_not_repeat_the_query_which_may_hold_a_key() -> None:
    with pytest.raises(Invalid) as refused:
        ask(Outbound(ROAD), "http://www.ecb.europa.eu/a?token=geheim")
    assert "geheim" not in str(refused.value)


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        roads = {"/moved": self._moved, "/large": self._large, "/short": self._short,
                 "/slow": self._slow, "/packed": self._packed}  # fmt: skip
        roads.get(self.path, self._plain)()

    def _plain(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"Date, USD, \n")

    def _moved(self) -> None:
        self.send_response(302)
        self.send_header("Location", "file:///etc/passwd")
        self.end_headers()

    def _large(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"0" * 1_000_001)

    def _short(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"Date")

    def _slow(self) -> None:
        self.wfile.write(b"HTTP/1.0 200 OK\r\n")
        for _ in range(20):
            time.sleep(0.1)
            self.wfile.write(b"X-More: 1\r\n")

    def _packed(self) -> None:
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(b"\x1f\x8b")

    def log_message(self, *said: object) -> None:
        """Nothing: the test's own output is enough."""


@pytest.fixture(scope="module")
def bank() -> Iterator[ThreadingHTTPServer]:
    yield from serving(ThreadingHTTPServer(("127.0.0.1", 0), _Answers))


def serving(server: ThreadingHTTPServer) -> Iterator[ThreadingHTTPServer]:
    server.handle_error = lambda *said: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def at(bank: ThreadingHTTPServer, path: str) -> str:
    return f"http://127.0.0.1:{bank.server_port}{path}"


def test_a_whole_answer_comes_back(bank: ThreadingHTTPServer) -> None:
    answer = ask(Outbound(HERE), at(bank, "/eurofxref.csv"))
    assert (answer.status, answer.body) == (200, b"Date, USD, \n")
    assert "server" in answer.headers
    assert fetch_by(Outbound(HERE), at(bank, "/eurofxref.csv")) == answer.body


def test_the_connection_goes_to_the_address_that_was_checked_once(
    bank: ThreadingHTTPServer,
) -> None:
    """A name that answers otherwise the second time is not asked a second time."""
    seen: list[httpx.Request] = []
    asked: list[str] = []

    def take(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, stream=httpx.ByteStream(b"x"))

    async def changing(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["93.184.216.34"] if len(asked) == 1 else ["127.0.0.1"]

    out = Outbound(ROAD, look_up=changing, transport=httpx.MockTransport(take))
    assert ask(out, URL).body == b"x"
    (request,) = seen
    assert asked == [BANK]
    assert (request.url.host, request.headers["Host"]) == ("93.184.216.34", BANK)
    assert request.extensions["sni_hostname"] == BANK


def test_a_redirect_is_not_followed(bank: ThreadingHTTPServer) -> None:
    assert ask(Outbound(HERE), at(bank, "/moved")).status == 302
    with pytest.raises(NotFetched, match="found 302"):
        fetch_by(Outbound(HERE), at(bank, "/moved"))


def test_an_answer_that_is_too_large_packed_or_cut_short_is_refused(
    bank: ThreadingHTTPServer,
) -> None:
    with pytest.raises(TooMuch, match="larger than 1,000,000 bytes"):
        ask(Outbound(HERE), at(bank, "/large"))
    with pytest.raises(NotFetched, match="broke off"):
        ask(Outbound(HERE), at(bank, "/short"))
    with pytest.raises(NotFetched, match="a packed one"):
        ask(Outbound(HERE), at(bank, "/packed"))


def test_an_answer_that_never_ends_is_cut_off(bank: ThreadingHTTPServer) -> None:
    began = time.monotonic()
    with pytest.raises(NotFetched, match="took longer than"):
        ask(Outbound(HERE, Limits(seconds=0.3)), at(bank, "/slow"))
    assert time.monotonic() - began < 5


def test_a_name_that_is_not_known_is_a_refusal() -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError("no such name")

    with pytest.raises(NotFetched, match="its name was not found"):
        ask(Outbound(ROAD, look_up=unknown), URL)


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name)
        .public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(
            [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = tmp_path / "both.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                          serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )  # fmt: skip
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    for bank in serving(server):
        with pytest.raises(NotFetched, match="none came"):
            ask(Outbound(HERE), f"https://localhost:{bank.server_port}/")


@pytest.mark.parametrize(
    ("address", "is_taken"),
    [
        ("10.1.2.3", True), ("192.168.0.9", True), ("fd00::1", True), ("93.184.216.34", True),
        ("127.0.0.1", False), ("::1", False), ("169.254.169.254", False), ("fe80::1", False),
        ("0.0.0.0", False), ("224.0.0.1", False), ("not an address", False),
    ],
)  # fmt: skip
def test_a_host_inside_is_reached_only_where_the_road_says_so(address: str, is_taken: bool) -> None:
    async def look_up(host: str, port: int) -> list[str]:
        return [address]

    road = Road({"bank.example.org"}, private={"bank.example.org"})
    if is_taken:
        assert asyncio.run(pinned_address("bank.example.org", 22, road, look_up)) == address
    else:
        with pytest.raises(NotFetched):
            asyncio.run(pinned_address("bank.example.org", 22, road, look_up))
    if not is_public(address):
        with pytest.raises(NotFetched):
            asyncio.run(pinned_address("bank.example.org", 22, Road({"x"}), look_up))


def test_a_host_off_the_list_is_no_host() -> None:
    for host in ("elsewhere.example.org", "localhost", "BANK.example.org", ""):
        with pytest.raises(Invalid, match="host"):
            checked_host(host, Road({"bank.example.org"}))
    assert checked_host("localhost", Road(set(), loopback=True)) == "localhost"
