"""A forged context shows nothing, and is written down: in a request, and by the worker."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings as installed
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from access import context
from access.models import User
from access.sessions import hash_of
from readlog.attempt_tables import Attempt
from readlog.reasons import WORDS
from tests.access.house import newcomer, own_connection, read
from tests.factories import Film, cost_line, cost_lines, import_data, role
from tests.signing_in import browser, sign_in

LOOK = "SELECT count(*) FROM ledger_posting"


@pytest.fixture(autouse=True)
def slipped_in(settings: Any, database: None) -> Iterator[None]:
    """Statements of a header are run inside each request."""
    settings.MIDDLEWARE = [*installed.MIDDLEWARE, "tests.readlog.forging.Forger"]
    yield


def setting(value: str) -> str:
    return f"SELECT set_config('prodacct.context', '{value}', true)"


def a_context(person: User, film: Film, *, ago: int = 0, pid: int | None = None, **how: Any) -> str:
    """As the process itself would seal it, on the session of the web role."""
    return context.signed_context(
        user_id=person.pk, production_id=film.production.pk,
        backend_pid=pid or int(read("SELECT pg_backend_pid()")[0][0]),
        expires=int(time.time()) + 300 - ago, **how,
    )  # fmt: skip


def slip(client: Client, film: Film, *statements: str) -> HttpResponse:
    url = reverse("cost_report", args=[film.code])
    return client.get(url, HTTP_X_SQL=json.dumps(statements))


def kept(**of: Any) -> list[dict[str, Any]]:
    with role("owner"):
        rows = Attempt.objects.filter(reason__startswith="context", **of).order_by("pk")
        return list(rows.values("reason", "status", "route", "session_hash", "ip", "count"))


FORGED: dict[str, Callable[[User, Film], str]] = {
    "form": lambda p, f: "7.7.7",
    "seal": lambda p, f: a_context(p, f)[:-1] + "x",
    "expired": lambda p, f: a_context(p, f, ago=400),
    "backend": lambda p, f: a_context(p, f, pid=1),
    "viewer": lambda p, f: a_context(p, f, viewer_id=p.pk),
}


@pytest.mark.parametrize("word", FORGED)
def test_a_forged_context_in_a_request_is_kept_with_session_address_and_reason(
    film: Film, word: str
) -> None:
    amir = film.cast["amir"]
    cho = newcomer(film, "forger", "department_head", ("CAM",))
    client = sign_in(browser(), cho)
    with role("web"):
        answer = slip(client, film, setting(FORGED[word](amir, film)), LOOK)
        assert answer.status_code == 403
        assert "did not accept who asks" in answer.content.decode()
        assert answer.headers["Cache-Control"] == "no-store"
    (found,) = kept(user=cho)
    assert (found["reason"], found["status"], found["route"]) == (
        f"context_{word}", 403, "cost_report",
    )  # fmt: skip
    assert bytes(found["session_hash"]) == hash_of(client.session.session_key or "")
    assert found["ip"] == client.defaults["REMOTE_ADDR"]
    assert found["reason"] in WORDS


def test_who_forges_cannot_hush_it_up_or_put_the_right_one_back(film: Film) -> None:
    cho = newcomer(film, "forger", "department_head", ("CAM",))
    client = sign_in(browser(), cho)
    with role("web"):
        answer = slip(
            client, film, "SET LOCAL client_min_messages = error",
            "SELECT set_config('my.own', current_setting('prodacct.context'), true)",
            setting("1.1.1.1.x"), LOOK,
            "SELECT set_config('prodacct.context', current_setting('my.own'), true)",
        )  # fmt: skip
        assert answer.status_code == 403
    assert [k["reason"] for k in kept(user=cho)] == ["context_seal"]


def test_a_right_context_that_was_not_stated_by_this_request_is_kept(film: Film) -> None:
    """Overheard on the same session of the database, and still good."""
    import_data(film, cost_lines([cost_line(1, vendor="Overheard Ltd")]))
    amir, otto = film.cast["amir"], newcomer(film, "replayer", "department_head", ("ART",))
    client = sign_in(browser(), otto)
    with role("web"):
        answer = slip(client, film, setting(a_context(amir, film)), LOOK)
        assert answer.status_code == 403
        assert slip(client, film).status_code == 200, "the next request is as ever"
    assert [k["reason"] for k in kept(user=otto)] == ["context_replayed"]


def test_a_fault_beside_it_does_not_hide_it(film: Film) -> None:
    cho = newcomer(film, "forger", "department_head", ("CAM",))
    client = sign_in(browser(), cho)
    with role("web"):
        slip(client, film, setting("1.1.1.1.x"), LOOK, "SELECT 1/0")
    assert [k["reason"] for k in kept(user=cho)] == ["context_seal"]


def test_what_is_right_is_not_kept(film: Film) -> None:
    cho = newcomer(film, "honest", "department_head", ("CAM",))
    client = sign_in(browser(), cho)
    with role("web"):
        for name in ("cost_report", "orders", "view_as", "periods"):
            client.get(reverse(name, args=[film.code]))
        client.get("/me/keys/")
        client.post(reverse("logout"))
    assert kept(user=cho) == []


def by_processes() -> int:
    """How often what no request asked for was refused."""
    with role("owner"):
        rows = Attempt.objects.filter(reason="context_seal", agent=installed.ROLE, ip=None)
        return sum(rows.values_list("count", flat=True))


def test_what_the_worker_is_made_to_forge_is_kept(film: Film) -> None:
    before = by_processes()
    with role("worker"):
        with context.acting(user_id=0, production_id=film.production.pk):
            read(setting("1.1.1.1.x"))
            assert read(LOOK) == [(0,)]
        assert by_processes() == before + 1
        with pytest.raises(ZeroDivisionError), context.acting(user_id=0, production_id=1):
            read(setting("1.1.1.1.x"))
            read(LOOK)
            raise ZeroDivisionError
    assert by_processes() == before + 2


def test_the_servers_own_log_has_it_whoever_asked(film: Film) -> None:
    """As from psql: no process of ours hears it there."""
    heard: list[str] = []
    with own_connection("bond") as bond:
        bond.add_notice_handler(lambda said: heard.append(f"{said.severity} {said.sqlstate}"))
        bond.execute("SET client_min_messages = error")
        bond.execute("SELECT set_config('prodacct.context', '1.1.1.1.x', false)")
        assert bond.execute(LOOK).fetchone() == (0,)
        assert bond.execute("SHOW log_min_messages").fetchone() == ("warning",)
        with pytest.raises(Exception, match="permission denied"):
            bond.execute("SET log_min_messages = panic")
    assert set(heard) == {"WARNING PC001"}
    assert connection.connection is not None
