"""One command for the whole house: database, web, worker and beat (`make run`).

Each child runs in a session of its own, so that Ctrl-C reaches only us and we stop them in order,
and so that a dead child's leftovers can be killed as one group before it is started again.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from prodacct import schema, server
from prodacct.local import Cluster, make_home

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
LOOK_SECONDS = 0.2
STEADY_SECONDS = 30  # whoever ran this long starts again with no wait
LONGEST_WAIT_SECONDS = 30.0
WARM_STOP_SECONDS = 30
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass
class Backoff:
    """How long to wait before the next try: doubling, and forgotten after a steady run."""

    failures: int = 0
    started: float = 0.0
    not_before: float = 0.0

    def record_start(self, now: float) -> None:
        self.started = now

    def record_failure(self, now: float) -> float:
        self.failures = 1 if now - self.started > STEADY_SECONDS else self.failures + 1
        wait = min(0.5 * 2.0 ** min(self.failures - 1, 10), LONGEST_WAIT_SECONDS)
        self.not_before = now + wait
        return wait


@dataclass
class Child:
    """A program we keep running."""

    name: str
    role: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    backoff: Backoff = field(default_factory=Backoff)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> IO[bytes]:
        environment = {**os.environ, "PRODACCT_ROLE": self.role, "PYTHONUNBUFFERED": "1"}
        # preexec_fn is safe here: this process has one thread.
        self.process = subprocess.Popen(
            self.command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent(os.getpid()),  # noqa: PLW1509
        )
        self.backoff.record_start(time.monotonic())
        assert self.process.stdout is not None, "we asked for a pipe"
        os.set_blocking(self.process.stdout.fileno(), False)
        return self.process.stdout

    def kill_group(self) -> None:
        """Kill what a dead leader left: an orphaned pool would live on as a double."""
        if self.process is not None:
            # Nobody left is fine; of a group of zombies macOS says that we may not.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


class Output:
    """The children's output, line by line, each line with its child's name."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.partial: dict[int, bytes] = {}

    def follow(self, child: Child, pipe: IO[bytes]) -> None:
        self.partial[pipe.fileno()] = b""
        self.selector.register(pipe, selectors.EVENT_READ, (child.name, pipe))

    def pump(self, timeout_seconds: float) -> None:
        """Print what has come; return early when something came."""
        if not self.selector.get_map():
            time.sleep(timeout_seconds)
            return
        for key, _ in self.selector.select(timeout_seconds):
            name, pipe = key.data
            data = os.read(key.fd, 65536)
            *lines, rest = (self.partial[key.fd] + data).split(b"\n")
            self.partial[key.fd] = rest
            if not data:  # the end: the last line may lack its newline
                lines += [rest] if rest else []
                self.selector.unregister(pipe)
                del self.partial[key.fd]
                pipe.close()
            for line in lines:
                say(line.decode(errors="replace"), name)


class Supervisor:
    """The loop that keeps everything up until it is told to stop."""

    def __init__(self, private: Cluster | None, children: Sequence[Child], url: str) -> None:
        self.private = private
        self.children = children
        self.url = url
        self.output = Output()
        self.signals = 0
        self.url_said = False
        self.next_probe = 0.0
        self.database_backoff = Backoff()

    def run(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        while not self.signals:
            if self._database_is_up():
                for child in self.children:
                    self._keep_running(child)
                self._say_url_once()
            self.output.pump(LOOK_SECONDS)
        self._stop_all()

    def _on_signal(self, _number: int, _frame: object) -> None:
        self.signals += 1

    def _database_is_up(self) -> bool:
        if self.private is None or self.private.is_running:
            return True
        now = time.monotonic()
        if now < self.database_backoff.not_before:
            return False
        say("the database is gone, starting it again")
        try:
            self.private.start()
        except server.ServerUnusable as error:
            wait = self.database_backoff.record_failure(now)
            say(f"{error} Next try in {wait:.0f} s.")
            return False
        self.database_backoff = Backoff()
        say("the database is up again")
        return True

    def _keep_running(self, child: Child) -> None:
        now = time.monotonic()
        if child.is_running or now < child.backoff.not_before:
            return
        if child.process is not None and child.backoff.not_before <= child.backoff.started:
            child.kill_group()
            wait = child.backoff.record_failure(now)
            say(f"{child.name} {_ending(child.process)}, starting again in {wait:.1f} s")
            return
        self.output.follow(child, child.start())

    def _say_url_once(self) -> None:
        now = time.monotonic()
        if self.url_said or now < self.next_probe:
            return
        self.next_probe = now + 0.5
        if answers(self.url):
            self.url_said = True
            say(f"ready: {self.url}  (Ctrl-C stops everything)")

    def _stop_all(self) -> None:
        """Beat first, so that nothing new is asked; then web; then the worker, who may finish."""
        order = {"beat": 0, "web": 1, "worker": 2}
        for child in sorted(self.children, key=lambda child: order[child.name]):
            self._stop(child)
        if self.private is not None:
            self.private.stop()
            say("database stopped")

    def _stop(self, child: Child) -> None:
        """Ask nicely and wait; a second Ctrl-C or too long a wait kills."""
        if child.process is None:
            return
        signals = self.signals
        deadline = time.monotonic() + WARM_STOP_SECONDS
        if child.is_running:
            child.process.terminate()
        while child.is_running and time.monotonic() < deadline and self.signals == signals:
            self.output.pump(0.05)
        was_killed = child.is_running
        child.kill_group()
        child.process.wait()
        self.output.pump(0)
        say(f"{child.name} {'killed' if was_killed else 'stopped'}")


def say(line: str, name: str = "prodacct") -> None:
    print(f"{name:<8} | {line}", flush=True)


def answers(url: str) -> bool:
    """Whether the web answers at all; a refusal is an answer."""
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own address
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def children(port: int, home: Path) -> list[Child]:
    python = [sys.executable, "-m"]
    celery = [*python, "celery", "--quiet", "-A", "prodacct"]
    web = [*python, "granian", "--interface", "wsgi", "--host", HOST, "--port", str(port)]
    web += ["--workers", "1", "--blocking-threads", "4", "prodacct.wsgi:application"]
    worker = [*celery, "worker", "-c", "2", "--without-gossip", "--without-mingle"]
    # Nobody listens to the workers' events, and not every broker carries them.
    worker += ["--without-heartbeat"]
    beat = [*celery, "beat", "-s", str(home / "beat-schedule"), "--pidfile="]
    return [
        Child("web", "web", web),
        Child("worker", "worker", worker),
        Child("beat", "worker", beat),
    ]


def _die_with_parent(parent: int) -> Callable[[], None] | None:
    """Let the kernel end the child when we are killed and cannot (Linux only)."""
    if LIBC is None:
        return None
    libc = LIBC

    def ask_kernel() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # killed between fork and here
            os._exit(1)

    return ask_kernel


def _ending(process: subprocess.Popen[bytes]) -> str:
    code = process.returncode
    return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"


def _port() -> int:
    given = os.environ.get("PRODACCT_PORT", "8000")
    if not given.isdigit() or not 0 < int(given) < 65536:
        raise SystemExit(f"PRODACCT_PORT must be a port number, found {given!r}")
    return int(given)


def _refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise SystemExit(
                f"Port {port} is not free ({error.strerror}): stop its user or set PRODACCT_PORT."
            ) from None


def _claim(home: Path) -> IO[str]:
    """Hold the one right to run this home; two beats and two web servers would fight."""
    make_home(home)
    claim = (home / "supervise.lock").open("a")
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit(
            f"prodacct already runs with {home}: stop it, or set PRODACCT_HOME."
        ) from None
    return claim


def main() -> int:
    port = _port()
    with _claim(server.home()):
        _refuse_taken_port(port)
        try:
            server.ensure()
            schema.ensure()
        except server.ServerUnusable as error:
            raise SystemExit(f"prodacct: {error}") from None
        say("the database is up")
        url = f"http://localhost:{port}/"
        Supervisor(server.cluster(), children(port, server.home()), url).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
