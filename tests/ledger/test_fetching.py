"""The one road out of the house leads to listed hosts at public addresses, and nowhere else."""

import http.client
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from access.errors import Invalid
from ledger import fetching
from ledger.fetching import NotFetched, checked_host, fetch, is_public

BANK = "www.ecb.europa.eu"
ALLOWED = frozenset({BANK})
URL = f"https://{BANK}/stats/eurofxref/eurofxref.zip"
PUBLIC = "203.0.114.9"


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
        "https://www.ecb.europa.eu/" + "a" * 400,
        "https:///a.csv",
        "www.ecb.europa.eu/a.csv",
        "",
    ],
)
def test_any_other_address_is_refused_before_anything_is_asked(url: str) -> None:
    def never(*asked: object) -> list[str]:
        raise AssertionError(f"asked for {asked}")

    with pytest.raises(Invalid, match="address: expected"):
        fetch(url, ALLOWED, look_up=never)


def test_a_listed_host_is_taken_with_its_path_and_query() -> None:
    assert checked_host(URL + "?a=1", ALLOWED) == (BANK, "/stats/eurofxref/eurofxref.zip?a=1")
    assert checked_host(f"https://{BANK}", ALLOWED) == (BANK, "/")


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
        fetch(URL, ALLOWED, look_up=lambda host, port: [PUBLIC, address])


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
def test_addresses_of_the_open_internet_are_public(address: str) -> None:
    assert is_public(address)


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        road = {
            "/moved": self._moved,
            "/large": self._large,
            "/short": self._short,
            "/slow": self._slow,
        }.get(self.path, self._plain)
        road()

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
        self.wfile.write(b"0" * (fetching.MOST_BYTES + 1))

    def _short(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"Date")

    def _slow(self) -> None:
        self.wfile.write(b"HTTP/1.0 200 OK\r\n")
        for _ in range(100):
            time.sleep(0.2)
            self.wfile.write(b"X-More: 1\r\n")

    def log_message(self, *said: object) -> None:
        """Nothing: the test's own output is enough."""


@pytest.fixture(scope="module")
def bank() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), _Answers)
    server.handle_error = lambda *said: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def ask(bank: int, path: str, asked: list[str] | None = None) -> bytes:
    def connect(host: str, port: int, address: str, seconds: float) -> http.client.HTTPConnection:
        if asked is not None:
            asked.append(address)
        return http.client.HTTPConnection("127.0.0.1", bank, timeout=seconds)

    return fetch(
        f"https://{BANK}{path}", ALLOWED, look_up=lambda host, port: ["93.184.216.34"],
        connect=connect,
    )  # fmt: skip


def test_the_connection_goes_to_the_address_that_was_checked(bank: int) -> None:
    asked: list[str] = []
    assert ask(bank, "/eurofxref.csv", asked) == b"Date, USD, \n"
    assert asked == ["93.184.216.34"]


def test_a_name_whose_address_changes_is_looked_up_once(bank: int) -> None:
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    seen: list[str] = []

    def connect(host: str, port: int, address: str, seconds: float) -> http.client.HTTPConnection:
        seen.append(address)
        return http.client.HTTPConnection("127.0.0.1", bank, timeout=seconds)

    fetch(URL, ALLOWED, look_up=lambda host, port: next(answers), connect=connect)
    assert seen == ["93.184.216.34"]


def test_a_redirect_is_not_followed(bank: int) -> None:
    with pytest.raises(NotFetched, match="found 302"):
        ask(bank, "/moved")


def test_an_answer_that_is_too_large_or_cut_short_is_refused(bank: int) -> None:
    with pytest.raises(NotFetched, match="larger than 1,000,000 bytes"):
        ask(bank, "/large")
    with pytest.raises(NotFetched, match="broke off 96 bytes"):
        ask(bank, "/short")


def test_an_answer_that_never_ends_is_cut_off(bank: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MOST_SECONDS", 0.3)
    began = time.monotonic()
    with pytest.raises(NotFetched, match="took longer"):
        ask(bank, "/slow")
    assert time.monotonic() - began < 10


def test_a_name_that_is_not_known_is_a_refusal() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(NotFetched, match="its name was not found"):
        fetch(URL, ALLOWED, look_up=unknown)


def test_the_pinned_connection_verifies_the_name_and_not_the_address() -> None:
    made = fetching.pinned(BANK, 443, "93.184.216.34", 1.0)
    assert made.host == BANK
    assert made._tls.check_hostname  # type: ignore[attr-defined]
    assert made._address == "93.184.216.34"  # type: ignore[attr-defined]
