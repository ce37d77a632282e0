"""The house is kept up, and comes down in order; with small children in place of the real ones."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from prodacct import supervise
from prodacct.supervise import Backoff

ROOT = Path(supervise.__file__).resolve().parent.parent
# Each child says its name and number, and has a child of its own, as a worker has its pool.
CHILD = """
import os, subprocess, sys, time
pool = subprocess.Popen(["sleep", "600"])
print("up", os.getpid(), pool.pid, os.environ["PRODACCT_ROLE"])
time.sleep(600)
"""
HOUSE = f"""
import sys
from prodacct.supervise import Child, Supervisor
command = [sys.executable, "-c", {CHILD!r}]
children = [Child("web", "web", command), Child("worker", "worker", command),
            Child("beat", "worker", command)]
Supervisor(None, children, "http://127.0.0.1:1/").run()
"""


class House:
    """A running supervisor and what it has said so far."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", HOUSE]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.said: list[str] = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line.rstrip())

    def ups(self, name: str) -> list[tuple[int, int, str]]:
        """(process, its pool, role) of each start of this child."""
        found = [re.match(rf"{name} +\| up (\d+) (\d+) (\w+)", line) for line in [*self.said]]
        return [(int(match[1]), int(match[2]), match[3]) for match in found if match]

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        self.reader.join(20)


def eventually(claim: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not claim() and time.monotonic() < deadline:
        time.sleep(0.02)
    return claim()


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
        return subprocess.run(["kill", "-0", str(pid)], check=False).returncode == 0
    return state not in "ZX"


@pytest.fixture
def house() -> Iterator[House]:
    made = House()
    assert eventually(lambda: all(made.ups(name) for name in ("web", "worker", "beat"))), made.said
    yield made
    made.end()


def test_each_child_has_its_role(house: House) -> None:
    roles = {name: house.ups(name)[0][2] for name in ("web", "worker", "beat")}
    assert roles == {"web": "web", "worker": "worker", "beat": "worker"}


def test_a_dead_child_comes_back_and_its_leftovers_go(house: House) -> None:
    first, pool, _ = house.ups("worker")[0]
    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: len(house.ups("worker")) == 2)
    assert eventually(lambda: not is_alive(pool))
    assert "prodacct | worker was killed by signal 9, starting again in 0.5 s" in house.said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_in_order_with_success(house: House, number: int) -> None:
    house.process.send_signal(number)
    assert house.process.wait(60) == 0
    house.end()
    stops = [line for line in house.said if line.startswith("prodacct")]
    assert stops == [f"prodacct | {name} stopped" for name in ("beat", "web", "worker")]
    for name in ("web", "worker", "beat"):
        for process, pool, _ in house.ups(name):
            assert eventually(lambda pid=process: not is_alive(pid))  # type: ignore[misc]
            assert eventually(lambda pid=pool: not is_alive(pid))  # type: ignore[misc]


def test_children_die_with_a_killed_supervisor(house: House) -> None:
    if sys.platform != "linux":
        return  # only Linux tells a child that its parent died
    house.process.kill()
    for name in ("web", "worker", "beat"):
        process = house.ups(name)[0][0]
        pool = house.ups(name)[0][1]
        assert eventually(lambda pid=process: not is_alive(pid))  # type: ignore[misc]
        os.kill(pool, signal.SIGKILL)  # a real pool watches its parent; this sleep does not


def test_the_wait_doubles_up_to_a_limit_and_a_steady_run_forgets() -> None:
    backoff = Backoff()
    waits = [backoff.record_failure(now) for now in range(8)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30]
    backoff.record_start(100)
    assert backoff.record_failure(100 + supervise.STEADY_SECONDS + 1) == 0.5


def test_a_taken_port_is_refused_by_name() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=f"Port {port} is not free"):
            supervise._refuse_taken_port(port)


def test_a_home_that_is_run_already_is_refused(tmp_path: Path) -> None:
    with (
        supervise._claim(tmp_path),
        pytest.raises(SystemExit, match="already runs with"),
    ):
        supervise._claim(tmp_path)


def test_a_port_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRODACCT_PORT", "web")
    with pytest.raises(SystemExit, match="must be a port number"):
        supervise._port()
