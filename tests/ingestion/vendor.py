"""A vendor's API on this machine: a real HTTP server that keeps its word, or does not."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

COLUMNS = {
    "transaction_id": "number", "account_code": "coding.account", "cost_center": "coding.center",
    "amount": "amount", "currency": "currency", "jurisdiction": "guild",
    "transaction_date": "date", "vendor": "payee.name",
}  # fmt: skip


def row(number: str, **changed: Any) -> dict[str, Any]:
    """One cost as the vendor writes it: nested, and with more than is asked for."""
    return {
        "number": number, "coding": {"account": "3310", "center": "CAM", "series": None},
        "amount": 125.10, "currency": "USD", "guild": "IATSE", "date": "2026-01-14",
        "payee": {"name": "Panavision", "tags": ["rental", {"deep": True}]}, **changed,
    }  # fmt: skip


def rows(prefix: str, start: int, end: int) -> list[dict[str, Any]]:
    return [row(f"{prefix}{n}") for n in range(start, end)]


class Vendor:
    """What the server answers, path by path: pages in order, and faults that come first."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.faults: dict[str, list[str]] = {}
        self.asked: Counter[str] = Counter()
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.bodies: list[bytes] = []
        self.port = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def page(self, path: str, found: list[dict[str, Any]], **besides: Any) -> None:
        """This is what is answered at a path: rows below data.items, and what else is said."""
        self.pages[path] = json.dumps({"data": {"items": found}, **besides}, indent=1).encode()

    def pages_of(self, prefix: str, sizes: list[int], total: int | None = None) -> list[str]:
        """Pages that name each other as ?page=1, 2, 3, by number; their paths."""
        done, paths = 0, []
        for number, size in enumerate([*sizes, 0], 1):
            path = f"/{prefix}?page={number}"
            self.page(path, rows(prefix, done, done + size), total=total or sum(sizes))
            done += size
            paths.append(path)
        return paths


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    vendor: Vendor

    def do_GET(self) -> None:
        self.vendor.times.append(time.monotonic())
        if self._noted():
            return
        page = self.vendor.pages.get(self.path)
        self._say(404 if page is None else 200, page or b"{}")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.vendor.bodies.append(body)
        if self._noted():
            return
        if urlsplit(self.path).path == "/token":
            assert parse_qs(body.decode())["grant_type"] == ["client_credentials"]
            self._say(200, b'{"access_token": "tok-%d"}' % self.vendor.asked["/token"])
        else:
            self._say(204, b"")

    def _noted(self) -> bool:
        """Keep what was asked; whether a fault was the answer."""
        self.vendor.asked[self.path] += 1
        self.vendor.headers.append(dict(self.headers))
        waiting = self.vendor.faults.get(self.path, [])
        if not waiting:
            return False
        self._fail(waiting.pop(0))
        return True

    def _fail(self, fault: str) -> None:
        name, _, value = fault.partition(" ")
        self.close_connection = name in {"drop", "short", "slow"}
        if name == "drop":
            self.connection.close()
        elif name == "short":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "5000")
            self.end_headers()
            self.wfile.write(b'{"data": ')
        elif name == "slow":
            time.sleep(float(value))
        elif name == "html":
            self._say(200, b"<html>Sign in</html>", "text/html; charset=utf-8")
        elif name == "large":
            self._say(200, b" " * int(value))
        elif name == "moved":
            self._say(302, b"", location=value)
        else:
            self._say(int(name), b"{}", retry_after=value)

    def _say(self, status: int, body: bytes, kind: str = "application/json",
             retry_after: str = "", location: str = "") -> None:  # fmt: skip
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        if retry_after:
            self.send_header("Retry-After", retry_after)
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *said: object) -> None:
        """Nothing: the test's own output is enough."""


@contextmanager
def serving() -> Iterator[Vendor]:
    """The vendor, for as long as a module's tests go on."""
    vendor = Vendor()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"vendor": vendor}))
    server.daemon_threads = True
    server.handle_error = lambda *said: None  # type: ignore[method-assign]
    vendor.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield vendor
    server.shutdown()
    server.server_close()
