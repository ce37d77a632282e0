"""The signed, expiring statement of who asks and about which production.

Row-level security reads it (access/sql/context.sql). It is set for one transaction, is bound to
the database session by its process id, and is sealed with a key the web role cannot read, so an
SQL injection cannot become another person by setting a variable.
"""

import hashlib
import hmac
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from psycopg.pq import TransactionStatus

REFUSED = "PC001"  # the SQLSTATE of the database's warning
REPLAYED = "replayed"
NOBODY = 0
NO_PRODUCTION = 0
LIFETIME_SECONDS = 300


def context_key() -> bytes:
    """The 32-byte key shared with the database, derived from the installation's secret."""
    secret = settings.SECRET_KEY.encode()
    return hmac.new(secret, b"prodacct row security context v1", hashlib.sha256).digest()


def signed_context(
    *, user_id: int, production_id: int, backend_pid: int, expires: int, viewer_id: int = NOBODY
) -> str:
    """`user.production.expires.pid.mac`, mac an HMAC-SHA256 in hex over what stands before it.

    Where somebody looks at pages as the user, their number stands before the mac as well.
    """
    body = f"{user_id}.{production_id}.{expires}.{backend_pid}"
    if viewer_id != NOBODY:
        body += f".{viewer_id}"
    return body + "." + hmac.new(context_key(), body.encode(), hashlib.sha256).hexdigest()


def enter(
    *,
    user_id: int,
    production_id: int,
    lifetime_seconds: int = LIFETIME_SECONDS,
    viewer_id: int = NOBODY,
) -> None:
    """Set the context for the rest of the current transaction.

    With a viewer, who looks at the pages as the user: the transaction reads only from here on (a
    context with a viewer is nobody's where it could write). Raises AssertionError outside a
    transaction: the setting would outlive the request.
    """
    assert connection.in_atomic_block, "the context belongs to a transaction"
    with connection.cursor() as cursor:
        value = signed_context(
            user_id=user_id,
            production_id=production_id,
            backend_pid=_backend_pid(cursor),
            expires=int(time.time()) + lifetime_seconds,
            viewer_id=viewer_id,
        )
        if viewer_id != NOBODY:
            cursor.execute("SET TRANSACTION READ ONLY")
        _heard().stated.add(value)
        cursor.execute("SELECT set_config('prodacct.context', %s, true)", [value])


@dataclass
class _Heard:
    """What this process stated on a connection, and what the database refused on it."""

    stated: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)


_heard_of: WeakKeyDictionary[object, _Heard] = WeakKeyDictionary()
# Told what was refused where no request is there to be told; an app above says how it is kept.
told_of_refusals: list[Callable[[str], None]] = []


def _heard() -> _Heard:
    connection.ensure_connection()
    found = _heard_of.get(connection.connection)
    if found is None:
        found = _heard_of[connection.connection] = _Heard()
        refused = found.refused  # not the connection, which would then never be let go

        def hear(said: Any) -> None:
            if said.sqlstate == REFUSED:
                refused.add(str(said.message_primary).rpartition(": ")[2])

        connection.connection.add_notice_handler(hear)
    return found


def listen() -> None:
    """From here on what the database refuses is heard; what was stated before is forgotten."""
    heard = _heard()
    heard.refused.clear()
    if not connection.in_atomic_block:
        heard.stated.clear()


def refusals() -> frozenset[str]:
    """Within the transaction: what was wrong with contexts that the database was given meanwhile.

    Words of its warning (access/sql/context_refused.sql), and REPLAYED where the context is right
    but is not one that this process stated: somebody else's statement put it there.
    """
    heard, greeted = _heard(), connection.connection
    # The driver's own: Django asks nothing in a transaction that is to be rolled back.
    if greeted.info.transaction_status == TransactionStatus.INTRANS:
        setting = "SELECT coalesce(current_setting('prodacct.context', true), '')"
        (now,) = greeted.execute(setting).fetchone()
        if now and now not in heard.stated:
            # Looked at once, so that the database says what else is wrong with it.
            (is_right,) = greeted.execute("SELECT sec.context() IS NOT NULL").fetchone()
            if is_right:
                heard.refused.add(REPLAYED)
    return frozenset(heard.refused)


# Connections whose server process is the one they were greeted by, or is not.
_is_direct: WeakKeyDictionary[object, bool] = WeakKeyDictionary()


def _backend_pid(cursor: CursorWrapper) -> int:
    """The server process that carries out this transaction. A pooler greets with a number of its
    own and may give each transaction to another process: behind one it is asked every time."""
    greeted = connection.connection
    if _is_direct.get(greeted):
        return int(greeted.info.backend_pid)
    cursor.execute("SELECT pg_backend_pid()")
    (pid,) = cursor.fetchone()
    _is_direct[greeted] = pid == greeted.info.backend_pid
    return int(pid)


@contextmanager
def acting(
    *, user_id: int, production_id: int, lifetime_seconds: int = LIFETIME_SECONDS
) -> Iterator[None]:
    """One transaction in which `user_id` acts on `production_id`.

    What the database refuses meanwhile is told once the transaction is over.
    """
    is_outermost = not connection.in_atomic_block
    if is_outermost:
        listen()
    wrong: frozenset[str] = frozenset()
    try:
        with transaction.atomic():
            enter(
                user_id=user_id,
                production_id=production_id,
                lifetime_seconds=lifetime_seconds,
            )
            yield
            if is_outermost:
                wrong = refusals()
    finally:
        if is_outermost and connection.connection is not None:
            _tell(wrong | _heard().refused)


def _tell(wrong: frozenset[str] | set[str]) -> None:
    for word in sorted(wrong):
        for tell in told_of_refusals:
            tell(word)
    _heard().refused.clear()


@contextmanager
def as_person(user_id: int) -> Iterator[None]:
    """For a moment `user_id` asks, about no production; then whoever asked before asks again."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting('prodacct.context', true), '')")
        (before,) = cursor.fetchone() or ("",)
        enter(user_id=user_id, production_id=NO_PRODUCTION)
        yield
        cursor.execute("SELECT set_config('prodacct.context', %s, true)", [before])


@contextmanager
def seen_by(*, user_id: int, production_id: int, asker_id: int) -> Iterator[None]:
    """Within a request's transaction: what `user_id` would be shown, and then the asker again.

    For whoever may manage access, and to read only; the caller asks for both.
    """
    enter(user_id=user_id, production_id=production_id)
    yield
    # Not after an error: the transaction is over then, and the context with it.
    enter(user_id=asker_id, production_id=production_id)


def install_key() -> None:
    """Store the context key in the database. The owner's connection only."""
    key = context_key()
    block = key.ljust(64, b"\0")
    inner = bytes(b ^ 0x36 for b in block)
    outer = bytes(b ^ 0x5C for b in block)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM sec.context_key")
        cursor.execute("INSERT INTO sec.context_key VALUES (%s, %s)", [inner, outer])
